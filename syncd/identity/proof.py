"""The golden vectors, run by the installed copy: does it still make the platforms' digests?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from syncd.identity.columns import digest_of
from syncd.identity.reasons import Reason
from syncd.identity.rules import rule_set
from syncd.identity.steps import normalise, steps_named

_PLACES = (Path(__file__).parent / "vectors", Path(__file__).parents[2] / "tests" / "vectors")


@dataclass(frozen=True, slots=True)
class Proven:
    """One file of vectors, run.

    Attributes:
        official: How many of the vectors the platform itself published.
        failures: A sentence each: the file, the place in it, what came out and what should.
    """

    platform: str
    field: str
    vectors: int
    official: int
    failures: tuple[str, ...]


def run() -> tuple[Proven, ...]:
    """Run every vector that is installed; none where none is."""
    folder = next((one for one in _PLACES if one.is_dir()), None)
    return tuple(_proven(path) for path in sorted(folder.glob("*.json"))) if folder else ()


def _proven(path: Path) -> Proven:
    held = json.loads(path.read_text("utf-8"))
    vectors = held["vectors"]
    official = sum(bool(vector["official"]) for vector in vectors)
    failures = tuple(_failures(path.name, held["platform"], held["field"], vectors))
    return Proven(held["platform"], held["field"], len(vectors), official, failures)


def _failures(
    file: str, platform: str, field: str, vectors: list[Mapping[str, str]]
) -> Iterator[str]:
    (rule,) = (rule for rule in rule_set(platform).fields if rule.field == field)
    steps = steps_named(rule.steps)
    for number, vector in enumerate(vectors):
        made = normalise(steps, vector["input"], vector.get("country"))
        if isinstance(made, Reason):
            out = f"refused: {made.value}"
        else:
            out = digest_of(made).hex() if made and rule.hashed else str(made)
        expected = (
            f"refused: {vector['refused']}"
            if "refused" in vector
            else str(vector.get("sha256") or vector["normalised"])
        )
        if out != expected:
            yield f"{file}, vector {number}: {out!r} came out, {expected!r} was expected"
