"""BG/NBD: how often buyers buy, and whether they have stopped.

Each buys at a rate of their own, drawn from a gamma distribution (r, alpha), and after each
purchase stops for good with a chance of their own, drawn from a beta distribution (a, b).
Fader, Hardie, Lee, "Counting Your Customers the Easy Way: An Alternative to the Pareto/NBD
Model", Marketing Science 24(2), 2005; equation numbers are of that paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from syncd.errors import Unfitted
from syncd.segments.scored.histories import Floats, Histories
from syncd.segments.scored.likeliest import likeliest

_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.2, 0.5, 0.5, 3.0))
_QUANTILES = 200
_NEAR_ONE = 1e-6  # equation 10 divides by a - 1; next to 1 its limit is as good


@dataclass(frozen=True, slots=True)
class Buying:
    """The model's parameters.

    Attributes:
        r: Shape of the rates; small where most buy seldom and a few often.
        alpha: Their scale, in units of time; the mean rate is r / alpha.
        a, b: Of the chance to stop after a purchase, whose mean is a / (a + b).
    """

    r: float
    alpha: float
    a: float
    b: float

    def alive(self, who: Histories) -> Floats:
        """The chance that each has not stopped yet; 1 for who bought once.

        The model lets nobody stop before a first repeat purchase.
        """
        x, recency, age = who.frequency, who.recency, who.age
        odds = np.log(self.a) - np.log(self.b + np.maximum(x, 1) - 1)
        odds = odds + (self.r + x) * (np.log(self.alpha + age) - np.log(self.alpha + recency))
        return np.where(x > 0, 1 / (1 + np.exp(np.minimum(odds, 700.0))), 1.0)

    def chance(self, who: Histories, time: float) -> Floats:
        """The chance that each buys at least once within `time` from now.

        Who has not stopped does so only after a purchase, so that of the living nobody
        stays away but by a low rate, whose posterior is gamma(r + x, alpha + age).
        """
        stays = np.log(self.alpha + who.age) - np.log(self.alpha + who.age + time)
        return np.asarray(self.alive(who) * -np.expm1((self.r + who.frequency) * stays))

    def expected(self, who: Histories, time: float) -> Floats:
        """How many days with a purchase each is expected to have within `time` from now.

        Equation 10. By Euler's transformation, (1 - z)^(r + x) F(r + x, b + x; a + b + x - 1; z)
        is (1 - z)^(a - 1) F(a + b - 1 - r, a - 1; a + b + x - 1; z): no large argument is left,
        where the paper's own form loses all digits for who bought some hundred times. The series
        still has none where all stop alike (a in the thousands), or where a + b is 1.
        """
        from scipy.special import hyp2f1  # noqa: PLC0415 - the extra [scored]

        a = self.a if abs(self.a - 1) > _NEAR_ONE else 1 + _NEAR_ONE
        x = who.frequency
        z = time / (self.alpha + who.age + time)
        total = a + self.b + x - 1
        with np.errstate(all="ignore"):
            series = np.asarray(hyp2f1(a + self.b - 1 - self.r, a - 1, total, z), dtype=np.float64)
            unstopped = total / (a - 1) * (1 - (1 - z) ** (a - 1) * series)
        lost = ~np.isfinite(unstopped)
        if np.any(lost):
            ahead = time / (self.alpha + who.age[lost])
            unstopped[lost] = self._by_quantiles(x[lost], ahead)
        return np.asarray(unstopped * self.alive(who))

    def _by_quantiles(self, x: Floats, ahead: Floats) -> Floats:
        """Equation 10 before its integral over the chance to stop was solved.

        Of a living buyer that chance is beta(a, b + x). The mean over so many of its quantiles
        was within 0.1 % of the series wherever that has digits.

        Args:
            x: Purchases after the first.
            ahead: The time to foretell, in units of `alpha` and the age together.
        """
        from scipy.special import betaincinv  # noqa: PLC0415 - the extra [scored]

        total = np.zeros(len(x))
        for place in range(_QUANTILES):
            stops = np.asarray(betaincinv(self.a, self.b + x, (place + 0.5) / _QUANTILES))
            total += -np.expm1(-(self.r + x) * np.log1p(stops * ahead)) / stops
        return total / _QUANTILES

    def log_likelihood(self, who: Histories) -> Floats:
        """Of each history, equation 6."""
        from scipy.special import betaln, gammaln  # noqa: PLC0415 - the extra [scored]

        x, recency, age = who.frequency.astype(np.intp), who.recency, who.age
        # What hangs on the count alone is worked out once a count: it takes longest.
        every = np.arange(np.max(x, initial=0) + 1)
        rate = gammaln(self.r + every) - gammaln(self.r) + self.r * np.log(self.alpha)
        rate = rate - betaln(self.a, self.b)
        stays = (rate + betaln(self.a, self.b + every))[x]
        stops = (rate + betaln(self.a + 1, self.b + np.maximum(every, 1) - 1))[x]
        stays = stays - (self.r + x) * np.log(self.alpha + age)
        stops = stops - (self.r + x) * np.log(self.alpha + recency)
        return np.asarray(np.where(x > 0, np.logaddexp(stays, stops), stays))


def fit_buying(who: Histories) -> Buying:
    """The parameters under which these histories are likeliest.

    Raises:
        syncd.errors.Unfitted: There is no such point.
    """
    unit = float(np.max(who.age, initial=0.0))
    if not np.any(who.repeated) or unit <= 0:
        raise Unfitted("nobody bought on more than one day")
    distinct, weights = _distinct(who, unit)

    def likelihood(r: float, alpha: float, a: float, b: float) -> float:
        return float(np.dot(Buying(r, alpha, a, b).log_likelihood(distinct), weights))

    found = likeliest(likelihood, starts=_STARTS)
    if found is None:
        raise Unfitted("no BG/NBD model fits: the likelihood of these purchases rises for ever")
    r, alpha, a, b = found
    return Buying(r, alpha * unit, a, b)


def _distinct(who: Histories, unit: float) -> tuple[Histories, Floats]:
    """Each different history once, in units of time that are near 1, with its share of all."""
    rows = np.stack((who.frequency, who.recency, who.age), axis=1)
    different, counts = np.unique(rows, axis=0, return_counts=True)
    none = np.zeros(len(different))
    x, recency, age = different.T
    return Histories(x, recency / unit, age / unit, none, none), counts / len(who)
