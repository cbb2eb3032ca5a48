"""Fixtures that integration tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import syncd.app
from connectors.sandbox import Sandbox
from syncd.ledger import opening
from tests.integration import canonical_desk
from tests.integration.callers import Caller, listening
from tests.integration.commands import Desk, platforms
from tests.integration.daemons import keeping
from tests.integration.databases import Database, Dialect, MakeDatabase, make_database
from tests.integration.templates import make_from_template, open_compiled

__all__ = ["ask", "desk", "filled", "local", "make_database"]


@pytest.fixture(scope="session", autouse=True)
def _once_a_process() -> Iterator[None]:
    """What a process of syncd does once, a test would do for each of its ledgers: not here.

    Statements are compiled for the first ledger that is opened, and the first that an `App`
    makes is migrated; `test_ledger.py` migrates its own, and so do commands in processes.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "open_engine", open_compiled)
        patch.setattr(syncd.app, "make_if_new", make_from_template)
        yield


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    """Local platforms on free ports, shared by a module."""
    with platforms() as started:
        yield started


@pytest.fixture
def desk(tmp_path: Path, local: Sandbox) -> Desk:
    """A shop without customers, a configuration, and nothing scripted to go wrong."""
    local.faults.clear()
    return Desk(tmp_path, local)


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """Ten customers, synced."""
    desk.join(*range(10))
    assert desk.syncd("sync", "everyone").code == 0
    return desk


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory, local: Sandbox) -> Iterator[Caller]:
    """The API of a daemon with nobody in its shop, in a thread: runs end soon, and are held."""
    desk = Desk(tmp_path_factory.mktemp("desk"), local)
    found = listening(desk)
    with keeping(desk.config):
        yield found


@pytest.fixture
def dialect() -> Dialect:
    """Of the canonical shop; a test may ask for others."""
    return "sqlite"


@pytest.fixture
def canonical(
    desk: Desk, dialect: Dialect, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> Database:
    """The desk's shop, a new one with the canonical tables, empty."""
    return canonical_desk.on(desk, dialect, make_database, monkeypatch)
