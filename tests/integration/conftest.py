"""Fixtures that integration tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox import Sandbox
from tests.integration.commands import Desk, platforms
from tests.integration.databases import make_database

__all__ = ["desk", "filled", "local", "make_database"]


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
