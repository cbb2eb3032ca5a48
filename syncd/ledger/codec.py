"""Values of the model as canonical JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import cast

from syncd.model import PlanCounts, Refusal, Refused, Sizes


def canonical(value: object) -> str:
    """JSON with one spelling for one value: sorted keys, no spaces."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def texts(stored: str) -> tuple[str, ...]:
    """A list of texts, from its JSON."""
    return tuple(cast("list[str]", json.loads(stored)))


def numbers(stored: str) -> dict[str, int]:
    """Numbers by name, from their JSON."""
    return cast("dict[str, int]", json.loads(stored))


def refusals_text(refusals: Iterable[Refusal]) -> str:
    """Refused rows as `[[row, reason, count], ...]`, `true` added where `whole`."""
    return canonical([[r.row, r.reason, r.count, *([True] * r.whole)] for r in refusals])


def refusals(stored: str) -> tuple[Refusal, ...]:
    """Refused rows, from their JSON."""
    rows = cast("list[tuple[int | None, str, int]]", json.loads(stored))
    return tuple(Refusal(*row) for row in rows)


def refused_text(refused: Iterable[Refused]) -> str:
    """Unusable values as `[[field, reason, count], ...]`."""
    return canonical([[r.field, r.reason, r.count] for r in refused])


def refused(stored: str) -> tuple[Refused, ...]:
    """Unusable values, from their JSON."""
    rows = cast("list[tuple[str, str, int]]", json.loads(stored))
    return tuple(Refused(field, reason, count) for field, reason, count in rows)


def sizes_text(sizes: Sizes) -> str:
    """Sizes as an object with the fields' names."""
    return canonical(
        {
            "members": sizes.members,
            "identifiers": dict(sizes.identifiers),
            "refused": sizes.refused,
        }
    )


def sizes(stored: str) -> Sizes:
    """Sizes, from their JSON."""
    return _sizes(json.loads(stored))


def counts_text(counts: PlanCounts) -> str:
    """A plan's numbers as an object with the fields' names."""
    return canonical(asdict(counts))


def counts(stored: str) -> PlanCounts:
    """A plan's numbers, from their JSON.

    A name that this version does not know is left out: an old plan stays readable.
    """
    loaded = cast("Mapping[str, object]", json.loads(stored))
    values = {f.name: loaded[f.name] for f in fields(PlanCounts) if f.name in loaded}
    for name in ("leaving", "withdrawn"):
        if name in values:
            values[name] = _sizes(values[name])
    return PlanCounts(**values)  # type: ignore[arg-type]  # the fields' types as we stored them


def _sizes(loaded: object) -> Sizes:
    stored = cast("Mapping[str, object]", loaded)
    return Sizes(
        members=cast("int", stored["members"]),
        identifiers=cast("Mapping[str, int]", stored["identifiers"]),
        refused=cast("int", stored.get("refused", 0)),
    )
