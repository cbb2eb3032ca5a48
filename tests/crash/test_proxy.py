"""An answer that drips in is not waited for without end, on either platform."""

from __future__ import annotations

import secrets
import time

import pytest

import connectors.meta.client
from connectors import meta
from connectors.conformance import batch, member
from connectors.google import channel, client
from connectors.sandbox import start
from syncd.errors import Unavailable
from syncd.model import Operation
from syncd.ports import Connector
from tests.crash.faults import _account, _port
from tests.crash.proxy import Proxy, Spell
from tests.crash.stage import NAMES, Name

DEADLINE = 0.5
DRIP = Spell("slow", seconds=0.05)  # a byte; no timeout between two bytes ever runs out


@pytest.mark.parametrize("name", NAMES)
def test_a_dripping_answer_ends_at_the_deadline(
    name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the line is good again for the next request."""
    monkeypatch.setattr(connectors.meta.client, "EXCHANGE", DEADLINE)
    with (
        start() as sandbox,
        Proxy(_port(name, sandbox), "http/1.1" if name == "meta" else "h2") as proxy,
    ):
        connector = connect(name, proxy.port)
        audience = connector.create("Everyone")
        upload = connector.open(audience.id, Operation.ADD, rows=2)
        rows = batch(Operation.ADD, [member(1), member(2)])
        proxy.arm(DRIP)
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            upload.push(rows, last=False)
        assert DEADLINE <= time.monotonic() - begun < 20 * DEADLINE
        assert upload.push(rows, last=True).received == 2


def connect(name: Name, port: int) -> Connector:
    account = _account(name, port)
    if name == "meta":
        return meta.PLATFORM.connect(account, secrets.randbits)
    return client.over(
        channel.plaintext(str(account.endpoint)),
        account="google",
        customer=account.options["customer_id"],
        login="",
        randbits=secrets.randbits,
        upload_seconds=DEADLINE,
    )
