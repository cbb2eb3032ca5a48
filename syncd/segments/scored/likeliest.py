"""The highest point of a likelihood whose parameters are above 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from syncd.segments.scored.histories import Floats

_FURTHEST = 14.0  # of a logarithm: a search that arrives there runs off for ever
_OUT_OF_STEPS = 1  # of L-BFGS-B; any other end is as near to the top as doubles can tell


def likeliest(
    likelihood: Callable[..., float], *, starts: Sequence[tuple[float, ...]]
) -> tuple[float, ...] | None:
    """The parameters with the highest mean log-likelihood; None where it rises for ever.

    Args:
        likelihood: Of the parameters, in order; to be given in units in which they are
            near 1.
        starts: Where to look from; the best that any finds counts.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - the extra [scored]

    def loss(logs: Floats) -> float:
        return -likelihood(*np.exp(logs).tolist())

    closely = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500}
    found = [
        minimize(
            loss,
            np.log(start),
            method="L-BFGS-B",
            bounds=[(-_FURTHEST, _FURTHEST)] * len(start),
            options=closely,
        )
        for start in starts
    ]
    best = min(found, key=lambda each: float(each.fun))
    ran_off = bool(np.any(np.abs(best.x) > _FURTHEST - 1))
    if best.status == _OUT_OF_STEPS or ran_off or not np.isfinite(best.fun):
        return None
    return tuple(np.exp(best.x).tolist())
