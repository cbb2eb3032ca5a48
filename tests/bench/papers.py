"""The published models from the published sample: `python -m tests.bench.papers`.

Fits BG/NBD and Gamma-Gamma to the tenth of CDNOW's customers that the papers used, and prints what
is found beside what they printed; exits 1 where a figure is further off than its last digit. The
sample is in no file of this repository or of the shared data: the package `lifetimes` brings it,
without what else that takes: `pip install --no-deps lifetimes==0.11.3`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np

from syncd.segments.scored.buying import fit_buying
from syncd.segments.scored.histories import Histories
from syncd.segments.scored.spending import fit_spending

# Fader, Hardie, Lee 2005, table 2, in weeks; Fader and Hardie 2013, 'The Gamma-Gamma model'.
BUYING = {"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4258}
LIKELIHOOD = -9582.4
SPENDING = {"p": 6.25, "q": 3.74, "v": 15.44}


def sample(name: str) -> list[dict[str, str]]:
    """One of its tables."""
    try:
        found = [each for each in files("lifetimes") or () if each.name == name]
    except PackageNotFoundError:
        raise SystemExit("pip install --no-deps lifetimes==0.11.3 brings the sample") from None
    with Path(str(found[0].locate())).open(encoding="ascii") as source:
        return list(csv.DictReader(source))


def lines() -> Iterator[tuple[str, float, float, float]]:
    """What is compared: its name, as found, as printed, and how far it may be off."""
    rows = sample("cdnow_customers_summary.csv")
    x, recency, age = np.array(
        [[float(row[name]) for row in rows] for name in ("frequency", "recency", "T")]
    )
    histories = Histories(x, recency, age, x * 0, x * 0)
    buying = fit_buying(histories)
    for name, printed in BUYING.items():
        yield f"BG/NBD {name}", getattr(buying, name), printed, 1e-4
    likelihood = float(np.sum(buying.log_likelihood(histories)))
    yield "BG/NBD log-likelihood", likelihood, LIKELIHOOD, 0.05
    rows = sample("cdnow_customers_summary_with_transactions.csv")
    x, mean = np.array([[float(row[name]) for row in rows] for name in ("x", "zbar")])
    spending = fit_spending(Histories(x, x, x, x * mean, x))
    for name, printed in SPENDING.items():
        yield f"Gamma-Gamma {name}", getattr(spending, name), printed, 0.01


def main() -> int:
    """Print the table."""
    good = True
    print("| figure | found | printed |\n|---|---:|---:|")
    for name, found, printed, least in lines():
        good &= abs(found - printed) <= least
        print(f"| {name} | {found:.4f} | {printed:.4f} |")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
