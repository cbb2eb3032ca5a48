"""Each condition is told once when it begins and once when it is over, from the ledger alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.alerts import CONDITIONS, look
from syncd.ledger.alerting import Change
from syncd.model import Erased, Erasure, ErasureId, Measured, RunState
from syncd.staleness import PASSING
from tests.integration.ledger_databases import AT, NOON, WHALES, Hands, event
from tests.integration.watching import Scene, configured, opened


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = Hands()
    with opened(tmp_path, clock) as ledger:
        yield Scene(ledger, configured(tmp_path), clock)


def told(scene: Scene) -> list[tuple[str, str]]:
    """Turn and condition of each message so far."""
    with scene.ledger.transactions.read() as tx:
        rows = tx.exec_driver_sql(
            "SELECT change, condition FROM notice JOIN alert ON alert = alert.number "
            "ORDER BY notice.number"
        ).all()
    return [(change, condition) for change, condition in rows]


def said(scene: Scene) -> str:
    """The last message."""
    with scene.ledger.transactions.read() as tx:
        return str(
            tx.exec_driver_sql("SELECT said FROM notice ORDER BY number DESC LIMIT 1").scalar()
        )


def measured(scene: Scene, matched: int, members: int = 1_000, **changes: object) -> None:
    stated = Measured(scene.clock.now(), "r1", members, matched, matched)
    scene.ledger.measured.add(*AT, replace(stated, **changes))  # type: ignore[arg-type]  # fields of Measured


def refusing(scene: Scene) -> None:
    scene.runs(RunState.PARTIAL, refused={"bad": 20})


def jumping(scene: Scene) -> None:
    scene.runs(members=100)
    scene.runs(members=1_000)


def dropping(scene: Scene) -> None:
    scene.runs()
    measured(scene, 700)
    scene.clock.pass_by(hours=1)
    measured(scene, 500)


def matching(scene: Scene) -> None:
    scene.clock.pass_by(hours=1)
    measured(scene, 690)


def ageing(scene: Scene) -> None:
    lasting = replace(WHALES, lifespan=timedelta(days=540))
    scene.ledger.claim(lasting, "whales", known_syncs=frozenset({"whales"}), event=None)
    scene.clock.pass_by(days=91)
    scene.runs()


def flagging(scene: Scene) -> None:
    scene.runs()
    measured(scene, 700, warning="the list is closed", status="441")


def unflagging(scene: Scene) -> None:
    scene.clock.pass_by(minutes=1)
    measured(scene, 700)


def warning(scene: Scene) -> None:
    scene.runs()
    scene.ledger.accounts.warn(WHALES.platform, WHALES.account, "v26 ends soon")


def ending(scene: Scene) -> None:
    scene.runs()
    scene.ledger.accounts.ask_of_credential(*AT[:2])
    look(scene)  # nothing is known yet
    scene.ledger.accounts.credential_ends(*AT[:2], scene.clock.now() + timedelta(days=15))
    look(scene)  # there is time
    scene.clock.pass_by(days=1)


def renewed(scene: Scene) -> None:
    scene.clock.pass_by(days=20)
    look(scene)  # it has ended, and that is no news
    scene.ledger.accounts.credential_ends(*AT[:2], scene.clock.now() + timedelta(days=60))


def erasing(scene: Scene) -> None:
    asked = Erasure(ErasureId("e1"), "anna", scene.clock.now(), None, "erased/e1", "ab")
    place = Erased(asked.id, WHALES.platform, WHALES.account, "", "Meta")
    scene.ledger.erasures.ask(asked, {"m": True}, [place], event=event())
    scene.clock.pass_by(hours=80)


def erased(scene: Scene) -> None:
    (asked,) = scene.ledger.erasures.open()
    scene.ledger.erasures.close(asked, event=event())


def standing(scene: Scene) -> None:
    scene.runs()
    scene.clock.pass_by(hours=13)


def unheard(scene: Scene) -> None:
    scene.clock.pass_by(days=8)
    scene.runs()


Step = Callable[[Scene], object]
CASES: dict[str, tuple[Step, Step]] = {
    "stale": (standing, Scene.runs),
    "failed": (Scene.fails, Scene.runs),
    "held": (lambda s: s.runs(RunState.HELD, held=("40 % would go",)), Scene.runs),
    "denied": (lambda s: s.fails("Denied", "meta answered 190"), Scene.runs),
    "refused": (refusing, lambda s: s.runs(refused={"bad": 1})),
    "unusable": (lambda s: s.runs(rows=300), Scene.runs),
    "size_jump": (jumping, lambda s: s.runs(members=1_100)),
    "match_drop": (dropping, matching),
    "expiring": (ageing, lambda s: s.ledger.refreshed(*AT, s.clock.now())),
    "flagged": (flagging, unflagging),
    "warned": (warning, unheard),
    "credential_ending": (ending, renewed),
    "erasure_late": (erasing, erased),
}


def test_every_condition_has_a_case() -> None:
    assert set(CASES) == set(CONDITIONS)


@pytest.mark.parametrize("condition", CASES)
def test_a_condition_is_told_once_and_its_end_once(scene: Scene, condition: str) -> None:
    begins, ends = CASES[condition]
    look(scene)
    begins(scene)
    for _ in range(3):
        look(scene)
    opened = [change for change, name in told(scene) if name == condition]
    assert opened == ["opened"]
    (alert,) = [one for one in scene.ledger.alerts.open() if one.condition == condition]
    if condition != "flagged":
        assert re.search(r"`syncd [a-z]|warn", alert.said), "it says what to do"
    assert "@" not in alert.said
    assert not re.search(r"[0-9a-f]{32}", alert.said), "no digest"
    ends(scene)
    for _ in range(3):
        look(scene)
    changes = [change for change, name in told(scene) if name == condition]
    assert changes == ["opened", "recovered"]
    assert condition not in {one.condition for one in scene.ledger.alerts.open()}


def test_an_audience_that_states_no_lifespan_has_its_platforms(scene: Scene) -> None:
    """Google ends a membership after 540 days where a list says nothing of it."""
    scene.runs()
    scene.lifespan = timedelta(days=540)
    scene.clock.pass_by(days=89)
    scene.runs()
    look(scene)
    assert told(scene) == []
    scene.clock.pass_by(days=2)
    scene.runs()
    look(scene)
    assert told(scene) == [("opened", "expiring")]
    assert "for 540 days" in said(scene)


def test_a_run_that_only_waits_for_its_platform_is_nobodys_task(scene: Scene) -> None:
    """Neither does it end what was told before."""
    for error in sorted(PASSING):
        scene.fails(error)
    look(scene)
    assert told(scene) == []
    scene.fails()
    look(scene)
    scene.fails("Throttled")
    look(scene)
    assert told(scene) == [("opened", "failed")]


def test_a_denied_account_is_told_once_however_many_syncs_it_has(tmp_path: Path) -> None:
    clock = Hands()
    with opened(tmp_path, clock) as ledger:
        settings = configured(tmp_path)
        also = {"segment": "whales", "account": "meta-eu", "audience": "Others"}
        syncs = {"whales": {**also, "audience": "Whales"}, "others": also}
        scene = Scene(ledger, configured(tmp_path, syncs=syncs), clock)
        assert settings.syncs.keys() < scene.settings.syncs.keys()
        for name in syncs:
            run = ledger.open_run(name, "schedule", event=None).id
            ledger.set_run(run, RunState.FAILED, error="Denied", detail="no", ended=True)
        look(scene)
        assert told(scene) == [("opened", "denied")]
        scene.runs()
        look(scene)
        assert told(scene) == [("opened", "denied")], "the other sync is denied still"


def test_a_failed_run_leaves_held_what_was_held(scene: Scene) -> None:
    scene.runs(RunState.HELD, held=("too many",))
    look(scene)
    scene.fails()
    look(scene)
    assert {one.condition for one in scene.ledger.alerts.open()} == {"held", "failed"}


def test_a_plan_that_was_only_shown_is_no_run(scene: Scene) -> None:
    scene.fails()
    run = scene.ledger.open_run("whales", "anna", event=None).id
    scene.ledger.set_run(run, RunState.PLANNED, ended=True)
    look(scene)
    assert told(scene) == [("opened", "failed")]


def test_a_sync_that_was_taken_out_of_the_configuration_is_over(tmp_path: Path) -> None:
    clock = Hands()
    with opened(tmp_path, clock) as ledger:
        scene = Scene(ledger, configured(tmp_path), clock)
        scene.fails()
        look(scene)
        look(Scene(ledger, configured(tmp_path, syncs={}), clock, numbers=scene.numbers))
        assert told(scene) == [("opened", "failed"), ("recovered", "failed")]
        assert "no sync whales any more" in said(scene)


def test_a_sync_that_only_a_person_starts_is_never_stale(tmp_path: Path) -> None:
    clock = Hands()
    with opened(tmp_path, clock) as ledger:
        sync = {"segment": "whales", "account": "meta-eu", "audience": "Whales"}
        scene = Scene(ledger, configured(tmp_path, syncs={"whales": sync}), clock)
        scene.runs()
        clock.pass_by(days=300)
        look(scene)
        assert told(scene) == []


@pytest.mark.parametrize(("rested", "stale"), [("0s", True), ("24h", False)])
def test_an_audience_that_is_left_alone_is_given_that_time(
    tmp_path: Path, rested: str, *, stale: bool
) -> None:
    clock = Hands()
    with opened(tmp_path, clock) as ledger:
        sync = {"segment": "whales", "account": "meta-eu", "audience": "Whales"}
        changed = {**sync, "schedule": "every 6h", "min_interval": rested}
        scene = Scene(ledger, configured(tmp_path, syncs={"whales": changed}), clock)
        scene.runs()
        clock.pass_by(hours=30)
        look(scene)
        assert (told(scene) == [("opened", "stale")]) is stale


def test_a_membership_that_has_just_grown_is_not_counted_yet(scene: Scene) -> None:
    scene.runs()
    measured(scene, 700)
    scene.clock.pass_by(hours=1)
    measured(scene, 700, members=2_000)
    look(scene)
    assert told(scene) == []


def test_others_in_an_audience_are_no_match_rate_to_compare_with(scene: Scene) -> None:
    scene.runs()
    measured(scene, 5_000, foreign=True)
    scene.clock.pass_by(hours=1)
    measured(scene, 700)
    look(scene)
    assert told(scene) == []


def test_what_expires_is_told_with_a_sixth_of_the_lifespan_left(scene: Scene) -> None:
    begun = scene.clock.now()
    ageing(scene)
    look(scene)
    assert f"may leave it at {begun + timedelta(days=180):%Y-%m-%d %H:%M} UTC" in said(scene)


def test_a_customer_in_a_runs_words_is_not_told(scene: Scene) -> None:
    """Ours never hold one; this is the net below."""
    scene.fails(detail=f"refused anna@shop.example and {'ab' * 32}")
    look(scene)
    assert "refused <e-mail> and <digest>" in said(scene)


def test_threads_that_look_at_once_tell_once(scene: Scene) -> None:
    scene.fails()
    together = threading.Barrier(6)

    def one() -> None:
        together.wait()
        look(scene)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told(scene) == [("opened", "failed")]


def test_small_numbers_say_nothing(scene: Scene) -> None:
    scene.runs(members=10)
    scene.runs(RunState.PARTIAL, members=40, refused={"bad": 9}, sent=10)
    look(scene)
    assert told(scene) == []


def test_a_change_and_its_message_are_there_together_or_not_at_all(scene: Scene) -> None:
    """The process dies between the two: whoever looks next finds what there was to tell."""
    scene.fails()
    alerts = scene.ledger.alerts
    one = Change("n1", "sync whales", "failed", "opened", "It failed.")
    # The same id twice: the second notice is refused, after its alert was written.
    with pytest.raises(Exception, match=r"UNIQUE.*notice"):
        alerts.keep([one, replace(one, subject="sync b")], targets=["a"], now=NOON)
    assert alerts.open() == ()
    assert alerts.backlog() == {}
    look(scene)
    assert told(scene) == [("opened", "failed")]
