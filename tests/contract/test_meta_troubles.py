"""What has gone wrong for users of other connectors to Meta, named as they told it.

facts/meta.md keeps the list with its sources; the tests here are those rows of it that a
connector answers for and no other test shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.conformance import batch, member
from connectors.meta.schema import MAX_ROWS
from connectors.sandbox.faults import Fault
from connectors.sandbox.wire import json_reply
from syncd.errors import AudienceUnusable, Denied, Unavailable
from syncd.model import Operation
from tests.contract.test_meta import MetaRig
from tests.contract.test_meta_replacing import Recorder, taken

EVERY_FIELD = (
    *("email", "email_2", "email_3", "phone", "phone_2", "phone_3"),
    *("given_name", "family_name", "postcode", "country"),
)


@pytest.fixture
def rig() -> Iterator[MetaRig]:
    rig = MetaRig()
    yield rig
    rig.server.stop()


def sent(recorder: Recorder) -> list[dict[str, Any]]:
    return [json.loads(request.fields["payload"]) for request in recorder.seen]


def test_large_removals_die_or_vanish(rig: MetaRig) -> None:
    """Row 1: in a URL, as the SDK would send them, 300 are too many."""
    connector = rig.connect()
    made = connector.create("whales").id
    everyone = [member(n, *EVERY_FIELD[:6]) for n in range(MAX_ROWS)]
    for operation in (Operation.ADD, Operation.REMOVE):
        upload = connector.open(made, operation, rows=MAX_ROWS)
        assert upload.push(batch(operation, everyone), last=True).refused == ()
        assert len(rig.identifiers(made)) == (6 * MAX_ROWS if operation is Operation.ADD else 0)


def test_removals_accepted_and_the_size_unchanged() -> None:
    """Row 2: a removal names the row as it was added, by all of its keys, under one schema."""
    whole = member(1, *EVERY_FIELD)
    with Recorder(taken(3), taken(3)) as recorder:
        for operation in (Operation.ADD, Operation.REMOVE):
            upload = recorder.connector().open("7", operation, rows=1)
            upload.push(batch(operation, [whole]), last=True)
    added, removed = sent(recorder)
    assert added == removed


def test_a_data_source_mismatch_of_alternating_schemas() -> None:
    """Row 5: one list schema, whatever the members hold."""
    rows = [member(1, "email"), member(2, "phone"), member(3, *EVERY_FIELD[-4:])]
    with Recorder(*[taken(1)] * 3) as recorder:
        for one in rows:
            upload = recorder.connector().open("7", Operation.ADD, rows=1)
            upload.push(batch(Operation.ADD, [one]), last=True)
    schemas = [each["schema"] for each in sent(recorder)]
    assert isinstance(schemas[0], list)
    assert schemas == [schemas[0]] * 3


def test_num_received_does_not_match() -> None:
    """Row 7: it counts the session so far, and is compared with what that has carried."""
    two, one = batch(Operation.ADD, [member(1), member(2)]), batch(Operation.ADD, [member(3)])
    with Recorder(taken(2), taken(3), taken(2)) as recorder:
        upload = recorder.connector().open("7", Operation.ADD, rows=6)
        assert upload.push(two, last=False).received == 2
        assert upload.push(one, last=False).received == 1
        with pytest.raises(Unavailable):  # of its 5 rows only 2
            upload.push(two, last=False)


@pytest.mark.parametrize("code", [(200, 1870034), (200, 1870090), (100, 1870092), (2655, None)])
def test_terms_never_accepted_shown_as_a_vague_error(
    rig: MetaRig, code: tuple[int, int | None]
) -> None:
    """Row 9: it is said which terms, where and by whom."""
    rig.faults.script(Fault(status=400, code=code[0], subcode=code[1]))
    with pytest.raises(Denied, match="terms") as caught:
        rig.connect().find("whales")
    assert "business.facebook.com/ads/manage/customaudiences/tos" in caught.value.hint
    assert "browser" in caught.value.hint


@pytest.mark.parametrize("subcode", [460, 463])
def test_a_password_changed_or_a_token_expired(rig: MetaRig, subcode: int) -> None:
    """Row 10: at once, and not as an internal error for days."""
    rig.faults.script(Fault(status=401, code=190, subcode=subcode, transient=True))
    with pytest.raises(Denied, match="new access token"):
        rig.connect().find("whales")


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_permission_error_retried_for_hours(rig: MetaRig, status: int) -> None:
    """Row 11: whatever HTTP says of it."""
    rig.faults.script(Fault(status=status, code=200))
    with pytest.raises(Denied):
        rig.connect().find("whales")


def test_reported_too_small_right_after_the_upload() -> None:
    """Row 12: no size is no error."""
    node = {"id": "7", "name": "whales", "subtype": "CUSTOM"}
    small = {"operation_status": {"code": 441}, "delivery_status": {"code": 300}}
    bounds = {"approximate_count_lower_bound": -1, "approximate_count_upper_bound": -1}
    with Recorder(json_reply(200, node | small | bounds)) as recorder:
        assert recorder.connector().read("7").size is None


def test_a_replacement_that_is_stuck() -> None:
    """Row 13: its state is asked for, and 90 minutes end it."""
    codes = {414: "running", 415: "failed", 200: "done"}
    nodes = [json_reply(200, {"id": "7", "operation_status": {"code": code}}) for code in codes]
    with Recorder(*nodes) as recorder:
        connector = recorder.connector()
        assert [connector.replacing("7") for _ in codes] == list(codes.values())


def test_pages_that_repeat_the_token_until_the_url_breaks(rig: MetaRig) -> None:
    """Row 15: a hundred pages, and no request grows by what Meta calls the next one."""
    made = [rig.world.create("act_1", f"other {n}") for n in range(95)]
    rig.world.create("act_1", "whales")
    assert len(rig.connect().find("whales")) == 1
    assert rig.world.requests["find"] == -(-(len(made) + 1) // 20)


def test_a_flagged_audience_says_where_to_appeal(rig: MetaRig) -> None:
    """Of 2.9: uploads to an audience whose name tells of health or money are blocked."""
    connector = rig.connect()
    upload = connector.open(connector.create("whales").id, Operation.ADD, rows=1)
    rig.faults.script(Fault(status=400, code=100, subcode=1713230))
    with pytest.raises(AudienceUnusable, match="appeal in Audience Manager"):
        upload.push(batch(Operation.ADD, [member(1)]), last=True)
