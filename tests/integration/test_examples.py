"""The examples in config/examples do the work that they say, through the real command line.

Of those for Airflow, Dagster and Prefect what is run is the half above the framework's.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.commands import Desk

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "config" / "examples"
FRAMEWORKS = {
    "airflow_dag.py": "# From here on Airflow: ",
    "dagster_assets.py": "# From here on Dagster: ",
    "prefect_flow.py": "# From here on Prefect: ",
}
# What syncd's exit codes ask of whoever called it, as the README has them.
PERSON, AGAIN, DONE = {2, 4, 77, 78}, {1, 75}, {0, 3}


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a command of this name and body first on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def put(name: str, body: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{body}\n", "utf-8")
        (folder / name).chmod(0o755)

    return put


@pytest.fixture
def real(desk: Desk, tools: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A shop of three and the real command, found as a scheduler finds it."""
    tools("syncd", f'exec "{sys.executable}" -m syncd "$@"')
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SYNCD_CONFIG", str(desk.config))
    desk.join(1, 2, 3)
    return desk


def head_of(name: str) -> str:
    head, found, _ = (EXAMPLES / name).read_text("utf-8").partition(FRAMEWORKS[name])
    assert found
    return head


def plain(name: str, tmp_path: Path) -> dict[str, object]:
    """What the half above the framework's defines."""
    (tmp_path / name).write_text(head_of(name), "utf-8")
    return runpy.run_path(str(tmp_path / name))


def sync_of(name: str, tmp_path: Path) -> Callable[[str], int]:
    found = plain(name, tmp_path)["sync"]
    assert callable(found)
    return found


def after_dbt(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [EXAMPLES / "after_dbt.sh", *words],
        env={**os.environ, "SYNCS": "everyone", "PAUSE": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_example_is_tested() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == {*FRAMEWORKS, "after_dbt.sh"}


def test_the_half_above_the_frameworks_is_one() -> None:
    """So that what is run of one below holds for all."""
    heads = {head_of(name).partition("from __future__")[2] for name in FRAMEWORKS}
    assert len(heads) == 1


def test_an_example_runs_a_sync_and_says_when_a_person_is_needed(
    real: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time the guard holds: the real exit code is the example's."""
    sync = sync_of("airflow_dag.py", tmp_path)
    assert sync("everyone") == 0
    assert len(real.held()) == 6  # an e-mail and a phone each
    assert "everyone: done; removed 0, added 3" in capsys.readouterr().out

    real.leave(1, 2)
    code = sync("everyone")
    person = plain("airflow_dag.py", tmp_path)["PERSON"]
    assert isinstance(person, dict)
    assert person[code] == "held for a person"
    assert "syncd approve" in capsys.readouterr().out


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_an_example_sorts_every_exit_code(
    name: str, tools: Callable[[str, str], None], tmp_path: Path
) -> None:
    """What is neither done nor a person's is tried again: 1, 75, and whatever kills it."""
    found = plain(name, tmp_path)
    assert found["DONE"] == DONE
    assert isinstance(found["PERSON"], dict)
    assert set(found["PERSON"]) == PERSON
    for code in (*DONE, *AGAIN, *PERSON):
        tools("syncd", f'test "$*" = "sync whales-meta --wait" && exit {code}; exit 99')
        assert sync_of(name, tmp_path)("whales-meta") == code
    framework = (EXAMPLES / name).read_text("utf-8").partition(FRAMEWORKS[name])[2]
    assert "in PERSON" in framework
    assert "not in DONE" in framework


def test_after_a_build_the_syncs_run(real: Desk, tools: Callable[[str, str], None]) -> None:
    tools("dbt", 'echo "dbt $*"')
    ended = after_dbt("--select", "+whales")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("dbt build --select +whales\n")
    assert len(real.held()) == 6


def test_after_a_failed_build_nobody_is_synced(
    real: Desk, tools: Callable[[str, str], None]
) -> None:
    tools("dbt", "exit 2")
    assert after_dbt().returncode == 2
    assert real.held() == frozenset()


@pytest.mark.parametrize("code", sorted({*DONE, *AGAIN, *PERSON}))
def test_after_a_build_only_what_may_mend_itself_is_tried_again(
    code: int, tools: Callable[[str, str], None], tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    tools("dbt", "exit 0")
    tools("syncd", f'echo "$*" >> "{calls}"; exit {code}')
    ended = after_dbt(SYNCS="one two", TRIES="3")
    assert ended.returncode == (0 if code in DONE else code)
    assert calls.read_text("utf-8") == "sync one two --wait\n" * (3 if code in AGAIN else 1)
    assert ("syncd status" in ended.stderr) is (code in PERSON)
