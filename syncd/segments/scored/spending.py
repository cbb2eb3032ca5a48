"""Gamma-Gamma: what a purchase of each buyer is worth, whatever they paid so far.

A buyer's purchases vary about a mean of their own (gamma, shape p), and these means vary
among buyers (q, v). Fader, Hardie, Lee, "RFM and CLV: Using Iso-Value Curves for Customer Base
Analysis", Journal of Marketing Research 42(4), 2005; Fader, Hardie, "The Gamma-Gamma Model of
Monetary Value", 2013 (brucehardie.com/notes/025), whose equation numbers these are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from syncd.errors import Unfitted
from syncd.segments.scored.histories import Floats, Histories
from syncd.segments.scored.likeliest import likeliest

_STARTS = ((2.0, 3.0, 1.0), (6.0, 4.0, 4.0))
_LEAST_MEAN = 1.0  # below this q there is no mean value of a purchase


@dataclass(frozen=True, slots=True)
class Spending:
    """The model's parameters.

    Attributes:
        p: Shape of one buyer's purchases.
        q: Shape of the means among buyers; above 1, or there is no mean.
        v: Their scale, in the shop's base currency.
    """

    p: float
    q: float
    v: float

    def expected(self, who: Histories) -> Floats:
        """What a purchase of each is expected to bring, equation 5, in the base currency.

        Between everyone's mean and their own, the nearer to it the more they bought; of who
        has not bought again it is everyone's.
        """
        total = self.p * (self.v + who.spent)
        return np.asarray(total / (self.p * who.frequency + self.q - 1))

    def log_likelihood(self, who: Histories) -> Floats:
        """Of each mean value of repeat purchases, equation 1a. All have one that is above 0."""
        from scipy.special import gammaln  # noqa: PLC0415 - the extra [scored]

        x, mean = who.frequency, who.mean_spent
        px = self.p * x
        found = gammaln(px + self.q) - gammaln(px) - gammaln(self.q) + self.q * np.log(self.v)
        found = found + (px - 1) * np.log(mean) + px * np.log(x)
        return np.asarray(found - (px + self.q) * np.log(x * mean + self.v), dtype=np.float64)


def fit_spending(who: Histories) -> Spending:
    """The parameters under which what repeat purchases brought is likeliest.

    Raises:
        syncd.errors.Unfitted: There is no such point, or purchases have no mean under it.
    """
    paid = who.repeated & (who.spent > 0)
    if not np.any(paid):
        raise Unfitted("nobody paid for anything on a second day")
    unit = float(np.mean(who.mean_spent[paid]))
    some = Histories(
        who.frequency[paid],
        who.recency[paid],
        who.age[paid],
        who.spent[paid] / unit,
        who.later[paid],
    )

    def likelihood(p: float, q: float, v: float) -> float:
        return float(np.mean(Spending(p, q, v).log_likelihood(some)))

    found = likeliest(likelihood, starts=_STARTS)
    if found is None:
        raise Unfitted("no Gamma-Gamma model fits these amounts: they hardly differ among buyers")
    p, q, v = found
    if q <= _LEAST_MEAN:
        raise Unfitted(
            f"the Gamma-Gamma model of these amounts has no mean (q is {q:.2f}, at most 1): a few "
            "of them are too large for it"
        )
    return Spending(p, q, v * unit)


def tie(who: Histories) -> float:
    """How what repeat purchases bring goes with how many there are: Pearson's correlation.

    The model takes the two for independent. 0 where either does not vary.
    """
    paid = who.repeated & (who.spent > 0)
    frequency, mean = who.frequency[paid], who.mean_spent[paid]
    if len(frequency) == 0 or np.ptp(frequency) == 0 or np.ptp(mean) == 0:
        return 0.0
    return float(np.corrcoef(frequency, mean)[0, 1])
