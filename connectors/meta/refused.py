"""What an answer says of rows that Meta would not take. Imported only to send."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.meta.payload import WireRows
from syncd.model import Refusal


def refusals(invalid: int, samples: object, sent: WireRows) -> tuple[Refusal, ...]:
    """Members that Meta calls invalid: by position where a sample shows it, else counted.

    Meta counts its rows, and gives up to 100 samples, as an array or a map. A sample names a
    member if it holds an identifier or detail of one and of no other.
    """
    if not invalid:
        return ()
    named = sorted(_named([frozenset(_texts(one)) for one in _samples(samples)], sent))
    sizes = np.bincount(sent.members)
    found = [Refusal(member, "invalid_entry") for member in named]
    # No more than there are members left: Meta's figure is documented as not exact.
    rest = min(invalid - int(sizes[named].sum()), len(sizes) - len(named))
    if rest > 0:
        found.append(Refusal(None, "invalid_entry", rest))
    return tuple(found)


def _named(samples: list[frozenset[str]], sent: WireRows) -> set[int]:
    """Members whom a sample shows, and no other."""
    owners = _owners(frozenset[str]().union(*samples), sent)
    return {
        member
        for texts in samples
        if (member := _owner([owners[text] for text in texts if text in owners])) is not None
    }


def _owner(owners: list[set[int]]) -> int | None:
    alone = {next(iter(one)) for one in owners if len(one) == 1}
    return alone.pop() if len(alone) == 1 else None


def _owners(texts: frozenset[str], sent: WireRows) -> Mapping[str, set[int]]:
    """Whose cells these texts are, of those that are somebody's."""
    # What is no UTF-8 is looked for in vain, and is no reason to fail.
    sought = {text.encode(errors="surrogatepass"): text for text in texts if text}
    cells = pa.array(sought, pa.binary())
    owners: dict[str, set[int]] = {}
    for column in sent.cells:
        there = pc.indices_nonzero(pc.is_in(column, value_set=cells))
        for member, cell in zip(there.to_pylist(), column.take(there).to_pylist(), strict=True):
            owners.setdefault(sought[cell], set()).add(member)
    return owners


def _samples(samples: object) -> Iterator[object]:
    if isinstance(samples, dict):
        yield from samples.items()
    elif isinstance(samples, list):
        yield from samples


def _texts(sample: object) -> Iterator[str]:
    """All texts within a sample, also within JSON in a text."""
    if isinstance(sample, str):
        yield sample
        if sample[:1] in ("[", "{"):
            try:
                yield from _texts(json.loads(sample))
            except ValueError:
                return
    elif isinstance(sample, dict):
        yield from _texts(list(sample.items()))
    elif isinstance(sample, list | tuple):
        for part in sample:
            yield from _texts(part)
