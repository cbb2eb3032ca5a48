"""A bare gRPC server for the Google SDK to talk to, and what it is told to answer.

It keeps the bytes it got. The sandbox has no part in it, so neither can hide the other's
mistake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pyarrow as pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.ads.datamanager_v1 import types
from google.protobuf import any_pb2  # type: ignore[import-untyped]  # no stubs installed
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # as above
from grpc_status import rpc_status  # type: ignore[import-untyped]  # as above

from connectors.google import PLATFORM, client
from syncd.model import ROW_COLUMNS, Account, Batch, BatchId, Operation

CUSTOMER = "1234567890"
LOGIN = "1112223334"
PLAIN = frozenset({"postcode", "country"})
PACKAGE = "google.ads.datamanager.v1"
INGEST = "IngestionService/IngestAudienceMembers"
REMOVE = "IngestionService/RemoveAudienceMembers"
STATUS = "IngestionService/RetrieveRequestStatus"
LIST = "UserListService/ListUserLists"
CREATE = "UserListService/CreateUserList"
GET = "UserListService/GetUserList"

Answer = Any  # bytes, a google.rpc.Status to fail with, or a callable that gives bytes


@dataclass
class Recorder:
    """A gRPC server that keeps what it got. `answers` go out in turn, the last for ever."""

    answers: list[Answer] = field(default_factory=list)
    calls: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    tls_port: int = 0
    certificate: bytes = field(default=b"", repr=False)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = details.method.removeprefix(f"/{PACKAGE}.")

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            metadata = {key: str(value) for key, value in context.invocation_metadata()}
            remaining = context.time_remaining()
            metadata["seconds"] = "none" if remaining is None else str(remaining)
            self.calls.append((method, request, metadata))
            told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(told, status_pb2.Status):
                context.abort_with_status(rpc_status.to_status(told))
            raw: bytes = told() if callable(told) else told
            return raw

        return grpc.unary_unary_rpc_method_handler(answer)


def self_signed(host: str) -> tuple[bytes, bytes]:
    """A key and its certificate, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem, certificate.public_bytes(serialization.Encoding.PEM)


@contextmanager
def recording() -> Iterator[Recorder]:
    """Serve on loopback, in plain text and with TLS."""
    made = Recorder()

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            return made.service(details)

    options = (
        ("grpc.max_receive_message_length", -1),
        ("grpc.so_reuseport", 0),
    )
    server = grpc.server(ThreadPoolExecutor(4), options=options)
    server.add_generic_rpc_handlers((Handler(),))
    made.port = server.add_insecure_port("127.0.0.1:0")
    key, made.certificate = self_signed("localhost")
    secrets = grpc.ssl_server_credentials([(key, made.certificate)])
    made.tls_port = server.add_secure_port("localhost:0", secrets)
    server.start()
    try:
        yield made
    finally:
        server.stop(None).wait()


def connect(recorder: Recorder, **options: str) -> client.GoogleConnector:
    options = {"customer_id": CUSTOMER, "credentials": "anonymous", **options}
    account = Account("google-eu", "google", options, f"127.0.0.1:{recorder.port}")
    found = PLATFORM.connect(account, lambda bits: 1 << (bits - 1))
    assert isinstance(found, client.GoogleConnector)
    return found


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def rows_of(
    members: Sequence[Mapping[str, bytes | None]], consents: Sequence[int | None]
) -> pa.RecordBatch:
    columns = [pa.array([one.get(name) for one in members], pa.binary()) for name in ROW_COLUMNS]
    columns.append(pa.array(consents, pa.int8()))
    return pa.RecordBatch.from_arrays(columns, names=[*ROW_COLUMNS, "consent"])


def adding(*members: dict[str, bytes], consents: Sequence[int | None] | None = None) -> Batch:
    return Batch(BatchId("b1"), Operation.ADD, rows_of(members, consents or [1] * len(members)))


def push(recorder: Recorder, sent: Batch, **options: str) -> Any:
    upload = connect(recorder, **options).open("4711", sent.operation, rows=sent.rows.num_rows)
    return upload.push(sent, last=True)


def user_list(**fields: Any) -> types.UserList:
    """A list of ours for contact data, as Google states it; fields of `UserList`."""
    usual = {"id": 4711, "display_name": "Whales", "membership_status": "OPEN"}
    keys = {"ingested_user_list_info": {"upload_key_types": ["CONTACT_ID"]}}
    return types.UserList({**usual, **keys, **fields})


def ingested() -> bytes:
    answer: bytes = types.IngestAudienceMembersResponse(request_id="r-1")._pb.SerializeToString()
    return answer


def error(code: str, *details: Any) -> status_pb2.Status:
    status = status_pb2.Status(code=code_pb2.Code.Value(code), message=f"{WORDS} {SECRET}")
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


SECRET = digest("canary").hex()
WORDS = "what the vendor says"


def info(reason: str, **metadata: str) -> Any:
    return error_details_pb2.ErrorInfo(reason=reason, domain="d", metadata=metadata)


def bad_fields(*fields: str, reason: str = "") -> Any:
    found = error_details_pb2.BadRequest()
    for path in fields:
        found.field_violations.add(field=path, description=f"bad {SECRET}", reason=reason)
    return found
