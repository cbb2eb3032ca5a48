from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.conformance import account, batch, identifiers, member
from connectors.meta import PLATFORM
from connectors.sandbox.faults import Fault
from connectors.sandbox.wire import Reply, Request, Server, json_reply
from syncd.errors import (
    AudienceUnusable,
    ConfigError,
    Denied,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)
from syncd.model import Account, Operation, Refusal
from syncd.ports import Connector
from tests.contract.test_meta import MetaRig

PAGE = "<html><body>Sign in to the network. success</body></html>"
NO_ANSWERS = {
    "a page with 200": Fault(kind="html", status=200, body=PAGE.replace("success", "")),
    "a page that says success": Fault(kind="html", status=200, body=PAGE),
    "a page with 414": Fault(kind="html", status=414),
    "a page with 502": Fault(kind="html", status=502, body="Service Unavailable: error"),
    "an error that is a text": Fault(kind="malformed", status=400, body='{"error": "oops"}'),
    "error data that is no JSON": Fault(
        kind="malformed", status=400, body='{"error": {"code": 100, "error_data": "oops"}}'
    ),
    "an error without a code": Fault(kind="malformed", status=400, body='{"error": {}}'),
    "success false": Fault(kind="malformed", status=200, body='{"success": false}'),
    "nothing with 500": Fault(kind="malformed", status=500, body=""),
    "nothing with 200": Fault(kind="malformed", status=200, body=""),
    "an empty object": Fault(kind="malformed", status=200, body="{}"),
    "a list": Fault(kind="malformed", status=200, body="[1]"),
    "a good answer with 500": Fault(kind="malformed", status=500, body='{"data": [], "id": "1"}'),
    "half an answer": Fault(kind="half", when="after"),
    "a reset": Fault(kind="reset"),
}
PUSH = batch(Operation.ADD, [member(1), member(2)])


@pytest.fixture
def rig() -> Iterator[MetaRig]:
    rig = MetaRig()
    yield rig
    rig.server.stop()


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_an_answer_that_is_none_is_never_taken_for_success(rig: MetaRig, name: str) -> None:
    """The SDK reports most of these as success."""
    connector = rig.connect()
    made = connector.create("whales").id
    upload = connector.open(made, Operation.ADD, rows=2)
    asks: list[Callable[[], object]] = [
        lambda: connector.find("whales"),
        lambda: connector.create("whales"),
        lambda: upload.push(PUSH, last=True),
    ]
    for ask in asks:
        rig.faults.script(NO_ANSWERS[name])
        with pytest.raises(Unavailable):
            ask()
    rig.faults.script(NO_ANSWERS[name])
    with pytest.raises(Unavailable):
        connector.read(made)


@pytest.mark.parametrize(
    "answer",
    [
        {"audience_id": "7", "session_id": "1", "num_invalid_entries": 0},
        {"audience_id": "7", "num_received": "many"},
        {"audience_id": "7", "num_received": 1},
        {"audience_id": "7", "num_received": 3},
        {"audience_id": "8", "num_received": 2},
        {"num_received": 2},
    ],
)
def test_a_push_is_confirmed_only_by_its_audience_and_its_count(answer: dict[str, object]) -> None:
    with _Recorder(json_reply(200, answer)) as recorder:
        upload = recorder.connector().open("7", Operation.ADD, rows=2)
        with pytest.raises(Unavailable):
            upload.push(PUSH, last=True)


def test_counts_written_as_text_are_read() -> None:
    answer = {"audience_id": 7, "num_received": "2", "num_invalid_entries": "1"}
    with _Recorder(json_reply(200, answer)) as recorder:
        receipt = recorder.connector().open("7", Operation.ADD, rows=2).push(PUSH, last=True)
    assert (receipt.received, receipt.refused) == (2, (Refusal(None, "invalid_entry"),))


def test_a_load_balancer_that_throttles_without_json_is_understood() -> None:
    for body in (b"<html>slow down</html>", b""):
        slow_down = Reply(429, body, "text/html", {"Retry-After": "17"})
        with _Recorder(slow_down) as recorder, pytest.raises(Throttled) as caught:
            recorder.connector().find("whales")
        assert caught.value.retry_after == 17


def test_what_goes_on_the_wire_for_an_addition() -> None:
    """Token and proof are in the form, the URL has no query, the schema never varies."""
    one = member(1, "email", "email_2", "phone", "given_name", "family_name", "postcode", "country")
    answer = {"audience_id": "7", "num_received": 3}
    with _Recorder(json_reply(200, answer)) as recorder:
        upload = recorder.connector().open("7", Operation.ADD, rows=9)
        upload.push(batch(Operation.ADD, [one, member(2, "phone_3")]), last=False)
    (request,) = recorder.seen
    address = [one[name].hex() for name in ("given_name", "family_name", "postcode", "country")]
    assert (request.method, request.path) == ("POST", "/v26.0/7/users")
    assert json.loads(request.fields["payload"]) == {
        "schema": "EMAIL PHONE FN LN ZIP COUNTRY MADID EXTERN_ID FI CT ST DOBY DOBM DOBD GEN".split(),  # noqa: E501, SIM905
        "is_raw": True,
        "data": [
            [one["email"].hex(), one["phone"].hex(), *address, *[""] * 9],
            [one["email_2"].hex(), one["phone"].hex(), *address, *[""] * 9],
            ["", member(2, "phone_3")["phone_3"].hex(), *[""] * 13],
        ],
    }
    assert json.loads(request.fields["session"]) == {
        "session_id": int(upload.label),
        "batch_seq": 1,
        "last_batch_flag": False,
        "estimated_num_total": 9,
    }
    assert request.fields["access_token"] == "the-token"
    assert set(request.fields) == {"payload", "session", "access_token", "appsecret_proof"}
    assert b"access_token" in request.body
    assert "authorization" not in request.headers


def test_what_goes_on_the_wire_for_a_removal() -> None:
    """The payload travels in the body, whatever the SDK would do with a DELETE."""
    with _Recorder(json_reply(200, {"audience_id": "7", "num_received": 2})) as recorder:
        upload = recorder.connector().open("7", Operation.REMOVE, rows=2)
        upload.push(batch(Operation.REMOVE, [member(1), member(2)]), last=True)
    (request,) = recorder.seen
    assert (request.method, request.fields["method"]) == ("POST", "DELETE")
    assert b"payload" in request.body
    assert json.loads(request.fields["session"])["last_batch_flag"] is True


def test_what_goes_on_the_wire_for_a_question() -> None:
    """The token travels in a header."""
    with _Recorder(json_reply(200, {"data": []})) as recorder:
        assert recorder.connector().find("whales") == ()
    (request,) = recorder.seen
    assert request.path == "/v26.0/act_12/customaudiences"
    assert request.headers["authorization"] == "Bearer the-token"
    assert "access_token" not in request.fields
    assert request.fields["limit"] == "20"


def test_a_netrc_entry_does_not_replace_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with _Recorder(json_reply(200, {"data": []})) as recorder:
        recorder.connector().find("whales")
    assert recorder.seen[0].headers["authorization"] == "Bearer the-token"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with _Recorder(json_reply(200, {"data": []})) as recorder:
        assert recorder.connector().find("whales") == ()


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """It would hand token and rows to whoever answers there."""
    with _Recorder(json_reply(200, {"audience_id": "7", "num_received": 2})) as other:
        elsewhere = Reply(status, b"", headers={"Location": f"{other.endpoint}/v26.0/7/users"})
        with _Recorder(elsewhere) as recorder, pytest.raises(Unavailable):
            recorder.connector().open("7", Operation.ADD, rows=2).push(PUSH, last=True)
    assert other.seen == []


def test_pages_are_followed_by_their_cursor_only() -> None:
    """Meta's `next` repeats the token, and may point anywhere."""
    node = {"id": "1", "name": "whales", "operation_status": {"code": 410}}
    follows = {"cursors": {"after": "abc"}, "next": "http://127.0.0.1:9/?access_token=the-token"}
    first = json_reply(200, {"data": [node], "paging": follows})
    second = json_reply(200, {"data": [{**node, "id": "2"}], "paging": {"cursors": {}}})
    with _Recorder(first, second) as recorder:
        found = recorder.connector().find("whales")
    assert [one.id for one in found] == ["1", "2"]
    assert [request.fields.get("after") for request in recorder.seen] == [None, "abc"]


def test_pages_that_go_in_circles_are_no_answer() -> None:
    circle = json_reply(200, {"data": [], "paging": {"cursors": {"after": "a"}, "next": "more"}})
    with _Recorder(circle) as recorder, pytest.raises(Unavailable):
        recorder.connector().find("whales")


@pytest.mark.parametrize(
    ("node", "size", "empty"),
    [
        ({"operation_status": {"code": 410}, "approximate_count_lower_bound": -1}, None, True),
        ({"operation_status": {"code": 200}, "approximate_count_lower_bound": 1000}, 1000, False),
        ({"operation_status": {"code": 441}}, None, False),
        ({"operation_status": {"code": 0}}, None, None),
        ({}, None, None),
    ],
)
def test_sizes_and_emptiness_are_told_as_far_as_meta_tells(
    node: dict[str, object],
    size: int | None,
    empty: bool | None,  # noqa: FBT001  # a table
) -> None:
    answer = json_reply(200, {"id": "7", "name": "whales", "subtype": "CUSTOM", **node})
    with _Recorder(answer) as recorder:
        read = recorder.connector().read("7")
    assert (read.size, read.empty) == (size, empty)


@pytest.mark.parametrize(
    "node", [{"subtype": "LOOKALIKE"}, {"subtype": "CUSTOM", "operation_status": {"code": 471}}]
)
def test_an_audience_that_takes_no_rows_is_unusable(node: dict[str, object]) -> None:
    answer = json_reply(200, {"id": "7", "name": "whales", **node})
    with _Recorder(answer) as recorder, pytest.raises(AudienceUnusable) as caught:
        recorder.connector().read("7")
    assert caught.value.hint


@pytest.mark.parametrize("audience_id", ["", "../act_1", "7/users", "act_7"])
def test_an_audience_id_cannot_reach_another_path(audience_id: str) -> None:
    with _Recorder(json_reply(200, {})) as recorder:
        connector = recorder.connector()
        with pytest.raises(AudienceUnusable):
            connector.read(audience_id)
        with pytest.raises(AudienceUnusable):
            connector.open(audience_id, Operation.ADD, rows=2).push(PUSH, last=True)
    assert recorder.seen == []


def test_an_unknown_ad_account_denies_and_an_unknown_audience_does_not(rig: MetaRig) -> None:
    rig.faults.script(Fault(status=400, code=100, subcode=33, times=2))
    with pytest.raises(Denied):
        rig.connect().find("whales")
    with pytest.raises(AudienceUnusable):
        rig.connect().read(rig.unknown_id)


@pytest.mark.parametrize("error", [Throttled, Unavailable, RequestRefused])
def test_after_any_failure_the_upload_goes_on_in_another_session(
    rig: MetaRig, error: type[PlatformError]
) -> None:
    """What Meta makes of a batch number that comes twice is not documented."""
    faults = {
        Throttled: Fault(status=400, code=80003),
        Unavailable: Fault(kind="reset", when="after"),
        RequestRefused: Fault(status=400, code=100),
    }
    connector = rig.connect()
    upload = connector.open(connector.create("whales").id, Operation.ADD, rows=4)
    first = upload.push(PUSH, last=False)
    assert first.reference == upload.label
    rig.faults.script(faults[error])
    with pytest.raises(error):
        upload.push(PUSH, last=True)
    assert upload.label != first.reference
    assert upload.push(PUSH, last=True).reference == upload.label


def test_the_session_id_is_a_positive_64_bit_number_from_the_given_randomness() -> None:
    with _Recorder(json_reply(200, {})) as recorder:
        asked: list[int] = []

        def nothing(bits: int) -> int:
            asked.append(bits)
            return 0

        upload = PLATFORM.connect(recorder.account(), nothing).open("7", Operation.ADD, rows=1)
    assert asked == [63]
    assert upload.label == "1"


@pytest.mark.parametrize("name", ["a page with 414", "an error that is a text", "a reset"])
def test_no_token_reaches_a_url_a_message_or_a_debug_log(
    rig: MetaRig, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    connector = rig.connect()
    upload = connector.open(connector.create("whales").id, Operation.ADD, rows=2)
    connector.find("whales")
    rig.faults.script(NO_ANSWERS[name])
    with pytest.raises(PlatformError) as failed:
        upload.push(PUSH, last=True)
    upload.push(PUSH, last=True)
    rig.server.stop()
    with pytest.raises(Unavailable) as refused:
        connector.find("whales")
    assert "POST /v26.0/" in caplog.text  # urllib3 did log the requests
    shown = f"{caplog.text} {failed.value} {refused.value} {failed.value!r} {refused.value!r}"
    for secret in rig.secrets:
        assert secret not in shown
    for _, digest in identifiers([member(1), member(2)]):
        assert digest not in shown
    assert failed.value.__context__ is None
    assert refused.value.__context__ is None


def test_the_vendor_changes_nothing_in_this_process(rig: MetaRig) -> None:
    """`FacebookAdsApi.init()` would set a default API and replace `sys.excepthook`."""
    before = sys.excepthook
    rig.connect().find("whales")
    from facebook_business.api import FacebookAdsApi  # noqa: PLC0415  # what connect() imports

    assert sys.excepthook is before
    assert FacebookAdsApi.get_default_api() is None


def test_importing_the_connector_does_not_import_the_vendor() -> None:
    heavy = "facebook_business requests urllib3 pyarrow"
    script = f"""
import sys, connectors.meta
print([name for name in {heavy.split()!r} if name in sys.modules])
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert shown.stdout.decode().strip() == "[]"


@pytest.mark.parametrize(
    "endpoint", ["http://graph.example.com", "http://10.0.0.1:80", "ftp://x", "x"]
)
def test_an_endpoint_that_would_show_the_token_is_refused(endpoint: str) -> None:
    given = account(PLATFORM, {"account_id": "1", "access_token": "the-token"}, endpoint)
    with pytest.raises(ConfigError, match="endpoint must"):
        PLATFORM.connect(given, lambda bits: bits)


def test_an_account_id_is_taken_with_and_without_its_prefix() -> None:
    with _Recorder(json_reply(200, {"data": []})) as recorder:
        for given in ("12", "act_12"):
            options = {**recorder.account().options, "account_id": given}
            connector = PLATFORM.connect(replace(recorder.account(), options=options), lambda n: n)
            connector.find("whales")
    assert {request.path for request in recorder.seen} == {"/v26.0/act_12/customaudiences"}
    wrong = account(PLATFORM, {"account_id": "acct-12", "access_token": "the-token"})
    with pytest.raises(ConfigError, match="account_id must be act_ and digits"):
        PLATFORM.connect(wrong, lambda bits: bits)


def test_the_real_platform_is_asked_with_trusted_roots_and_a_deadline() -> None:
    """Nothing is sent: the client is looked at."""
    given = account(PLATFORM, {"account_id": "12", "access_token": "the-token"})
    connector = PLATFORM.connect(given, lambda bits: bits)
    session = vars(connector.client._api)["_session"]  # type: ignore[attr-defined]  # on purpose
    assert session.GRAPH == "https://graph.facebook.com"
    assert session.requests.verify is True
    assert session.requests.params == {}
    assert session.requests.trust_env is False
    assert all(seconds > 0 for seconds in session.timeout)


class _Recorder:
    """A server that gives the answers it was made with, the last one again and again."""

    def __init__(self, *answers: Reply) -> None:
        self.seen: list[Request] = []
        self._answers = list(answers)
        self._server = Server(self._answer)
        self.endpoint = f"http://127.0.0.1:{self._server.port}"

    def account(self) -> Account:
        options = {"account_id": "act_12", "access_token": "the-token", "app_secret": "app"}
        return account(PLATFORM, options, self.endpoint)

    def connector(self) -> Connector:
        return PLATFORM.connect(self.account(), lambda bits: 2**bits - 1)

    def _answer(self, request: Request) -> Reply:
        self.seen.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def __enter__(self) -> _Recorder:  # noqa: PYI034  # private, and never subclassed
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
