"""A large audience at Google, over either of its APIs: `python -m tests.bench.google [MEMBERS]`.

A million by default; what is done and looked at is in `tests.bench.large`. The fewest requests,
by these formulas:

    Data Manager
      a first sync                 ceil(members / 10,000) to add
      a tenth changes its e-mail   ceil(changed / 10,000) to remove, and as many to add
      a twentieth leaves           ceil(left / 10,000) to remove
    Google Ads
      a first sync                 a job, ceil(members / 5,000) into it
      a tenth changes its e-mail   a job to remove and one to add, ceil(changed / 5,000) into each
      a twentieth leaves           a job, ceil(left / 5,000) into it

10,000 members a request is a limit of the Data Manager API. 5,000 is Google's advice for the
Google Ads API, as members of two identifiers each. Each request to the former is asked after
once, and each job of the latter is made by a request and run by another. Prints requests, seconds
and the peak memory of each command, for a tenth of the members first. Exits 1 if anything is not
as it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from connectors.google import CAPABILITIES as DATA_MANAGER
from connectors.google_ads import CAPABILITIES as GOOGLE_ADS
from connectors.sandbox import start
from connectors.sandbox.state import Identifier
from tests.bench.large import Case, full, sha256, table
from tests.integration.commands import phone

MEMBERS = 1_000_000


def held(number: int) -> Identifier:
    """A customer's phone, as Google holds it."""
    return "phone", sha256(phone(number))


def requests(removed: int, added: int) -> Mapping[str, int]:
    """To the Data Manager API."""
    remove, add = (full(rows, DATA_MANAGER.max_rows) for rows in (removed, added))
    return {"remove": remove, "add": add, "status": remove + add}


def of_jobs(removed: int, added: int) -> Mapping[str, int]:
    """To the Google Ads API; rows are added to a job whatever is to be done with them."""
    jobs = (removed > 0) + (added > 0)
    filling = sum(full(rows, GOOGLE_ADS.max_rows) for rows in (removed, added))
    return {"ads.create_job": jobs, "ads.add": filling, "ads.run": jobs}


CASES = tuple(
    Case(connector=connector, kind="phone", value=phone, held=held, fewest=fewest)
    for connector, fewest in (("google", requests), ("google_ads", of_jobs))
)


def main(members: int) -> int:
    """Print both tables; 1 if anything is not as it should be."""
    good = True
    for case in CASES:
        with start() as sandbox:  # one each, so that what the first holds is gone
            good = table(case, sandbox, members // 10, members) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else MEMBERS))
