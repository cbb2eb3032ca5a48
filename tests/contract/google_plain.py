"""Requests as Google's SDKs make them from dicts, member by member: what ours must equal."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pyarrow as pa
from google.ads.datamanager_v1 import types

from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, PHONE_CELLS

Cells = Mapping[str, Any]

GRANTED = {"ad_user_data": "CONSENT_GRANTED", "ad_personalization": "CONSENT_GRANTED"}
_JOBS = "google.ads.googleads.{}.services.types.offline_user_data_job_service"


def ingestion(rows: pa.RecordBatch) -> types.IngestAudienceMembersRequest:
    """Members with their consent, for the Data Manager API."""
    return types.IngestAudienceMembersRequest(
        {
            "audience_members": [
                {
                    "user_data": {"user_identifiers": contacts(row)},
                    **({"consent": GRANTED} if row["consent"] == 1 else {}),
                }
                for row in rows.to_pylist()
            ]
        }
    )


def operations(rows: pa.RecordBatch, kind: str, version: str = "v26") -> Any:
    """Operations of a job, for the Google Ads API: `create` or `remove`."""
    request = import_module(_JOBS.format(version)).AddOfflineUserDataJobOperationsRequest
    many = [{kind: {"user_identifiers": ads_contacts(row)}} for row in rows.to_pylist()]
    return request({"operations": many})


def contacts(row: Cells) -> list[dict[str, object]]:
    """One member's identifiers, as the Data Manager API names them."""
    found: list[dict[str, object]] = []
    found += [{"email_address": row[cell].hex()} for cell in EMAIL_CELLS if row[cell]]
    found += [{"phone_number": row[cell].hex()} for cell in PHONE_CELLS if row[cell]]
    if all(row[cell] for cell in ADDRESS_CELLS):
        address = {
            "given_name": row["given_name"].hex(),
            "family_name": row["family_name"].hex(),
            "postal_code": row["postcode"].decode(),
            "region_code": row["country"].decode(),
        }
        found.append({"address": address})
    return found


def ads_contacts(row: Cells) -> list[dict[str, object]]:
    """One member's identifiers, as the Google Ads API names them."""
    found: list[dict[str, object]] = []
    found += [{"hashed_email": row[cell].hex()} for cell in EMAIL_CELLS if row[cell]]
    found += [{"hashed_phone_number": row[cell].hex()} for cell in PHONE_CELLS if row[cell]]
    if all(row[cell] for cell in ADDRESS_CELLS):
        address = {
            "hashed_first_name": row["given_name"].hex(),
            "hashed_last_name": row["family_name"].hex(),
            "postal_code": row["postcode"].decode(),
            "country_code": row["country"].decode(),
        }
        found.append({"address_info": address})
    found += [{"mobile_id": row[cell].decode()} for cell in ("device_id",) if row[cell]]
    found += [{"third_party_user_id": row["external_id"].decode()}] if row["external_id"] else []
    return found
