"""How alerts go out: signed, at least once, and without a secret in any word of it."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from syncd import alerts, logs
from syncd.alerts.channels import NO_ANSWER, TAKEN, Message, _within, channel
from syncd.errors import ConfigError
from syncd.ledger.alerting import Change
from syncd.ledger.store import Ledger
from tests.integration.deaths import Death, Died, MortalTransactions, When, Wire
from tests.integration.ledger_databases import NOON, Hands
from tests.integration.receivers import Heard, Receiver, receiving
from tests.integration.watching import Scene, configured, opened

SECRET = "s3cr3t-that-nobody-may-see-4711"
TOLD = Message(
    "n1", "opened", "sync whales", "failed", NOON, "syncd: it failed", "Run r1 failed: ü."
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """All that is logged meanwhile, down to debugging."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.set_up(stream, {}, level=logging.DEBUG)
    root.setLevel(logging.DEBUG)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def scene(folder: Path, **targets: dict[str, Any]) -> Any:
    """Settings with these targets; each value of a target is put into a file of its own."""
    written: dict[str, Any] = {}
    for name, target in targets.items():
        written[name] = {}
        for key, text in target.items():
            (folder / f"{name}_{key}").write_text(f"{text}\n", "utf-8")
            written[name][key] = {"file": f"{name}_{key}"}
    return configured(folder, alerts={"targets": written})


def webhook(receiver: Receiver) -> dict[str, Any]:
    return {"webhook": f"{receiver.url}/{SECRET}", "secret": SECRET}


def through(receiver: Receiver, **parameters: str) -> dict[str, Any]:
    given = "".join(f"?{key}={value}" for key, value in parameters.items())
    return {"apprise": f"json://u:{SECRET}@127.0.0.1:{receiver.port}/{SECRET}{given}"}


def test_a_webhook_is_signed_so_that_its_receiver_can_check_it(
    tmp_path: Path, receiver: Receiver
) -> None:
    """The signature is computed here again, by what the example configuration says."""
    way = channel(scene(tmp_path, ops=webhook(receiver)), "ops", Hands())
    assert way.send(TOLD) == TAKEN
    (heard,) = receiver.heard
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", heard.headers["Syncd-Signature"])
    assert found
    assert int(found[1]) == NOON.timestamp()
    expected = hmac.new(SECRET.encode(), f"{found[1]}.".encode() + heard.body, hashlib.sha256)
    assert hmac.compare_digest(found[2], expected.hexdigest())
    assert heard.headers["Syncd-Id"] == heard.json["id"] == "n1"
    assert heard.json == {
        "id": "n1",
        "turn": "opened",
        "subject": "sync whales",
        "condition": "failed",
        "at": "2026-11-22T12:00:00+00:00",
        "title": "syncd: it failed",
        "said": "Run r1 failed: ü.",
    }


def test_apprise_carries_the_same_words_and_the_id(tmp_path: Path, receiver: Receiver) -> None:
    way = channel(scene(tmp_path, chat=through(receiver)), "chat", Hands())
    assert way.send(TOLD) == TAKEN
    (heard,) = receiver.heard
    assert heard.json["title"] == "syncd: it failed"
    assert heard.json["message"] == "Run r1 failed: ü.\n\n(n1)"
    assert heard.json["type"] == "warning"


@pytest.mark.parametrize("kind", [webhook, through])
@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_nothing_but_2xx_is_a_yes_and_no_redirect_is_followed(
    tmp_path: Path, receiver: Receiver, kind: Any, status: int
) -> None:
    with receiving() as elsewhere:
        receiver.answers, receiver.location = [status], f"{elsewhere.url}/stolen"
        target = kind(receiver, redirect="yes") if kind is through else kind(receiver)
        assert channel(scene(tmp_path, ops=target), "ops", Hands()).send(TOLD) != TAKEN
        assert len(receiver.heard) == 1
        assert elsewhere.heard == []


@pytest.mark.parametrize("kind", [webhook, through])
def test_a_target_that_is_not_there_is_no_answer(
    tmp_path: Path, receiver: Receiver, kind: Any, said: io.StringIO
) -> None:
    way = channel(scene(tmp_path, ops=kind(receiver)), "ops", Hands())
    receiver.server.server_close()
    assert way.send(TOLD) in {NO_ANSWER, "not_taken"}
    assert SECRET not in said.getvalue()
    assert SECRET not in repr(way)


def test_an_attempt_ends_however_slowly_a_receiver_answers() -> None:
    """And its thread does not keep the process: it is a daemon's."""
    never = threading.Event()
    assert _within(0.05, lambda: str(never.wait())) == NO_ANSWER
    (left,) = [each for each in threading.enumerate() if each.name == "syncd alert"]
    assert left.daemon
    never.set()
    left.join()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (f"nosuch://{SECRET}", "no such service"),
        (f"slack://{SECRET}", "not complete"),
        (f"json://example.com/{SECRET}", "not encrypted: use jsons://"),
        (f"mailto://u:{SECRET}@example.com", "not encrypted: use mailtos://"),
        (f"jsons://example.com/{SECRET}?verify=no", "certificates are checked"),
    ],
)
def test_an_address_that_may_not_be_used_is_refused_without_being_repeated(
    tmp_path: Path, said: io.StringIO, address: str, words: str
) -> None:
    settings = scene(tmp_path, chat={"apprise": address})
    with pytest.raises(ConfigError, match=re.escape(words)) as refused:
        channel(settings, "chat", Hands())
    assert str(refused.value).startswith(str(settings.path))
    assert "alerts.targets.chat.apprise" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert SECRET not in said.getvalue()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"apprise": f"slack://{SECRET}"}, "may not be written here"),
        ({"webhook": "https://a.example/x", "secret": SECRET}, "may not be written here"),
        ({"webhook": f"https://u:{SECRET}@a.example", "secret": "${S}"}, "no login"),
        ({"webhook": f"https://a.example/?key={SECRET}", "secret": "${S}"}, "no login"),
        ({"webhook": "http://a.example/x", "secret": "${S}"}, "use https://"),
        ({"webhook": "https://${HOST}/x", "secret": "${S}"}, "must be https://"),
        ({"webhook": "https://a.example/x"}, "go together"),
        ({"apprise": "${A}", "secret": "${S}"}, "go together"),
        ({"apprise": "${A}", "webhook": "${W}", "secret": "${S}"}, "one of"),
        ({}, "one of"),
        ({"aprise": "${A}"}, "did you mean apprise"),
    ],
)
def test_a_target_is_checked_and_holds_no_secret(
    tmp_path: Path, target: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)) as refused:
        configured(tmp_path, alerts={"targets": {"ops": target}})
    assert SECRET not in str(refused.value)


def test_a_webhook_behind_a_reference_is_encrypted_too(tmp_path: Path) -> None:
    target = {"webhook": f"http://a.example/{SECRET}", "secret": SECRET}
    with pytest.raises(ConfigError, match="use https://") as refused:
        channel(scene(tmp_path, ops=target), "ops", Hands())
    assert SECRET not in str(refused.value)


# --- the outbox ---------------------------------------------------------------------


def waiting(place: Scene, number: int = 1) -> None:
    """Something to tell."""
    one = Change(f"n{number}", f"sync s{number}", "failed", "opened", f"Number {number}.")
    targets = tuple(place.settings.alerts.targets)
    assert place.ledger.alerts.keep([one], targets=targets, now=place.clock.now()) == 1


def test_what_is_not_taken_is_tried_again_in_order_and_then_given_up(
    tmp_path: Path, receiver: Receiver, said: io.StringIO
) -> None:
    clock = Hands()
    with opened(tmp_path, clock) as ledger:
        place = Scene(ledger, scene(tmp_path, ops=webhook(receiver)), clock)
        waiting(place, 1)
        waiting(place, 2)
        receiver.answers = [503] * 2
        assert alerts.deliver(place) == 0
        assert [one.json["id"] for one in receiver.heard] == ["n1"] * 2, "n2 does not overtake"
        due = alerts.next_at(place)
        assert alerts.deliver(place) == 0
        assert len(receiver.heard) == 2, "left alone for a while"
        clock.pass_by(hours=1)
        assert due is not None
        assert alerts.deliver(place) == 2
        assert [one.json["id"] for one in receiver.heard[2:]] == ["n1", "n2"]
        assert ledger.alerts.backlog() == {}
        waiting(place, 3)
        while ledger.alerts.backlog() != {("ops", "given up"): 1}:
            receiver.answers = [500] * 2
            alerts.deliver(place)
            clock.pass_by(hours=1)
        assert clock.now() - NOON > timedelta(days=7)
        (last, *_) = ledger.alerts.deliveries()
        assert (last.state, last.code) == ("given up", "http_500")
    assert SECRET not in said.getvalue()


def test_what_another_thread_puts_there_meanwhile_goes_out_too(
    tmp_path: Path, receiver: Receiver
) -> None:
    clock = Hands()
    with opened(tmp_path, clock) as ledger:
        place = Scene(ledger, scene(tmp_path, ops=webhook(receiver)), clock)
        waiting(place, 1)
        left: list[int] = []

        def meanwhile(_: Heard) -> None:
            if not left:
                waiting(place, 2)
                left.append(alerts.deliver(place))

        receiver.before = meanwhile
        assert alerts.deliver(place) == 2
        assert left == [0], "one thread sends"
        assert [one.json["id"] for one in receiver.heard] == ["n1", "n2"]


def test_one_message_that_is_refused_keeps_no_other(tmp_path: Path, receiver: Receiver) -> None:
    clock = Hands()
    with opened(tmp_path, clock) as ledger:
        place = Scene(ledger, scene(tmp_path, ops=webhook(receiver)), clock)
        waiting(place, 1)
        waiting(place, 2)
        receiver.answers = [400]
        assert alerts.deliver(place) == 1
        waiting(place, 3)
        assert alerts.deliver(place) == 1
        assert [one.json["id"] for one in receiver.heard] == ["n1", "n2", "n3"]


def test_a_target_that_is_down_delays_no_other(tmp_path: Path, receiver: Receiver) -> None:
    clock = Hands()
    with receiving() as other, opened(tmp_path, clock) as ledger:
        settings = scene(
            tmp_path,
            down=webhook(receiver),
            up=webhook(other),
            broken={"apprise": f"nosuch://{SECRET}"},
        )
        place = Scene(ledger, settings, clock)
        receiver.server.server_close()
        waiting(place)
        assert alerts.deliver(place) == 1
        assert [one.json["id"] for one in other.heard] == ["n1"]
        states = {one.target: (one.state, one.code) for one in ledger.alerts.deliveries()}
        assert states == {
            "down": ("waiting", "no_answer"),
            "up": ("sent", ""),
            "broken": ("waiting", "not_configured"),
        }
        # A target that the configuration has no more keeps nothing waiting.
        alerts.deliver(Scene(ledger, scene(tmp_path, up=webhook(other)), clock))
        assert ledger.alerts.backlog() == {("down", "given up"): 1, ("broken", "given up"): 1}


WHENS: tuple[When, ...] = ("before", "after")
DEATHS = [Death("commit", number, when) for number in (1, 2, 3) for when in WHENS]


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: f"{death.when}-{death.number}")
def test_a_death_around_any_commit_loses_no_message_and_doubles_one_at_most(
    tmp_path: Path, receiver: Receiver, death: Death
) -> None:
    """Of what is new, and of each target that took it."""
    clock = Hands()
    with receiving() as other, opened(tmp_path, clock) as ledger:
        settings = scene(tmp_path, one=webhook(receiver), two=webhook(other))
        place = Scene(ledger, settings, clock)
        place.fails()
        tx = ledger.transactions
        mortal = MortalTransactions(tx.engine, tx.audit_key, Wire(death))
        dying = replace(place, ledger=Ledger(mortal, ledger.ledger_id, clock))
        with pytest.raises(Died):
            alerts.tell(dying)
        assert len(receiver.heard) + len(other.heard) < 3
        next_process = replace(place, ledger=Ledger(tx, ledger.ledger_id, clock))
        alerts.tell(next_process)
        alerts.tell(next_process)
        ids = [[one.json["id"] for one in each.heard] for each in (receiver, other)]
        assert len({one for heard in ids for one in heard}) == 1, "the same message to both"
        assert all(ids), "each target has it"
        assert sum(map(len, ids)) <= 3, "one of them twice at most"
        assert [one.condition for one in ledger.alerts.open()] == ["failed"]
        assert ledger.alerts.backlog() == {}


def test_a_ledger_that_cannot_be_written_harms_no_run(
    tmp_path: Path, receiver: Receiver, said: io.StringIO
) -> None:
    clock = Hands()
    with opened(tmp_path, clock) as ledger:
        place = Scene(ledger, scene(tmp_path, ops=webhook(receiver)), clock)
        place.fails()
        with ledger.transactions.write() as tx:
            tx.exec_driver_sql("ALTER TABLE delivery RENAME TO away")
        with alerts.watched(place):
            pass
        with ledger.transactions.write() as tx:
            tx.exec_driver_sql("ALTER TABLE away RENAME TO delivery")
        events = [json.loads(line)["event"] for line in said.getvalue().splitlines()]
        assert "alerts_failed" in events
        assert ledger.alerts.open() == ()
        alerts.tell(place)
        assert receiver.told == [("opened", "sync whales", "failed")]
