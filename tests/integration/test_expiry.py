"""When an account's credential ends: asked once a day, kept, told, and never in a run's way."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.sandbox.meta_nodes import TOKEN_NODE
from tests.integration.commands import Desk, Hands, digests

GAUGE = "syncd_credential_ends_timestamp_seconds"


@pytest.fixture
def token(desk: Desk) -> Iterator[MutableMapping[str, object]]:
    """What Meta states of the token, which all desks share."""
    about = desk.local.meta_world.about[TOKEN_NODE]
    yield about
    about.clear()


def asked(desk: Desk) -> int:
    return desk.local.meta_world.requests["debug"]


def ran(desk: Desk, clock: Hands) -> None:
    assert desk.syncd("sync", "everyone", clock=clock).code == 0


def ends(desk: Desk, clock: Hands) -> str | None:
    (row,) = desk.syncd("status", "--json", clock=clock).json["syncs"]
    found = row["credential ends"]
    assert found is None or isinstance(found, str)
    return found


def told(desk: Desk, clock: Hands) -> list[str]:
    return [one["condition"] for one in desk.syncd("alerts", "--json", clock=clock).json["open"]]


def stated(token: MutableMapping[str, object], at: datetime) -> None:
    token["expires_at"] = int(at.timestamp())


def test_a_token_near_its_end_is_told_everywhere_until_it_is_renewed(
    desk: Desk, token: MutableMapping[str, object]
) -> None:
    clock = Hands()
    desk.join(*range(3))
    at = (clock.now() + timedelta(days=10)).replace(microsecond=0)
    stated(token, at)
    ran(desk, clock)
    assert ends(desk, clock) == at.isoformat()
    line = f"credential of account meta: it ends on {at:%Y-%m-%d %H:%M} UTC, in 9 days; renew it"
    assert line in desk.syncd("status", clock=clock).out
    assert told(desk, clock) == ["credential_ending"]
    of = f'{GAUGE}{{account="{desk.meta_account}",platform="meta"}} '
    lines = desk.syncd("metrics", clock=clock).out.splitlines()
    assert [float(one.removeprefix(of)) for one in lines if one.startswith(of)] == [at.timestamp()]
    report = desk.syncd("doctor", "accounts", clock=clock)
    assert report.code == 1
    assert f"meta: WARNING (credential): its credential: it ends on {at:%Y-%m-%d}" in report.out

    stated(token, clock.now() + timedelta(days=60))
    clock.pass_by(hours=23)
    ran(desk, clock)
    assert told(desk, clock) == ["credential_ending"], "it was asked within a day"
    clock.pass_by(hours=1)
    ran(desk, clock)
    assert told(desk, clock) == []
    assert "credential of account" not in desk.syncd("status", clock=clock).out
    assert desk.syncd("doctor", "accounts", clock=clock).code == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset"},
        {"status": 401, "code": 190, "subcode": 463},
        {"status": 400, "code": 80003, "retry_after": 60.0},
    ],
)
def test_an_end_that_is_not_told_is_in_nobodys_way(
    desk: Desk, token: MutableMapping[str, object], fault: dict[str, Any]
) -> None:
    """One question a day, and what was stated before stands."""
    clock = Hands()
    desk.join(*range(3))
    stated(token, clock.now() + timedelta(days=10))
    ran(desk, clock)
    known, before = ends(desk, clock), asked(desk)
    clock.pass_by(days=1)
    desk.join(4)
    desk.fault(method="debug", **fault)
    for _ in range(2):
        ran(desk, clock)
    assert asked(desk) == before + 1
    assert not desk.local.faults.waiting
    assert desk.held() == digests(*range(3), 4)
    assert ends(desk, clock) == known
    assert told(desk, clock) == ["credential_ending"]


def test_a_key_that_states_no_end_is_no_trouble(desk: Desk) -> None:
    desk.sync.update(account="google", audience="G")
    desk.save()
    desk.join(*range(3), consent="granted")
    clock = Hands()
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert ends(desk, clock) is None
    assert told(desk, clock) == []
    assert f"{GAUGE}{{" not in desk.syncd("metrics").out
