"""What must fit together across parts of a configuration.

Works on the data as read, so that these problems show beside those within a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncd.settings.document import Document, Keys, Problem
from syncd.settings.problems import line_of
from syncd.settings.values import parse_arms, suggest

_LISTS = ("any", "all", "none")  # what a composed segment is made of


def crosschecks(document: Document) -> Iterator[Problem]:
    """Find names that lead nowhere, and two syncs that would fill one audience."""
    syncs = _table(document.data, "syncs")
    for name, sync in syncs.items():
        for key, table in (("segment", "segments"), ("account", "accounts")):
            yield from _name_leads_nowhere(document, ("syncs", name, key), sync, table)
        yield from _bad_arm(document, ("syncs", name, "arm"), sync)
        yield from _bad_after(document, name, syncs)
    yield from _audiences_filled_twice(document, syncs)
    yield from _bad_parts(document, _table(document.data, "segments"))


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


def _bad_arm(document: Document, keys: Keys, sync: object) -> Iterator[Problem]:
    """An arm is one of the sync's segment."""
    arm, segment = _table(sync).get("arm"), _table(sync).get("segment")
    if not isinstance(arm, str) or not arm or not isinstance(segment, str):
        return
    made = _table(document.data, "segments").get(segment)
    if made is None:
        return  # which is said already
    try:
        known, _ = parse_arms(_table(made).get("arms"))
    except ValueError:
        known = {}
    if arm not in known:
        text = f"{'.'.join(keys)}: segment {segment} has no arm {arm}; {suggest(arm, known)}"
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


def _bad_parts(document: Document, segments: Mapping[str, object]) -> Iterator[Problem]:
    """What composed segments are made of: known names, never themselves, nothing hashed."""
    for name, segment in segments.items():
        for how in _LISTS:
            for number, part in enumerate(_parts(segment, how)):
                keys = ("segments", name, how, str(number))
                wrong = _bad_part(segments, name, how, part)
                if wrong:
                    text = f"segments.{name}.{how}: {wrong}"
                    yield Problem(line_of(document.lines, keys), text)


def _bad_part(segments: Mapping[str, object], name: str, how: str, part: str) -> str:
    if part not in segments:
        return f"no segment {part}; {suggest(part, segments)}"
    if way := _way_back(segments, part, name):
        return f"a segment cannot be made of itself: {' of '.join([name, *way])}"
    if how != "none" and _table(segments[part]).get("prehashed") is True:
        return f"{part} is prehashed: its digests cannot stand beside raw values; only under none"
    if how == "none" and part in (*_parts(segments[name], "any"), *_parts(segments[name], "all")):
        return f"{part} stands under any or all too, and would leave nobody of it"
    return ""


def _way_back(segments: Mapping[str, object], start: str, end: str) -> list[str]:
    """How one leads to another by what it is made of; nothing where it does not."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop()
        if way[-1] == end:
            return way
        for part in (each for how in _LISTS for each in _parts(segments.get(way[-1]), how)):
            if part not in seen:
                seen.add(part)
                ways.append([*way, part])
    return []


def _parts(segment: object, how: str) -> tuple[str, ...]:
    """A list of names; whatever is none counts as empty."""
    found = _table(segment).get(how)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()
