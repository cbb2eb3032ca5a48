"""The little of the Google Ads Query Language that is asked of the three resources here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from connectors.sandbox.google.ads_jobs import Job, Jobs
from connectors.sandbox.state import AudienceState, World

Fill = Callable[[Any], None]
"""Writes a result into a raw GoogleAdsRow."""

_QUERY = re.compile(
    r"SELECT (?P<fields>[a-z_., ]+) FROM (?P<resource>[a-z_]+)"
    r"(?: WHERE (?P<where>.+?))?(?: LIMIT (?P<limit>[0-9]+))?\Z",
    re.DOTALL,
)
_FIELD = r"(?P<field>[a-z_.]+)"
_TEXT = r"'(?:[^'\\]|\\.)*'"
_ONE = re.compile(rf"{_FIELD} = (?P<value>{_TEXT}|-?[0-9]+)\Z", re.DOTALL)
_SOME = re.compile(rf"{_FIELD} IN \((?P<values>{_TEXT}(?:, {_TEXT})*)\)\Z", re.DOTALL)


def search(query: str, account: str, world: World, jobs: Jobs) -> tuple[Fill, ...] | None:
    """What a query finds; None if it cannot be read."""
    asked = _QUERY.match(query)
    wanted = _wanted(asked["where"]) if asked else None
    if asked is None or wanted is None:
        return None
    field, values = wanted
    match asked["resource"]:
        case "user_list":
            found = _lists(account, field, values, world)
        case "offline_user_data_job":
            found = _jobs(account, field, values, jobs)
        case "customer":
            found = iter([_customer(account, world)])
        case _:
            return None
    limit = int(asked["limit"]) if asked["limit"] else None
    return tuple(found)[:limit]


def _wanted(where: str | None) -> tuple[str, tuple[str, ...]] | None:
    """The one field that is asked for, and its values; "" if there is none."""
    if not where:
        return "", ()
    one, some = _ONE.match(where), _SOME.match(where)
    if one:
        return one["field"], (_plain(one["value"]),)
    if some:
        return some["field"], tuple(map(_plain, re.findall(_TEXT, some["values"], re.DOTALL)))
    return None


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith("'") else value


def _lists(account: str, field: str, values: tuple[str, ...], world: World) -> Iterator[Fill]:
    for one in world.audiences(account):
        # As a search would: without minding case. The client must compare.
        about = {"user_list.name": one.name.lower(), "user_list.id": one.id}
        if not field or about.get(field) in {value.lower() for value in values}:
            yield _list_filler(one)


def _list_filler(one: AudienceState) -> Fill:
    def fill(row: Any) -> None:  # noqa: ANN401  # raw protobuf
        found = row.user_list
        found.resource_name = f"customers/{one.account}/userLists/{one.id}"
        found.id = int(one.id)
        found.name = one.name
        _put(found.crm_based_user_list, "upload_key_type", "CONTACT_INFO")
        _put(found, "type_", "CRM_BASED")
        _put(found, "membership_status", "OPEN")
        _put(found, "account_user_list_status", "ENABLED")
        found.membership_life_span = _LIFE_SPAN
        # Null until it is computed, which for a list that nobody is in is never.
        size = int(str(one.about.get("matched", one.size)))
        if size:
            found.size_for_search = found.size_for_display = size
        for name, value in one.about.items():
            into = found.crm_based_user_list if name == "upload_key_type" else found
            if name in into.DESCRIPTOR.fields_by_name:
                _put(into, name, value)

    return fill


def _jobs(account: str, field: str, values: tuple[str, ...], jobs: Jobs) -> Iterator[Fill]:
    for one in jobs.all():
        about = {
            "offline_user_data_job.resource_name": one.name,
            "offline_user_data_job.external_id": str(one.external_id),
        }
        if one.account == account and about.get(field) in values:
            yield _job_filler(one, jobs.state(one))


def _job_filler(one: Job, state: str) -> Fill:
    def fill(row: Any) -> None:  # noqa: ANN401  # raw protobuf
        found = row.offline_user_data_job
        found.resource_name, found.external_id = one.name, one.external_id
        _put(found, "status", state)
        # Below this many a rate would tell of single people; our guess at Google's limit.
        if state == "SUCCESS" and one.operation == "create" and len(one.rows) >= _FEWEST:
            _put(found.operation_metadata, "match_rate_range", "MATCH_RANGE_81_TO_90")

    return fill


def _customer(account: str, world: World) -> Fill:
    def fill(row: Any) -> None:  # noqa: ANN401  # raw protobuf
        row.customer.id = int(account)
        _put(row.customer, "status", "ENABLED")
        terms = world.about[account].get("accepted_customer_data_terms", True)
        row.customer.conversion_tracking_setting.accepted_customer_data_terms = bool(terms)

    return fill


_FEWEST = 100
_LIFE_SPAN = 540


def _put(into: Any, field: str, value: object) -> None:  # noqa: ANN401  # raw protobuf
    """Set a field; of an enum by its name."""
    kind = into.DESCRIPTOR.fields_by_name[field].enum_type
    setattr(
        into,
        field,
        kind.values_by_name[value].number if kind and value in kind.values_by_name else value,
    )
