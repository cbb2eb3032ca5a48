"""The shipped vectors, run through the installed code: does it hash as the platforms say?

`vectors/README.md` says what a vector is and where its expected outcome comes from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TypedDict

import pyarrow as pa

from syncd.identity.columns import normalised
from syncd.identity.fields import PREHASHED_STEPS
from syncd.identity.reasons import Reason
from syncd.identity.rules import GOOGLE, META
from syncd.identity.step import Step
from syncd.identity.steps import normalise, steps_named

SHIPPED = files("syncd.identity") / "vectors"


@dataclass(frozen=True, slots=True)
class Proven:
    """How one field of one platform did.

    Attributes:
        platform: A rule set's name; `any` where all platforms share the rule.
        vectors: How many there are.
        official: How many of them the platform itself publishes.
        failures: One a vector that came out otherwise, with file, position from 1, and
            what was expected. Vectors are public, so their texts are shown.
    """

    platform: str
    field: str
    vectors: int
    official: int
    failures: tuple[str, ...]


class Vector(TypedDict, total=False):
    """One entry of a file; `country`, `refused` and `sha256` may be missing."""

    input: str
    country: str
    normalised: str | None
    refused: str
    sha256: str
    official: bool
    source: str


def run(shipped: Traversable = SHIPPED) -> tuple[Proven, ...]:
    """Take each vector alone and with its whole file as a column; compare text and digest.

    Args:
        shipped: Where the files are; one a field, those of the package by default.

    Raises:
        ConfigError: A rule set names a step that does not exist.
    """
    proven = [
        _proven(shipped, rules.name, rule.field, steps_named(rule.steps), hashed=rule.hashed)
        for rules in (META, GOOGLE)
        for rule in rules.fields
    ]
    return (*proven, _proven(shipped, "any", "prehashed", steps_named(PREHASHED_STEPS)))


def _proven(
    shipped: Traversable,
    platform: str,
    field: str,
    steps: Sequence[Step],
    *,
    hashed: bool | None = None,
) -> Proven:
    """One file's outcome; `hashed` is None where the values are digests already."""
    name = f"{platform}_{field}.json" if platform != "any" else f"{field}.json"
    file = shipped / name
    if not file.is_file():
        return Proven(platform, field, 0, 0, (f"{name}: missing",))
    vectors: list[Vector] = json.loads(file.read_text("utf-8"))["vectors"]
    failures = [
        f"{name}, vector {place}: {what}"
        for place, vector in enumerate(vectors, 1)
        if (what := _alone(steps, vector))
    ]
    failures += [f"{name}, {what}" for what in _together(steps, vectors, hashed=hashed)]
    official = sum(vector["official"] for vector in vectors)
    return Proven(platform, field, len(vectors), official, tuple(failures))


def _alone(steps: Sequence[Step], vector: Vector) -> str | None:
    """What is wrong with one value, taken through the canonical steps."""
    answer = normalise(steps, vector["input"], vector.get("country"))
    made = f"refused, {answer.value}" if isinstance(answer, Reason) else answer
    wanted = _wanted(vector)
    return None if made == wanted else f"{made!r}, expected {wanted!r}"


def _together(
    steps: Sequence[Step], vectors: Sequence[Vector], *, hashed: bool | None
) -> list[str]:
    """What is wrong with the columns path.

    All vectors twice over, too: values that repeat are looked at once, by other code.
    """
    failures: list[str] = []
    for times in (1, 2):
        held = [*vectors] * times
        raw = pa.array([vector["input"] for vector in held], pa.string())
        column = normalised(steps, raw, pa.array([v.get("country") for v in held], pa.string()))
        cells = column.cells_of_hex() if hashed is None else column.cells(hashed=hashed)
        made = zip(column.texts().to_pylist(), cells.to_pylist(), strict=True)
        for place, (vector, (text, cell)) in enumerate(zip(held, made, strict=True)):
            wanted = vector.get("normalised")
            if text != wanted or cell != _cell(vector, hashed=hashed):
                at = place % len(vectors) + 1
                failures.append(f"vector {at}, in a column: {text!r}, expected {wanted!r}")
        refused = Counter(v["refused"] for v in held if "refused" in v)
        counted = {reason.value: count for reason, count in column.reasons.items()}
        if counted != refused:
            failures.append(f"in a column: refused {counted}, expected {dict(refused)}")
    return failures


def _wanted(vector: Mapping[str, object]) -> object:
    if "refused" in vector:
        return f"refused, {vector['refused']}"
    return vector["normalised"]


def _cell(vector: Vector, *, hashed: bool | None) -> bytes | None:
    """What would travel, by the file's own digest and not by one made here."""
    text = vector.get("normalised")
    if text is None:
        return None
    if hashed is None:
        return bytes.fromhex(text)
    return bytes.fromhex(vector["sha256"]) if hashed else text.encode()
