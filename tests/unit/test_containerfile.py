"""The container file names what there is. It cannot be built here: no engine, no base image."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from syncd.cli.application import application

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "config" / "Containerfile").read_text("utf-8")
_BUILT = re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE).replace("\\\n", " ")
STEPS = [tuple(line.split(maxsplit=1)) for line in _BUILT.splitlines() if line]
LAST = STEPS[max(at for at, (word, _) in enumerate(STEPS) if word == "FROM") :]


def said(word: str) -> str:
    """What the image itself, the last stage, says once."""
    (found,) = [rest for step, rest in LAST if step == word]
    return found


def copied() -> list[str]:
    """What is taken from the repository."""
    words = [rest.split() for word, rest in STEPS if word == "COPY" and "--from" not in rest]
    return [source for sources in words for source in sources[:-1]]


def test_every_path_it_copies_is_there_and_let_through() -> None:
    """`.dockerignore` keeps out all the rest: a configuration, a ledger, a secret."""
    assert len(copied()) == 6
    for source in copied():
        assert (ROOT / source).exists(), source
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in lines
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(copied())


def test_the_build_has_what_the_package_is_made_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    assert needed | {name.rstrip("*") for name in packages} <= set(copied())
    assert "--require-hashes --requirement requirements.lock" in TEXT


def test_its_python_is_one_that_syncd_takes() -> None:
    bases = {rest.split()[0] for word, rest in STEPS if word == "FROM"}
    (base,) = bases
    found = re.fullmatch(r"docker\.io/library/python:3\.(\d+)-slim", base)
    assert found
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bounds = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"])
    assert bounds
    assert int(bounds[1]) <= int(found[1]) < int(bounds[2])


def test_it_runs_as_nobody_special_and_stops_by_sigterm() -> None:
    user = said("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    number, _, group = user.partition(":")
    assert f"useradd --uid {number} --gid {group} " in TEXT
    assert f"groupadd --gid {group} " in TEXT
    assert said("STOPSIGNAL") == "SIGTERM"
    assert said("WORKDIR") == said("VOLUME") == "/var/lib/syncd"


def test_nothing_secret_is_in_it() -> None:
    assert [rest for word, rest in STEPS if word in {"ARG", "ADD"}] == []
    given = dict(pair.split("=", 1) for pair in said("ENV").split())
    assert set(given) == {
        "PATH",
        "SYNCD_CONFIG",
        "CREDENTIALS_DIRECTORY",
        "PYTHONDONTWRITEBYTECODE",
    }


@pytest.mark.parametrize("word", ["HEALTHCHECK", "CMD"])
def test_it_calls_commands_that_there_are(word: str) -> None:
    assert json.loads(said("ENTRYPOINT")) == ["syncd"]
    words = json.loads(said(word)[said(word).index("[") :])
    called = [each for each in words if each != "syncd" and not each.startswith("-")]
    there = getattr(get_command(application), "commands", {})
    if called == ["run"] and "run" not in there:
        pytest.skip("syncd run is not built yet")
    assert set(called) <= set(there)
    known = {option for name in called for each in there[name].params for option in each.opts}
    assert {each for each in words if each.startswith("--")} <= known
