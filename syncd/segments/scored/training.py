"""From histories to a model, and the figures that it was judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from syncd.errors import Unfitted
from syncd.segments.scored.buying import fit_buying
from syncd.segments.scored.histories import Histories
from syncd.segments.scored.judging import TIE, judged, too_few
from syncd.segments.scored.spending import fit_spending, tie


@dataclass(frozen=True, slots=True)
class Trained:
    """What `model.FittedModel` keeps under the same names."""

    parameters: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    objection: str = ""
    money: str = ""


def train(who: Histories, *, holdout: int) -> Trained:
    """Fit models to histories, and judge them by the days that came after.

    Args:
        who: With what each bought in the `holdout` days that were kept from the models.
        holdout: How many.
    """
    repeaters = int(np.count_nonzero(who.repeated))
    counted = {"buyers": float(len(who)), "repeaters": float(repeaters)}
    if objection := too_few(len(who), repeaters):
        return Trained(figures=counted, objection=objection)
    try:
        buying = fit_buying(who)
    except Unfitted as error:
        return Trained(figures=counted, objection=str(error))
    expected = buying.expected(who, holdout)
    judgement = judged(expected, expected, who.frequency, who.later)
    amounts, money = _amounts(who)
    figures = {name: float(figure) for name, figure in asdict(judgement).items()}
    return Trained(
        {**asdict(buying), **amounts},
        {**figures, "tie": tie(who)},
        judgement.objection,
        money,
    )


def _amounts(who: Histories) -> tuple[dict[str, float], str]:
    """Gamma-Gamma's parameters, and why they may not be used."""
    try:
        found = asdict(fit_spending(who))
    except Unfitted as error:
        return {}, str(error)
    tied = tie(who)
    if tied < TIE:
        return found, ""
    return found, (
        f"who buys more often also spends more at a time (correlation {tied:.2f}, at least {TIE}), "
        "which Gamma-Gamma takes for independent"
    )
