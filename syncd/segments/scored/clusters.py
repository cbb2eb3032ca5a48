"""Groups of alike customers: k-means over the logarithms of recency, frequency and money.

The number of groups is that with the best silhouette (Rousseeuw 1987, Journal of Computational
and Applied Mathematics 20, 53-65). They may choose members where that shows groups at all, and
where who buys next differs among them: how many of each group bought in some days is held against
who bought in as many days after these.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from syncd.errors import Unfitted
from syncd.segments.scored import CLUSTERS
from syncd.segments.scored.columns import Columns, Flags, Picker
from syncd.segments.scored.histories import Floats
from syncd.segments.scored.judging import AUC, auc, too_few
from syncd.segments.scored.training import Trained

FEWEST, MOST = 3, 8  # of two, one is who buys and the other who does not
SILHOUETTE = 0.25  # below it there is no structure to speak of (Kaufman and Rousseeuw 1990)
AXES = ("often", "since", "money")

_FITTED_TO = 20_000  # buyers, drawn where there are more
_COMPARED = 2_000  # of them, each with each
_STARTS = 5
_TEN_THOUSANDTHS = 10_000


@dataclass(frozen=True, slots=True)
class Clusters:
    """The groups.

    Attributes:
        spread: Of all buyers, by axis: what a distance is measured in.
        centres: The middle of each group by axis, as logarithms; the first has most money.
    """

    spread: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, parameters: Mapping[str, float]) -> Clusters:
        """From a `model.FittedModel`'s parameters."""
        return cls(
            tuple(parameters[f"spread_{axis}"] for axis in AXES),
            tuple(
                tuple(parameters[f"{axis}_{number}"] for axis in AXES)
                for number in range(1, int(parameters["clusters"]) + 1)
            ),
        )

    @property
    def parameters(self) -> dict[str, float]:
        """As a `model.FittedModel` has them."""
        found = {"clusters": float(len(self.centres))}
        for place, axis in enumerate(AXES):
            found[f"spread_{axis}"] = self.spread[place]
            for number, centre in enumerate(self.centres, 1):
                found[f"{axis}_{number}"] = centre[place]
        return found

    def nearest(self, who: Columns) -> Floats:
        """The number of each buyer's group, from 0; of two that are as near the lower."""
        far = []
        for centre in self.centres:
            away = np.zeros(len(who["since"]))
            for axis, at, spread in zip(_axes(who), centre, self.spread, strict=True):
                away = away + ((axis - at) / spread) ** 2
            far.append(away)
        return np.asarray(np.argmin(np.stack(far), axis=0).astype(np.float64))


def _axes(who: Columns) -> tuple[Floats, ...]:
    return (
        np.log(np.maximum(who["buying_days"], 1)),
        np.log1p(who["since"]),
        np.log1p(who["money"] / _TEN_THOUSANDTHS),
    )


def fit_clusters(who: Columns) -> tuple[Clusters, float]:
    """Groups, and their silhouette.

    Args:
        who: Buyers, in any order: what is found does not hang on it.
    """
    table = np.stack(_axes(who), axis=1)
    table = table[np.lexsort(table.T)]  # the last digit of a sum hangs on the order
    middle, spread = table.mean(axis=0), table.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    plain = (table - middle) / spread
    # The same draw each time: a group must be found again where nothing has changed.
    random = np.random.default_rng(0)
    some = random.permutation(len(plain))[:_FITTED_TO]
    drawn = plain[np.sort(some)]
    shown = drawn[np.sort(random.permutation(len(drawn))[:_COMPARED])]
    best: tuple[float, Floats] = (-1.0, np.zeros((1, len(AXES))))
    different = len(np.unique(drawn, axis=0))
    for number in range(FEWEST, min(MOST, different) + 1):
        centres = _best_of(drawn, number, random)
        if centres is None:
            break
        fit = silhouette(shown, np.argmin(_distances(shown, centres), axis=1))
        best = max(best, (fit, centres), key=lambda each: each[0])
    fit, centres = best
    centres = centres[np.argsort(-centres[:, AXES.index("money")], kind="stable")]
    real = centres * spread + middle
    return Clusters(tuple(spread.tolist()), tuple(map(tuple, real.tolist()))), fit


def _best_of(drawn: Floats, number: int, random: np.random.Generator) -> Floats | None:
    """So many centres, the best of several starts; None where no start keeps all of them."""
    from scipy.cluster.vq import ClusterError, kmeans2  # noqa: PLC0415 - the extra [scored]

    found: list[Floats] = []
    for _ in range(_STARTS):
        # A start that loses a group is none: there would be fewer than asked for.
        with suppress(ClusterError):
            found.append(kmeans2(drawn, number, 30, minit="++", missing="raise", rng=random)[0])
    return min(
        found, key=lambda each: float(np.sum(_distances(drawn, each).min(axis=1))), default=None
    )


def _distances(rows: Floats, centres: Floats) -> Floats:
    """Squared, of each row to each centre."""
    return np.asarray(np.stack([np.sum((rows - each) ** 2, axis=1) for each in centres], axis=1))


def silhouette(rows: Floats, group: Floats) -> float:
    """How much nearer rows are to their own group than to the next, on the mean; 1 at most.

    Args:
        rows: Places, a row each.
        group: The number of each one's group.

    Returns:
        -1 where there are fewer than two groups.
    """
    from scipy.spatial.distance import cdist  # noqa: PLC0415 - the extra [scored]

    numbers = np.unique(group)
    if len(numbers) < 2:  # noqa: PLR2004 - nothing is beside one group
        return -1.0
    away = cdist(rows, rows)
    sizes = np.array([np.count_nonzero(group == number) for number in numbers])
    sums = np.stack([away[:, group == number].sum(axis=1) for number in numbers], axis=1)
    place = np.searchsorted(numbers, group)
    own = sums[np.arange(len(rows)), place] / np.maximum(sizes[place] - 1, 1)
    others = sums / sizes
    others[np.arange(len(rows)), place] = np.inf
    next_one = others.min(axis=1)
    each = (next_one - own) / np.maximum(np.maximum(own, next_one), 1e-12)
    return float(np.mean(np.where(sizes[place] > 1, each, 0.0)))


def train_clusters(past: Columns, kept: Columns) -> Trained:
    """Find groups, and judge them by who bought in days that they knew nothing of.

    Args:
        past: What was known before some days, and who bought in them.
        kept: What was known before as many days after these, and who bought in these.
    """
    again = int(np.count_nonzero(past["buying_days"] > 1))
    buyers = len(past["since"])
    counted = {"buyers": float(buyers), "repeaters": float(again)}
    if objection := too_few(buyers, again):
        return Trained(figures=counted, objection=objection)
    clusters, fit = fit_clusters(past)
    before, now = clusters.nearest(past), clusters.nearest(kept)
    numbers = range(len(clusters.centres))
    rates = np.array([_share(past["later"][before == number]) for number in numbers])
    figure = auc(rates[now.astype(np.intp)], kept["later"] > 0)
    figures = {**counted, "silhouette": fit, "auc": figure}
    for number in numbers:
        figures[f"size_{number + 1}"] = float(np.count_nonzero(now == number))
        figures[f"rate_{number + 1}"] = _share(kept["later"][now == number])
    said = []
    if fit < SILHOUETTE:
        said.append(f"their silhouette is {fit:.2f}, less than {SILHOUETTE}: they run together")
    if figure < AUC:
        said.append(f"who buys next hardly differs among them: an AUC of {figure:.3f}, below {AUC}")
    return Trained(clusters.parameters, figures, "; ".join(said))


def _share(later: Floats) -> float:
    return float(np.mean(later > 0)) if len(later) else 0.0


def in_cluster(parameters: Mapping[str, float], number: int) -> Picker:
    """Who are the members: those nearest to one group.

    Raises:
        syncd.errors.Unfitted: There are fewer groups.
    """
    clusters = Clusters.of(parameters)
    if number > len(clusters.centres):
        raise Unfitted(
            f"there is no group {number}: the shop's customers fall into {len(clusters.centres)}"
        )

    def chosen(who: Columns) -> Flags:
        return np.asarray(clusters.nearest(who) == number - 1)

    return Picker(CLUSTERS.figures, chosen)
