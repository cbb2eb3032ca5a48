"""What became of accepted batches: when it is asked, how often, and for how long.

As `test_settle`, whose scene this is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from structlog.testing import capture_logs

from connectors.memory import PLATFORM
from syncd import settle
from syncd.errors import Unavailable
from syncd.model import BatchId, MatchRate, Outcome, Refusal, Timing
from syncd.model import BatchState as S
from syncd.runs.parts import Parts
from tests.unit.settle_scene import ADD, REMOVE, SYNC, Scene
from tests.unit.test_settle import empty, scene

__all__ = ["empty", "scene"]


def test_accepted_batches_are_asked_for_until_they_are_processed(scene: Scene) -> None:
    """How many are still under way decides whether whoever waits goes on waiting."""
    scene.draw("p1", *[ADD] * 5)
    for number in (1, 2, 3, 4):
        scene.send(f"p1-{number}", S.ACCEPTED)
    refused = (Refusal(0, "NO"), Refusal(None, "LATE", 2))
    scene.remote.outcomes = {
        "r-p1-1": Outcome("processing"),
        "r-p1-2": Outcome("processed", refused),
        "r-p1-3": Outcome("failed"),
        "r-p1-4": Outcome("processing"),
    }
    with capture_logs() as logs:
        assert (
            settle.poll(scene.parts, scene.remote.connector, scene.audience, actor="schedule") == 2
        )
    states = [S.ACCEPTED, S.PROCESSED, S.FAILED, S.ACCEPTED, S.PLANNED]
    assert [one.state for one in scene.ledger.batches("p1")] == states
    assert scene.ledger.batches("p1")[1].refused == refused
    said = {"event": "batch_processed", "log_level": "info"}
    assert logs == [
        {**said, "batch": "p1-2", "state": "processed", "refused": 3},
        {**said, "batch": "p1-3", "state": "failed", "refused": 0},
    ]


def test_what_batches_share_is_asked_for_once(scene: Scene) -> None:
    """And what it counts of refused rows is counted once."""
    scene.draw("p1", *[ADD] * 5)
    for number, name in enumerate(("job-1", "job-1", "job-2", "job-1", "job-2"), 1):
        scene.send(f"p1-{number}", S.ACCEPTED, reference=name)
    refused = (Refusal(None, "LATE", 2),)
    scene.remote.outcomes = {
        "job-1": Outcome("processed", refused, MatchRate(81, 90)),
        "job-2": Outcome("processing"),
    }
    assert poll(scene) == 2
    assert scene.remote.asked == ["job-1", "job-2"]
    batches = scene.ledger.batches("p1")
    states = [S.PROCESSED, S.PROCESSED, S.ACCEPTED, S.PROCESSED, S.ACCEPTED]
    assert [one.state for one in batches] == states
    assert [one.refused for one in batches] == [refused, (), (), (), ()]
    rates = [scene.ledger.answers("p1")[one.id].match_rate for one in batches]
    assert rates == ["81 to 90 %", "81 to 90 %", "", "81 to 90 %", ""]


def test_the_first_look_is_when_the_platform_advises_and_no_later(scene: Scene) -> None:
    """By the request that was accepted last; an operator who polls sooner looks sooner."""
    advised = replace(PLATFORM.capabilities, first_look=timedelta(minutes=10))
    parts = replace(scene.parts, platform=replace(PLATFORM, capabilities=advised))

    def early(of: Parts) -> timedelta:
        return settle.until_first_look(of, scene.audience)

    scene.draw("p1", ADD, ADD)
    assert early(parts) == timedelta()
    scene.send("p1-1", S.ACCEPTED)
    scene.clock.pass_by(minutes=4)
    assert early(parts) == timedelta(minutes=6)
    scene.send("p1-2", S.ACCEPTED)
    assert early(parts) == timedelta(minutes=10)
    scene.clock.pass_by(minutes=9, seconds=59)
    assert early(parts) == timedelta(seconds=1)
    scene.clock.pass_by(days=1)
    assert early(parts) == timedelta()
    scene.clock.pass_by(days=-2)
    assert early(parts) == timedelta(minutes=10), "the clock was put back"
    scene.clock.pass_by(days=1)
    often = replace(SYNC, timing=Timing(poll=timedelta(minutes=9, seconds=59, milliseconds=500)))
    assert early(replace(parts, sync=often)) == timedelta(milliseconds=500)
    assert early(scene.parts) == timedelta(), "which is advised nothing"


def test_a_question_without_an_answer_is_asked_again(scene: Scene) -> None:
    scene.draw("p1", ADD)
    scene.send("p1-1", S.ACCEPTED)
    scene.remote.outcomes = {"r-p1-1": Unavailable("meta", "reset")}
    assert settle.poll(scene.parts, scene.remote.connector, scene.audience, actor="schedule") == 0
    assert scene.state("p1-1") is S.PROCESSED
    assert len(scene.clock.slept) == 1


def test_without_work_under_way_nothing_is_asked(scene: Scene) -> None:
    scene.draw("p1", ADD, ADD)
    scene.send("p1-1", S.PROCESSED)
    scene.send("p1-2", S.UNKNOWN)
    assert settle.poll(scene.parts, scene.remote.connector, scene.audience, actor="schedule") == 0


def poll(scene: Scene) -> int:
    return settle.poll(scene.parts, scene.remote.connector, scene.audience, actor="anna")


def test_work_that_never_ends_is_waited_for_72_hours_and_not_longer(scene: Scene) -> None:
    """Then it keeps nothing waiting, may still take effect, and the audit says how much."""
    scene.draw("p1", REMOVE, ADD, ADD)
    scene.send("p1-1", S.ACCEPTED)
    scene.send("p1-2", S.ACCEPTED)
    scene.clock.pass_by(hours=72)
    scene.send("p1-3", S.ACCEPTED)
    scene.remote.outcomes = {f"r-p1-{n}": Outcome("processing") for n in (1, 2, 3)}
    assert poll(scene) == 3
    scene.clock.pass_by(seconds=1)
    with capture_logs() as logs:
        assert poll(scene) == 1
    given_up = scene.ledger.batches("p1")
    assert [one.state for one in given_up] == [S.FAILED, S.FAILED, S.ACCEPTED]
    assert [one.doubtful for one in given_up] == [True, True, False]
    numbers = {"batches": 2, "additions": 2, "removals": 2}
    (event,) = scene.ledger.events(kind="batch_given_up")
    assert (event.actor, event.counts, event.audience) == ("anna", numbers, scene.audience.name)
    assert (
        "Gave up on 2 requests that Memory accepted and has not worked on within 72 h"
        in event.detail
    )
    assert "2 rows to add, 2 to remove" in event.detail
    assert logs == [{"event": "batch_given_up", "log_level": "warning", **numbers}]
    codes = scene.ledger.answers("p1")
    assert [codes[one.id].code for one in given_up] == ["STILL_PROCESSING"] * 2 + [""]


def test_a_request_that_the_platform_forgot_is_given_up_at_once(scene: Scene) -> None:
    scene.draw("p1", ADD)
    scene.send("p1-1", S.ACCEPTED)
    scene.remote.outcomes = {"r-p1-1": Outcome("forgotten")}
    assert poll(scene) == 0
    assert scene.state("p1-1") is S.FAILED
    (event,) = scene.ledger.events(kind="batch_given_up")
    assert event.detail.startswith("Gave up on 1 request that ")
    assert scene.ledger.answers("p1")[BatchId("p1-1")].code == "FORGOTTEN"
    assert poll(scene) == 0
    assert len(scene.ledger.events(kind="batch_given_up")) == 1


def test_what_was_done_late_counts_as_done(scene: Scene) -> None:
    scene.draw("p1", ADD)
    scene.send("p1-1", S.ACCEPTED)
    scene.clock.pass_by(hours=100)
    scene.remote.outcomes = {"r-p1-1": Outcome("processed")}
    assert poll(scene) == 0
    assert scene.state("p1-1") is S.PROCESSED
