"""The local Graph API enforces what Meta documents; asked without the SDK."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from connectors.sandbox import meta
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.state import AudienceState, World
from connectors.sandbox.wire import Json

EMAIL, OTHER = "ab" * 32, "cd" * 32
SESSION = {"session_id": 5, "batch_seq": 1, "last_batch_flag": True, "estimated_num_total": 1}


class Asker:
    """A plain HTTP client of the local Graph API."""

    def __init__(self) -> None:
        self.world = World(first_id=meta.FIRST_ID)
        self.faults = FaultQueue()
        self.server = meta.serve(self.world, self.faults)
        self.audience: AudienceState = self.world.create("act_1", "whales")

    def ask(self, verb: str, path: str, **fields: object) -> tuple[int, Json]:
        status, _, body = self.send(verb, path, {"access_token": meta.TOKEN, **fields})
        return status, json.loads(body)

    def send(self, verb: str, path: str, fields: Json) -> tuple[int, dict[str, str], bytes]:
        form = urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in fields.items()})
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        in_url = f"{path}?{form}" if verb != "POST" else path
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request(verb, in_url, form if verb == "POST" else None, kind)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    def users(self, *rows: list[object], **others: object) -> tuple[int, Json]:
        payload = {"schema": ["EMAIL"], "data": list(rows)}
        fields = {"payload": payload, "session": SESSION, **others}
        return self.ask("POST", f"/v26.0/{self.audience.id}/users", **fields)

    def error(self, *rows: list[object], **others: object) -> tuple[int, int | None]:
        status, answer = self.users(*rows, **others)
        assert status == 400
        error = answer["error"]
        assert isinstance(error, dict)
        return error["code"], error.get("error_subcode")


@pytest.fixture
def asker() -> Iterator[Asker]:
    asker = Asker()
    yield asker
    asker.server.stop()


def test_rows_are_taken_and_their_count_runs_through_the_session(asker: Asker) -> None:
    first = asker.users([EMAIL], session={**SESSION, "last_batch_flag": False})
    second = asker.users([EMAIL], [OTHER], session={**SESSION, "batch_seq": 2})
    assert (first[0], first[1]["num_received"]) == (200, 1)
    assert (second[0], second[1]["num_received"]) == (200, 3)
    assert asker.audience.identifiers == {("email", EMAIL), ("email", OTHER)}
    assert asker.world.rows["add"] == 3


@pytest.mark.parametrize("in_url", [False, True])
def test_a_removal_is_a_delete_or_a_post_that_means_one(asker: Asker, in_url: bool) -> None:  # noqa: FBT001  # a table
    asker.users([EMAIL], [OTHER])
    payload = {"schema": ["EMAIL"], "data": [[EMAIL]]}
    session = {**SESSION, "session_id": 6}
    verb, means = ("DELETE", {}) if in_url else ("POST", {"method": "DELETE"})
    path = f"/{asker.audience.id}/users"
    assert asker.ask(verb, path, payload=payload, session=session, **means)[0] == 200
    assert asker.audience.identifiers == {("email", OTHER)}


@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"session_id": 0}, (100, None)),
        ({"session_id": 2**63}, (100, None)),
        ({"session_id": "x"}, (100, None)),
        ({"batch_seq": 0}, (100, None)),
        ({"batch_seq": 2}, (2650, 1870147)),
        ({"last_batch_flag": 1}, (100, None)),
        ({"estimated_num_total": -1}, (100, None)),
    ],
)
def test_a_session_that_breaks_the_rules_is_refused(
    asker: Asker, session: Json, code: tuple[int, int | None]
) -> None:
    assert asker.error([EMAIL], session={**SESSION, **session}) == code
    assert asker.audience.identifiers == frozenset()


def test_a_session_takes_its_batches_in_order_and_none_after_the_last(asker: Asker) -> None:
    going = {**SESSION, "last_batch_flag": False}
    assert asker.users([EMAIL], session=going)[0] == 200
    assert asker.error([EMAIL], session=going) == (100, None)
    assert asker.error([EMAIL], session={**going, "batch_seq": 3}) == (100, None)
    assert asker.users([EMAIL], session={**SESSION, "batch_seq": 2})[0] == 200
    assert asker.error([EMAIL], session={**SESSION, "batch_seq": 3}) == (2650, 1870159)


def test_a_session_discards_what_comes_after_90_minutes_and_does_not_say_so(asker: Asker) -> None:
    at = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
    asker.world.now = lambda: at[0]
    going = {**SESSION, "last_batch_flag": False}
    assert asker.users([EMAIL], session=going)[0] == 200
    at[0] += timedelta(minutes=89, seconds=59)
    assert asker.users([EMAIL], session={**going, "batch_seq": 2})[1]["num_received"] == 2
    at[0] += timedelta(seconds=1)
    status, late = asker.users([OTHER], session={**SESSION, "batch_seq": 3})
    assert (status, late["num_received"]) == (200, 2)
    assert asker.audience.identifiers == {("email", EMAIL)}


def test_a_session_keeps_to_one_operation_and_one_schema(asker: Asker) -> None:
    asker.users([EMAIL], session={**SESSION, "last_batch_flag": False})
    follows = {**SESSION, "batch_seq": 2}
    assert asker.error([EMAIL], session=follows, method="DELETE") == (100, None)
    other = {"schema": ["PHONE"], "data": [[EMAIL]]}
    assert asker.error(session=follows, payload=other) == (100, None)


def test_an_audience_takes_one_form_of_schema_only(asker: Asker) -> None:
    asker.users([EMAIL])
    single = {"schema": "EMAIL_SHA256", "data": [EMAIL]}
    assert asker.error(payload=single, session={**SESSION, "session_id": 6}) == (2650, None)


@pytest.mark.parametrize(
    "payload",
    [
        {"schema": ["EMAIL"], "data": []},
        {"schema": ["EMAIL"], "data": [[EMAIL, EMAIL]]},
        {"schema": ["EMAIL", "PHONE"], "data": [[EMAIL]]},
        {"schema": ["SHOE_SIZE"], "data": [[EMAIL]]},
        {"schema": [], "data": [[]]},
        {"schema": ["EMAIL"], "data": [[EMAIL]] * 10_001},
        [EMAIL],
    ],
)
def test_a_payload_that_breaks_the_rules_is_refused_whole(asker: Asker, payload: object) -> None:
    assert asker.error(payload=payload) == (100, None)
    assert asker.audience.identifiers == frozenset()


@pytest.mark.parametrize("missing", ["payload", "session"])
def test_both_form_fields_are_needed(asker: Asker, missing: str) -> None:
    assert asker.error([EMAIL], **{missing: "not json"}) == (100, None)
    fields = {"payload": {"schema": ["EMAIL"], "data": [[EMAIL]]}, "session": SESSION}
    del fields[missing]
    assert asker.ask("POST", f"/{asker.audience.id}/users", **fields)[0] == 400


@pytest.mark.parametrize("cell", [EMAIL.upper(), EMAIL[1:], "a@example.com", "", 7, None])
def test_a_cell_that_is_no_digest_is_counted_and_shown(asker: Asker, cell: object) -> None:
    status, answer = asker.users([cell], [OTHER])
    assert status == 200
    assert answer["num_invalid_entries"] == 1
    assert answer["invalid_entry_samples"] == [[cell]]
    assert asker.audience.identifiers == {("email", OTHER)}


def test_an_address_counts_only_when_whole(asker: Asker) -> None:
    schema = ["FN", "LN", "ZIP", "COUNTRY"]
    data = [[EMAIL, EMAIL, EMAIL, ""], [EMAIL, OTHER, EMAIL, OTHER]]
    asker.users(payload={"schema": schema, "data": data})
    assert asker.audience.identifiers == {("address", "|".join(data[1]))}


DEVICE = "aaaaaaaa-0000-4000-8000-000000000001"


def test_ids_are_taken_as_they_are_and_join_persons(asker: Asker) -> None:
    """Hashed, an advertising id is no entry; an external id may be any text."""
    schema = ["EMAIL", "MADID", "EXTERN_ID"]
    data = [[EMAIL, DEVICE, "C-1"], [OTHER, DEVICE, ""], ["", EMAIL, ""], ["", DEVICE.upper(), ""]]
    _, answer = asker.users(payload={"schema": schema, "data": data})
    assert answer["num_invalid_entries"] == 2
    ids = frozenset({("device_id", DEVICE), ("external_id", "C-1")})
    assert asker.audience.persons == {ids | {("email", EMAIL), ("email", OTHER)}}


@pytest.mark.parametrize("token", ["", "another"])
def test_another_token_is_code_190(asker: Asker, token: str) -> None:
    status, answer = asker.ask("GET", "/act_1/customaudiences", access_token=token)
    error = answer["error"]
    assert isinstance(error, dict)
    assert (status, error["code"]) == (401, 190)


def test_an_unknown_path_field_or_audience_is_an_error(asker: Asker) -> None:
    assert asker.ask("GET", "/v26.0/nonsense")[0] == 400
    assert asker.ask("GET", "/7")[0] == 400
    assert asker.ask("GET", f"/{asker.audience.id}", fields="shoe_size")[0] == 400
    assert asker.ask("GET", "/act_1/customaudiences", limit="many")[0] == 400


@pytest.mark.parametrize("left_out", ["name", "subtype", "customer_file_source"])
def test_an_audience_is_made_only_when_described(asker: Asker, left_out: str) -> None:
    fields = {"name": "x", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    assert asker.ask("POST", "/act_1/customaudiences", **fields)[0] == 200
    del fields[left_out]
    assert asker.ask("POST", "/act_1/customaudiences", **fields)[0] == 400


def test_a_list_comes_in_pages(asker: Asker) -> None:
    for number in range(4):
        asker.world.create("act_1", f"other {number}")
    seen, after = [], ""
    for _ in range(3):
        _, answer = asker.ask("GET", "/act_1/customaudiences", limit="2", after=after)
        seen.append(len(answer["data"]))  # type: ignore[arg-type]  # JSON
        after = answer["paging"]["cursors"]["after"]  # type: ignore[index]  # JSON
    assert seen == [2, 2, 1]
    assert "next" not in answer["paging"]  # type: ignore[operator]  # JSON


def test_a_request_line_over_64_kib_is_answered_with_a_page(asker: Asker) -> None:
    """As removals are when the SDK writes their payload into the URL."""
    status, headers, body = asker.send("DELETE", "/7/users", {"payload": "x" * 70_000})
    assert (status, headers["Content-Type"]) == (414, "text/html;charset=utf-8")
    assert b"<html" in body.lower()


def test_usage_headers_come_with_every_answer(asker: Asker) -> None:
    _, headers, _ = asker.send("GET", "/act_1/customaudiences", {"access_token": meta.TOKEN})
    assert "call_count" in json.loads(headers["x-app-usage"])


def test_a_fault_after_applying_has_applied(asker: Asker) -> None:
    asker.faults.script(Fault(when="after", status=503, code=2, headers={"X-Note": "n"}))
    assert asker.users([EMAIL])[0] == 503
    assert asker.audience.identifiers == {("email", EMAIL)}


def test_a_delayed_request_is_served_as_usual(asker: Asker) -> None:
    asker.faults.script(Fault(kind="delay", seconds=0.01))
    assert asker.users([EMAIL])[0] == 200


def test_what_an_account_or_audience_is_told_to_be_is_what_it_refuses_for(asker: Asker) -> None:
    """Terms that nobody accepted, a token that is not assigned, a flag, no right to edit."""
    account = asker.world.about["act_1"]
    for about, said in (
        ({"custom_audience_tos": 0}, (200, 1870034)),
        ({"hidden": True}, (100, 33)),
    ):
        account.update(about)
        assert asker.error([EMAIL]) == said
        account.clear()
    for about, said in (
        ({"operation_status": 471}, (100, 1713230)),
        ({"can_edit": 0}, (200, 1487301)),
    ):
        asker.audience.about.update(about)
        assert asker.error([EMAIL]) == said
        asker.audience.about.clear()
    assert asker.users([EMAIL])[0] == 200


def test_a_deletion_is_done_and_counted(asker: Asker) -> None:
    """So that a test which never sees one has seen that there was none."""
    assert asker.ask("DELETE", f"/{asker.audience.id}")[0] == 200
    assert asker.world.get(asker.audience.id) is None
    assert asker.world.requests["delete"] == 1


@pytest.mark.parametrize("days", [0, 181, "soon"])
def test_an_audience_is_made_only_with_what_can_be(asker: Asker, days: object) -> None:
    fields = {"name": "a", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    status, _ = asker.ask("POST", "/act_1/customaudiences", **fields, retention_days=days)
    assert status == 400


def value_based(asker: Asker, *cells: object, keys: tuple[str, ...] = ("LOOKALIKE_VALUE",)) -> Json:
    """What the API says to a row of an e-mail and these cells, in a value-based list."""
    asker.audience.about["is_value_based"] = True
    payload = {"schema": ["EMAIL", *keys], "data": [[EMAIL, *cells]]}
    return asker.users(payload=payload)[1]


@pytest.mark.parametrize("value", [44.5, 140, 0, 0.9, "44.5", "0", ""])
def test_a_value_is_a_number_from_0_up_or_nothing(asker: Asker, value: object) -> None:
    assert value_based(asker, value)["num_invalid_entries"] == 0
    assert asker.audience.told == {("email", EMAIL): {"LOOKALIKE_VALUE": value}}


@pytest.mark.parametrize(
    "value", [-1, "-1", "much", "1e3", "1,5", ".5", True, None, [1], EMAIL, "nan", float("inf")]
)
def test_anything_else_is_no_value(asker: Asker, value: object) -> None:
    assert value_based(asker, value)["num_invalid_entries"] == 1
    assert asker.audience.identifiers == frozenset()


def test_a_value_alone_is_no_entry(asker: Asker) -> None:
    asker.audience.about["is_value_based"] = True
    payload = {"schema": ["EMAIL", "LOOKALIKE_VALUE"], "data": [["", 5]]}
    assert asker.users(payload=payload)[1]["num_invalid_entries"] == 1


def test_a_list_that_is_not_value_based_takes_no_values(asker: Asker) -> None:
    payload = {"schema": ["EMAIL", "LOOKALIKE_VALUE"], "data": [[EMAIL, 5]]}
    assert asker.error(payload=payload) == (100, None)
    forgotten = asker.ask("DELETE", "/act_1/usersofanyaudience", payload=payload)
    assert forgotten[0] == 400


PROCESSING = "DATA_PROCESSING_OPTIONS"
PLACE = (f"{PROCESSING}_COUNTRY", f"{PROCESSING}_STATE")


@pytest.mark.parametrize(
    ("keys", "cells", "invalid"),
    [
        ((PROCESSING,), ([],), 0),
        ((PROCESSING,), (["LDU"],), 0),
        ((PROCESSING, *PLACE), (["LDU"], 1, 1000), 0),
        ((PROCESSING,), ("LDU",), 1),
        ((PROCESSING,), (["ldu"],), 1),
        ((PROCESSING,), ("",), 1),
        ((PROCESSING,), (None,), 1),
        ((PROCESSING, *PLACE), (["LDU"], "US", 1000), 1),
    ],
)
def test_processing_options_are_a_list_of_what_meta_knows(
    asker: Asker, keys: tuple[str, ...], cells: tuple[object, ...], invalid: int
) -> None:
    assert value_based(asker, *cells, keys=keys)["num_invalid_entries"] == invalid


@pytest.mark.parametrize("keys", [PLACE, (PROCESSING, PLACE[0]), (PROCESSING, PLACE[1])])
def test_a_place_of_law_is_told_whole_and_with_its_options(
    asker: Asker, keys: tuple[str, ...]
) -> None:
    payload = {"schema": ["EMAIL", *keys], "data": [[EMAIL, *([1] * len(keys))]]}
    assert asker.error(payload=payload) == (100, None)
