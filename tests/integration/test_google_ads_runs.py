"""Whole runs over the Google Ads API: jobs that are made, filled and run by an unlucky line.

As `test_platforms`, whose worlds these are: after each the platform holds exactly what the shop's
values give.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from connectors.sandbox.faults import Fault
from tests.integration.test_platforms import LONG, Local, cut_off, local, shop_file

__all__ = ["shop_file"]


@pytest.fixture
def ads(tmp_path: Path, shop_file: Path) -> Iterator[Local]:
    with local("google_ads", tmp_path, shop_file) as made:
        yield made


def test_days_of_changes_are_equal(ads: Local) -> None:
    """A run is one job for each consent and operation; and nothing is sent twice."""
    ads.sync()
    ads.check()
    for _ in range(2):
        ads.pass_a_day()
        ads.sync()
        ads.check()
    asked = ads.held.requests
    assert asked["ads.add"] > asked["ads.create_job"]
    assert asked["ads.run"] == asked["ads.create_job"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_a_reset_cut_off_is_carried_on(
    ads: Local, when: Literal["before", "after"]
) -> None:
    """Some batches went out, one is unknown; then a day passes before the next run."""
    fine = Fault("delay", method="add", times=2)
    cut_off(ads, fine, Fault("reset", method="add", when=when, times=LONG))
    ads.pass_a_day()
    ads.sync()
    ads.check()


def test_a_job_whose_making_is_never_answered_is_filled_all_the_same(ads: Local) -> None:
    """A further try finds it by its external id; where it was not made, the run ends."""
    reset = Fault("reset", method="create_job", when="after", times=LONG)
    ads.sandbox.faults.script(reset)
    ads.sync()
    ads.sandbox.faults.clear()
    ads.check()
    ads.pass_a_day()
    cut_off(ads, Fault("reset", method="create_job", times=LONG))
    ads.sync()
    ads.check()


def test_jobs_that_could_not_be_run_are_run_when_they_are_asked_about(ads: Local) -> None:
    """The run's own requests to run them were throttled: no rows are sent again for it."""
    code = "quota_error.RESOURCE_EXHAUSTED"
    throttled = Fault(code="RESOURCE_EXHAUSTED", subcode=code, method="run", times=2)
    ads.sandbox.faults.script(throttled)
    ads.sync()
    ads.check()
    jobs = ads.sandbox.google_jobs
    pending = [job for job in jobs if job.rows and not job.started]
    assert pending == []


def test_members_sent_again_after_a_removal_stay(ads: Local) -> None:
    """Many days without a wait: the next run meets what is under way."""
    ads.sync()
    for _ in range(4):
        ads.pass_a_day()
        ads.world.sync()
        ads.world.clock.sleep(3_600.0)
    ads.sync()
    ads.check()


def test_jobs_that_lay_for_days_before_they_were_run_are_waited_for(ads: Local) -> None:
    """Whoever died before they were run was down for longer than Google ever takes.

    They have only begun, so nothing of them is given up, nor sent a second time.
    """
    cut_off(ads, Fault("reset", method="run", times=LONG))
    sent = ads.changes()
    ads.world.clock.pass_by(hours=96)
    ads.world.sync()
    assert not [job for job in ads.sandbox.google_jobs if not job.started]
    ads.world.clock.pass_by(hours=1)  # and they are not done yet
    ads.world.sync()
    ads.sync()
    assert (ads.changes(), ads.world.ledger.events(kind="batch_given_up")) == (sent, ())
    ads.check()
