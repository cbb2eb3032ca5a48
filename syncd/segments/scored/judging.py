"""Whether a model foretold the days that were kept from it, and the bars it must pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from syncd.segments.scored.histories import Floats, Histories

BUYERS = 500  # fewer do not show how people differ
REPEATERS = 150  # who bought on more than one day
AUC = 0.65
CALIBRATION = 0.25  # how far the purchases foretold may be from those made, as a share of these
TIE = 0.3  # see `spending.tie`; where the number of purchases tells their value

_TENTH = 10
_UPPER_FIFTH = 0.8


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a model did on the days that were kept from it.

    Attributes:
        buyers: It was judged on; `repeaters` of them bought on more than one day before.
        base_rate: The share of them that bought in those days.
        auc: The chance that of one who bought and one who did not the former scored higher;
            of equals half. 0.5 is no better than chance.
        top_rate: The share that bought of the tenth with the highest scores.
        foretold, made: Days with a purchase, of all together.
    """

    buyers: int
    repeaters: int
    base_rate: float
    auc: float
    top_rate: float
    foretold: float
    made: float

    @property
    def off(self) -> float:
        """How far what was foretold is from what was made, as a share of that."""
        return off(self.foretold, self.made)

    @property
    def objection(self) -> str:
        """Why the model may not choose anybody; nothing where it may."""
        return self.objected("days with a purchase", "were made")

    def objected(self, what: str, came: str) -> str:
        """The same of a model that foretells something else.

        Args:
            what: Was foretold.
            came: What became of it, as a verb.
        """
        said = []
        if self.auc < AUC:
            said.append(f"its AUC is {self.auc:.3f}, less than {AUC}")
        if self.off > CALIBRATION:
            said.append(
                f"it foretold {self.foretold:,.0f} {what} and {self.made:,.0f} {came}, more than "
                f"{CALIBRATION:.0%} off"
            )
        return "; ".join(said)


def off(foretold: float, made: float) -> float:
    """How far what was foretold is from what came, as a share of that."""
    return abs(foretold - made) / made if made else float("inf")


def too_few(buyers: int, repeaters: int) -> str:
    """Why nothing can be fitted to so few; nothing where it can."""
    if buyers >= BUYERS and repeaters >= REPEATERS:
        return ""
    return (
        f"{buyers:,} buyers, of whom {repeaters:,} bought on more than one day; it takes "
        f"{BUYERS:,} and {REPEATERS:,}"
    )


def ranks_baskets(score: Floats, who: Histories) -> float:
    """How well a score tells who spends most at a time: the AUC of the upper fifth.

    Of those who bought on a second day, and again in the days that were kept from the model.
    """
    some = who.repeated & (who.later > 0)
    mean = who.brought[some] / who.later[some]
    if not len(mean):
        return 0.5
    return auc(score[some], mean >= np.quantile(mean, _UPPER_FIFTH))


def basket_objection(figure: float) -> str:
    """Why `ranks_baskets` came to too little; nothing where it did not."""
    if figure >= AUC:
        return ""
    return (
        "of those who bought again, it found the fifth that spent most at a time with an AUC of "
        f"{figure:.3f}, less than {AUC}"
    )


def judged(score: Floats, expected: Floats, frequency: Floats, later: Floats) -> Judgement:
    """Hold what a model said against what came.

    Args:
        score: Of each buyer, the higher the likelier to buy.
        expected: Days with a purchase that the model expects of each.
        frequency: Days with a repeat purchase before.
        later: Days with a purchase that each then made.
    """
    bought = later > 0
    best = np.argsort(-score, kind="stable")[: max(len(score) // _TENTH, 1)]
    return Judgement(
        buyers=len(score),
        repeaters=int(np.count_nonzero(frequency > 0)),
        base_rate=float(np.mean(bought)) if len(bought) else 0.0,
        auc=auc(score, bought),
        top_rate=float(np.mean(bought[best])) if len(bought) else 0.0,
        foretold=float(np.sum(expected)),
        made=float(np.sum(later)),
    )


def auc(score: Floats, bought: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """The area under the ROC curve by ranks (Mann and Whitney); 0.5 where all did alike."""
    ones = int(np.count_nonzero(bought))
    others = len(bought) - ones
    if not ones or not others:
        return 0.5
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[place]  # equals share the mean of their ranks
    return float((np.sum(ranks[bought]) - ones * (ones + 1) / 2) / (ones * others))
