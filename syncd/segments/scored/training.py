"""From histories to a model, and the figures that it was judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from syncd.errors import Unfitted
from syncd.segments.scored.buying import fit_buying
from syncd.segments.scored.histories import Floats, Histories
from syncd.segments.scored.judging import CALIBRATION, TIE, judged, off, ranks_baskets, too_few
from syncd.segments.scored.spending import fit_spending, tie


@dataclass(frozen=True, slots=True)
class Trained:
    """What `model.FittedModel` keeps under the same names."""

    parameters: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    objection: str = ""
    money: str = ""


def train(who: Histories, *, holdout: float) -> Trained:
    """Fit models to histories, and judge them by what came after.

    Args:
        who: With what each bought in the time that was kept from the models.
        holdout: How many, in the unit of time of the histories.
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
    figures = {name: float(figure) for name, figure in asdict(judgement).items()}
    trained = Trained(asdict(buying), figures, judgement.objection)
    return _with_amounts(trained, who, expected)


def _with_amounts(trained: Trained, who: Histories, expected: Floats) -> Trained:
    """The same with Gamma-Gamma's parameters and figures, and why they may not be used."""
    tied, made = tie(who), float(np.sum(who.brought))
    figures = {**trained.figures, "tie": tied, "revenue_made": made}
    try:
        spending = fit_spending(who)
    except Unfitted as error:
        return replace(trained, figures=figures, money=str(error))
    baskets = spending.expected(who)
    foretold = float(np.dot(expected, baskets))
    said = []
    if tied >= TIE:
        said.append(_tied(tied))
    if off(foretold, made) > CALIBRATION:
        said.append(
            f"the models foretold {foretold:,.0f} of revenue in the shop's base currency and "
            f"{made:,.0f} came, more than {CALIBRATION:.0%} off"
        )
    return Trained(
        {**trained.parameters, **asdict(spending)},
        {**figures, "revenue_foretold": foretold, "basket_auc": ranks_baskets(baskets, who)},
        trained.objection,
        "; ".join(said),
    )


def _tied(tied: float) -> str:
    return (
        f"who buys more often also spends more at a time (correlation {tied:.2f}, at least {TIE}), "
        "which Gamma-Gamma takes for independent"
    )
