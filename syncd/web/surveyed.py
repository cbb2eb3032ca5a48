"""What the ledger keeps of surveys, gathered for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from syncd.app import App
from syncd.ledger import surveys
from syncd.ledger.figures import Moment
from syncd.logs import scrubbed
from syncd.model.surveys import Counted, LiftFound, Survey
from syncd.ports import Platform
from syncd.smallness import too_small
from syncd.web.wording import every
from syncd.web.worth import CountedTold, LiftTold, PairTold, SurveyTold

_LIFT = TypeAdapter(LiftTold)


@dataclass(frozen=True, slots=True)
class Known:
    """What surveys found, by segment.

    Attributes:
        newest: The last survey; None if there was none.
        paired: The last one that counted two segments or more.
        counted: The last that counted each.
        lifts: The last word of each hold-out.
    """

    newest: Survey | None
    paired: Survey | None
    counted: Mapping[str, Survey]
    lifts: Mapping[str, LiftFound]

    @classmethod
    def of(cls, seen: Moment) -> Known:
        """As the ledger has it at a moment."""
        return cls(
            newest=surveys.latest(seen.tx),
            paired=surveys.with_pairs(seen.tx),
            counted=surveys.last_counted(seen.tx),
            lifts=surveys.last_lifted(seen.tx),
        )

    def of_segment(self, name: str) -> CountedTold | None:
        """A segment as it was counted last."""
        survey = self.counted.get(name)
        found = _in(survey, name)
        if survey is None or found is None or found.members is None:
            return None
        return CountedTold(
            at=survey.at,
            since=survey.since,
            members=found.members,
            customers=survey.customers,
            buyers=found.buyers,
            revenue=found.revenue,
            whole=survey.revenue,
        )

    def trouble(self, name: str) -> str:
        """Why the last survey could not count it."""
        found = _in(self.newest, name)
        return scrubbed(found.trouble) if found else ""

    def lift(self, name: str) -> LiftTold | None:
        """What its hold-out said last."""
        found = self.lifts.get(name)
        return _LIFT.validate_json(found.figures) if found else None

    def lift_trouble(self, name: str) -> str:
        """Why the last survey could not compare."""
        lifts = self.newest.lifts if self.newest else ()
        return next((scrubbed(each.trouble) for each in lifts if each.segment == name), "")


def _in(survey: Survey | None, name: str) -> Counted | None:
    segments = survey.segments if survey else ()
    return next((each for each in segments if each.segment == name), None)


def told(app: App, known: Known) -> SurveyTold:
    """How far the shop was asked, and what each two segments have in common."""
    newest, paired = known.newest, known.paired
    return SurveyTold(
        schedule=every(app.settings.page.survey, app.settings.shop.timezone),
        at=newest.at if newest else None,
        trouble=scrubbed(newest.trouble) if newest else "",
        pairs_at=paired.at if paired else None,
        pairs=tuple(_pairs(app, paired)) if paired else (),
    )


def _pairs(app: App, survey: Survey) -> Iterator[PairTold]:
    from syncd.segments.overlaps import ALIKE  # noqa: PLC0415 - as in `syncd.app`

    sizes = {each.segment: each.members or 0 for each in survey.counted}
    for each in survey.pairs:
        if not {each.one, each.other} <= app.settings.segments.keys():
            continue  # taken out of the configuration since
        either = sizes[each.one] + sizes[each.other] - each.both
        jaccard = each.both / either if either else 0.0
        yield PairTold(each.one, each.other, each.both, jaccard, jaccard >= ALIKE)


def small(
    app: App, seen: Moment, installed: Mapping[str, Platform], name: str, members: int | None
) -> Iterator[str]:
    """For each sync of a segment that is too small for its platform, that it is.

    Args:
        app: The configuration.
        seen: The ledger.
        installed: Platforms by name.
        name: The segment.
        members: As a survey counted it; None asks the sync's last run.
    """
    for sync, chosen in app.settings.syncs.items():
        if chosen.segment != name or chosen.mode == "remove":
            continue
        read = seen.members_read(sync, 1) if members is None else ()
        size = read[0][1] if read else members
        platform = installed[app.settings.accounts[chosen.account].connector]
        if size is not None and (said := too_small(platform, size)):
            yield f"{sync}: {said}"
