"""Columns against one value at a time: `python -m tests.bench.agreement [COUNT] [--seed N]`.

For each field of each platform, COUNT messy values (a million) from a seed go through
`syncd.identity.columns` and through the second opinion of `tests.unit.identity_fields`.
Text, digest and reason must be the same, value for value. Prints a line a field; exits 1
if any value comes out differently.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from random import Random, SystemRandom

import pyarrow as pa

from syncd.identity.columns import normalised
from syncd.identity.fields import PREHASHED_STEPS
from syncd.identity.rules import GOOGLE, META
from syncd.identity.step import Step
from syncd.identity.steps import steps_named
from tests.unit import identity_fields
from tests.unit.identity_messy import Messy, Value

MILLION = 1_000_000
CHUNK = 20_000
POOL = 400  # every fourth chunk repeats itself, as names do: other code looks at those
PROCESSES = 2
SHOWN = 3

FIELDS = (
    *((rules.name, rule.field) for rules in (META, GOOGLE) for rule in rules.fields),
    ("any", "prehashed"),
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What came of one field; `examples` are of the values that came out differently."""

    platform: str
    field: str
    values: int
    distinct: int
    refused: int
    disagreements: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Steps, and whether what travels is a digest (None: the value is one already)."""

    platform: str
    field: str
    steps: tuple[Step, ...]
    hashed: bool | None


def agreement(platform: str, field: str, count: int, seed: int) -> Agreement:
    """Hold `count` values of a field against the second opinion."""
    rule = _rule(platform, field)
    seen: set[int] = set()
    refused = wrong = 0
    examples: list[str] = []
    for chunk in _chunks(Messy(platform, field, Random(f"{seed} {platform} {field}")), count):
        seen.update(map(hash, chunk))
        refusals, others = _compared(rule, chunk)
        refused += refusals
        wrong += len(others)
        examples += others[: SHOWN - len(examples)]
    return Agreement(platform, field, count, len(seen), refused, wrong, tuple(examples))


def differing(platform: str, field: str, chunk: list[Value]) -> list[str]:
    """Which of these values, with their countries, come out differently."""
    return _compared(_rule(platform, field), chunk)[1]


def _rule(platform: str, field: str) -> _Rule:
    for rules in (META, GOOGLE):
        for rule in rules.fields:
            if (rules.name, rule.field) == (platform, field):
                return _Rule(platform, field, steps_named(rule.steps), rule.hashed)
    return _Rule(platform, field, steps_named(PREHASHED_STEPS), None)


def _chunks(messy: Messy, count: int) -> Iterator[list[Value]]:
    pick = Random(count)
    step = min(CHUNK, -(-count // 4))
    for number, start in enumerate(range(0, count, step)):
        size = min(step, count - start)
        if number % 4 == 3:
            pool = [messy.draw() for _ in range(POOL)]
            yield pick.choices(pool, k=size)
        else:
            yield [messy.draw() for _ in range(size)]


def _compared(rule: _Rule, chunk: list[Value]) -> tuple[int, list[str]]:
    """How many are refused, and which values come out differently."""
    raw = pa.array([value for value, _ in chunk], pa.string())
    column = normalised(rule.steps, raw, pa.array([country for _, country in chunk], pa.string()))
    cells = column.cells_of_hex() if rule.hashed is None else column.cells(hashed=rule.hashed)
    texts, refused = column.texts().to_pylist(), column.refused.to_pylist()
    reasons: Counter[str] = Counter()
    others = []
    for (value, country), *made in zip(chunk, texts, cells.to_pylist(), refused, strict=True):
        try:
            text = identity_fields.normalised(rule.platform, rule.field, value, country)
            why = None
        except identity_fields.RefusedError as error:
            text, why = None, str(error)
            reasons[why] += 1
        if made != [text, _travels(rule, text), why is not None]:
            others.append(f"{value!r} {country}: {made[0]!r}, second opinion {text or why!r}")
    counted = Counter({reason.value: count for reason, count in column.reasons.items()})
    if counted != reasons:
        others.append(f"reasons: {counted - reasons}, second opinion {reasons - counted}")
    return sum(reasons.values()), others


def _travels(rule: _Rule, text: str | None) -> bytes | None:
    if text is None:
        return None
    if rule.hashed is None:
        return bytes.fromhex(text)
    return hashlib.sha256(text.encode()).digest() if rule.hashed else text.encode()


def main() -> int:
    """Run every field and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=MILLION)
    parser.add_argument("--seed", type=int, default=SystemRandom().getrandbits(32))
    asked = parser.parse_args()
    print(f"{asked.count:,} values a field, seed {asked.seed}\n")
    print(
        f"{'field':24}{'values':>12}{'distinct':>12}{'refused':>12}{'disagreements':>15}",
        flush=True,
    )
    started = time.monotonic()
    total = [0, 0, 0, 0]
    # Fresh processes: Arrow's threads do not survive a fork.
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        jobs = [
            pool.submit(agreement, platform, field, asked.count, asked.seed)
            for platform, field in FIELDS
        ]
        for job in jobs:
            done = job.result()
            counts = (done.values, done.distinct, done.refused, done.disagreements)
            total = [sum(pair) for pair in zip(total, counts, strict=True)]
            _line(f"{done.platform} {done.field}", counts)
            for example in done.examples:
                print(f"    {example}", flush=True)
    _line("total", total)
    print(f"\n{time.monotonic() - started:,.0f} s on {PROCESSES} processes")
    return 1 if total[3] else 0


def _line(name: str, counts: tuple[int, ...] | list[int]) -> None:
    values, distinct, refused, wrong = counts
    print(f"{name:24}{values:>12,}{distinct:>12,}{refused:>12,}{wrong:>15,}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
