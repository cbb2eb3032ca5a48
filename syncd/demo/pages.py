"""What the demo prints: sentences, tables, commands; never a customer's data."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from syncd.demo.day import DayFacts
from syncd.demo.operator import Line
from syncd.demo.shop import ShopFacts
from syncd.demo.verdict import Verdict
from syncd.model import AuditEvent
from syncd.model.surveys import Survey

WIDTH = 100
_INDENT = "   "


@dataclass(frozen=True, slots=True)
class Page:
    """Writes lines of at most `WIDTH` characters."""

    say: Callable[[str], None]

    def heading(self, number: int, title: str) -> None:
        """Begin a chapter."""
        self.say("")
        self.say(f"{number}. {title}")

    def tell(self, *sentences: str) -> None:
        """Print prose, wrapped."""
        for line in _wrapped(" ".join(sentences)):
            self.say(_INDENT + line)

    def command(self, *words: str) -> None:
        """Print what an operator would type."""
        lines = _wrapped(f"$ syncd {' '.join(words)}", room=2, further="    ")
        for at, line in enumerate(lines, 1):
            self.say(_INDENT + line + (" \\" if at < len(lines) else ""))

    def event(self, event: AuditEvent) -> None:
        """Print an audit event as `syncd audit show` does, wrapped."""
        text = f"#{event.number} {event.at:%Y-%m-%d %H:%M} {event.sync}: {event.detail}"
        for line in _wrapped(text, further="    "):
            self.say(_INDENT + line)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[int | str | None]]) -> None:
        """Print rows in columns; numbers to the right."""
        cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
        width = [max(len(row[n]) for row in cells) for n in range(len(columns))]
        words = [any(isinstance(row[n], str) for row in rows) for n in range(len(columns))]
        for row in cells:
            line = "  ".join(
                text.ljust(width[n]) if words[n] else text.rjust(width[n])
                for n, text in enumerate(row)
            )
            self.say(_INDENT + line.rstrip())

    def lines(self, lines: Sequence[Line]) -> None:
        """Print how syncs went, and under them why some failed."""
        columns = ("sync", "members", "kept out", "unchanged", "rows out", "rows in", "requests")
        self.table(
            (*columns, "ended"),
            [
                (
                    line.sync, line.read, line.kept_out, line.unchanged, line.removed, line.sent,
                    line.requests, line.state,
                )
                for line in lines
            ],
        )  # fmt: skip
        for line in lines:
            if line.said:
                self.tell(f"syncd: {line.sync}: {line.said}")

    def segments(self, found: Survey) -> None:
        """Print how large segments are, and what their members paid of what all did."""
        self.table(
            ("segment", "members", "of all customers", "of revenue"),
            [
                (
                    *(each.segment, each.members, _share(each.members, found.customers)),
                    _share(each.revenue, found.revenue),
                )
                for each in found.segments
            ],
        )

    def verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Print what was compared with what."""
        columns = (
            "audience of",
            "should hold",
            "holds",
            "missing",
            "extra",
            "persons",
            "strangers",
        )
        self.table(
            (*columns, ""),
            [
                (
                    one.sync, one.expected, one.held, one.missing, one.extra, one.persons,
                    one.strangers, "agrees" if one.agreed else "DISAGREES",
                )
                for one in verdicts
            ],
        )  # fmt: skip


def shop_words(facts: ShopFacts) -> str:
    """A shop in a sentence."""
    return (
        f"{facts.customers:,} customers, {facts.orders:,} orders of two years, "
        f"{facts.products:,} products in {facts.categories:,} categories, {facts.carts:,} carts, "
        f"{facts.consents:,} answers on consent: a SQLite file in which nobody is real."
    )


def day_words(facts: DayFacts) -> str:
    """A day in a sentence."""
    return (
        f"{facts.new_customers:,} customers joined, {facts.deleted:,} deleted their account, "
        f"{facts.emails_changed:,} changed their e-mail address, {facts.consents_withdrawn:,} "
        f"withdrew consent, {facts.phones_shared:,} now share a phone with someone else; "
        f"{facts.orders:,} orders, {facts.returned:,} of them after a year away; "
        f"{facts.carts_left:,} carts left behind, {facts.carts_completed:,} completed after all."
    )


def _wrapped(text: str, *, room: int = 0, further: str = "") -> list[str]:
    width = WIDTH - len(_INDENT) - room
    return textwrap.wrap(
        text, width, subsequent_indent=further, break_on_hyphens=False, break_long_words=False
    )


def _share(part: int | None, whole: int | None) -> str:
    return f"{part / whole:.1%}" if part is not None and whole else "-"


def _cell(value: int | str | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else value
