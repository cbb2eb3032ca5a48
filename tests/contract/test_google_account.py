"""Accounts of the Google connector: options, credentials, TLS, and what the process shows."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.ads.datamanager_v1 import types

from connectors.google import PLATFORM
from syncd.errors import (
    ConfigError,
)
from syncd.model import Account
from tests.contract.google_recorder import (
    CUSTOMER,
    SECRET,
    Recorder,
    adding,
    digest,
    ingested,
    push,
    recording,
    self_signed,
)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as made:
        yield made


def account(endpoint: str | None = None, **options: str) -> Account:
    options = {"customer_id": CUSTOMER, "credentials": "anonymous", **options}
    return Account("google-eu", "google", options, endpoint)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (account("127.0.0.1:1", customer_id="12345"), "customer_id must be 10 digits.*5 char"),
        (account("127.0.0.1:1", customer_id="١٢٣٤٥٦٧٨٩٠"), "customer_id must be 10 digits"),
        (account("127.0.0.1:1", login_customer_id="x"), "login_customer_id must be 10 digits"),
        (account("127.0.0.1:1", credentials=""), "credentials are missing"),
        (account(None), "need an endpoint on loopback"),
        (account("10.0.0.1:443"), "need an endpoint on loopback"),
        (account("localhost.example.com:443"), "need an endpoint on loopback"),
        (account("http://127.0.0.1:80"), "HOST:PORT"),
        (account("127.0.0.1"), "HOST:PORT"),
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


@pytest.fixture(scope="module")
def key_json() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "syncd@example.iam.gserviceaccount.com",
            "token_uri": "https://oauth2.googleapis.com/token",
            "private_key_id": "k1",
            "private_key": pem.decode(),
        }
    )


def test_a_service_account_is_taken_as_json_or_as_a_file(key_json: str, tmp_path: Path) -> None:
    """Connecting sends nothing, so a host that does not exist will do."""
    path = tmp_path / "key.json"
    path.write_text(key_json)
    for credentials in (key_json, str(path)):
        for endpoint in (None, "datamanager.invalid:443"):
            connector = PLATFORM.connect(account(endpoint, credentials=credentials), lambda _: 1)
            assert CUSTOMER in repr(connector)


def test_no_credentials_travel_over_plain_text(recorder: Recorder, key_json: str) -> None:
    recorder.answers = [ingested()]
    push(recorder, adding({"email": digest("a")}), credentials=key_json)
    assert "authorization" not in recorder.calls[0][2]


TLS_CLIENT = """
import json, sys
from connectors.google import channel, client
from syncd.errors import PlatformError
opened = channel.tls(sys.argv[1], "google-eu", sys.argv[2])
connector = client.over(opened, account="google-eu", customer="1234567890", login="", randbits=int)
try:
    print([found.id for found in connector.find("Whales")])
except PlatformError as error:
    print(error)
"""


@pytest.mark.parametrize("trusted", [True, False])
def test_tls_carries_a_token_signed_here(
    recorder: Recorder, key_json: str, tmp_path: Path, *, trusted: bool
) -> None:
    """Only to a server whose certificate is trusted; no token server is asked."""
    found = types.ListUserListsResponse(user_lists=[{"id": 1, "display_name": "Whales"}])
    recorder.answers = [found._pb.SerializeToString()]
    roots = tmp_path / "roots.pem"
    roots.write_bytes(recorder.certificate if trusted else self_signed("localhost")[1])
    shown = subprocess.run(
        [sys.executable, "-c", TLS_CLIENT, f"localhost:{recorder.tls_port}", key_json],
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
    if trusted:
        assert shown.stdout.strip() == "['1']"
        assert recorder.calls[0][2]["authorization"].startswith("Bearer ey")
    else:
        assert "UNAVAILABLE" in shown.stdout
        assert not recorder.calls


def test_the_sdk_logs_no_digest_even_at_debug(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.answers = [ingested()]
    talkative = "google.ads.datamanager_v1.services.ingestion_service.transports.grpc"
    caplog.set_level(logging.DEBUG)
    for name in ("google", "google.ads.datamanager_v1", talkative):
        caplog.set_level(logging.DEBUG, logger=name)
        logging.getLogger(name).addHandler(caplog.handler)
    push(recorder, adding({"email": digest("canary")}))
    # The SDK hangs the request on the record; only a formatter that looks there shows it.
    kept = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert SECRET not in kept
    for name in ("google", "google.ads.datamanager_v1", talkative):
        logging.getLogger(name).removeHandler(caplog.handler)


def test_importing_the_connector_imports_no_vendor_package() -> None:
    code = (
        "import sys, connectors.google; "
        "print([m for m in sys.modules if m.partition('.')[0] in ('google', 'grpc', 'pyarrow')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
