"""Bad rows in full batches, found over real sockets through the vendors' own SDKs."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connectors import google, meta
from connectors.sandbox import start
from connectors.sandbox.faults import Fault
from connectors.sandbox.state import AudienceState, Identifier
from syncd.model import BatchState, Phase, SegmentQuery
from syncd.shop import open_shop
from tests.integration.memory_worlds import SQL, make_members
from tests.integration.test_platforms import ACCOUNTS, ZONE, Local, Name, account
from tests.integration.worlds import NAME, World

ROWS = 10_000
BAD = (17, 4_711, 9_999)


def email(number: int) -> str:
    return f"member{number:05}@example.com"


def digest(number: int) -> str:
    return hashlib.sha256(email(number).encode()).hexdigest()


@contextmanager
def full(name: Name, folder: Path) -> Iterator[Local]:
    """A segment of 10,000 on a platform with its own limits; it works at once."""
    path = folder / "shop.db"
    make_members(path)
    with closing(sqlite3.connect(path)) as shop, shop:
        shop.executemany(
            "INSERT INTO members (customer_key, email, country, ad_consent) "
            "VALUES (?, ?, 'NL', 'granted')",
            [(f"{number:05}", email(number)) for number in range(ROWS)],
        )
    with start(seed=3) as sandbox:
        platform = meta.PLATFORM if name == "meta" else google.PLATFORM
        held = sandbox.worlds[name]

        def audience() -> AudienceState | None:
            return next(iter(held.named(ACCOUNTS[name], NAME)), None)

        world = World(
            folder,
            platform,
            account(name, sandbox),
            audience,
            open_shop(f"sqlite:///{path}", None, timezone=ZONE),
            path,
            SegmentQuery("everyone", SQL, {}, "test"),
        )
        try:
            yield Local(name, world, sandbox, held)
        finally:
            world.close()


REFUSALS: dict[str, tuple[Name, Fault, int]] = {
    # The platform, what it says of a request that holds a bad row, requests at most. Meta
    # takes 3,333 members a request: 4 requests, and 14 for each bad row.
    "meta": ("meta", Fault(status=400, code=100), 4 + 3 * 14),
    "google, unnamed": ("google", Fault(code="INVALID_ARGUMENT"), 1 + 3 * 16 + 1),
    "google, named": (
        "google",
        Fault(code="INVALID_ARGUMENT", subcode="INVALID_SHA256_FORMAT", named=True),
        2,
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_three_bad_rows_of_ten_thousand_are_found_and_the_others_go_out(
    case: str, tmp_path: Path, told: Callable[[str], None]
) -> None:
    """In few requests; and once they are known, nothing is sent for them."""
    name, said, most = REFUSALS[case]
    bad = tuple(digest(number) for number in BAD)
    fault = replace(said, method="add", holding=bad)
    with full(name, tmp_path) as here:
        here.sandbox.faults.script(fault)
        result = here.world.sync()
        requests = here.held.requests["add"]
        told(f"{ROWS:,} rows, {len(BAD)} of them bad: {requests} requests, at most {most}")

        wrong: frozenset[Identifier] = frozenset(("email", one) for one in bad)
        assert here.world.identifiers == here.world.expected() - wrong
        assert result.pushed[Phase.ADD] == ROWS - len(BAD)
        assert (result.refused, result.exit_code) == (len(BAD), 3)
        assert requests <= most
        assert found_rows(here, result.plan.id) == set(BAD)
        here.world.check_quiet()
        assert here.held.requests["add"] == requests
        generation = here.world.ledger.generation(*here.world.at)
        assert generation is not None
        assert generation.sizes.refused == len(BAD)


def found_rows(here: Local, plan: str) -> set[int]:
    """Rows of the segment that the ledger says were refused by name."""
    return {
        batch.first_row + refusal.row
        for batch in here.world.ledger.batches(plan)
        for refusal in batch.refused
        if refusal.row is not None
    }


def test_a_batch_goes_out_again_under_a_session_of_its_own(tmp_path: Path) -> None:
    """After an answer that was lost: the ledger has each attempt with what Meta saw of it."""
    with full("meta", tmp_path) as here:
        here.sandbox.faults.script(Fault("reset", method="add", when="after", times=2))
        result = here.world.sync()
        first = here.world.ledger.batches(result.plan.id)[0]
        attempts = here.world.ledger.attempts(first.id)

        states = [BatchState.UNKNOWN, BatchState.UNKNOWN, BatchState.PROCESSED]
        assert [attempt.state for attempt in attempts] == states
        labels = [attempt.label for attempt in attempts]
        assert len(set(labels)) == len(labels)
        assert first.reference == labels[-1]
