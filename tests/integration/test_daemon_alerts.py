"""The daemon tells people what changes, though nobody runs a command."""

from __future__ import annotations

from tests.integration.commands import Desk, wait_until
from tests.integration.daemons import DEADLINE, keeping
from tests.integration.receivers import receiving


def test_a_run_of_the_daemon_that_fails_is_told_and_so_is_its_recovery(desk: Desk) -> None:
    with receiving() as receiver:
        (desk.folder / "config" / "secret").write_text("known to both", "utf-8")
        target = {"webhook": f"{receiver.url}/in", "secret": {"file": "secret"}}
        desk.settings["alerts"] = {"targets": {"ops": target}}
        desk.settings["accounts"] = {"one": {"connector": "memory", "world": "daemon-alerts"}}
        desk.sync.update(account="one", schedule="every 1m")
        desk.save()
        desk.join(*range(5))
        desk.sql("everyone", "SELECT customer_key, email FROM nowhere")
        with keeping(desk.config):
            wait_until(lambda: len(receiver.told) >= 1, seconds=DEADLINE)
            desk.sql("everyone", "SELECT customer_key, email FROM customers")
            wait_until(lambda: len(receiver.told) >= 2, seconds=DEADLINE)
    (opened, subject, condition), (closed, *same) = receiver.told[:2]
    assert (opened, closed) == ("opened", "recovered")
    assert same == [subject, condition]
