"""Who will buy of a category soon who did not lately: a logistic regression of the shop's own.

It is fitted to what buyers did in some days after what it reads of them, and judged by what they
did in as many days after these, of which it knew nothing. Of each it reads how often, how lately,
how long and for how much they bought, what an article of theirs cost, what of it was of the
category, and how often buyers of the other categories that they bought of bought of this one.

Boosted trees over isotonic regression would need scikit-learn, which weighs more than all of
syncd. A logistic regression foretells as many buyers as there were in what it was fitted to by
itself, and its few weights can be read; the bars are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from syncd.segments.scored import TASTE
from syncd.segments.scored.choosing import least_of_top
from syncd.segments.scored.columns import Columns, Flags, Picker
from syncd.segments.scored.histories import Floats
from syncd.segments.scored.judging import judged, too_few
from syncd.segments.scored.training import Trained

FITTED = 80  # who bought of it, at least: ten for each weight (Peduzzi 1996)
JUDGED = 50  # likewise in the days that it is judged by: fewer do not tell 0.65 from chance
RIDGE = 1.0  # keeps weights of what hardly differs near 0

_WEIGHTS = (
    *("often", "since", "age", "spent", "price"),
    *("often_of_it", "share_of_it", "affinity"),
)
_MILLION = 1_000_000
_TEN_THOUSANDTHS = 10_000
_DIGITS = 12  # of a score: the last few may differ by how many rows are scored at a time


@dataclass(frozen=True, slots=True)
class Taste:
    """The model's parameters.

    Attributes:
        intercept: The log-odds where every feature is 0.
        weights: What one more of a feature adds to it, in the order of `features`.
    """

    intercept: float
    weights: tuple[float, ...]

    @classmethod
    def of(cls, parameters: Mapping[str, float]) -> Taste:
        """From a `model.FittedModel`'s parameters."""
        return cls(parameters["intercept"], tuple(parameters[name] for name in _WEIGHTS))

    @property
    def parameters(self) -> dict[str, float]:
        """As a `model.FittedModel` has them."""
        return {"intercept": self.intercept, **dict(zip(_WEIGHTS, self.weights, strict=True))}

    def chance(self, who: Columns) -> Floats:
        """The chance that each buys of the category in so many days as it was fitted to."""
        odds = np.full(len(who["since"]), self.intercept)
        for weight, feature in zip(self.weights, features(who), strict=True):
            odds = odds + weight * feature
        return np.asarray(np.round(1 / (1 + np.exp(-np.clip(odds, -700, 700))), _DIGITS))


def features(who: Columns) -> tuple[Floats, ...]:
    """What the log-odds are a sum of; amounts in the shop's base currency, days as unit."""
    spent = who["spent"] / _TEN_THOUSANDTHS
    of_it = who["spent_of_it"] / np.maximum(who["spent"], 1)
    return (
        np.log(np.maximum(who["buying_days"], 1)),
        np.log1p(who["since"]),
        np.log1p(who["age"]),
        np.log1p(spent),
        np.log1p(spent / np.maximum(who["articles"], 1)),
        np.log1p(who["days_of_it"]),
        of_it,
        who["affinity"] / _MILLION,
    )


def fit_taste(who: Columns) -> Taste:
    """The weights under which who bought of the category is likeliest, less a ridge's."""
    from scipy.optimize import minimize  # noqa: PLC0415 - the extra [scored]

    table = np.stack(features(who), axis=1)
    bought = (who["later"] > 0).astype(np.float64)
    middle, spread = table.mean(axis=0), table.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    plain = (table - middle) / spread

    def loss(found: Floats) -> tuple[float, Floats]:
        odds = found[0] + plain @ found[1:]
        off = 1 / (1 + np.exp(-np.clip(odds, -700, 700))) - bought
        value = np.sum(np.logaddexp(0, odds) - bought * odds) + RIDGE / 2 * np.sum(found[1:] ** 2)
        slope = np.concatenate([[np.sum(off)], plain.T @ off + RIDGE * found[1:]])
        return float(value), np.asarray(slope)

    start = np.zeros(table.shape[1] + 1)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    weights = best[1:] / spread
    return Taste(float(best[0] - np.dot(weights, middle)), tuple(weights.tolist()))


def train_taste(past: Columns, kept: Columns) -> Trained:
    """Fit a model to some days, and judge it by as many after them.

    Args:
        past: What was known before both, and who bought of the category in the former.
        kept: What was known before the latter, and who bought in these.
    """
    again = int(np.count_nonzero(past["buying_days"] > 1))
    events, made = (int(np.count_nonzero(x["later"] > 0)) for x in (past, kept))
    counted = {"buyers": float(len(past["since"])), "repeaters": float(again)}
    counted["events"] = float(events)
    if objection := too_few(len(past["since"]), again):
        return Trained(figures=counted, objection=objection)
    if events < FITTED or made < JUDGED:
        return Trained(
            figures={**counted, "made": float(made)},
            objection=(
                f"of those who had not lately, {events:,} bought of the category in the days that "
                f"a model would be fitted to and {made:,} in those it would be judged by; it takes "
                f"{FITTED:,} and {JUDGED:,}"
            ),
        )
    taste = fit_taste(past)
    chance = taste.chance(kept)
    verdict = judged(chance, chance, kept["buying_days"] - 1, kept["later"])
    figures = {name: float(figure) for name, figure in asdict(verdict).items()}
    return Trained(
        taste.parameters,
        {**figures, "events": float(events)},
        verdict.objected("buyers of the category", "came"),
    )


def likeliest_takers(parameters: Mapping[str, float], everyone: Columns, top: float) -> Picker:
    """Who are the members: the first so many by their chance.

    Args:
        parameters: Of the model.
        everyone: Whom `top` is a share of.
        top: The share.
    """
    taste = Taste.of(parameters)
    least = least_of_top(taste.chance(everyone), top)

    def chosen(who: Columns) -> Flags:
        return np.asarray(taste.chance(who) >= least)

    return Picker(TASTE.figures, chosen)
