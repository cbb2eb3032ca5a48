"""Segments whose members are chosen by a score that a model gives each buyer.

`histories.py` holds what a model reads of each buyer, `buying.py` how often people buy and
when they stop, `spending.py` what an order of theirs is worth, `judging.py` whether a model
foretold the days that were kept from it. `choosing.py` makes of a model who is a member.
`tastes.py` is who will buy of a category, `clusters.py` groups of alike customers; `columns.py`
what these two read.

scipy is the extra `[scored]`: only a function that fits or predicts imports it, and numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec

from syncd.errors import ConfigError

# What `catalogue/base/history.sql` says of each buyer, and of the days after a history's end.
FIGURES = ("frequency", "recency", "age", "spent")
LATER = ("later", "brought")

# The bind of the day at which a history ends: given by who has the model, and by nobody else.
UNTIL = "until"


@dataclass(frozen=True, slots=True)
class Family:
    """Segments that models of one kind choose the members of.

    Attributes:
        view: Of `catalogue/base`: what such a model reads, a row a buyer.
        figures: Its columns that decide who is a member.
        later: Its columns that say what came after the day `:until`.
        fresh: For so long a model is used.
    """

    view: str
    figures: tuple[str, ...]
    later: tuple[str, ...]
    fresh: timedelta

    @property
    def histories(self) -> str:
        """SQL for what the model reads of each buyer."""
        return f"SELECT customer_key, {', '.join((*self.figures, *self.later))} FROM {self.view}\n"


BUYING = Family("history", FIGURES, LATER, timedelta(days=7))
TASTE = Family(
    "taste",
    (
        *("buying_days", "since", "age", "spent", "articles"),
        *("days_of_it", "spent_of_it", "affinity"),
    ),
    ("later",),
    timedelta(days=7),
)
# People move between groups when these are found anew; a campaign outlasts a week.
CLUSTERS = Family("footing", ("buying_days", "since", "money"), ("later",), timedelta(days=90))
_FAMILIES: Mapping[str, Family] = {"propensity_category": TASTE, "cluster": CLUSTERS}


def family_of(segment: str) -> Family:
    """The family of a segment of the catalogue that a model chooses."""
    return _FAMILIES.get(segment, BUYING)


# Segments whose score is an amount: they need a model of amounts, too. The latter is of one
# purchase, and has to rank these.
BY_MONEY = frozenset({"predicted_clv_top", "likely_high_aov"})
BY_BASKET = frozenset({"likely_high_aov"})


def check_installed(segment: str) -> None:
    """See that what fits a model is installed.

    Raises:
        ConfigError: It is not; says what to install.
    """
    if find_spec("scipy") is None:
        raise ConfigError(
            f"{segment} is chosen by a model, which needs what the extra `[scored]` brings: "
            "pip install 'syncd[scored]'"
        )
