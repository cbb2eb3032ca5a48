"""What commands load: no platform's SDK where nobody is asked anything."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path

import pytest

import syncd.app
from syncd.cli import _POOL
from tests.integration.commands import Desk

VENDORS = ("facebook_business", "google.ads", "google.api_core", "google.auth", "grpc")


def loaded(*words: str) -> set[str]:
    """The modules that a command loads, as a process of its own."""
    asked = [sys.executable, "-X", "importtime", "-m", "syncd", *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    answer = subprocess.run(asked, capture_output=True, text=True, check=False, env=environment)
    assert answer.returncode == 0, answer.stderr[-500:]
    return {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}


def test_help_loads_no_sdk() -> None:
    found = loaded("--help")
    assert "syncd.cli.application" in found
    assert not [name for name in found if name.startswith(VENDORS)]


@pytest.mark.parametrize("command", [("status",), ("runs",), ("config", "check")])
def test_what_only_reads_the_ledger_loads_no_sdk(desk: Desk, command: tuple[str, ...]) -> None:
    """Though both platforms are configured, and have been synced to."""
    desk.join(1, consent="granted")
    desk.also("google", account="google", audience="G")
    assert desk.syncd("sync", "everyone", "google", "--wait").code == 0
    found = loaded(*command, "--config", str(desk.config))
    assert {"connectors.meta.errors", "connectors.google.making"} <= found, "they are known"
    assert not [name for name in found if name.startswith(VENDORS)]
    assert "alembic" not in found, "the ledger is there"


def test_a_sync_to_one_platform_loads_the_other_ones_sdk_never(desk: Desk) -> None:
    desk.join(1, consent="granted")
    to_meta = loaded("sync", "everyone", "--config", str(desk.config))
    assert "facebook_business" in to_meta
    assert not [name for name in to_meta if name.startswith(VENDORS[1:])]
    desk.sync.update(account="google", audience="G")
    desk.save()
    to_google = loaded("sync", "everyone", "--config", str(desk.config))
    assert "google.ads.datamanager_v1" in to_google
    assert not [name for name in to_google if name.startswith(VENDORS[0])]


def test_a_run_reads_what_packages_say_of_themselves_once_at_most(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of connectors: a hundred files each time, and a run asks some twenty times."""
    asked = list[str]()

    def counted(*, group: str) -> EntryPoints:
        asked.append(group)
        return entry_points(group=group)

    monkeypatch.setattr(syncd.app, "entry_points", counted)
    syncd.app.platforms.cache_clear()
    desk.join(1)
    assert desk.syncd("sync", "everyone").code == 0
    assert asked == ["syncd.connectors"]


@pytest.mark.parametrize("said", [None, "system"])
def test_arrow_gives_back_what_it_does_not_need(said: str | None) -> None:
    """By the allocator that gives back most, unless the operator named one; without glibc by its
    own, for Arrow warns of one that it was not built with.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    environment.pop(_POOL, None)
    environment |= {_POOL: said} if said else {}
    backend = "import pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    program = (
        "import atexit, sys; from syncd.cli import main; sys.argv = ['syncd', '--help']; "
        f"atexit.register(lambda: exec({backend!r})); main()"
    )
    used, own = (
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        for code in (program, backend)
    )
    chosen = "jemalloc" if "CS_GNU_LIBC_VERSION" in os.confstr_names else own.stdout.strip()
    assert used.stdout.splitlines()[-1] == (said or chosen)
    assert not used.stderr
