"""identity explain: each step to a digest, on standard output and nowhere else."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from syncd.app import platforms
from syncd.errors import UsageError
from syncd.identity.columns import digest_of
from syncd.identity.steps import STEPS, traced
from syncd.model import FieldRule, RuleSet
from tests.integration.canaries import files_in, leaks
from tests.integration.commands import Answer, here

ROOT = Path(__file__).parents[2]
MAIL, PHONE, NAME = "Quirijn.Canary77@Aviary-9.Example.com", "06 3141 0077", "Zwartvogelaar Zeven"
META = ("identity", "explain", "--platform", "meta")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def explain(given: str, *words: str, platform: str = "meta") -> Answer:
    return here("identity", "explain", "--platform", platform, *words, given=given.encode())


def process(given: bytes, *words: str, folder: Path) -> Answer:
    done = subprocess.run(
        [sys.executable, "-m", "syncd", *words],
        input=given,
        capture_output=True,
        cwd=folder,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


def rows(out: str) -> list[tuple[str, str]]:
    """The first and the last column of what is explained."""
    lines = out[out.index("step ") :].splitlines()[1:]
    width = len(out[out.index("step ") :].splitlines()[0].partition("does")[0])
    return [(line[:width].strip(), line.rpartition("  ")[2]) for line in lines if line]


# --- explain ------------------------------------------------------------------------


def test_a_phone_is_explained_step_by_step() -> None:
    answer = explain("06 12345678\n", "--field", "phone", "--country", "NL")
    assert (answer.code, answer.err) == (0, "")
    assert "phone at meta, by rule set meta 2; sent as its SHA-256" in answer.out
    assert "source: Meta Marketing API, Customer File Custom Audiences" in answer.out
    assert "as of 2026-11-22" in answer.out
    assert "country: NL" in answer.out
    assert "read a phone number: E.164" in answer.out
    assert rows(answer.out) == [
        ("", '"06 12345678"'),
        ("trim", '"06 12345678"'),
        ("phone", '"+31612345678"'),
        ("no_plus", '"31612345678"'),
        ("sha256", sha256("31612345678")),
    ]


def test_every_line_is_a_value_and_email_the_field() -> None:
    answer = explain("Jan.J+x@GMail.com\r\n\nAnne@Example.com", "--json", platform="google")
    first, second, third = answer.json["values"]
    assert answer.code == 0
    assert answer.json["field"] == "email"
    assert first["steps"][-1] == {
        "step": "gmail",
        "does": "at Gmail, take out dots and what follows a plus",
        "value": "janj@gmail.com",
    }
    assert first["digest"] == sha256("janj@gmail.com")
    assert (second["steps"], second["digest"], second["refused"]) == ([], None, None)
    assert third["digest"] == sha256("anne@example.com")


@pytest.mark.parametrize(
    ("given", "words", "said"),
    [
        ("a@b.nl;c@d.nl", (), "refused: two addresses in one cell"),
        (sha256("a@b.nl"), (), "set `prehashed: true` on the segment"),
        ("0612345678", ("--field", "phone"), "set shop.default_country"),
        (" \u200b", (), "nothing there: left out"),
    ],
)
def test_what_cannot_be_used_exits_3_and_says_why(
    given: str, words: tuple[str, ...], said: str
) -> None:
    answer = explain(given, *words)
    assert answer.code == 3
    assert said in answer.out
    assert answer.err == ""


def test_one_refused_value_among_good_ones_exits_3() -> None:
    assert explain("a@b.nl\nnone\n").code == 3
    assert explain("a@b.nl\n\n").code == 0


def test_blanks_that_nobody_sees_are_seen() -> None:
    """Two values that look alike, and the signs in which they differ."""
    answer = explain("a\u200bb@c.nl\u00a0\nAme\u0301lie@c.nl\n")
    assert r'"a\u200bb@c.nl\xa0"' in answer.out
    assert r'"Ame\u0301lie@c.nl"' in answer.out
    assert '"amélie@c.nl"' in answer.out
    assert "\u200b" not in answer.out


def test_the_country_is_the_members_else_the_shops_and_an_unreadable_one_is_none() -> None:
    """As in a run: what is stated and cannot be read is not the default."""
    phone = ("--field", "phone", "--default-country", "NL")
    for given, words, digest in (
        ("06 12345678", (), sha256("31612345678")),
        ("0470 12 34 56", ("--country", "be"), sha256("32470123456")),
        ("06 12345678", ("--country", "Holland"), None),
    ):
        answer = explain(given, *phone, *words, "--json")
        assert answer.json["values"][0]["digest"] == digest
    assert "no two-letter code" in explain("0612345678", *phone, "--country", "Holland").out


def test_a_value_that_travels_as_text_is_shown_as_text() -> None:
    answer = explain(" 1012 ab ", "--field", "postcode", platform="google")
    assert answer.code == 0
    assert "sent as text" in answer.out
    assert rows(answer.out)[-1] == ("text", '"1012 ab"')


def test_any_installed_connector_is_a_platform_with_its_own_rules_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = RuleSet("mine", "7", (FieldRule("email", ("trim",), True, "our guide", "2026-11-30"),))
    theirs = replace(platforms()["memory"], name="theirs", rules=own)
    monkeypatch.setattr(
        "syncd.cli.identity.installed_platforms",
        lambda: {"theirs": theirs, "memory": platforms()["memory"]},
    )
    answer = explain(" Jan@X.nl ", platform="theirs")
    assert "by rule set mine 7" in answer.out
    assert "source: our guide, as of 2026-11-30" in answer.out
    assert sha256("Jan@X.nl") in answer.out
    assert "by rule set meta 2" in explain("a@b.nl", platform="memory").out
    assert "by rule set google 2" in explain("a@b.nl", platform="google").out, "shipped"


WRONG: list[tuple[tuple[str, ...], bytes, str]] = [
    ((*META, "--field", "mail"), MAIL.encode(), "its fields are email, phone, device_id"),
    (("identity", "explain", "--platform", "mata"), MAIL.encode(), "did you mean meta?"),
    (("identity", "explain"), MAIL.encode(), "--platform"),
    ((*META, "--default-country", "Holland"), MAIL.encode(), "write it as in NL"),
    (META, b"", "standard input is empty"),
    (META, f"a@b.nl\n{MAIL}".encode() + b"\xff\n", "line 2 of standard input is not text in UTF-8"),
    ((*META, MAIL), MAIL.encode(), "values are read from standard input"),
]


@pytest.mark.parametrize(("words", "given", "said"), WRONG)
def test_a_wrong_explain_exits_2_and_repeats_no_value(
    words: tuple[str, ...], given: bytes, said: str
) -> None:
    answer = here(*words, given=given)
    assert (answer.code, answer.out) == (2, "")
    assert said in " ".join(answer.err.split())
    assert leaks([MAIL], {"stderr": answer.err.encode()}) == []


def test_on_a_terminal_it_asks_and_takes_one_line(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    os.write(ours, b"Jan@Example.com\nanother@example.com\n")
    done = subprocess.run(
        [sys.executable, "-m", "syncd", *META],
        stdin=theirs,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0
    assert sha256("jan@example.com") in done.stdout
    assert "another" not in done.stdout
    assert done.stderr.startswith("Type or paste a value for email")
    assert "xample" not in done.stderr


# --- explain keeps to standard output --------------------------------------------------


def heard(folder: Path) -> dict[str, bytes]:
    """All that explain left but what it was asked to print; of a good day and bad ones."""
    given = f"{MAIL}\n{MAIL};{MAIL}\n".encode()
    found: dict[str, bytes] = {}
    for number, (words, value) in enumerate(
        [
            ((*META,), given),
            ((*META, "--json"), given),
            ((*META, "--field", "phone", "--country", "NL"), PHONE.encode()),
            ((*META, "--field", "family_name"), NAME.encode()),
            *((words, value) for words, value, _ in WRONG if MAIL not in words),
        ]
    ):
        answer = here("-v", *words, given=value)
        found[f"{number} stderr"] = answer.err.encode()
    alone = process(given, "-v", *META, folder=folder)
    found["stderr of a process"] = alone.err.encode()
    return found | dict(files_in(folder))


def log_it(patch: pytest.MonkeyPatch) -> None:
    """The log tells what is explained."""

    def talkative(steps: Any, value: str, country: str | None) -> Any:
        structlog.get_logger().warning("value_explained", name=f"<{value}")
        return traced(steps, value, country)

    patch.setattr("syncd.cli.identity.traced", talkative)


def complain_of_it(patch: pytest.MonkeyPatch) -> None:
    """Standard error tells the digest."""

    def talkative(value: str) -> bytes:
        sys.stderr.write(f"{digest_of(value).hex()}\n")
        return digest_of(value)

    patch.setattr("syncd.cli.identity.digest_of", talkative)


def refuse_it_aloud(patch: pytest.MonkeyPatch) -> None:
    """An error repeats the line that it is about."""

    def talkative(line: bytes, number: int) -> str:
        raise UsageError(f"line {number} is {line!r}")

    patch.setattr("syncd.cli.identity._decoded", talkative)


CANARIES = [MAIL, PHONE, NAME, "+31631410077", "Zwartvogelaar"]


def test_what_is_explained_stays_on_standard_output(tmp_path: Path) -> None:
    assert sha256(MAIL.lower()) in explain(MAIL).out
    assert leaks(CANARIES, heard(tmp_path)) == []


@pytest.mark.parametrize("plant", [log_it, complain_of_it, refuse_it_aloud])
def test_a_leak_planted_in_explain_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    assert leaks(CANARIES, heard(tmp_path))


def test_a_step_that_breaks_over_a_value_repeats_none_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(value: str, _country: str | None) -> str:
        raise ValueError(f"cannot read {value}")

    monkeypatch.setitem(STEPS, "lower", replace(STEPS["lower"], run=breaks))
    answer = here("-v", *META, given=MAIL.encode())
    assert answer.code == 1
    assert "broke with ValueError" in answer.err
    assert leaks([MAIL], {"said": answer.said.encode()}) == []
