"""identity explain and sample: what becomes of values, before anything is sent.

A value that `explain` is given was typed in to be shown: it goes to standard output and
nowhere else. `sample` shows nothing of a value but its shape.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from syncd.app import App, open_app
from syncd.app import platforms as installed_platforms
from syncd.cli.output import complain, print_json, progress, say, table
from syncd.errors import ConfigError, SyncdError, UsageError
from syncd.identity.advice import way_on
from syncd.identity.columns import digest_of
from syncd.identity.digest import Policy, known_countries
from syncd.identity.masks import visible
from syncd.identity.reasons import Reason
from syncd.identity.rules import GOOGLE, META, rule_set
from syncd.identity.sampling import FieldSample, Sample, warnings
from syncd.identity.steps import steps_named, traced
from syncd.identity.text import BLANKS
from syncd.model import ID_CELLS, ROW_COLUMNS, FieldRule, IdentifierKind, RuleSet
from syncd.runs.parts import Progress
from syncd.settings.values import suggest

UNUSABLE = 3  # the exit code of values that are refused


# --- explain ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Explained:
    """One value and what became of it.

    Attributes:
        steps: Each with what it does and the value after it; the last may be refused.
        digest: SHA-256 in hex, where the platform takes it so.
        text: The normalised text, where it takes that.
        refused: Why it cannot be used.
    """

    value: str = field(repr=False)
    steps: tuple[Mapping[str, str], ...] = field(repr=False)
    digest: str | None = field(repr=False)
    text: str | None = field(repr=False)
    refused: str | None

    @property
    def usable(self) -> bool:
        """Whether anything of it would travel."""
        return bool(self.digest or self.text)


def refuse_arguments(values: list[str]) -> None:
    """Say where values belong, and repeat none.

    Raises:
        UsageError: There are any.
    """
    if values:
        raise UsageError(
            "values are read from standard input, one a line, and not from the command line, "
            "where shells keep them and others on this machine see them"
        )


def explain(
    platform: str,
    name: str,
    *,
    country: str | None,
    default_country: str | None,
    as_json: bool,
) -> None:
    """Print the way of each value on standard input; exit 3 if one cannot be used."""
    rules = _rules(platform)
    rule = _rule(platform, rules, name)
    known = _known(country, default_country)
    made = [_explained(rule, value, known) for value in _given(name)]
    if isinstance(sys.stdout, io.TextIOWrapper):  # an error over a sign would repeat it
        sys.stdout.reconfigure(errors="backslashreplace")
    if as_json:
        print_json(_head(platform, rules, rule, known) | {"values": made})
    else:
        _tell(platform, rules, rule, made, stated=country, known=known)
    usable = any(one.usable for one in made) and not any(one.refused for one in made)
    sys.exit(0 if usable else UNUSABLE)


def _rules(platform: str) -> RuleSet:
    """The rules of a connector, or shipped ones by their name."""
    installed, shipped = installed_platforms(), (META.name, GOOGLE.name)
    if platform in installed:
        return rule_set(installed[platform].rules)
    if platform in shipped:
        return rule_set(platform)
    raise UsageError(
        f"no platform is called {platform!r}; {suggest(platform, {*installed, *shipped})}"
    )


def _rule(platform: str, rules: RuleSet, name: str) -> FieldRule:
    for rule in rules.fields:
        if rule.field == name:
            return rule
    names = ", ".join(rule.field for rule in rules.fields)
    raise UsageError(f"{platform} has no field {name!r}; its fields are {names}")


def _known(country: str | None, default: str | None) -> str | None:
    """The country that a member's values are read in, as in a run."""
    batch = pa.RecordBatch.from_arrays([pa.array([country], pa.string())], names=["country"])
    try:
        found: str | None = known_countries(batch, default)[0].as_py()
    except ConfigError as error:
        raise UsageError(f"--default-country: {error}") from None
    return found


def _given(name: str) -> list[str]:
    """The values on standard input, one a line; of a terminal, one line."""
    if sys.stdin is None:
        raise UsageError("there is no standard input; pipe the value in")
    asked = sys.stdin.isatty()
    if asked:
        complain(
            f"Type or paste a value for {name}, then Enter. It is shown here and kept nowhere."
        )
    given = sys.stdin.buffer.readline() if asked else sys.stdin.buffer.read()
    if not given:
        raise UsageError("standard input is empty; give a value there, one a line")
    lines = given.removesuffix(b"\n").split(b"\n")
    return [_decoded(line, number) for number, line in enumerate(lines, 1)]


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode()
    except UnicodeError:
        raise UsageError(f"line {number} of standard input is not text in UTF-8") from None


def _explained(rule: FieldRule, value: str, country: str | None) -> Explained:
    steps = steps_named(rule.steps)
    try:
        trail = traced(steps, value, country)
    except Exception as error:  # noqa: BLE001 - its message, and its cause, may repeat the value
        raise SyncdError(
            f"a step of {rule.field} broke with {type(error).__name__}: that is a mistake in "
            "syncd; report it with the platform and the field, and not with the value"
        ) from None
    shown: list[Mapping[str, str]] = []
    made: str | Reason | None = None
    for word, (step, made) in zip(rule.steps, trail, strict=False):
        after = {"refused": made.value} if isinstance(made, Reason) else {"value": made}
        shown.append({"step": word, "does": step.does, **after})
    text = made if isinstance(made, str) else None
    return Explained(
        value=value,
        steps=tuple(shown),
        digest=digest_of(text).hex() if text and rule.hashed else None,
        text=None if rule.hashed else text,
        refused=made.value if isinstance(made, Reason) else None,
    )


def _head(platform: str, rules: RuleSet, rule: FieldRule, country: str | None) -> dict[str, object]:
    return {
        "platform": platform,
        "rules": rules.name,
        "version": rules.version,
        "field": rule.field,
        "source": rule.source,
        "as_of": rule.as_of,
        "hashed": rule.hashed,
        "country": country,
    }


def _tell(
    platform: str,
    rules: RuleSet,
    rule: FieldRule,
    made: list[Explained],
    *,
    stated: str | None,
    known: str | None,
) -> None:
    sent = "as its SHA-256" if rule.hashed else "as text"
    say(f"{rule.field} at {platform}, by rule set {rules.name} {rules.version}; sent {sent}")
    say(f"source: {rule.source}, as of {rule.as_of}")
    if any(step.needs_country for step in steps_named(rule.steps)):
        unread = "" if known or not stated else ": what was given is no two-letter code of ISO 3166"
        say(f"country: {known or 'none'}{unread}")
    for one in made:
        say()
        table(("step", "does", "value"), list(_lines(one)))
        hint = way_on(rule.field, one.refused) if one.refused else ""
        if hint:
            say(f"what to do: {hint}")


def _lines(one: Explained) -> Iterator[tuple[str, str, str]]:
    """A row a step, and before and after them what the steps do not say."""
    yield "", "as it came", _quoted(one.value)
    bare = one.value.strip(BLANKS)
    if not bare:
        yield "", "nothing there: left out, and not counted as refused", ""
        return
    if bare != one.value:
        yield "", "without blanks at its ends, seen or not", _quoted(bare)
    for step in one.steps:
        refused = f"refused: {step.get('refused')}"
        yield step["step"], step["does"], _quoted(step["value"]) if "value" in step else refused
    if one.digest:
        yield "sha256", "what is sent, in hex", one.digest
    if one.text:
        yield "text", "what is sent", _quoted(one.text)


def _quoted(value: str) -> str:
    return f'"{visible(value)}"'


# --- sample -------------------------------------------------------------------------


def sample(
    name: str,
    config: Path | None,
    *,
    platforms: list[str] | None,
    rows: int,
    as_json: bool,
) -> None:
    """Print what of a segment is usable, repaired and refused."""
    if rows < 0:
        raise UsageError(f"--rows is a number of rows, or 0 for all, not {rows}")
    with open_app(config) as app, progress(name) as bars:
        samples = {
            one: Sample(_policy(app, name, one)) for one in platforms or _platforms_of(app, name)
        }
        read, whole = _read(app, name, samples, most=rows, tell=bars)
    notes = warnings(samples)
    if as_json:
        found = {
            one: {"rules": sample.policy.version, "fields": sample.fields()}
            for one, sample in samples.items()
        }
        print_json(
            {"segment": name, "rows": read, "whole": whole, "platforms": found, "notes": notes}
        )
        return
    say(
        f"{name}: all {read:,} rows"
        if whole
        else f"{name}: the first {read:,} rows (--rows 0: all)"
    )
    for one, taken in samples.items():
        say()
        say(f"{one}, by rule set {taken.policy.version}")
        _tell_fields(taken.fields(), installed_platforms()[one].capabilities.kinds)
    if notes:
        say()
    for note in notes:
        say(f"note: {note}")


def _platforms_of(app: App, segment: str) -> tuple[str, ...]:
    """The platforms of the syncs that use a segment; all shipped ones where none does."""
    used = dict.fromkeys(
        app.settings.accounts[sync.account].connector
        for sync in app.settings.syncs.values()
        if sync.segment == segment
    )
    return tuple(used) or (META.name, GOOGLE.name)


def _policy(app: App, segment: str, platform: str) -> Policy:
    configured = app.settings.segments.get(segment)
    return Policy(
        rules=_rules(platform),
        kinds=frozenset(IdentifierKind),
        default_country=app.settings.shop.default_country,
        max_identifiers=len(ROW_COLUMNS),
        prehashed=configured is not None and configured.prehashed,
    )


def _read(
    app: App, segment: str, samples: Mapping[str, Sample], *, most: int, tell: Progress
) -> tuple[int, bool]:
    """Read a segment, or its beginning, without a seal.

    Returns:
        How many rows were read, and whether these are all.
    """
    done = 0
    with app.shop.read(app.query(segment, app.clock.now())) as reading:
        for batch in reading:
            part = batch.slice(0, most - done) if most else batch
            for one in samples.values():
                one.add(part)
            done += part.num_rows
            tell("read", done, most)
            if most and done >= most:
                return done, False
        return reading.seal(), True


def _tell_fields(fields: tuple[FieldSample, ...], kinds: frozenset[IdentifierKind]) -> None:
    table(
        ("field", "filled", "as they stand", "repaired", "refused"),
        [(f.field, f.filled, f.as_they_stand, f.repaired, f.refused_cells) for f in fields],
    )
    not_matched = {cell for cell in ID_CELLS if IdentifierKind(cell) not in kinds}
    idle = [f.field for f in fields if f.field not in ROW_COLUMNS or f.field in not_matched]
    if idle:
        say(f"no row carries these yet: {', '.join(idle)}")
    refused = [
        (f.field, each.count, each.reason, _shapes(each.examples))
        for f in fields
        for each in f.refused
    ]
    if refused:
        say()
        table(("refused", "cells", "why", "shapes"), refused)
    repaired = [(f.field, f.repaired, _shapes(f.repaired_examples)) for f in fields if f.repaired]
    if repaired:
        say()
        table(("repaired", "cells", "shapes"), repaired)


def _shapes(masks: tuple[str, ...]) -> str:
    return "  ".join(f'"{mask}"' for mask in masks)
