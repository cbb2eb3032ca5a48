"""The cases, each a promise of `syncd.ports.Connector`."""

# ruff: noqa: S101  -- these are tests, importable ones

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import pytest

from connectors.conformance.examining import ExaminingContract, ExpiringContract
from connectors.conformance.replacing import ReplacingContract
from connectors.conformance.rig import (
    FAILURES,
    REFUSED_ROW,
    RETRY_AFTER,
    FaultName,
    Member,
    Rig,
    batch,
    identifiers,
    member,
    whole_member,
)
from syncd.errors import (
    AudienceUnusable,
    Denied,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)
from syncd.model import Batch, Operation, Outcome, Receipt
from syncd.ports import Forgets

E = TypeVar("E", bound=PlatformError)


class ConnectorContract(ReplacingContract, ExaminingContract, ExpiringContract):
    """What every connector owes; see the module for how to use it."""

    def test_its_name_and_options_can_stand_in_a_configuration(self, rig: Rig) -> None:
        """Names are words, each option is explained, and its limits are possible."""
        capabilities = rig.platform.capabilities
        assert re.fullmatch(r"[a-z][a-z0-9_]*", rig.platform.name)
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", option.name) for option in rig.platform.options)
        assert all(option.help for option in rig.platform.options)
        made_with = {option.name: option for option in rig.platform.audience_options}
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in made_with)
        assert all(option.help for option in made_with.values())
        assert not made_with.keys() & {"name", "id", "lint"}
        assert capabilities.max_rows >= 1
        assert capabilities.in_flight >= 1
        assert capabilities.upload_worth >= 1
        assert capabilities.max_identifiers >= 1
        assert capabilities.kinds

    def test_a_created_audience_is_empty_and_can_be_found_and_read(self, rig: Rig) -> None:
        """Create, find and read agree on id and name."""
        connector = rig.connect()
        made = connector.create("whales")
        assert (made.platform, made.account) == (rig.platform.name, "conformance")
        assert [found.id for found in connector.find("whales")] == [made.id]
        read = connector.read(made.id)
        assert (read.id, read.name) == (made.id, "whales")
        assert read.empty is not False
        assert not read.size
        assert rig.identifiers(made.id) == frozenset()

    def test_find_returns_every_audience_of_exactly_this_name(self, rig: Rig) -> None:
        """No near miss, and none left on a later page."""
        connector = rig.connect()
        assert connector.find("whales") == ()
        made = [connector.create("whales").id]
        for name in ("Whales", "whales ", "whales 2", *(f"other {n}" for n in range(30))):
            connector.create(name)
        made.append(connector.create("whales").id)
        assert sorted(found.id for found in connector.find("whales")) == sorted(made)
        assert {found.name for found in connector.find("whales")} == {"whales"}

    def test_an_addition_puts_in_every_identifier_of_its_rows(self, rig: Rig) -> None:
        """Also of a member with many."""
        members = [whole_member(rig, 1), member(2, "email"), member(3, "phone")]
        audience = _filled(rig, members)
        assert rig.identifiers(audience) == identifiers(members, rig.plain_fields)
        assert rig.connect().read(audience).empty is not True

    def test_a_removal_undoes_its_addition(self, rig: Rig) -> None:
        """The same rows out leave what was there before."""
        leaving, staying = [whole_member(rig, 1), member(2)], [whole_member(rig, 3), member(4)]
        audience = _filled(rig, leaving + staying)
        _push(rig, audience, batch(Operation.REMOVE, leaving))
        assert rig.identifiers(audience) == identifiers(staying, rig.plain_fields)

    def test_a_removal_takes_out_only_what_its_cells_name(self, rig: Rig) -> None:
        """Blank cells are identifiers that someone still holds."""
        whole = whole_member(rig, 1)
        named = {name: whole[name] for name in ("email_2", "phone") if name in whole}
        audience = _filled(rig, [whole])
        _push(rig, audience, batch(Operation.REMOVE, [named]))
        expected = identifiers([whole], rig.plain_fields) - identifiers([named])
        assert rig.identifiers(audience) == expected

    @pytest.mark.parametrize("operation", list(Operation))
    def test_a_batch_sent_twice_counts_once(self, rig: Rig, operation: Operation) -> None:
        """Within one upload, as after an answer that was lost, and in another."""
        members = [whole_member(rig, 1), member(2)]
        audience = _filled(rig, [*members, member(3)])
        upload = rig.connect().open(audience, operation, rows=4)
        for last in (False, True, True):
            receipt = upload.push(batch(operation, members), last=last)
            assert receipt.received == len(members)
            rig.settle()
        _push(rig, audience, batch(operation, members))
        left = members if operation is Operation.ADD else []
        assert rig.identifiers(audience) == identifiers([*left, member(3)], rig.plain_fields)

    @pytest.mark.parametrize("operation", list(Operation))
    def test_as_many_uploads_go_on_at_once_as_it_says(self, rig: Rig, operation: Operation) -> None:
        """Each from a connector of its own, in a thread of its own."""
        many = rig.platform.capabilities.in_flight
        members = [member(n) for n in range(1, 3 * many + 1)]
        audience = _filled(rig, [*members, member(99)])
        uploads = [rig.connect().open(audience, operation, rows=3) for _ in range(many)]

        def push(place: int) -> int:
            share = members[place::many]
            pushed = [
                uploads[place].push(batch(operation, [one]), last=one is share[-1]) for one in share
            ]
            return sum(receipt.received for receipt in pushed)

        with ThreadPoolExecutor(many) as threads:
            assert sum(threads.map(push, range(many))) == len(members)
        rig.settle()
        left = members if operation is Operation.ADD else []
        assert rig.identifiers(audience) == identifiers([*left, member(99)], rig.plain_fields)

    def test_an_upload_goes_on_over_several_batches(self, rig: Rig) -> None:
        """Each is answered for itself; the upload has a label."""
        members = [whole_member(rig, number) for number in range(6)]
        audience = rig.connect().create("whales").id
        upload = rig.connect().open(audience, Operation.ADD, rows=6)
        for first in (0, 2, 4):
            part = batch(Operation.ADD, members[first : first + 2], f"b{first}")
            receipt = upload.push(part, last=first == 4)  # noqa: PLR2004  # the last of three
            assert (receipt.received, receipt.refused) == (2, ())
            assert upload.label
        rig.settle()
        assert rig.identifiers(audience) == identifiers(members, rig.plain_fields)

    def test_a_person_is_forgotten_in_every_audience_of_the_account(self, rig: Rig) -> None:
        """Only for platforms that say so: in one request, and twice is as once."""
        if not rig.platform.capabilities.forgets:
            pytest.skip("this platform takes nobody out of a whole account")
        leaving, staying = whole_member(rig, 1), [whole_member(rig, 2), member(3)]
        audiences = [_filled(rig, [leaving, *staying]) for _ in range(3)]
        connector = cast("Forgets", rig.connect())
        for _ in range(2):
            before = rig.requests()
            assert connector.forget(batch(Operation.REMOVE, [leaving]).rows).received == 1
            assert rig.requests() <= before + 1
        for audience in audiences:
            assert rig.identifiers(audience) == identifiers(staying, rig.plain_fields)

    @pytest.mark.parametrize("name", ["throttled", "unavailable", "malformed", "reset_after"])
    def test_forgetting_that_fails_says_so_and_shows_nobody(
        self, rig: Rig, name: FaultName
    ) -> None:
        """As every push; and it can be asked again."""
        if not rig.platform.capabilities.forgets:
            pytest.skip("this platform takes nobody out of a whole account")
        audience = _filled(rig, [member(1), member(2)])
        connector = cast("Forgets", rig.connect())
        rig.fault(name)
        rows = batch(Operation.REMOVE, [member(1)]).rows
        with pytest.raises((Throttled, Unavailable)) as caught:
            connector.forget(rows)
        _no_leak(rig, caught.value, [member(1)])
        connector.forget(rows)
        assert rig.identifiers(audience) == identifiers([member(2)])

    def test_every_row_is_accounted_for(self, rig: Rig) -> None:
        """A refused row is counted as received and as refused; the others go through."""
        members = [member(1), member(2), member(3)]
        audience = rig.connect().create("whales").id
        rig.fault("refuse_row")
        receipt, outcome = _push(rig, audience, batch(Operation.ADD, members))
        refused = receipt.refused + outcome.refused
        assert receipt.received == len(members)
        assert sum(refusal.count for refusal in refused) == 1
        assert {refusal.row for refusal in refused} <= {REFUSED_ROW, None}
        assert all(refusal.reason for refusal in refused)
        assert rig.identifiers(audience) == identifiers([members[0], members[2]])

    def test_the_largest_batch_goes_through(self, rig: Rig) -> None:
        """As many rows as the platform declares, each with all identifiers; in one request."""
        most = rig.platform.capabilities.max_rows
        members = [whole_member(rig, number) for number in range(most)]
        audience = rig.connect().create("whales").id
        upload = rig.connect().open(audience, Operation.ADD, rows=most)
        before = rig.requests()
        receipt = upload.push(batch(Operation.ADD, members), last=True)
        assert rig.requests() == before + 1
        rig.settle()
        assert (receipt.received, receipt.refused) == (most, ())
        assert rig.identifiers(audience) == identifiers(members, rig.plain_fields)

    def test_an_audience_that_is_gone_is_unusable(self, rig: Rig) -> None:
        """Reading it and pushing to it say so."""
        connector = rig.connect()
        with pytest.raises(AudienceUnusable):
            connector.read(rig.unknown_id)
        upload = connector.open(rig.unknown_id, Operation.ADD, rows=1)
        with pytest.raises(AudienceUnusable):
            upload.push(batch(Operation.ADD, [member(1)]), last=True)

    def test_refused_credentials_deny_everything(self, rig: Rig) -> None:
        """And the message says what to do."""
        audience = rig.connect().create("whales").id
        stranger = rig.connect(denied=True)
        upload = stranger.open(audience, Operation.ADD, rows=1)
        for ask in (
            lambda: stranger.find("whales"),
            lambda: stranger.create("whales"),
            lambda: stranger.read(audience),
            lambda: upload.push(batch(Operation.ADD, [member(1)]), last=True),
        ):
            with pytest.raises(Denied) as caught:
                ask()
            assert caught.value.hint
            _no_leak(rig, caught.value, [member(1)])

    def test_a_stated_wait_is_passed_on(self, rig: Rig) -> None:
        """In seconds; nothing was applied."""
        assert _failure(rig, "throttled", Throttled).retry_after == RETRY_AFTER

    def test_a_wait_of_no_stated_length_is_none_or_the_documented_one(self, rig: Rig) -> None:
        """Without one the core chooses, by seconds and not by minutes."""
        wait = _failure(rig, "throttled_silently", Throttled).retry_after
        assert wait is None or wait > 0

    @pytest.mark.parametrize("name", ["unavailable", "reset_before", "malformed"])
    def test_no_usable_answer_is_an_unknown_outcome(self, rig: Rig, name: FaultName) -> None:
        """Whatever the reason."""
        assert _failure(rig, name, Unavailable).code

    def test_a_request_that_is_not_taken_is_refused(self, rig: Rig) -> None:
        """Sending it again would not help; without the rows at fault it may."""
        error = _failure(rig, "request_refused", RequestRefused)
        assert error.code
        assert error.of_rows
        assert set(error.rows) <= {0}, "positions in a batch of one row"

    @pytest.mark.parametrize("fresh", [False, True])
    @pytest.mark.parametrize("name", ["unavailable", "reset_before", "reset_after", "malformed"])
    @pytest.mark.parametrize("operation", list(Operation))
    def test_a_batch_whose_outcome_is_unknown_converges_when_sent_again(
        self, rig: Rig, operation: Operation, name: FaultName, *, fresh: bool
    ) -> None:
        """In the same upload, or in a fresh one after a crash."""
        members = [whole_member(rig, 1), member(2)]
        audience = _filled(rig, [*members, member(3)] if operation is Operation.REMOVE else [])
        upload = rig.connect().open(audience, operation, rows=3)
        upload.push(batch(operation, [member(3)], "b0"), last=False)
        rig.fault(name)
        with pytest.raises(Unavailable):
            upload.push(batch(operation, members), last=True)
        if fresh:
            upload = rig.connect().open(audience, operation, rows=2)
        receipt = upload.push(batch(operation, members), last=True)
        assert (receipt.received, receipt.refused_rows) == (2, 0)
        rig.settle()
        left = [*members, member(3)] if operation is Operation.ADD else []
        assert rig.identifiers(audience) == identifiers(left, rig.plain_fields)

    @pytest.mark.parametrize("name", FAILURES)
    def test_one_push_is_one_request(self, rig: Rig, name: FaultName) -> None:
        """Retrying is the core's: neither we nor a vendor's SDK may."""
        audience = rig.connect().create("whales").id
        upload = rig.connect().open(audience, Operation.ADD, rows=1)
        rig.fault(name)
        before = rig.requests()
        with pytest.raises(PlatformError):
            upload.push(batch(Operation.ADD, [member(1)]), last=True)
        assert rig.requests() == before + 1

    @pytest.mark.parametrize("name", FAILURES)
    def test_no_error_shows_a_digest_or_a_secret(self, rig: Rig, name: FaultName) -> None:
        """Neither its text nor its traceback, and none of the vendor's own words' cause."""
        members = [whole_member(rig, 1), member(2)]
        audience = rig.connect().create("whales").id
        upload = rig.connect().open(audience, Operation.ADD, rows=2)
        rig.fault(name)
        with pytest.raises(PlatformError) as caught:
            upload.push(batch(Operation.ADD, members), last=True)
        assert caught.value.platform == rig.platform.name
        _no_leak(rig, caught.value, members)

    def test_neither_the_connector_nor_an_upload_shows_a_secret(self, rig: Rig) -> None:
        """In a `repr`, which ends up in logs and tracebacks."""
        connector = rig.connect()
        upload = connector.open(rig.unknown_id, Operation.ADD, rows=1)
        shown = f"{connector!r} {upload!r} {upload.label}"
        assert not [secret for secret in rig.secrets if secret in shown]

    def test_work_under_way_is_processing_and_then_processed(self, rig: Rig) -> None:
        """Only for platforms that answer later: a receipt says it is not final."""
        if rig.platform.capabilities.answers == "now":
            pytest.skip("this platform answers now")
        connector = rig.connect()
        audience = connector.create("whales").id
        upload = connector.open(audience, Operation.ADD, rows=1)
        receipt = upload.push(batch(Operation.ADD, [member(1)]), last=True)
        assert not receipt.final
        assert receipt.reference
        assert connector.outcome(receipt.reference).state == "processing"
        assert rig.identifiers(audience) == frozenset()
        rig.settle()
        assert connector.outcome(receipt.reference) == Outcome("processed")
        assert rig.identifiers(audience) == identifiers([member(1)])


def _push(rig: Rig, audience: str, part: Batch) -> tuple[Receipt, Outcome]:
    """Push one batch in its own upload and let the platform finish with it."""
    connector = rig.connect()
    upload = connector.open(audience, part.operation, rows=part.rows.num_rows)
    receipt = upload.push(part, last=True)
    rig.settle()
    if receipt.final:
        return receipt, Outcome("processed")
    return receipt, connector.outcome(receipt.reference)


def _filled(rig: Rig, members: Sequence[Member]) -> str:
    audience = rig.connect().create("whales").id
    if members:
        receipt, outcome = _push(rig, audience, batch(Operation.ADD, members))
        assert (receipt.received, receipt.refused) == (len(members), ())
        assert outcome.state == "processed"
    return audience


def _failure(rig: Rig, name: FaultName, kind: type[E]) -> E:
    """The error that a push meets; nothing may have been applied, and the next goes through."""
    audience = rig.connect().create("whales").id
    upload = rig.connect().open(audience, Operation.ADD, rows=1)
    rig.fault(name)
    with pytest.raises(kind) as caught:
        upload.push(batch(Operation.ADD, [member(1)]), last=True)
    rig.settle()
    assert rig.identifiers(audience) == frozenset()
    assert upload.push(batch(Operation.ADD, [member(1)]), last=True).received == 1
    rig.settle()
    assert rig.identifiers(audience) == identifiers([member(1)])
    return caught.value


def _no_leak(rig: Rig, error: PlatformError, members: Sequence[Member]) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error)
    digests = {cell.hex() for one in members for cell in one.values() if len(cell) == 32}  # noqa: PLR2004  # a SHA-256
    digests |= {repr(cell) for one in members for cell in one.values()}
    assert not [secret for secret in (*rig.secrets, *digests) if secret in shown]
