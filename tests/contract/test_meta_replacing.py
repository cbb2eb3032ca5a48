"""Replacing an audience at Meta: what goes on the wire, and the rules of the local platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.conformance import account, batch, member
from connectors.meta import PLATFORM, Meta
from connectors.sandbox.wire import Json, Reply, Request, Server, json_reply
from syncd.errors import (
    AudienceUnusable,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)
from syncd.model import Operation
from tests.contract.test_meta_sandbox import EMAIL, OTHER, Asker

ONE, TWO = batch(Operation.ADD, [member(1)]), batch(Operation.ADD, [member(2)])
BUSY = json_reply(429, {"error": {"code": 4, "message": "slow down"}})
BAD = json_reply(400, {"error": {"code": 100, "message": "bad"}})
DOWN = json_reply(500, {"error": {"code": 2, "message": "down"}})


def taken(received: int) -> Reply:
    return json_reply(200, {"audience_id": "7", "num_received": received})


def over(subcode: int) -> Reply:
    error = {"code": 2650, "error_subcode": subcode, "message": "over"}
    return json_reply(400, {"error": error})


class Recorder:
    """A server that gives the answers it was made with, one after the other."""

    def __init__(self, *answers: Reply) -> None:
        self.seen: list[Request] = []
        self._answers = list(answers)
        self._numbers = iter(range(100))
        self._server = Server(self._answer)
        self.endpoint = f"http://127.0.0.1:{self._server.port}"

    def _answer(self, request: Request) -> Reply:
        self.seen.append(request)
        return self._answers.pop(0)

    def connector(self) -> Meta:
        options = {"account_id": "act_12", "access_token": "the-token"}
        given = account(PLATFORM, options, self.endpoint)
        found = PLATFORM.connect(given, lambda bits: 2 ** (bits - 1) + next(self._numbers))
        assert isinstance(found, Meta)
        return found

    def places(self) -> list[tuple[int, int, bool]]:
        """Session, number and last flag of each request."""
        sent = [json.loads(request.fields["session"]) for request in self.seen]
        return [(one["session_id"], one["batch_seq"], one["last_batch_flag"]) for one in sent]

    def __enter__(self) -> Recorder:  # noqa: PYI034  # never subclassed
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


# --- the connector -----------------------------------------------------------


def test_what_goes_on_the_wire_for_a_replacement() -> None:
    with Recorder(taken(1), taken(2)) as recorder:
        upload = recorder.connector().replace("7", rows=2)
        upload.push(ONE, last=False)
        upload.push(TWO, last=True)
    assert [(one.method, one.path) for one in recorder.seen] == [
        ("POST", "/v26.0/7/usersreplace")
    ] * 2
    session = int(upload.label)
    assert recorder.places() == [(session, 1, False), (session, 2, True)]
    assert "method" not in recorder.seen[0].fields
    assert json.loads(recorder.seen[0].fields["payload"])["schema"][0] == "EMAIL"
    assert recorder.seen[0].fields["access_token"] == "the-token"


def test_a_first_batch_that_was_refused_did_not_begin_it() -> None:
    """So the next one is the first of another session: no number is used twice."""
    with Recorder(BAD, BUSY, taken(1)) as recorder:
        upload = recorder.connector().replace("7", rows=2)
        for kind in (RequestRefused, Throttled):
            with pytest.raises(kind):
                upload.push(ONE, last=False)
        upload.push(TWO, last=False)
    sessions, numbers, _ = zip(*recorder.places(), strict=True)
    assert numbers == (1, 1, 1)
    assert len(set(sessions)) == 3


def test_a_first_batch_that_was_too_much_may_have_begun_it_all_the_same() -> None:
    """The code is Meta's unknown error too; of a later batch it costs nothing to believe it."""
    too_much = json_reply(400, {"error": {"code": 1, "error_subcode": 99, "message": "reduce"}})
    with Recorder(too_much) as recorder:
        upload = recorder.connector().replace("7", rows=2)
        with pytest.raises(Unavailable):
            upload.push(ONE, last=False)
        with pytest.raises(AudienceUnusable):
            upload.push(ONE, last=False)
    with Recorder(taken(1), too_much, taken(2)) as recorder:
        upload = recorder.connector().replace("7", rows=2)
        upload.push(ONE, last=False)
        with pytest.raises(RequestRefused):
            upload.push(TWO, last=False)
        upload.push(TWO, last=True)


def test_a_later_batch_that_was_refused_leaves_no_gap() -> None:
    with Recorder(taken(1), BAD, taken(2)) as recorder:
        upload = recorder.connector().replace("7", rows=2)
        upload.push(ONE, last=False)
        with pytest.raises(RequestRefused):
            upload.push(ONE, last=False)
        upload.push(TWO, last=True)
    assert [number for _, number, _ in recorder.places()] == [1, 2, 2]
    assert len({session for session, *_ in recorder.places()}) == 1


@pytest.mark.parametrize("counted", [2, 3])
def test_a_batch_sent_again_is_confirmed_however_often_it_was_counted(counted: int) -> None:
    with Recorder(taken(1), DOWN, taken(counted), taken(counted + 1)) as recorder:
        upload = recorder.connector().replace("7", rows=3)
        upload.push(ONE, last=False)
        with pytest.raises(Unavailable):
            upload.push(TWO, last=False)
        upload.push(TWO, last=False)
        upload.push(ONE, last=True)
    assert [number for _, number, _ in recorder.places()] == [1, 2, 2, 3]


def test_a_total_that_does_not_add_up_is_no_confirmation() -> None:
    with Recorder(taken(1), taken(1)) as recorder:
        upload = recorder.connector().replace("7", rows=2)
        upload.push(ONE, last=False)
        with pytest.raises(Unavailable):
            upload.push(TWO, last=True)


@pytest.mark.parametrize("subcode", [1870147, 1870148, 1870158, 1870159])
def test_a_session_that_is_over_is_not_begun_anew(subcode: int) -> None:
    """Another one would drop whom this one loaded."""
    with Recorder(taken(1), over(subcode)) as recorder:
        upload = recorder.connector().replace("7", rows=2)
        upload.push(ONE, last=False)
        with pytest.raises(AudienceUnusable, match="before everyone was sent") as caught:
            upload.push(TWO, last=True)
    assert str(subcode) in caught.value.code
    assert len({session for session, *_ in recorder.places()}) == 1


def test_nothing_follows_the_last_batch() -> None:
    with Recorder(taken(1)) as recorder:
        upload = recorder.connector().replace("7", rows=1)
        upload.push(ONE, last=True)
        with pytest.raises(AudienceUnusable):
            upload.push(TWO, last=True)
    assert len(recorder.seen) == 1


@pytest.mark.parametrize(
    ("code", "state"), [(414, "running"), (415, "failed"), (200, "done"), (410, "done")]
)
def test_how_a_replacement_is_stands_in_the_operation_status(code: int, state: str) -> None:
    with Recorder(json_reply(200, {"id": "7", "operation_status": {"code": code}})) as recorder:
        assert recorder.connector().replacing("7") == state


@pytest.mark.parametrize("answer", [{"id": "7"}, {"id": "8", "operation_status": {"code": 200}}])
def test_a_status_that_is_not_told_is_never_taken_for_done(answer: Json) -> None:
    with Recorder(json_reply(200, answer)) as recorder, pytest.raises(PlatformError):
        recorder.connector().replacing("7")


# --- the local platform ------------------------------------------------------


@pytest.fixture
def asker() -> Iterator[Asker]:
    made = Asker()
    made.world.now = lambda: datetime(2026, 11, 22, 12, tzinfo=UTC)
    made.users([EMAIL])
    yield made
    made.server.stop()


def replace(
    asker: Asker, number: int, row: str, *, last: bool = False, session: int = 9
) -> tuple[int, int | None]:
    """One batch; 200, or the error's code, and its subcode."""
    place = {"session_id": session, "batch_seq": number, "last_batch_flag": last}
    payload = {"schema": ["EMAIL"], "data": [[row]]}
    path = f"/{asker.audience.id}/usersreplace"
    status, answer = asker.ask("POST", path, payload=payload, session=place)
    error = answer.get("error")
    if not isinstance(error, dict):
        return status, None
    return error["code"], error.get("error_subcode")


def status_of(asker: Asker) -> object:
    _, answer = asker.ask("GET", f"/{asker.audience.id}", fields="operation_status")
    found = answer["operation_status"]
    assert isinstance(found, dict)
    return found["code"]


def test_batch_1_drops_everyone_and_the_last_one_ends_it(asker: Asker) -> None:
    assert replace(asker, 1, OTHER) == (200, None)
    assert asker.audience.identifiers == {("email", OTHER)}
    assert status_of(asker) == 414
    assert replace(asker, 2, EMAIL, last=True) == (200, None)
    assert status_of(asker) == 200
    assert asker.audience.identifiers == {("email", OTHER), ("email", EMAIL)}
    assert replace(asker, 3, EMAIL) == (2650, 1870159)


def test_batch_1_comes_once_and_others_as_often_as_they_like(asker: Asker) -> None:
    assert replace(asker, 2, OTHER) == (2650, 1870147)
    assert replace(asker, 1, OTHER) == (200, None)
    assert replace(asker, 1, EMAIL) == (100, None)
    for number in (3, 2, 3):
        assert replace(asker, number, EMAIL) == (200, None)


def test_an_audience_that_is_being_replaced_takes_no_edit(asker: Asker) -> None:
    replace(asker, 1, OTHER)
    assert asker.error([EMAIL]) == (2650, 1870145)
    assert asker.error([OTHER], method="DELETE") == (2650, 1870145)
    assert replace(asker, 1, EMAIL, session=10) == (2650, 1870145)
    replace(asker, 2, OTHER, last=True)
    fresh = {"session_id": 11, "batch_seq": 1, "last_batch_flag": True}
    assert asker.users([EMAIL], session=fresh)[0] == 200


def test_after_90_minutes_it_has_failed(asker: Asker) -> None:
    replace(asker, 1, OTHER)
    later = asker.world.now() + timedelta(minutes=90)
    asker.world.now = lambda: later
    assert status_of(asker) == 415
    assert replace(asker, 2, EMAIL, last=True) == (2650, 1870158)
    assert asker.audience.identifiers == {("email", OTHER)}
