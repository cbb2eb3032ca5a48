"""Accounts of the Google Ads API connector: options, versions, credentials, headers, logs."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.conformance import batch, member
from connectors.google_ads import PLATFORM
from connectors.google_ads.api import versions
from connectors.google_ads.client import GoogleAds
from connectors.sandbox.faults import FaultQueue
from connectors.sandbox.google import serve
from connectors.sandbox.google.ads import Ads
from connectors.sandbox.google.work import Backlog
from connectors.sandbox.state import World
from syncd.errors import ConfigError
from syncd.model import Account, Operation
from syncd.ports import Examines
from tests.contract.google_recorder import self_signed

CUSTOMER = "1234567890"
ENDPOINT = "127.0.0.1:1"
PUSH = batch(Operation.ADD, [member(1)])


def account(endpoint: str | None = None, **options: str) -> Account:
    options = {"customer_id": CUSTOMER, "credentials": "anonymous", **options}
    return Account("google-old", "google_ads", options, endpoint)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (account(ENDPOINT, customer_id="12345"), r"customer_id must be 10 digits.*5 char"),
        (account(ENDPOINT, login_customer_id="x"), "login_customer_id must be 10 digits"),
        (account(ENDPOINT, credentials=""), "credentials are missing"),
        (account(ENDPOINT, api_version="v12"), r"one of v26, v25, v24, v23, .*not 'v12'"),
        (account(ENDPOINT, api_version="../x"), "api_version must be one of"),
        (account(None), "need an endpoint on loopback"),
        (account("10.0.0.1:443"), "need an endpoint on loopback"),
        (account("http://127.0.0.1:80"), "HOST:PORT"),
        (account(None, credentials="/no/such/file"), "neither JSON nor a file"),
        (account(None, credentials="{broken"), "not valid JSON"),
        (account(None, credentials='{"type": "authorized_user"}'), "another type"),
        (account(None, credentials='{"type": "service_account"}'), "incomplete"),
    ],
)
def test_a_wrong_account_is_a_configuration_error(wrong: Account, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        PLATFORM.connect(wrong, lambda _: 1)
    shown = "".join(traceback.format_exception(caught.value))
    assert "/no/such/file" not in shown
    assert "broken" not in re.sub(r'File ".*', "", shown)


@pytest.mark.parametrize("version", ["v23", "v24", "v25", "v26"])
def test_every_version_that_is_spoken_works(version: str) -> None:
    """And only the oldest, which Google retires next, is warned of."""
    server = serve(World(), FaultQueue(), accounts=(CUSTOMER,))
    given = account(f"127.0.0.1:{server.port}", api_version=version)
    connector = PLATFORM.connect(given, lambda _: 1)
    assert isinstance(connector, GoogleAds)
    audience = connector.create("whales").id
    receipt = connector.open(audience, Operation.ADD, rows=1).push(PUSH, last=True)
    assert connector.outcome(receipt.reference).state == "processed"
    assert ("`api_version`" in connector.advice().warning) == (version == versions()[-1])
    server.stop()


def test_an_account_without_the_terms_is_warned_of() -> None:
    """Before a run, and by `doctor`: an upload would be refused for it."""
    world = World()
    server = serve(world, FaultQueue(), accounts=(CUSTOMER,))
    connector = PLATFORM.connect(account(f"127.0.0.1:{server.port}"), lambda _: 1)
    assert isinstance(connector, Examines)
    world.about[CUSTOMER]["accepted_customer_data_terms"] = False
    audience = world.create(CUSTOMER, "whales")
    audience.about["membership_status"] = "CLOSED"
    terms, closed = connector.examine((audience.id,))
    assert (terms.verdict, terms.code) == ("warning", "CUSTOMER_DATA_TERMS")
    assert (closed.verdict, closed.code) == ("unusable", "CLOSED")
    assert "open it again" in closed.said
    for name, value in (("read_only", True), ("type_", "LOGICAL")):
        other = world.create(CUSTOMER, name)
        other.about[name] = value
        assert connector.examine((other.id,))[1].verdict == "unusable"
    server.stop()


@contextmanager
def listening() -> Iterator[tuple[int, int, bytes, list[dict[str, str]]]]:
    """The sandbox's services in plain text and with TLS; both ports, the certificate, headers."""
    seen: list[dict[str, str]] = []

    class Noting(grpc.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
        def intercept_service(
            self,
            onwards: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler],
            details: grpc.HandlerCallDetails,
        ) -> grpc.RpcMethodHandler:
            headers = {key: str(value) for key, value in details.invocation_metadata}
            handler = onwards(details)

            def noted(request: object, context: grpc.ServicerContext) -> object:
                seconds = str(context.time_remaining() or "none")
                method = details.method.rpartition("/")[2]
                seen.append({**headers, "method": method, "seconds": seconds})
                return handler.unary_unary(request, context)

            return grpc.unary_unary_rpc_method_handler(
                noted, handler.request_deserializer, handler.response_serializer
            )

    world, faults = World(), FaultQueue()
    backlog = Backlog(world, faults, 0.0, Random(0))
    server = grpc.server(ThreadPoolExecutor(4), interceptors=(Noting(),))
    ads = Ads(world, faults, backlog, accounts=None, reset=lambda _: None)
    server.add_generic_rpc_handlers((ads,))
    key, certificate = self_signed("localhost")
    plain = server.add_insecure_port("127.0.0.1:0")
    secure = server.add_secure_port(
        "localhost:0", grpc.ssl_server_credentials([(key, certificate)])
    )
    server.start()
    try:
        yield plain, secure, certificate, seen
    finally:
        server.stop(None).wait()


@contextmanager
def tokens(*, granted: bool) -> Iterator[str]:
    """A token server, and where it is."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            good = {"access_token": "tok-1", "expires_in": 3600, "token_type": "Bearer"}
            bad = {"error": "invalid_grant", "error_description": "what the vendor says"}
            body = json.dumps(good if granted else bad).encode()
            self.send_response(200 if granted else 400)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def key_json(private_key: str, token_uri: str) -> str:
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "syncd@example.iam.gserviceaccount.com",
            "token_uri": token_uri,
            "private_key_id": "k1",
            "private_key": private_key,
        }
    )


TLS_CLIENT = """
import sys
from connectors.google_ads import PLATFORM, api, channel, client
from syncd.errors import PlatformError
key = channel.key_of("google-old", sys.argv[2])
about = api.Headers("1112223334", "dev-tok")
services = api.over(channel.tls(sys.argv[1], key), "v26", "1234567890", about,
                    refused=lambda: key.refused)
try:
    print(client.GoogleAds(services, "google-old", int).find("Whales"))
except PlatformError as error:
    print(type(error).__name__, error)
"""


def over_tls(port: int, roots: Path, key: str) -> str:
    """What a client says that is a process of its own: gRPC reads its roots once."""
    shown = subprocess.run(
        [sys.executable, "-c", TLS_CLIENT, f"localhost:{port}", key],
        env={
            **os.environ,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots),
            "GRPC_VERBOSITY": "NONE",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return shown.stdout.strip()


@pytest.mark.parametrize("granted", [True, False])
def test_tls_carries_a_token_and_a_refused_key_is_a_denial(
    private_key: str, tmp_path: Path, *, granted: bool
) -> None:
    """Which gRPC tells of as of a line that is down, in prose."""
    roots = tmp_path / "roots.pem"
    with listening() as (_, port, certificate, seen), tokens(granted=granted) as uri:
        roots.write_bytes(certificate)
        said = over_tls(port, roots, key_json(private_key, uri))
    if granted:
        assert said == "()"
        (headers,) = seen
        assert headers["authorization"] == "Bearer tok-1"
        assert headers["developer-token"] == "dev-tok"
        assert headers["login-customer-id"] == "1112223334"
    else:
        assert said.startswith("Denied google_ads answered UNAUTHENTICATED")
        assert "vendor" not in said
        assert not seen


def test_a_server_that_is_not_trusted_gets_no_token(private_key: str, tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(self_signed("localhost")[1])
    with listening() as (_, port, _, seen), tokens(granted=True) as uri:
        said = over_tls(port, roots, key_json(private_key, uri))
    assert said.startswith("Unavailable google_ads answered UNAVAILABLE")
    assert not seen


def test_no_secret_travels_over_plain_text(private_key: str) -> None:
    """And no developer token is needed: it is left out where there is none."""
    key = key_json(private_key, "http://127.0.0.1:1")
    with listening() as (port, _, _, seen):
        given = account(
            f"127.0.0.1:{port}",
            credentials=key,
            developer_token="dev-tok",
            login_customer_id="111-222-3334",
        )
        connector = PLATFORM.connect(given, lambda _: 1)
        connector.find("whales")
    assert not seen[0].keys() & {"authorization", "developer-token"}
    assert seen[0]["login-customer-id"] == "1112223334"
    assert "dev-tok" not in repr(connector)


def test_every_call_has_a_deadline() -> None:
    """The server is told of it; the library itself sets none."""
    with listening() as (port, _, _, seen):
        connector = PLATFORM.connect(account(f"127.0.0.1:{port}"), lambda _: 1)
        audience = connector.create("whales").id
        receipt = connector.open(audience, Operation.ADD, rows=1).push(PUSH, last=True)
        connector.outcome(receipt.reference)
    assert [one["method"] for one in seen] == [
        "MutateUserLists",
        "CreateOfflineUserDataJob",
        "AddOfflineUserDataJobOperations",
        "RunOfflineUserDataJob",
        "Search",
    ]
    # The wire has it in few digits, rounded up.
    deadlines = {one["method"]: round(float(one["seconds"]) / 10) * 10 for one in seen}
    assert deadlines.pop("AddOfflineUserDataJobOperations") == 120
    assert set(deadlines.values()) == {60}


def test_the_sdk_logs_no_digest_even_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    """Neither of a request, nor of an answer that is an error."""
    services = "google.ads.googleads.v26.services.services"
    talkative = (
        "google",
        "google.ads.googleads",
        "google.ads.googleads.client",
        f"{services}.offline_user_data_job_service.transports.grpc",
        f"{services}.google_ads_service.transports.grpc",
    )
    caplog.set_level(logging.DEBUG)
    for name in talkative:
        caplog.set_level(logging.DEBUG, logger=name)
        logging.getLogger(name).addHandler(caplog.handler)
    server = serve(World(), FaultQueue(), accounts=(CUSTOMER,))
    connector = PLATFORM.connect(account(f"127.0.0.1:{server.port}"), lambda _: 1)
    audience = connector.create("whales").id
    connector.open(audience, Operation.ADD, rows=1).push(PUSH, last=True)
    # The SDK hangs the request on the record; only a formatter that looks there shows it.
    kept = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert member(1)["email"].hex() not in kept
    assert "operations" not in kept
    for name in talkative:
        logging.getLogger(name).removeHandler(caplog.handler)
    server.stop()


def test_importing_the_connector_imports_no_vendor_package() -> None:
    code = (
        "import sys, connectors.google_ads; "
        "print([m for m in sys.modules if m.partition('.')[0] in ('google', 'grpc', 'pyarrow')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
