"""Templates into HTML; everything that is put in is escaped."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from syncd.web.frame import NONE, Frame
from syncd.web.lifts import percent
from syncd.web.reading import SizeLine
from syncd.web.standing import tone_of
from syncd.web.views import Context
from syncd.web.wording import span

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, frame: Frame, context: Context) -> str:
    """One page."""
    return _environment().get_template(f"{template}.html").render(frame=frame, **context)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - an extra

    found = Environment(
        loader=PackageLoader("syncd.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"count": count, "counted": counted, "rate": rate, "span": span, "told": told}
    found.filters["share"] = share
    found.globals["tone_of"] = tone_of
    return found


def count(number: int | None) -> str:
    """A number with separators; a dash for none."""
    return NONE if number is None else f"{number:,}"


def share(part: float | None) -> str:
    """A share in percent with a decimal; a dash for none."""
    return NONE if part is None else percent(part)


def counted(size: SizeLine | None) -> str:
    """People that a platform counts."""
    if size is None or size.least is None or size.most is None:
        return NONE
    return _spanning(f"{size.least:,}", f"{size.most:,}")


def rate(size: SizeLine | None) -> Markup:
    """A match rate; ours is an estimate and says so."""
    if size is None or size.rate_least is None or size.rate_most is None:
        return NONE
    said = _spanning(f"{size.rate_least:.0f}", f"{size.rate_most:.0f}")
    about = "" if size.own_rate else "about "
    return Markup("{}{} %").format(about, said)


def told(said: str) -> Markup:
    """A sentence of ours, whose commands stand in backticks."""
    parts = (escape(part) for part in said.split("`"))
    marked = (
        Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts)
    )
    return Markup().join(marked)


def _spanning(least: str, most: str) -> str:
    return least if least == most else f"{least} to {most}"
