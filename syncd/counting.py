"""How what platforms count is told: numbers, an estimate, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.app import platforms
from syncd.model import Measured


def counted(measured: Measured | None) -> str:
    """People that the platform counts, or "" where nothing was asked or stated."""
    if measured is None or measured.least is None or measured.most is None:
        return ""
    if measured.least == measured.most:
        return f"{measured.least:,}"
    return f"{measured.least:,} to {measured.most:,}"


def rate(measured: Measured | None) -> str:
    """The match rate in percent: the platform's own, else our estimate; or ""."""
    if measured is not None and measured.matched is not None:
        return str(measured.matched)
    found = measured.match_rate if measured else None
    if found is None:
        return ""
    least, most = (f"{share * 100:.0f}" for share in found)
    return f"{least} %" if least == most else f"{least} to {most} %"


def lines(measured: Measured | None, platform: str) -> list[str]:
    """All of it in sentences; none where the platform was not asked, or did not answer."""
    if measured is None:
        return []
    known = platforms()
    title = known[platform].title if platform in known else "the platform"
    said = [_sentence(measured, title)]
    if measured.warning:
        said.append(f"look at: {measured.warning}")
    # Also where nothing is stated: they say of what sizes nothing is.
    said += (f"counted by {line}" for line in caveats([platform]))
    if measured.matched is not None:
        said += (f"matched by {line}" for line in caveats([platform], of_rates=True))
    return said


def _sentence(measured: Measured, title: str) -> str:
    told = counted(measured)
    said = f"{title} counts {told} people in it" if told else f"{title} states no size of it"
    said += f" ({measured.at:%Y-%m-%d %H:%M}{f'; {measured.status}' if measured.status else ''})"
    share = rate(measured)
    if measured.matched is not None:
        said += f": it matched {share} of what it was sent, as it states"
    elif share:
        said += f": a match rate of about {share} of {measured.members:,} members"
    elif told and measured.foreign:
        said += ": no match rate, for others may be in it"
    return said


def caveats(names: Iterable[str], *, of_rates: bool = False) -> list[str]:
    """What the sizes of these platforms mean, or their own match rates, a sentence each."""
    known = platforms()
    found = (known[name] for name in dict.fromkeys(names) if name in known)
    told = ((one.title, one.rates if of_rates else one.sizes) for one in found)
    return [f"{title}: {text}" for title, text in told if text]
