"""What must be true of both sides after every step, and what must become true at the end."""

from __future__ import annotations

from collections import Counter

from connectors.memory import row_identifiers
from connectors.sandbox.state import Identifier
from syncd.model import BatchState
from syncd.sync import Wish
from tests.crash.beliefs import Beliefs, _take_batch, _take_generation
from tests.crash.book import Violation
from tests.crash.house import House
from tests.crash.sides import Side

WINDOW = 49  # hours; the settle window is 48


def check(house: House) -> None:
    """What must hold at every moment."""
    if not house.ledger.verify().ok:
        raise Violation("audit chain", "it does not verify")
    if house.traffic.now:
        raise Violation("not heard", f"{house.traffic.now} requests are on their way after a run")
    for side in house.sides.values():
        if side.at[2]:
            _check_known(house, side)
    _check_erased(house)


def _check_known(house: House, side: Side) -> None:
    _check_outcomes(house, side)
    found = beliefs(side)
    coming = side.coming()
    there = side.identifiers | side.persons | coming
    if lost := there - found.possible:
        raise Violation(
            "not in our membership", f"{side.name}: {len(lost)} are there, or coming, unknown"
        )
    # What a platform refused, or failed with later, is certain until syncd has asked; and
    # `forget` takes out whom it is given before the removals that follow it.
    excused = side.book.bad | side.book.shaky | side.book.mail
    if missing := found.certain - side.identifiers - coming - excused:
        raise Violation("certain and not there", f"{side.name}: {len(missing)} identifiers")
    # It takes along whoever the platform thinks is the same person.
    if side.later or house.ledger.erasures.open():
        return
    if missing := found.certain - side.persons - excused:
        raise Violation("certain and not there", f"{side.name}: {len(missing)} by persons")


def _check_outcomes(house: House, side: Side) -> None:
    """The ledger knows which requests nobody knows the outcome of, and what the others came to."""
    unfinished = {one.id: one.state for one in house.ledger.unfinished(*side.at)}
    for request in side.book.unknown.values():
        # A request that adds an erased person is given up.
        if request.batch not in unfinished and not request.ids & side.book.mail:
            raise Violation("outcome forgotten", f"{side.name}: what {request.batch} came to")
    for batch, state in unfinished.items():
        if state is BatchState.SENDING and batch not in house.orphans:
            raise Violation("not heard", f"{side.name}: {batch} is on its way after a run")


def beliefs(side: Side) -> Beliefs:
    """What the ledger and its files say of one side."""
    found, ledger = Beliefs(), side.ledger
    if (generation := ledger.generation(*side.at)) is not None:
        _take_generation(found, side.folder / "var", generation)
    for batch in ledger.unfolded(*side.at):
        plan = ledger.plan(batch.plan)
        assert plan is not None
        with side.membership.open(plan) as file:
            rows = row_identifiers(file.of(batch))
        _take_batch(found, batch, rows)
    return found


def _check_erased(house: House) -> None:
    """Once an erasure is closed nobody of it is there; and each was removed twice."""
    closed = {one.id for one in house.ledger.erasures.all() if one.closed_at is not None}
    for one in house.erased:
        if one.asked.id not in closed:
            continue
        for side in house.sides.values():
            if one.mail & (side.identifiers | side.persons):
                raise Violation("erased and there", f"{side.name}: though {one.asked.id} is closed")
            if side.name not in one.there:
                continue
            for mail in one.mail:
                told = Counter(side.book.removals.get(mail, ()))
                told -= Counter(one.before[side.name, mail])
                if not told and side.name in one.leaving:
                    continue
                if not told or max(told) < min(told) + side.book.settle:
                    raise Violation(
                        "erased once",
                        f"{side.name}: {one.asked.id} is closed after {told.total()} removals",
                    )


# --- at the end ---------------------------------------------------------------------


def come_to_rest(house: House) -> None:
    """Faults off, backlogs worked off: two runs that wait make all equal; then nothing is sent.

    Erasures are waited for to their end, and so is what landed late.
    """
    house.clock.pass_by(hours=2)  # a stated wait may last an hour
    for side in house.sides.values():
        side.remote._steps.clear()
        side.remote.refuses = None
        side.work()
    for side in house.sides.values():
        _run(house, side, full=side.book.refused)
    check(house)
    waited = _wait(house)
    for side in house.sides.values():
        if waited or not _equal(house, side):
            _run(house, side)
        _check_equal(house, side)
        side.sent_any = False
        house.run(side.name, Wish("test"))
        if side.sent_any:
            raise Violation("never quiet", f"{side.name}: nothing changed, and something was sent")
    check(house)


def _wait(house: House) -> bool:
    """Let settle windows pass, if there is anything to wait for; whether there was.

    What landed late is confirmed, or sent again, once nothing more can land.
    """
    erasing = bool(house.ledger.erasures.open())
    if not erasing and not any(side.untold for side in house.sides.values()):
        return False
    for _ in range(3 if erasing else 1):
        house.pass_by(WINDOW)
        if erasing:
            house.carry_on()
        house.side("later").work()
    if erasing:
        house.carry_on()
    check(house)
    if house.ledger.erasures.open():
        raise Violation("never closed", "an erasure is open after three settle windows")
    return True


def _run(house: House, side: Side, *, full: bool = False) -> None:
    """A run that waits; what it holds is approved."""
    found = house.run(side.name, Wish("test", wait=True, full=full))
    if found.plan.held:
        house.approve(side.name, found.plan)
        found = house.run(side.name, Wish("test", wait=True))
    if found.plan.held:
        raise Violation("never equal", f"{side.name}: held again after an approval")


def _equal(house: House, side: Side) -> bool:
    return side.identifiers == side.persons == house.expected()


def _check_equal(house: House, side: Side) -> None:
    expected: frozenset[Identifier] = house.expected()
    for view, held in (("identifiers", side.identifiers), ("persons", side.persons)):
        if held != expected:
            raise Violation(
                "never equal",
                f"{side.name}: by {view} {len(held - expected)} too many, "
                f"{len(expected - held)} missing",
            )
    if side.ledger.unfinished(*side.at):
        raise Violation("never equal", f"{side.name}: an outcome is still unknown")
