"""Every row of Meta's errors, by code and subcode, over the real SDK and a real socket.

The classes are those of Meta's "Error Codes", "Rate Limiting", "Customer File Custom
Audiences" and "Handling Errors", read 2026-11-22, sorted by what is to be done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from connectors.conformance import batch, member
from connectors.meta.usage import LIMITED
from connectors.sandbox.faults import Fault
from syncd.errors import (
    AudienceBusy,
    AudienceGone,
    AudienceUnusable,
    Denied,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)
from syncd.model import Operation
from syncd.ports import Upload
from tests.contract.test_meta import MetaRig

PUSH = batch(Operation.ADD, [member(1), member(2)])
HOUR = 3_600.0


class Row(NamedTuple):
    """An error as Meta answers it."""

    code: int
    subcode: int | None = None
    status: int = 400
    transient: bool = False

    @property
    def fault(self) -> Fault:
        return Fault(
            code=self.code, subcode=self.subcode, status=self.status, transient=self.transient
        )


# A: the same batch again, soon.
PASSING = [
    Row(1),
    Row(2),
    Row(1, 12345),
    Row(-3),
    Row(-3, 99),
    Row(5000),
    Row(3910001),
    Row(99999, transient=True),
    Row(99999, status=500),
    Row(99999, status=503),
    Row(803),
]
# B: the whole account waits.
WAITING = [
    Row(80000),
    Row(80003),
    Row(80004),
    Row(80014),
    Row(17),
    Row(17, 2446079),
    Row(613, 1487742),
    Row(613, 5044001),
    Row(4),
    Row(341),
    Row(32),
    Row(99999, status=429),
    Row(-3, 2446079),
]
# B': only the audience does.
BUSY = [Row(2650, 1870145), Row(-3, 1870145)]
# C: the account stops, and a person is told.
DENIED = [
    *(Row(190, subcode, status=401) for subcode in (None, 458, 459, 460, 463, 464, 467, 777)),
    Row(102),
    Row(104),
    Row(3),
    Row(10),
    Row(200),
    Row(200, 1870050),
    Row(294),
    Row(270),
    Row(2654, 1713092),
    Row(1404163),
    Row(100, 1404163),
    Row(2635),
]
TERMS = [Row(200, 1870034), Row(200, 1870090), Row(1870092), Row(100, 1870092), Row(2655)]
# C': likewise, and it is asked again after a day.
BLOCKED = [Row(368), Row(368, transient=True), Row(1404078), Row(2859015), Row(100, 1404078)]
# D: the audience stops, others go on.
UNUSABLE = [
    Row(100, 1713228),
    Row(100, 1713230),
    Row(100, 1713231),
    Row(2650),
    Row(2650, 1870144),
    Row(2651),
    Row(2656),
    Row(1487301),
    Row(100, 1487301),
    Row(1870065),
    Row(100, 1870065),
]
GONE = [Row(100, 33), Row(1487366), Row(100, 1487366)]
# D': the session is broken; another one follows.
BROKEN = [Row(2650, subcode) for subcode in (1870147, 1870148, 1870158, 1870159)]
# E: the request is wrong, and rows of it may be the reason.
OF_ROWS = [Row(100), Row(100, 12345), Row(105)]
OF_THE_REQUEST = [Row(194), Row(99999), Row(200, 1870047)]


@pytest.fixture(scope="module")
def rig() -> Iterator[MetaRig]:
    rig = MetaRig()
    yield rig
    rig.server.stop()


@pytest.fixture
def upload(rig: MetaRig) -> Upload:
    connector = rig.connect()
    return connector.open(connector.create("whales").id, Operation.ADD, rows=2)


def meets(rig: MetaRig, upload: Upload, row: Row) -> PlatformError:
    """What a push says that meets this; the next one goes through."""
    rig.faults.script(row.fault)
    with pytest.raises(PlatformError) as caught:
        upload.push(PUSH, last=True)
    code = str(row.code) + ("" if row.subcode is None else f"/{row.subcode}")
    assert caught.value.code == code
    assert caught.value.reference == "AsandboxFault"
    assert "Scripted fault" not in str(caught.value), "Meta's texts are not ours to tell"
    assert upload.push(PUSH, last=True).received == 2
    return caught.value


@pytest.mark.parametrize("row", PASSING)
def test_class_a_is_an_unknown_outcome_and_tried_again(
    rig: MetaRig, upload: Upload, row: Row
) -> None:
    assert type(meets(rig, upload, row)) is Unavailable


@pytest.mark.parametrize("row", WAITING)
def test_class_b_waits_as_the_tier_does_where_nothing_is_stated(
    rig: MetaRig, upload: Upload, row: Row
) -> None:
    error = meets(rig, upload, row)
    assert type(error) is Throttled
    assert error.retry_after == LIMITED


@pytest.mark.parametrize("row", WAITING)
def test_class_b_waits_as_stated(rig: MetaRig, upload: Upload, row: Row) -> None:
    rig.faults.script(Fault(status=row.status, code=row.code, subcode=row.subcode, retry_after=120))
    with pytest.raises(Throttled) as caught:
        upload.push(PUSH, last=True)
    assert caught.value.retry_after == 120


def test_abuse_prevention_waits_an_hour_and_is_told(rig: MetaRig, upload: Upload) -> None:
    error = meets(rig, upload, Row(613))
    assert isinstance(error, Throttled)
    assert error.retry_after == HOUR
    assert "abuse prevention" in str(error)


@pytest.mark.parametrize("row", BUSY)
def test_class_b2_waits_for_the_audience_by_minutes(rig: MetaRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row)
    assert isinstance(error, AudienceBusy)
    assert error.retry_after is not None
    assert 120 <= error.retry_after <= 300


@pytest.mark.parametrize("row", [*DENIED, *TERMS])
def test_class_c_denies_and_says_what_to_do(rig: MetaRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row)
    assert isinstance(error, Denied)
    assert error.again_after is None, "a look an hour later is the core's"
    assert error.hint != Denied.way_on
    assert ("terms" in error.hint) is (row in TERMS)


@pytest.mark.parametrize("row", BLOCKED)
def test_class_c2_denies_for_a_day(rig: MetaRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row)
    assert isinstance(error, Denied)
    assert error.again_after == 24 * HOUR
    assert "policy" in error.hint


@pytest.mark.parametrize("row", UNUSABLE)
def test_class_d_ends_it_for_the_audience(rig: MetaRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row)
    assert type(error) is AudienceUnusable
    assert error.hint


@pytest.mark.parametrize("row", GONE)
def test_class_d_knows_an_audience_that_is_gone(rig: MetaRig, upload: Upload, row: Row) -> None:
    assert type(meets(rig, upload, row)) is AudienceGone


def test_an_account_that_is_not_there_is_denied(rig: MetaRig) -> None:
    """100/33 of the account is no audience that is gone."""
    rig.faults.script(Row(100, 33).fault)
    with pytest.raises(Denied, match="account_id is wrong"):
        rig.connect().find("whales")


@pytest.mark.parametrize("row", BROKEN)
def test_class_d2_goes_on_in_another_session(rig: MetaRig, upload: Upload, row: Row) -> None:
    before = upload.label
    error = meets(rig, upload, row)
    assert type(error) is Unavailable
    assert "session broke" in error.hint
    assert upload.label != before


@pytest.mark.parametrize("row", OF_ROWS)
def test_class_e_may_be_about_rows(rig: MetaRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row)
    assert isinstance(error, RequestRefused)
    assert (error.of_rows, error.of_size) == (True, False)


@pytest.mark.parametrize("row", OF_THE_REQUEST)
def test_class_e_may_be_about_none(rig: MetaRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row)
    assert isinstance(error, RequestRefused)
    assert not error.of_rows


def test_too_much_in_a_request_is_sent_in_parts_and_blames_no_row(
    rig: MetaRig, upload: Upload
) -> None:
    error = meets(rig, upload, Row(1, 99))
    assert isinstance(error, RequestRefused)
    assert (error.of_rows, error.of_size) == (True, True)


def test_too_much_in_an_answer_is_tried_again(rig: MetaRig) -> None:
    """A question has no rows that could be halved."""
    connector = rig.connect()
    made = connector.create("whales").id
    for ask in (lambda: connector.find("whales"), lambda: connector.read(made)):
        rig.faults.script(Row(1, 99).fault)
        with pytest.raises(Unavailable):
            ask()
