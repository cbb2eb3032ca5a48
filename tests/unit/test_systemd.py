"""The units: sound, closed to the limits that we state, and explained line by line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from syncd import settings
from syncd.cli.application import application
from syncd.errors import Busy, ConfigError, Denied, Held, UsageError

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
README = (UNITS / "README.md").read_text("utf-8")
EXAMPLE = ROOT / "config" / "syncd.example.yaml"
LETTERS = {
    "D": "syncd.service",
    "S": "syncd-scheduled.service",
    "W": "syncd-web.service",
    "T": "syncd-scheduled.timer",
    "F": "syncd-failed@.service",
}
LIMITS = {
    "D": 1.1,
    "S": 1.1,
    "W": 0.3,
    "F": 1.1,
}  # what `systemd-analyze security` may give at most
SYNCD = "/opt/syncd/bin/syncd"


def lines(letter: str) -> list[tuple[str, str]]:
    """Each setting of a unit as (section, `Name=value`), in the file's order."""
    found, section = list[tuple[str, str]](), ""
    for line in (UNITS / LETTERS[letter]).read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            found.append((section, line))
    return found


def values(letter: str, name: str) -> list[str]:
    return [line.partition("=")[2] for _, line in lines(letter) if line.startswith(f"{name}=")]


def explained() -> list[tuple[str, str]]:
    """Each (letter, `Name=value`) of the tables under "Every line"."""
    tables = README.partition("\n## Every line\n")[2].partition("\n## What stays open")[0]
    rows = re.findall(r"^\| (`.*`) \| ([DSWTF ]+) \| .*\|$", tables, re.MULTILINE)
    return [
        (letter, line)
        for cell, letters in rows
        for letter in letters.split()
        for line in re.findall(r"`([^`]+)`", cell)
    ]


@pytest.fixture
def analyze() -> str:
    """The real tool. CI has to have it."""
    found = shutil.which("systemd-analyze")
    if found is None:
        assert os.environ.get("CI") != "true", "CI needs systemd-analyze, of Debian's systemd"
        pytest.skip("systemd-analyze is not installed here")
    return found


def test_the_folder_holds_what_is_tested() -> None:
    found = {path.name for path in UNITS.iterdir()}
    assert found == {
        *LETTERS.values(),
        *("README.md", "syncd.sysusers", "syncd.tmpfiles", "syncd-as-service"),
    }


@pytest.mark.parametrize("letter", LETTERS)
def test_systemd_finds_no_fault_in_a_unit(letter: str, analyze: str, tmp_path: Path) -> None:
    """In a copy whose command exists on this machine."""
    for name in LETTERS.values():
        text = (UNITS / name).read_text("utf-8").replace(SYNCD, sys.executable)
        (tmp_path / name).write_text(text, "utf-8")
    words = [
        analyze,
        "verify",
        "--man=no",
        "--recursive-errors=no",
        str(tmp_path / LETTERS[letter]),
    ]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def exposure(analyze: str, unit: Path) -> tuple[float, set[str]]:
    """The figure, and the names of the checks that count against it."""
    words = [analyze, "security", "--offline=true", "--no-pager", str(unit)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    figure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)
    assert figure, told
    words = [*words[:-1], "--json=short", str(unit)]
    checks = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    return float(figure[1]), {each["name"] for each in checks if float(each["exposure"] or 0) > 0}


@pytest.mark.parametrize("letter", LIMITS)
def test_a_service_is_closed_to_its_limit(letter: str, analyze: str) -> None:
    assert exposure(analyze, UNITS / LETTERS[letter])[0] <= LIMITS[letter]


def test_the_limit_notices_a_door_left_open(analyze: str, tmp_path: Path) -> None:
    """One line less is above it: what is measured is what is shipped."""
    unit = tmp_path / LETTERS["D"]
    text = (UNITS / LETTERS["D"]).read_text("utf-8")
    unit.write_text(text.replace("ProtectSystem=strict\n", ""), "utf-8")
    assert exposure(analyze, unit)[0] > LIMITS["D"]


@pytest.mark.parametrize("letter", LIMITS)
def test_the_readme_names_all_that_stays_open(letter: str, analyze: str) -> None:
    table = README.partition("\n## What stays open")[2]
    rows = re.findall(r"^\| `(.+?)` \| ([DSWF ]+) \|", table, re.MULTILINE)
    named = {name.replace("\\|", "|") for name, letters in rows if letter in letters.split()}
    assert exposure(analyze, UNITS / LETTERS[letter])[1] == named


def test_every_line_is_explained_and_nothing_else_is() -> None:
    written = [(letter, line) for letter in LETTERS for _, line in lines(letter)]
    assert sorted(explained()) == sorted(written)


def test_both_services_that_push_are_closed_alike() -> None:
    """From the user on down they differ in the page's folder alone."""
    daemon, scheduled = (
        [line for section, line in lines(letter) if section == "Service"] for letter in "DS"
    )
    daemon.remove("ReadWritePaths=-/var/lib/syncd-page")
    assert daemon[daemon.index("User=syncd") :] == scheduled[scheduled.index("User=syncd") :]


def test_who_tells_of_a_failure_is_closed_as_they_are_and_given_less() -> None:
    """And each service names it, with its own name."""
    scheduled, failed = (
        [line for section, line in lines(letter) if section == "Service"] for letter in "SF"
    )
    kept = {"state_key", "alerts_team_chat", "alerts_pager"}
    given = {value.partition(":")[0] for value in values("F", "LoadCredential")}
    assert given == kept
    spared = {line for line in scheduled if "LoadCredential" in line} - set(failed)
    same = [line for line in scheduled[scheduled.index("User=syncd") :] if line not in spared]
    assert failed[failed.index("User=syncd") :] == same
    named, *_ = LETTERS["F"].partition("@")
    for letter in "DSW":
        assert values(letter, "OnFailure") == [f"{named}@%n.service"]


def test_the_credentials_are_those_of_the_example() -> None:
    """`{file: NAME}` there is what a unit hands over; the page gets none."""
    text = "\n".join(line.partition("#")[0] for line in EXAMPLE.read_text("utf-8").splitlines())
    named = set(re.findall(r"\{file: ([\w.]+)\}", text))
    for letter in "DS":
        pairs = [value.split(":") for value in values(letter, "LoadCredential")]
        assert {name for name, _ in pairs} == named
        assert all(stored == f"syncd.{name}" for name, stored in pairs)
    assert not [line for _, line in lines("W") if "Credential" in line]


def test_the_round_names_the_syncs_of_the_example() -> None:
    (names,) = [each for each in values("S", "Environment") if "SYNCS=" in each]
    assert names == f'"SYNCS={" ".join(settings.load(EXAMPLE, {}).syncs)}"'


def test_a_restart_is_not_tried_where_only_a_person_helps() -> None:
    def codes(letter: str, name: str) -> set[int]:
        (found,) = values(letter, name)
        return {int(code) for code in found.split()}

    person = {UsageError.exit_code, Denied.exit_code, ConfigError.exit_code}
    assert codes("D", "RestartPreventExitStatus") == person
    assert codes("W", "RestartPreventExitStatus") == person - {Denied.exit_code}
    # 3: done, but rows were refused. Whoever holds the ledger lets go of it again.
    assert codes("S", "SuccessExitStatus") == {3, Busy.exit_code}
    assert Held.exit_code not in codes("S", "SuccessExitStatus")


@pytest.mark.parametrize("letter", LIMITS)
def test_a_unit_calls_a_command_that_there_is(letter: str) -> None:
    (start,) = values(letter, "ExecStart")
    program, *words = start.split()
    assert program == SYNCD
    name = next(word for word in words if not word.startswith("-"))
    there = getattr(get_command(application), "commands", {})
    known = {option for each in there[name].params for option in each.opts}
    asked = {word for word in words[words.index(name) :] if word.startswith("--")}
    assert asked - known == set()


def test_users_and_folder_come_out_as_the_units_need_them(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("systemd-tmpfiles") is None:
        pytest.skip("making users in a folder needs root, and systemd's tools")
    (tmp_path / "etc").mkdir()
    for words in (
        ("systemd-sysusers", f"--root={tmp_path}", UNITS / "syncd.sysusers"),
        ("systemd-tmpfiles", f"--root={tmp_path}", "--create", UNITS / "syncd.tmpfiles"),
    ):
        subprocess.run(words, check=True, capture_output=True)
    made = (tmp_path / "etc" / "passwd").read_text("utf-8").splitlines()
    users = {fields[0]: fields for fields in (line.split(":") for line in made)}
    assert set(users) == {values(letter, "User")[0] for letter in "DW"}
    assert {fields[6] for fields in users.values()} == {"/usr/sbin/nologin"}
    folder = (tmp_path / values("W", "WorkingDirectory")[0].lstrip("/")).stat()
    assert folder.st_mode & 0o7777 == 0o2750
    assert folder.st_uid == int(users["syncd"][2])
    assert folder.st_gid == int(users["syncd-web"][3])


def test_the_command_for_people_has_what_the_daemon_has(tmp_path: Path) -> None:
    """Words go through whole; each property is a line of the daemon's unit."""
    stub = tmp_path / "systemd-run"
    stub.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n', "utf-8")
    stub.chmod(0o755)
    ended = subprocess.run(
        [UNITS / "syncd-as-service", "audit", "show", "--since", "two words"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    words = ended.stdout.splitlines()
    assert words[words.index(SYNCD) :] == [SYNCD, "audit", "show", "--since", "two words"]
    given = {words[at + 1] for at, word in enumerate(words) if word == "-p"}
    assert given <= {line for section, line in lines("D") if section == "Service"}
    needed = ("User=", "StateDirectory=", "WorkingDirectory=", "Environment=", "LoadCredential=")
    assert {line for _, line in lines("D") if line.startswith(needed)} <= given


def test_the_readme_calls_commands_and_files_that_there_are() -> None:
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
    subprocess.run(["bash", "-n"], input=blocks, text=True, check=True)
    there = getattr(get_command(application), "commands", {})
    called = set(re.findall(r"^syncd ([a-z]+)", blocks, re.MULTILINE))
    assert called >= {"init", "doctor", "migrate", "backup"}
    assert called - set(there) == set()
    for path in re.findall(r"(?<=\s)(?:systemd|config)/[\w./*-]*[\w*]", blocks):
        assert list(ROOT.glob(path)), path
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README):
        assert (UNITS / link).exists(), link
