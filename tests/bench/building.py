"""Building requests, and nothing else: `python -m tests.bench.building [ROUNDS]`, 9 by default.

For each connector, from a batch of the core's to the bytes of a request, at Meta to those of the
form: members a CPU-second, the median of the rounds. Beside it, in turns with it, what the same
rows cost otherwise:

    dicts      Google: the SDK's own classes, given dicts (proto-plus)
    fields     Google: raw protobuf, set field by field, from texts that are ready for it
    plain      Meta: row by row, `json.dumps` and `urlencode`
    dumps      Meta: the latter two alone, of rows that are ready for them

Rows of three sorts: of an e-mail; of an e-mail, a phone and an address; and mixed ones, of up to
three e-mails and phones, addresses that lack a part, postcodes of several lengths and consents of
both kinds. Only columns of one run compare: processes beside it make a CPU-second worth less.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
from google.ads.datamanager_v1 import types
from google.ads.googleads.v26.services.types import offline_user_data_job_service as jobs

from connectors.google import CAPABILITIES as DATA_MANAGER
from connectors.google import wire
from connectors.google_ads import CAPABILITIES as GOOGLE_ADS
from connectors.google_ads import wire as ads_wire
from connectors.meta.form import encoded
from connectors.meta.payload import wire_rows
from connectors.meta.schema import WIRE_ROWS
from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, PHONE_CELLS, ROW_COLUMNS, Operation
from tests.contract import google_plain, meta_plain
from tests.contract.google_recorder import PLAIN

ROUNDS = 9
HERE = wire.Destination("1234567890", "", "4711")
Build = Callable[[], object]
Prepare = Callable[[pa.RecordBatch], Build]
# How many of ten members have a cell.
MIXED = {"email": 9, "email_2": 2, "email_3": 1, "phone": 7, "phone_2": 1, "phone_3": 1}
MIXED |= {"given_name": 8, "family_name": 8, "postcode": 8, "country": 10}
SORTS: Mapping[str, Mapping[str, int]] = {
    "an e-mail": {"email": 10},
    "three": dict.fromkeys(("email", "phone", *ADDRESS_CELLS), 10),
    "mixed": MIXED,
}


@dataclass(frozen=True)
class Platform:
    """Ways to build a request; the connector's own is the first.

    Attributes:
        rows: Members of a request.
        plain: Cells that travel unhashed.
        ways: Each makes ready what is not counted, and gives what is.
    """

    name: str
    rows: int
    plain: frozenset[str]
    ways: Mapping[str, Prepare]


def batch(many: int, has: Mapping[str, int], plain: frozenset[str]) -> pa.RecordBatch:
    """Members drawn from a seed, each with something to be matched by."""
    random = Random(1)
    drawn = [_member(random, has, plain) for _ in range(many)]
    columns = [pa.array([one.get(name) for one in drawn], pa.binary()) for name in ROW_COLUMNS]
    consents = [1 if has is not MIXED or random.random() < 0.8 else 0 for _ in drawn]
    columns.append(pa.array(consents, pa.int8()))
    return pa.RecordBatch.from_arrays(columns, names=[*ROW_COLUMNS, "consent"])


def _member(random: Random, has: Mapping[str, int], plain: frozenset[str]) -> dict[str, bytes]:
    found = {cell: random.randbytes(32) for cell, tenths in has.items() if _one_of(random, tenths)}
    if "postcode" in found and "postcode" in plain:
        found["postcode"] = b"1011AB"[: random.randint(4, 6) if has is MIXED else 6]
    if "country" in found and "country" in plain:
        found["country"] = b"NL"
    if not found.keys() & {*EMAIL_CELLS, *PHONE_CELLS}:
        found["email"] = random.randbytes(32)
    return found


def _one_of(random: Random, tenths: int) -> bool:
    return random.random() * 10 < tenths


# --- Google ----------------------------------------------------------------------


def ingestion(rows: pa.RecordBatch) -> Build:
    """The connector's own."""
    return lambda: types.IngestAudienceMembersRequest.serialize(wire.addition(HERE, rows))


def ingestion_by_dicts(rows: pa.RecordBatch) -> Build:
    """The SDK's own."""
    plain = google_plain.ingestion
    return lambda: types.IngestAudienceMembersRequest.serialize(plain(rows))


def ingestion_by_fields(rows: pa.RecordBatch) -> Build:
    """Raw protobuf."""
    people, consents = list(_texts(rows)), rows.column("consent").to_pylist()
    granted = int(types.ConsentStatus.CONSENT_GRANTED)

    def build() -> object:
        request = types.IngestAudienceMembersRequest.pb()()
        for (emails, phones, address), consent in zip(people, consents, strict=True):
            member = request.audience_members.add()
            found = member.user_data.user_identifiers
            for email in emails:
                found.add().email_address = email
            for phone in phones:
                found.add().phone_number = phone
            if address:
                one = found.add().address
                one.given_name, one.family_name, one.postal_code, one.region_code = address
            if consent == 1:
                member.consent.ad_user_data = granted
                member.consent.ad_personalization = granted
        return request.SerializeToString()

    return build


def operations(rows: pa.RecordBatch) -> Build:
    """The connector's own; a request for each consent."""
    new = jobs.AddOfflineUserDataJobOperationsRequest.pb()

    def build() -> object:
        made: list[bytes] = []
        for part in ads_wire.parts(rows, Operation.ADD, new()):
            request = new()
            request.MergeFromString(part.operations)
            made.append(request.SerializeToString())
        return made

    return build


def operations_by_dicts(rows: pa.RecordBatch) -> Build:
    """The SDK's own."""

    def build() -> object:
        request = google_plain.operations(rows, "create")
        return type(request).serialize(request)

    return build


def operations_by_fields(rows: pa.RecordBatch) -> Build:
    """Raw protobuf."""
    people = list(_texts(rows))

    def build() -> object:
        request: Any = jobs.AddOfflineUserDataJobOperationsRequest.pb()()
        for emails, phones, address in people:
            found = request.operations.add().create.user_identifiers
            for email in emails:
                found.add().hashed_email = email
            for phone in phones:
                found.add().hashed_phone_number = phone
            if address:
                one = found.add().address_info
                one.hashed_first_name, one.hashed_last_name = address[:2]
                one.postal_code, one.country_code = address[2:]
        return request.SerializeToString()

    return build


def _texts(rows: pa.RecordBatch) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """E-mails, phones and the address of each row, as they travel."""
    for row in rows.to_pylist():
        emails, phones = (
            [row[cell].hex() for cell in cells if row[cell]] for cells in (EMAIL_CELLS, PHONE_CELLS)
        )
        given, family, *plain = (row[cell] for cell in ADDRESS_CELLS)
        whole = given and family and all(plain)
        address = [given.hex(), family.hex(), *(one.decode() for one in plain)] if whole else []
        yield emails, phones, address


# --- Meta ------------------------------------------------------------------------


def form(rows: pa.RecordBatch) -> Build:
    """The connector's own."""
    return lambda: encoded({"payload": wire_rows(rows).payload})


def form_by_rows(rows: pa.RecordBatch) -> Build:
    """As one would write it."""
    return lambda: urlencode({"payload": meta_plain.payload(rows)})


def form_by_dumps(rows: pa.RecordBatch) -> Build:
    """From rows that are ready."""
    ready = json.loads(meta_plain.payload(rows))
    return lambda: urlencode({"payload": json.dumps(ready, separators=(",", ":"))})


PLATFORMS = (
    Platform(
        "google",
        DATA_MANAGER.max_rows,
        PLAIN,
        {"ours": ingestion, "dicts": ingestion_by_dicts, "fields": ingestion_by_fields},
    ),
    Platform(
        "google_ads",
        GOOGLE_ADS.max_rows,
        PLAIN,
        {"ours": operations, "dicts": operations_by_dicts, "fields": operations_by_fields},
    ),
    Platform(
        "meta",
        WIRE_ROWS,
        frozenset(),
        {"ours": form, "plain": form_by_rows, "dumps": form_by_dumps},
    ),
)


def seconds(ways: Mapping[str, Prepare], rows: pa.RecordBatch, rounds: int) -> dict[str, float]:
    """CPU seconds of each way, in turns; the median."""
    ready = {name: prepare(rows) for name, prepare in ways.items()}
    found: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        for name, build in ready.items():
            begun = time.process_time()
            build()
            found[name].append(time.process_time() - begun)
    return {name: statistics.median(some) for name, some in found.items()}


def main(rounds: int) -> None:
    """Print the table."""
    print(f"{'connector':<12}{'rows':<12}{'built by':<10}{'members a CPU-s':>16}{'of ours':>9}")
    for platform in PLATFORMS:
        for sort, has in SORTS.items():
            rows = batch(platform.rows, has, platform.plain)
            found = seconds(platform.ways, rows, rounds)
            for way, taken in found.items():
                rate, share = platform.rows / taken, found["ours"] / taken
                print(f"{platform.name:<12}{sort:<12}{way:<10}{rate:>16,.0f}{share:>9.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
