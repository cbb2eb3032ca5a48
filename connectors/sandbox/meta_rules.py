"""What the local Graph API takes and refuses at `/users`: payload and session, as documented."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.sandbox.state import AudienceState, Identifier, Row

OPEN_FOR = timedelta(minutes=90)  # of a session, from its first batch; Customer File guide

MAX_ROWS = 10_000
MAX_SAMPLES = 100
MAX_SESSION_ID = 2**63 - 1
DIGEST = re.compile(r"[0-9a-f]{64}")
HASHED_KEYS = frozenset(
    "EMAIL PHONE GEN DOBY DOBM DOBD FN LN FI CT ST ZIP COUNTRY".split()  # noqa: SIM905  # as the guide lists them
)
# Keys that must not be hashed, and what their cells look like.
PLAIN_KEYS = {
    "MADID": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "EXTERN_ID": re.compile(r".+", re.DOTALL),
}
# What is said beside: a number, not hashed, for value-based lists alone; and how far a row may
# be used, with the country and state whose law it is, or neither for Meta to tell them.
VALUE = "LOOKALIKE_VALUE"
AMOUNT = re.compile(r"\d+(\.\d+)?", re.ASCII)
PROCESSING = "DATA_PROCESSING_OPTIONS"
SAID_KEYS = frozenset({VALUE, PROCESSING, f"{PROCESSING}_COUNTRY", f"{PROCESSING}_STATE"})
KEYS = HASHED_KEYS | PLAIN_KEYS.keys() | SAID_KEYS
# What matches a person alone, by the kind that it is.
ALONE = {"email": "EMAIL", "phone": "PHONE", "device_id": "MADID", "external_id": "EXTERN_ID"}
ADDRESS_KEYS = ("FN", "LN", "ZIP", "COUNTRY")
SINGLE_KEYS = {"EMAIL_SHA256": "EMAIL", "PHONE_SHA256": "PHONE", "EMAIL": "EMAIL", "PHONE": "PHONE"}


class GraphError(Exception):
    """An error in Meta's shape."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 400,
        subcode: int | None = None,
        kind: str = "OAuthException",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.subcode = subcode
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Payload:
    """Rows as they came, checked for form and not yet for their cells.

    Attributes:
        keys: One for each cell of a row.
        listed: Whether the schema came as a list; an audience takes one form only.
    """

    keys: tuple[str, ...]
    listed: bool
    data: list[list[object]] = field(repr=False)


def read_payload(text: str | None) -> Payload:
    """Read the form field `payload`.

    Raises:
        GraphError: It is missing, too long, or its rows do not match its schema.
    """
    content = _json_object("payload", text)
    schema, data = content.get("schema"), content.get("data")
    listed = isinstance(schema, list)
    keys = tuple(schema) if isinstance(schema, list) else (SINGLE_KEYS.get(str(schema)),)
    if not keys or not KEYS.issuperset(keys):
        raise GraphError(100, "Invalid schema")
    if not isinstance(data, list) or not data:
        raise GraphError(100, "Data is missing or does not match schema")
    if len(data) > MAX_ROWS:
        raise GraphError(100, f"At most {MAX_ROWS} rows a request, got {len(data)}")
    rows = [row if isinstance(row, list) else [row] for row in data]
    if any(len(row) != len(keys) for row in rows):
        raise GraphError(100, "Data is missing or does not match schema")
    return Payload(tuple(map(str, keys)), listed, rows)


def sort_out(
    payload: Payload, refused: Collection[int] = ()
) -> tuple[list[Row], list[list[object]]]:
    """Split the rows into identifiers to apply and entries that are not valid.

    Args:
        payload: What came.
        refused: Positions not to take either, as a fault demands.
    """
    taken: list[Row] = []
    invalid: list[list[object]] = []
    for position, cells in enumerate(payload.data):
        row = dict(zip(payload.keys, cells, strict=True))
        texts = {k: v for k, v in row.items() if k not in SAID_KEYS and isinstance(v, str)}
        fits = all(_fits(key, cell) for key, cell in row.items())
        if position in refused or not fits or not any(texts.values()):
            invalid.append(cells)
        elif found := _identifiers(texts):
            taken.append(found)
    return taken, invalid


def told(payload: Payload) -> Mapping[Identifier, Mapping[str, object]]:
    """What valid rows say of each identifier beside it; nothing where no key does."""
    found: dict[Identifier, Mapping[str, object]] = {}
    for cells in payload.data if SAID_KEYS & set(payload.keys) else ():
        rows, _ = sort_out(Payload(payload.keys, payload.listed, [cells]))
        row = zip(payload.keys, cells, strict=True)
        said = {key: cell for key, cell in row if key in SAID_KEYS}
        found |= dict.fromkeys(frozenset().union(*rows), said)
    return found


def admit_keys(payload: Payload, *, value_based: bool) -> None:
    """Refuse keys that the list was not made for, and where the law's place is half told.

    Raises:
        GraphError: They do not go together.
    """
    keys = set(payload.keys)
    if VALUE in keys and not value_based:
        raise GraphError(100, f"{VALUE} needs an audience that is value-based")
    places = SAID_KEYS - {VALUE, PROCESSING}
    if keys & places and not keys >= {PROCESSING, *places}:
        raise GraphError(100, f"{PROCESSING} go with both country and state, or with neither")


def _fits(key: str, cell: object) -> bool:
    if key == PROCESSING:
        return cell in ([], ["LDU"])
    if key in SAID_KEYS - {VALUE}:
        return isinstance(cell, int) and not isinstance(cell, bool) and cell >= 0
    if key == VALUE and isinstance(cell, int | float) and not isinstance(cell, bool):
        return 0 <= cell < math.inf
    if not isinstance(cell, str):
        return False
    wanted = AMOUNT if key == VALUE else PLAIN_KEYS.get(key, DIGEST)
    return not cell or wanted.fullmatch(cell) is not None


def _identifiers(cells: Mapping[str, str]) -> Row:
    found: set[Identifier] = {(kind, cells[key]) for kind, key in ALONE.items() if cells.get(key)}
    address = [cells.get(key, "") for key in ADDRESS_KEYS]
    if all(address):
        found.add(("address", "|".join(address)))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Batch:
    """One request's place in its session."""

    session: int
    number: int
    last: bool


def read_session(text: str | None) -> Batch:
    """Read the form field `session`.

    Raises:
        GraphError: It is missing, or a value is out of its range.
    """
    content = _json_object("session", text)
    session, number = content.get("session_id"), content.get("batch_seq")
    last = content.get("last_batch_flag")
    if not isinstance(session, int) or not 1 <= session <= MAX_SESSION_ID:
        raise GraphError(100, "session_id must be a positive 64-bit integer")
    if not isinstance(number, int) or number < 1:
        raise GraphError(100, "batch_seq must be a positive integer")
    if not isinstance(last, bool):
        raise GraphError(100, "last_batch_flag must be true or false")
    total = content.get("estimated_num_total", 0)
    if not isinstance(total, int) or total < 0:
        raise GraphError(100, "estimated_num_total must be a number")
    return Batch(session, number, last)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A batch that fits into its session.

    Attributes:
        received: Rows of the session so far, these included.
        discarded: The session was over: these rows are neither counted nor taken, and the
            answer does not say so.
    """

    received: int
    discarded: bool = False


@dataclass(slots=True)
class _Session:
    purpose: tuple[str, str, tuple[str, ...]]
    began: datetime
    batches: int = 0
    received: int = 0
    finished: bool = False


class Sessions:
    """Upload sessions of all accounts, by Meta's rules; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, int], _Session] = {}

    def admit(
        self,
        account: str,
        batch: Batch,
        purpose: tuple[str, str, tuple[str, ...]],
        rows: int,
        now: datetime,
    ) -> Admitted:
        """Take a batch into its session.

        What Meta does with a `batch_seq` that comes twice is not documented for `/users`;
        here it is refused, so that nothing comes to rely on it.

        Args:
            account: Sessions are unique within one.
            batch: Its place.
            purpose: Audience, operation and keys; one session has one.
            rows: How many it carries.
            now: The session takes them for 90 minutes.

        Raises:
            GraphError: It does not fit.
        """
        with self._lock:
            session = self._sessions.get((account, batch.session))
            if session is None:
                if batch.number != 1:
                    raise GraphError(2650, "Session has no first batch", subcode=1870147)
                session = self._sessions[account, batch.session] = _Session(purpose, now)
            if session.finished:
                raise GraphError(2650, "Session is finished", subcode=1870159)
            if session.purpose != purpose:
                raise GraphError(100, "A session has one audience, one operation and one schema")
            if batch.number != session.batches + 1:
                raise GraphError(100, f"batch_seq must be {session.batches + 1}")
            session.batches = batch.number
            if now - session.began >= OPEN_FOR:
                return Admitted(session.received, discarded=True)
            session.received += rows
            session.finished = batch.last
            return Admitted(session.received)


def admit_replacing(audience: AudienceState, batch: Batch, rows: int, now: datetime) -> Admitted:
    """Take a batch into the session that replaces an audience.

    Batch 1 starts it and may come once; others may come again and in any order, until
    the last one did or 90 minutes are over.

    Raises:
        GraphError: It does not fit.
    """
    running = audience.replacing(now) == "running"
    held = audience.replacement
    if held is None or held.session != str(batch.session):
        refuse_while_replacing(audience, now)
        if batch.number != 1:
            raise GraphError(2650, "Session has no first batch", subcode=1870147)
        held = audience.replace(str(batch.session), now)
    elif batch.number == 1:
        raise GraphError(100, "batch_seq 1 starts a replacement, and it has started")
    elif held.whole:
        raise GraphError(2650, "Session is finished", subcode=1870159)
    elif not running:
        raise GraphError(2650, "Session is over after 90 minutes", subcode=1870158)
    held.received += rows
    held.whole = held.whole or batch.last
    return Admitted(held.received)


def refuse_while_replacing(audience: AudienceState, now: datetime) -> None:
    """Refuse every other change while an audience is being replaced."""
    if audience.replacing(now) == "running":
        raise GraphError(2650, "Another update of this audience is under way", subcode=1870145)


def _json_object(name: str, text: str | None) -> Mapping[str, object]:
    if text is None:
        raise GraphError(100, f"Missing required parameter: {name}")
    try:
        content = json.loads(text)
    except ValueError:
        raise GraphError(100, f"{name} is not JSON") from None
    if not isinstance(content, dict):
        raise GraphError(100, f"{name} is not an object")
    return content
