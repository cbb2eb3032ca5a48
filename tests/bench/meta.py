"""A large audience at Meta: `python -m tests.bench.meta [MEMBERS]`, a million by default.

What is done and looked at is in `tests.bench.large`. The fewest requests, by this formula:

    a first sync                 ceil(members / rows)                              to add
    a tenth changes its e-mail   ceil(changed / rows) to remove, ceil(changed / rows) to add
    a twentieth leaves           ceil(left / rows) to remove

`rows` is Meta's limit, 10,000 a request: each member here is one of Meta's rows. One with
several e-mails or phones is as many (`tests/unit/test_cutting.py`). Prints requests, seconds
and the peak memory of each command, for a tenth of the members first: what memory grows by is
an index of hashes. Exits 1 if anything is not as it should be.
"""

from __future__ import annotations

import sys

from connectors.meta.schema import WIRE_ROWS as ROWS
from connectors.sandbox import start
from tests.bench.large import Case, full, table

MEMBERS = 1_000_000
META = Case(
    connector="meta",
    kind="external_id",
    value=lambda n: f"C-{n}",
    held=lambda n: ("external_id", f"C-{n}"),
    fewest=lambda removed, added: {"remove": full(removed, ROWS), "add": full(added, ROWS)},
)


def main(members: int) -> int:
    """Print the table; 1 if anything is not as it should be."""
    with start() as sandbox:
        return 0 if table(META, sandbox, members // 10, members) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else MEMBERS))
