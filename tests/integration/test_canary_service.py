"""What the daemon says to others holds no customer: its log, its API, alerts and metrics."""

from __future__ import annotations

import json

from connectors.sandbox.faults import Fault
from tests.integration.callers import caller
from tests.integration.canaries import leaks
from tests.integration.daemons import started
from tests.integration.receivers import receiving
from tests.integration.test_canary import BIRDS, PLANTED, SQL, Aviary, aviary, prose

__all__ = ["aviary"]

SHARED = "canarySharedSecret1618vW"


def test_nothing_planted_is_told_by_the_daemon_or_by_alerts(aviary: Aviary) -> None:
    """Runs that fail in every way that quotes a customer, asked for over the API."""
    desk = aviary.desk
    (desk.config.parent / "shared").write_text(SHARED, "utf-8")
    with receiving() as receiver:
        target = {"webhook": f"{receiver.url}/in", "secret": {"file": "shared"}}
        desk.settings["alerts"] = {"targets": {"ops": target}}
        desk.save()
        with started(desk) as service:
            _ask(aviary)
        aviary.heard["the daemon's log"] = service.log.read_bytes()
        for words in (
            *(("metrics",), ("alerts",), ("alerts", "--json"), ("alerts", "test")),
            *(("status",), ("status", "--json")),
        ):
            aviary.syncd(*words)
        aviary.syncd("doctor", "--json", code=1)
        aviary.syncd("doctor", code=1)
        for number, one in enumerate(receiver.heard):
            aviary.heard[f"alert {number}"] = json.dumps(one.headers).encode() + one.body

    assert {"denied", "failed"} <= {condition for _, _, condition in receiver.told}
    assert b"syncd_" in b"".join(aviary.heard.values())
    assert leaks([*PLANTED, SHARED], aviary.heard) == []


def _ask(aviary: Aviary) -> None:
    """Ask for runs that fail, and for everything that is told of them."""
    ask, desk = caller(aviary.desk), aviary.desk

    def ended(path: str, sync: str) -> str:
        begun = ask("POST", path, {"sync": sync})
        done = ask.ended(begun.json["id"])
        aviary.heard[f"{len(aviary.heard):03} {path} {sync}"] = json.dumps(done).encode()
        return str(done["id"])

    runs = [ended("/v1/plans", "everyone"), ended("/v1/runs", "everyone")]
    desk.change("DELETE FROM customers WHERE customer_key = ?", [(BIRDS[1].row[0],)])
    aviary.faults.script(Fault(kind="malformed", status=400, method="remove", body=prose(100)))
    runs += [ended("/v1/runs", "everyone"), ended("/v1/runs", "denied")]
    desk.sql("everyone", f"{SQL} WHERE nonsense(email) = '{BIRDS[2].row[1]}'")
    runs += [ended("/v1/runs", "to-google"), ended("/v1/plans", "everyone")]
    names = ("/v1/runs", "/v1/syncs", "/metrics", "/healthz", "/readyz")
    wrong = (f"/v1/runs/{BIRDS[3].row[0]}", f"/v1/runs?sync={BIRDS[3].row[0]}&more=1")
    for path in (*names, *(f"/v1/runs/{run}" for run in runs), *wrong):
        aviary.heard[f"{len(aviary.heard):03} GET {path[:12]}"] = ask("GET", path).body
    unknown = ask("POST", "/v1/runs", {"sync": "everyone", "token": BIRDS[4].row[2]})
    aviary.heard["a key that nobody knows"] = unknown.body
    wrong_audience = ask("POST", "/v1/retirements", {"audience": BIRDS[4].row[1]})
    aviary.heard["an audience that is none"] = wrong_audience.body
    assert (unknown.status, wrong_audience.status) == (422, 422)
