"""doctor: the installed copy against the published vectors."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import phonenumbers
import pytest

from syncd.identity.steps import STEPS
from tests.integration.commands import here


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory without a configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("words", [("doctor",), ("doctor", "identity")])
def test_doctor_proves_the_installed_rules(words: tuple[str, ...]) -> None:
    answer = here(*words)
    assert (answer.code, answer.err) == (0, "")
    for platform in ("meta", "google"):
        for field in ("email", "phone", "given_name", "family_name", "postcode", "country"):
            assert any(
                line.split()[:2] == [platform, field] and line.split()[-1] == "0"
                for line in answer.out.splitlines()
            ), (platform, field)
    assert "come out right" in answer.out
    assert f"phonenumbers {phonenumbers.__version__}" in answer.out
    assert unicodedata.unidata_version in answer.out
    assert "meta 2, google 2" in answer.out


@pytest.mark.usefixtures("nowhere")
def test_doctor_tells_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = here("doctor", "--json").json["identity"]
    assert found["good"] is True
    assert {"platform", "field", "vectors", "official", "failures"} == set(found["proven"][0])
    assert found["versions"]["Unicode"].startswith(unicodedata.unidata_version)
    monkeypatch.setattr("syncd.identity.proof.run", lambda: ())
    assert here("doctor", "--json").json["identity"]["good"] is False


def test_doctor_finds_a_rule_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy whose lower-casing does nothing: the failures are named, and it exits 1."""
    lame = replace(STEPS["lower"], run=lambda value, _: value, shortcut=lambda values, _: values)
    monkeypatch.setitem(STEPS, "lower", lame)
    answer = here("doctor", "identity")
    assert answer.code == 1
    assert "meta_email.json" in answer.out
    assert "Send nothing" in answer.out
    found = here("doctor", "identity", "--json")
    assert found.code == 1
    assert any(each["failures"] for each in found.json["identity"]["proven"])


def test_without_vectors_nothing_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.identity.proof.run", lambda: ())
    answer = here("doctor")
    assert answer.code == 1
    assert "nothing is proven" in answer.out
