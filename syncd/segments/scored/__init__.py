"""Segments whose members are chosen by a score that a model gives each buyer.

`histories.py` holds what a model reads of each buyer, `buying.py` how often people buy and
when they stop, `spending.py` what an order of theirs is worth, `judging.py` whether a model
foretold the days that were kept from it. `choosing.py` makes of a model who is a member.

scipy is the extra `[scored]`: only a function that fits or predicts imports it, and numpy.
"""

from __future__ import annotations

from importlib.util import find_spec

from syncd.errors import ConfigError

# What `catalogue/base/history.sql` says of each buyer, and of the days after a history's end.
FIGURES = ("frequency", "recency", "age", "spent")
LATER = ("later", "brought")
HISTORIES = f"SELECT customer_key, {', '.join(FIGURES)}, {', '.join(LATER)} FROM history\n"

# The bind of the day at which a history ends: given by who has the model, and by nobody else.
UNTIL = "until"

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
