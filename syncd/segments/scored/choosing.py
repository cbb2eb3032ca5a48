"""Who is a member of a scored segment, by a model and the shop's present histories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.segments.scored import FIGURES
from syncd.segments.scored.buying import Buying
from syncd.segments.scored.histories import Floats, Histories
from syncd.segments.scored.spending import Spending

MONTH = 365 / 12  # days

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Models:
    """What a shop's customers were fitted with; `spending` where amounts could be, too."""

    buying: Buying
    spending: Spending | None

    @classmethod
    def of(cls, parameters: Mapping[str, float]) -> Models:
        """From a `model.FittedModel`'s parameters."""
        buying = Buying(*(parameters[name] for name in ("r", "alpha", "a", "b")))
        if "q" not in parameters:
            return cls(buying, None)
        return cls(buying, Spending(*(parameters[name] for name in ("p", "q", "v"))))


def worth(models: Models, who: Histories, *, months: int, discount: float) -> Floats:
    """What each will bring in the next months, less `discount` for each month it is away.

    A purchase counts at the end of its month. In the base currency.

    Raises:
        ValueError: There is no model of amounts.
    """
    if models.spending is None:
        raise ValueError("no model says what a purchase brings")
    total, before = np.zeros(len(who)), np.zeros(len(who))
    for month in range(1, months + 1):
        until = models.buying.expected(who, month * MONTH)
        total += (until - before) / (1 + discount) ** month
        before = until
    return np.asarray(total * models.spending.expected(who))


def least_of_top(scores: Floats, top: float) -> float:
    """The least score that is among the first `top`, as `PERCENT_RANK() < top` draws it.

    Equals are all in or all out; infinite where nobody is in.
    """
    different, counts = np.unique(-scores, return_counts=True)  # the highest first
    ahead = np.cumsum(counts) - counts
    within = different[ahead / max(len(scores) - 1, 1) < top]
    return -float(within[-1]) if len(within) else float("inf")


@dataclass(frozen=True, slots=True)
class Chooser:
    """Takes of a segment's rows those of its members.

    Attributes:
        score: What each buyer is ranked by.
        least: What a member has at least.
        allowed: What must hold of a member beside.
        value: Whether the score goes with the row, as its value.
    """

    score: Callable[[Histories], Floats]
    least: float
    allowed: Callable[[Histories], Flags]
    value: bool

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The members among a batch's rows, without the figures they were chosen by."""
        who = Histories.of([batch])
        score = self.score(who)
        chosen = pa.array((score >= self.least) & self.allowed(who))
        rows = batch.drop_columns(list(FIGURES))
        if self.value:
            rows = rows.append_column("value", pa.array(np.round(score, 2)))
        return rows.filter(chosen)


def chooser(
    segment: str, parameters: Mapping[str, float], models: Models, everyone: Callable[[], Histories]
) -> Chooser:
    """Who chooses the members of a scored segment of the catalogue.

    Args:
        segment: Its name.
        parameters: What it was given.
        models: What its shop's customers were fitted with.
        everyone: Reads all buyers, whom `top` is a share of.
    """
    buying = models.buying
    if segment == "churn_risk":
        low, high = parameters["min"], parameters["max"]
        return Chooser(buying.alive, low, lambda who: buying.alive(who) < high, value=False)
    if segment == "likely_to_buy":
        days, alive = parameters["days"], parameters["alive"]

        def chance(who: Histories) -> Floats:
            return buying.chance(who, days)

        least = least_of_top(chance(everyone()), parameters["top"])
        return Chooser(chance, least, lambda who: buying.alive(who) >= alive, value=False)
    if segment == "predicted_clv_top":
        months, discount = int(parameters["months"]), parameters["discount"]

        def brings(who: Histories) -> Floats:
            return worth(models, who, months=months, discount=discount)

        least = least_of_top(brings(everyone()), parameters["top"])
        return Chooser(brings, least, lambda who: np.ones(len(who), np.bool_), value=True)
    if segment == "likely_high_aov" and models.spending is not None:
        basket, came_back = models.spending.expected, everyone()
        least = least_of_top(basket(came_back)[came_back.repeated], parameters["top"])
        return Chooser(basket, least, lambda who: who.repeated, value=False)
    raise ValueError(f"no model chooses the members of {segment}")
