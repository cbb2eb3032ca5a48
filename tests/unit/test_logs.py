"""What reaches the log, and in which form."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import uuid
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from syncd import logs
from syncd.errors import ConfigError

EMAIL = "Anna.Jansen+shop@example.com"
DIGEST = hashlib.sha256(EMAIL.encode()).hexdigest()
TOKEN = "EAAB" + "x7Qz" * 12


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers = []
    yield
    root.handlers = before
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def written(stream: io.StringIO) -> dict[str, object]:
    [line] = stream.getvalue().splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    logs.set_up(stream, {})
    return stream


def test_a_pipe_gets_one_json_object_a_line(stream: io.StringIO) -> None:
    structlog.get_logger().info("batch_pushed", rows=3, wait_s=0.5, final=True, label=None)

    event = written(stream)

    assert str(event.pop("timestamp")).endswith("Z")
    assert event == {
        "event": "batch_pushed",
        "level": "info",
        "rows": 3,
        "wait_s": 0.5,
        "final": True,
        "label": None,
    }


def test_a_terminal_gets_text_and_journald_gets_json_even_there() -> None:
    person, journal = Terminal(), Terminal()

    logs.set_up(person, {"NO_COLOR": "1"})
    structlog.get_logger().info("run_started", sync="whales-meta")
    logs.set_up(journal, {"JOURNAL_STREAM": "8:1234"})
    structlog.get_logger().info("run_started", sync="whales-meta")

    assert "run_started" in person.getvalue()
    assert "sync=whales-meta" in person.getvalue()
    assert written(journal)["sync"] == "whales-meta"


def test_what_is_bound_once_stands_in_every_event(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(sync="whales-meta", run="r1"):
        structlog.get_logger().info("plan_made")

    assert written(stream)["run"] == "r1"


def test_anything_but_a_plain_value_becomes_its_types_name(stream: io.StringIO) -> None:
    """The keyword that was one too many says what it was, and nothing of what it held."""
    structlog.get_logger().info(
        "batch_pushed", batch={"email": EMAIL}, key=b"secret", rows=[DIGEST], share=float("nan")
    )

    event = written(stream)

    assert event["batch"] == "<dict>"
    assert event["key"] == "<bytes>"
    assert event["rows"] == "<list>"
    assert event["share"] == "nan"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"no such user {EMAIL}", "no such user <e-mail>"),
        (f"row {DIGEST} refused", "row <digest> refused"),
        (f"row {DIGEST.upper()} refused", "row <digest> refused"),
        (f"url?access_token={TOKEN}&x=1", "url?access_token=<token>&x=1"),
        ("Bearer 4/0AX4XfWh9aB3dE5fG7hJ2kL4mN6pQ8rS1tU3vW5xY7z==", "Bearer <token>"),
    ],
)
def test_data_inside_a_text_is_blanked(stream: io.StringIO, text: str, left: str) -> None:
    structlog.get_logger().info("push_failed", detail=text)

    assert written(stream)["detail"] == left


@pytest.mark.parametrize(
    "text",
    [
        str(uuid.UUID(int=2**127 + 12345)),
        uuid.UUID(int=2**127 + 12345).hex,
        "/var/lib/syncd/membership/meta/act_123/generations/current-plan",
        "removals are held: 31.2 % of 12,400 members, limit 30 %",
        "postgresql+psycopg://syncd_ro@db/shop",
        "2026-11-22T05:51:00.123456Z",
    ],
)
def test_what_we_say_ourselves_is_left_alone(text: str) -> None:
    assert logs.scrubbed(text) == text


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_surroundings_hide_a_digest(before: str, after: str) -> None:
    """Whatever a digest is glued to, it does not come through whole."""
    assert DIGEST not in logs.scrubbed(before + DIGEST + after)


def test_an_exceptions_message_stays_out(stream: io.StringIO) -> None:
    """Vendors write requests into theirs: type and place are enough to find the line."""
    try:
        raise ValueError(f"bad row: Jansen, {EMAIL}")  # noqa: TRY301  # raised to be logged
    except ValueError:
        structlog.get_logger().exception("run_failed")

    event = written(stream)

    assert event["error"] == "ValueError"
    assert "test_an_exceptions_message_stays_out" in str(event["error_at"])
    assert "Jansen" not in stream.getvalue()


def test_our_own_errors_keep_their_words(stream: io.StringIO) -> None:
    structlog.get_logger().error("run_failed", exc_info=ConfigError("is empty", where="a.yaml:1"))

    assert written(stream)["error_text"] == "a.yaml:1: is empty"


def test_a_library_is_quoted_without_its_values(stream: io.StringIO) -> None:
    library = logging.getLogger("urllib3.connectionpool")
    library.warning("Retrying after connection broken: %s", f"/users?who={EMAIL}&name=Jansen")
    library.debug("not written at all")

    event = written(stream)

    assert event["event"] == "library_warned"
    assert event["logger"] == "urllib3.connectionpool"
    assert event["template"] == "Retrying after connection broken: %s"
    assert "Jansen" not in stream.getvalue()


def test_a_library_may_use_levels_of_its_own(stream: io.StringIO) -> None:
    logging.getLogger("odd").log(35, "between warning and error")

    assert written(stream)["level"] == "warning"


def test_events_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    logs.set_up(stream, {}, level=logging.WARNING)

    structlog.get_logger().info("batch_pushed")

    assert stream.getvalue() == ""
