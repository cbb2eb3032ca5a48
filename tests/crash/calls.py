"""In a child process: calls of the Google Ads API, between any two of which it can be killed.

A batch is up to five of them there: a job is made for each consent, filled, and run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from connectors.google_ads.api import QUESTION_SECONDS, Api, Message
from connectors.google_ads.client import GoogleAds
from syncd.ports import Connector
from tests.crash.mortal import Mortal

# As the local platform calls them.
_NAMES = {
    "MutateUserListsRequest": "create_list",
    "CreateOfflineUserDataJobRequest": "create_job",
    "AddOfflineUserDataJobOperationsRequest": "add",
    "RunOfflineUserDataJobRequest": "run",
}


@dataclass(frozen=True, slots=True)
class MortalApi(Api):
    """The API, around whose every request the process may die."""

    mortal: Mortal

    def ask(self, query: str) -> tuple[Message, ...]:
        asked: Callable[[str], tuple[Message, ...]] = super(MortalApi, self).ask
        with self.mortal.around("question", "search"):
            return asked(query)

    def call(
        self,
        method: Callable[..., Any],
        module: str,
        request: Message,
        seconds: float = QUESTION_SECONDS,
        rows: int = 0,
    ) -> Message:
        called = super(MortalApi, self).call
        name = _NAMES[request.DESCRIPTOR.name]
        return self.mortal.send(name, lambda: called(method, module, request, seconds, rows))


def watched(connected: Connector, mortal: Mortal) -> Connector:
    """The connector over a line that may be its process's last."""
    assert isinstance(connected, GoogleAds)
    plain = {one.name: getattr(connected.api, one.name) for one in fields(Api)}
    return GoogleAds(MortalApi(**plain, mortal=mortal), connected.account, connected.randbits)
