"""The API's committed description is what the code answers by."""

from __future__ import annotations

from pathlib import Path

from syncd.api import openapi
from syncd.api.operations import OPERATIONS

COMMITTED = Path(__file__).parents[2] / "config" / "openapi.json"


def test_the_committed_document_is_the_codes() -> None:
    """Made again by `python -m syncd.api.openapi > config/openapi.json`."""
    assert COMMITTED.read_text("utf-8") == openapi.text()


def test_every_reference_leads_somewhere() -> None:
    document = openapi.text()
    shapes = openapi.document()["components"]
    assert isinstance(shapes, dict)
    named = {part.partition('"')[0] for part in document.split("#/components/schemas/")[1:]}
    assert named <= set(shapes["schemas"])


def test_names_are_given_once() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)
