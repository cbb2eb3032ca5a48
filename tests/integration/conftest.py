"""Fixtures that integration tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine

from connectors.sandbox import Sandbox
from syncd.ledger import opening
from syncd.ledger.engine import open_engine
from tests.integration import canonical_desk
from tests.integration.callers import Caller, listening
from tests.integration.commands import Desk, platforms
from tests.integration.daemons import keeping
from tests.integration.databases import Database, Dialect, MakeDatabase, make_database
from tests.integration.deaths import compile_once

__all__ = ["ask", "desk", "filled", "local", "make_database"]


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Ledgers that are opened in this process share what was compiled for the first of them."""

    def opened(url: URL) -> Engine:
        engine = open_engine(url)
        compile_once(engine)
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "open_engine", opened)
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
