"""init: a first configuration from options or answers, never over one that is there."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from syncd.settings import load
from tests.integration.commands import here

ROOT = Path(__file__).parents[2]
SAID = ("--shop-url", "sqlite:///shop.db", "--connector", "meta", "--account-id", "act_7")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config" / "syncd.yaml"


def test_options_become_a_configuration_with_comments(config: Path) -> None:
    answer = here("init", *SAID, "--segment", "big-spenders", config=config)
    assert (answer.code, answer.err) == (0, "")
    settings = load(config, {})
    assert settings.shop.url == "sqlite:///shop.db"
    assert settings.syncs["big-spenders-meta"].audience.name == "Big spenders"
    assert settings.accounts["meta"].options["account_id"] == "act_7"
    assert config.read_text("utf-8").count("#") > 5
    assert "what to know or do" in answer.out, "it ends with doctor's table"
    assert [path.name for path in config.parent.iterdir()] == ["syncd.yaml"]


@pytest.mark.parametrize("connector", ["google", "google_ads"])
def test_each_platform_is_given_what_it_must_have(config: Path, connector: str) -> None:
    """Secrets as references, nothing else."""
    said = ("--connector", connector, "--account-id", "1234567890")
    assert here("init", *said, config=config).code == 0
    account = yaml.safe_load(config.read_text("utf-8"))["accounts"][connector]
    assert account["credentials"] == {"file": "google_key.json"}
    assert load(config, {}).shop.password is not None


def test_one_that_is_there_is_refused(config: Path) -> None:
    assert here("init", *SAID, config=config).code == 0
    before = config.read_bytes()
    again = here("init", *SAID, config=config)
    assert again.code == 2
    assert "was not touched" in again.err
    assert config.read_bytes() == before


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (("--connector", "mata", "--account-id", "act_7"), 2, "meta"),
        (("--connector", "meta"), 2, "--account-id"),
        ((*SAID, "--segment", "../x"), 2, "cannot name"),
        ((*SAID, "--shop-url", "postgresql://a:hunter2@h/s"), 78, "password"),
        ((*SAID, "--country", "Holland"), 78, "country"),
    ],
)
def test_what_cannot_be_used_writes_nothing(
    config: Path, said: tuple[str, ...], code: int, words: str
) -> None:
    answer = here("init", *said, config=config)
    assert answer.code == code, answer.said
    assert words in answer.err
    assert "hunter2" not in answer.said
    assert not list(config.parent.glob("*"))
    assert not list(config.parent.glob(".*"))


def test_on_a_terminal_it_asks(config: Path) -> None:
    """An empty line takes the default."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", "init", "--config", str(config)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.write(ours, b"sqlite:///shop.db\nEurope/Berlin\nde\n\nact_9\n\n")
    out, err = process.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, err
    assert "The account there" in err
    assert f"wrote {config}" in out
    settings = load(config, {})
    assert settings.accounts["meta"].options["account_id"] == "act_9"
    assert (settings.shop.timezone, settings.shop.default_country) == ("Europe/Berlin", "DE")
    assert list(settings.syncs) == ["newsletter-meta"]
