"""What is said of a model that chooses a segment's members."""

from __future__ import annotations

import math
from collections.abc import Iterator

from syncd.model import FittedModel


def quality(model: FittedModel) -> str:
    """What a model was judged by, in words."""
    figures = model.figures
    if "auc" not in figures:
        return f"it could not be judged: {model.objection}"
    seen = (
        f"it saw the orders up to {model.holdout} days before {model.as_of:%Y-%m-%d} and foretold "
        f"those days: AUC {figures['auc']:.3f}"
    )
    if "silhouette" in figures:
        return f"{seen} of who buys, by group; silhouette {figures['silhouette']:.2f}"
    foretold, made = f"{figures['foretold']:,.0f}", f"{figures['made']:,.0f}"
    if "events" in figures:
        said = f"{foretold} buyers of the category where there were {made}"
    else:
        said = f"{foretold} days with a purchase where {made} were made"
    return (
        f"{seen}, {said}; of the tenth with the highest scores {figures['top_rate']:.0%} bought, "
        f"of all {figures['base_rate']:.0%}"
    )


def groups(model: FittedModel) -> Iterator[str]:
    """The groups that a model found, a line each; none of other models."""
    said, figures = model.parameters, model.figures
    for number in range(1, int(said.get("clusters", 0)) + 1):
        often = math.exp(said[f"often_{number}"])
        since = math.expm1(said[f"since_{number}"])
        money = math.expm1(said[f"money_{number}"])
        yield (
            f"{number}: {figures[f'size_{number}']:,.0f} people in the middle of whom somebody "
            f"bought on {often:,.1f} days, last {since:,.0f} days ago, for {money:,.2f} in all; "
            f"{figures[f'rate_{number}']:.0%} of them bought in those days"
        )
