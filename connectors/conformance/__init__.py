"""The suite that every connector passes, yours too.

Subclass `ConnectorContract` in a test file, give it a fixture `rig`, run pytest::

    class TestAcme(ConnectorContract):
        @pytest.fixture
        def rig(self) -> Iterator[Rig]:
            with acme_test_server() as server:
                yield AcmeRig(server)

A rig connects the connector to something that behaves like the platform, can look
inside it and make it fail. It speaks in neutral words; where a platform cannot fail in
a certain way, its rig calls `pytest.skip` and says why.
"""

from __future__ import annotations

import pytest

# Before the suite is imported: a failed `assert` of it then shows both its sides.
pytest.register_assert_rewrite(
    *(f"connectors.conformance.{name}" for name in ("suite", "replacing", "examining"))
)

from connectors.conformance.rig import (  # noqa: E402  # after the line above, see there
    FAILURES,
    REFUSED_ROW,
    RETRY_AFTER,
    FaultName,
    Member,
    Rig,
    account,
    batch,
    identifiers,
    member,
    whole_member,
)
from connectors.conformance.suite import ConnectorContract  # noqa: E402  # as above

__all__ = [
    "FAILURES",
    "REFUSED_ROW",
    "RETRY_AFTER",
    "ConnectorContract",
    "FaultName",
    "Member",
    "Rig",
    "account",
    "batch",
    "identifiers",
    "member",
    "whole_member",
]
