"""What must fit together across parts of a configuration.

Works on the data as read, so that these problems show beside those within a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncd.settings.document import Document, Keys, Problem
from syncd.settings.problems import line_of
from syncd.settings.values import suggest


def crosschecks(document: Document) -> Iterator[Problem]:
    """Find names that lead nowhere, and two syncs that would fill one audience."""
    syncs = _table(document.data, "syncs")
    for name, sync in syncs.items():
        for key, table in (("segment", "segments"), ("account", "accounts")):
            yield from _name_leads_nowhere(document, ("syncs", name, key), sync, table)
        yield from _bad_after(document, name, syncs)
    yield from _audiences_filled_twice(document, syncs)


def _table(data: object, *keys: str) -> Mapping[str, object]:
    """Go down to a mapping; whatever is none counts as empty."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _name_leads_nowhere(
    document: Document, keys: Keys, sync: object, table: str
) -> Iterator[Problem]:
    wanted = _table(sync).get(keys[-1])
    known = _table(document.data, table)
    if isinstance(wanted, str) and wanted not in known:
        text = f"{'.'.join(keys)}: no {keys[-1]} {wanted}; {suggest(wanted, known)}"
        yield Problem(line_of(document.lines, keys), text)


def _after(sync: object) -> str | None:
    target = _table(sync, "schedule").get("after")
    return target if isinstance(target, str) else None


def _bad_after(document: Document, name: str, syncs: Mapping[str, object]) -> Iterator[Problem]:
    target = _after(syncs[name])
    if target is None:
        return
    keys = ("syncs", name, "schedule", "after")
    if target not in syncs:
        text = f"{'.'.join(keys)}: no sync {target}; {suggest(target, syncs)}"
        yield Problem(line_of(document.lines, keys), text)
        return
    chain = [name]
    while target is not None and target not in chain:
        chain.append(target)
        target = _after(syncs.get(target))
    if target == name:
        text = f"{'.'.join(keys)}: never starts: {' after '.join([*chain, name])}"
        yield Problem(line_of(document.lines, keys), text)


def _audiences_filled_twice(document: Document, syncs: Mapping[str, object]) -> Iterator[Problem]:
    """One audience belongs to one sync, DESIGN 5, promise 7."""
    first: dict[tuple[str, str, str], str] = {}
    for name, sync in syncs.items():
        account, audience = _table(sync).get("account"), _table(sync).get("audience")
        ways = {"name": audience} if isinstance(audience, str) else _table(sync, "audience")
        for way in ("name", "id"):
            value = ways.get(way)
            if not isinstance(account, str) or not isinstance(value, str):
                continue
            other = first.setdefault((account, way, value), name)
            if other != name:
                keys = ("syncs", name, "audience")
                text = (
                    f"{'.'.join(keys)}: {other} fills this audience of {account} already; "
                    "one audience belongs to one sync"
                )
                yield Problem(line_of(document.lines, keys), text)
