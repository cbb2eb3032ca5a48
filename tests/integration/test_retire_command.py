"""`syncd retire`: whom it means, what it asks, and the whole way, over the vendors' own SDKs."""

from __future__ import annotations

import os

import pytest

from tests.integration.commands import Answer, Desk, Hands, begin, digests


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def orphaned(desk: Desk, clock: Hands) -> Desk:
    """Ten customers on Meta and on Google; then the Meta sync is taken out."""
    desk.also("to-google", account="google", audience="Googlers")
    desk.join(*range(10), consent="granted")
    assert desk.syncd("sync", "everyone", "to-google", "--wait", clock=clock).code == 0
    desk.settings["syncs"].pop("everyone")
    desk.save()
    return desk


def retire(desk: Desk, clock: Hands, name: str = "Everyone", *words: str) -> Answer:
    return desk.syncd("retire", name, *words, clock=clock)


def test_the_whole_way(orphaned: Desk, clock: Hands) -> None:
    status = orphaned.syncd("status", clock=clock).out
    assert "orphaned: audience Everyone" in status
    assert "still holds 10 members" in status

    begun = retire(orphaned, clock, "Everyone", "--yes")
    assert begun.code == 75, begun.said
    assert "Worth calling again" in begun.out
    assert orphaned.held() == frozenset()
    assert "retiring: audience Everyone" in orphaned.syncd("status", clock=clock).out

    clock.pass_by(hours=1)
    assert retire(orphaned, clock).code == 75, "it carries on without asking"
    clock.pass_by(hours=48)
    over = retire(orphaned, clock)
    assert over.code == 0, over.said
    assert "Nothing of ours is in it any more" in over.out
    assert "Everyone" not in orphaned.syncd("status", clock=clock).out
    assert retire(orphaned, clock).code == 0, "it is over, and says so"
    told = [line.partition(":")[0] for line in orphaned.audit()]
    assert [kind for kind in told if kind.startswith("audience_")][-3:] == [
        "audience_retiring", "audience_emptied", "audience_retired"
    ]  # fmt: skip
    assert orphaned.held("Googlers", google=True) == digests(*range(10), google=True)


def test_on_google_it_waits_for_the_platform(orphaned: Desk, clock: Hands) -> None:
    sync = orphaned.settings["syncs"].pop("to-google")
    orphaned.settings["syncs"]["other"] = {**sync, "audience": "Other"}
    orphaned.save()
    assert retire(orphaned, clock, "Googlers", "--yes").code == 75
    orphaned.local.process()
    assert orphaned.held("Googlers", google=True) == frozenset()
    clock.pass_by(hours=49)
    assert retire(orphaned, clock, "Googlers").code == 0


def test_in_a_pipe_it_wants_yes(orphaned: Desk, clock: Hands) -> None:
    before = orphaned.changes()
    answer = retire(orphaned, clock)
    assert answer.code == 2
    assert "10 members are to be taken out (email 10, phone 10)" in answer.err
    assert "--yes" in answer.err
    assert orphaned.changes() == before
    assert "orphaned" in orphaned.syncd("status", clock=clock).out


@pytest.mark.parametrize(("typed", "code"), [(b"y\n", 75), (b"\n", 2)])
def test_at_a_terminal_it_asks(orphaned: Desk, typed: bytes, code: int) -> None:
    ours, theirs = os.openpty()
    try:
        os.write(ours, typed)
        running = begin("retire", "Everyone", config=orphaned.config, stdin=theirs)
        with running:
            out, err = running.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert running.returncode == code, out + err
    assert "Empty it for good? [y/N]" in err
    assert (orphaned.held() == frozenset()) == (code == 75)


def test_whom_it_does_not_mean(orphaned: Desk, clock: Hands) -> None:
    filled = retire(orphaned, clock, "Googlers", "--yes")
    assert filled.code == 2
    assert "is filled by sync to-google" in filled.err
    unknown = retire(orphaned, clock, "Nobody", "--yes")
    assert unknown.code == 2
    assert "No sync fills any more: Everyone (meta/" in unknown.err


def test_of_two_of_one_name_it_asks_which(orphaned: Desk, clock: Hands) -> None:
    """By their ids, each of which is enough."""
    orphaned.settings["syncs"]["again"] = {
        **orphaned.settings["syncs"].pop("to-google"), "audience": "Everyone"
    }  # fmt: skip
    orphaned.save()
    assert orphaned.syncd("sync", "again", "--wait", clock=clock).code == 0
    orphaned.settings["syncs"]["again"]["audience"] = "Somebody"
    orphaned.save()
    assert orphaned.syncd("sync", "again", "--wait", clock=clock).code == 0
    answer = retire(orphaned, clock, "Everyone", "--yes")
    assert answer.code == 2
    ids = [orphaned.audience().id, orphaned.audience(google=True).id]
    assert all(one in answer.err for one in ids)
    assert retire(orphaned, clock, ids[0], "--yes").code == 75


def test_one_that_was_deleted_on_the_platform(orphaned: Desk, clock: Hands) -> None:
    orphaned.local.meta_world.delete(orphaned.audience().id)
    answer = retire(orphaned, clock, "Everyone", "--yes", "--json")
    assert answer.code == 0, answer.said
    assert answer.json["state"] == "gone"
    assert "audience_retired: Audience Everyone" in orphaned.audit()[-1]


def test_one_that_was_taken_over_keeps_who_was_not_ours(desk: Desk, clock: Hands) -> None:
    made = desk.local.meta_world.create(desk.meta_account, "Everyone")
    made.add([frozenset(digests(77))])
    desk.also("other", audience="Other")
    desk.join(*range(3))
    assert desk.syncd("sync", "everyone", "--adopt", clock=clock).code == 0
    desk.settings["syncs"].pop("everyone")
    desk.save()
    answer = retire(desk, clock, "Everyone", "--yes")
    assert answer.code == 75
    assert "may hold members that syncd did not put there; they stay in it" in answer.out
    assert desk.held() == digests(77)
