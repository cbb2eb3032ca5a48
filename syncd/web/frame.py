"""What every view of the page shares: the moment, the reader's zone, links that keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from syncd.web.wording import span

# Those that are offered beside the shop's own; any other may stand in the address.
ZONES = (
    *("UTC", "Europe/London", "Europe/Amsterdam", "Europe/Helsinki", "America/New_York"),
    *("America/Chicago", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata"),
    *("Asia/Singapore", "Asia/Tokyo", "Australia/Sydney"),
)

NONE = Markup("\N{EN DASH}")  # where there is no figure


class BadQuestion(Exception):
    """Something in the address cannot be understood; its text says what."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One request's surroundings.

    Attributes:
        now: The moment to which spans of time are told.
        at: When what is shown was published.
        shop: The shop's zone.
        chosen: The zone that the reader asked for; "" for the shop's.
        path: Of the request.
        query: Of the request, without the zone.
        standalone: In a file that is sent around: links lead nowhere there.
    """

    now: datetime
    at: datetime
    shop: str
    chosen: str
    path: str
    query: Mapping[str, str]
    standalone: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are shown."""
        return ZoneInfo(self.chosen or self.shop)

    @property
    def zones(self) -> tuple[str, ...]:
        """Zones to choose from."""
        return tuple(dict.fromkeys([self.shop, *([self.chosen] * bool(self.chosen)), *ZONES]))

    def link(self, path: str, **query: object) -> str:
        """An address on the page that keeps the zone."""
        kept = {name: str(value) for name, value in query.items() if value not in {None, ""}}
        if self.chosen:
            kept["zone"] = self.chosen
        return f"{path}?{urlencode(kept)}" if kept else path

    def when(self, at: datetime | None) -> Markup:
        """A time in the reader's zone, with UTC for whoever points at it."""
        if at is None:
            return NONE
        here = at.astimezone(self.zone)
        shown = f"{here.day} {here:%b}"
        if here.year != self.now.astimezone(self.zone).year:
            shown += f" {here.year}"
        return self._time(at, f"{shown}, {here:%H:%M}")

    def ago(self, at: datetime | None) -> Markup:
        """A time as seen from now: 3 h ago, in 2 d."""
        if at is None:
            return NONE
        length = abs(self.now - at)
        if length < timedelta(minutes=1):
            return self._time(at, "just now")
        said = span(length).split(" ")
        rough = " ".join(said[:2])
        return self._time(at, f"in {rough}" if at > self.now else f"{rough} ago")

    def _time(self, at: datetime, shown: str) -> Markup:
        utc = at.astimezone(UTC)
        return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
            f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S}", shown
        )

    def midnight(self, name: str) -> datetime | None:
        """The beginning of a day that the query names, in the reader's zone.

        Raises:
            BadQuestion: It names none.
        """
        text = self.query.get(name, "").strip()
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)
        except (ValueError, OverflowError):
            raise BadQuestion(f"{name} is no day: write it as 2026-11-28") from None

    def number(self, name: str) -> int | None:
        """A whole number that the query names.

        Raises:
            BadQuestion: It names none.
        """
        text = self.query.get(name, "").strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 16):  # noqa: PLR2004 - below 2**63
            raise BadQuestion(f"{name} is no number")
        return int(text)


def known_zone(text: str) -> str:
    """The name of a zone as the address has it; "" for none.

    Raises:
        BadQuestion: There is no such zone.
    """
    try:
        return ZoneInfo(text).key if text else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadQuestion("there is no such time zone: write one as Europe/Amsterdam") from None
