"""A week that all tests of the page look at; none of them changes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.commands import Desk, platforms
from tests.web.scenes import page, week


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The desk after its week."""
    with platforms() as local:
        yield week(tmp_path_factory.mktemp("week"), local)


@pytest.fixture(scope="package")
def at(desk: Desk) -> Iterator[str]:
    """The address of its page."""
    with page(desk.folder / "page") as address:
        yield address
