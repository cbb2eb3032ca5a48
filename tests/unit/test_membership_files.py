"""A membership whose file is not whole, or that does not fit into memory: told, nothing sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.errors import SyncdError
from syncd.membership import engine
from tests.unit.membership_world import MembershipWorld, Person


@pytest.mark.parametrize("missing", [".members", ".plan"])
def test_a_file_that_was_changed_is_not_read(tmp_path: Path, missing: str) -> None:
    """One flipped byte is found by the checksum before anything is decrypted."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,))})
    path = next(tmp_path.glob(f"*{missing}"))
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(Exception, match="is not what was written"):
        world.membership._reader(path.name, world.generation.checksum if world.generation else "")


def test_what_does_not_fit_into_memory_is_said_and_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is spilled to disk, so the end of memory is an answer, not a slow run.

    A full resync holds everyone; whoever is merely new is in no table.
    """
    monkeypatch.setattr(engine, "MEMORY_LIMIT", "1MB")
    world = MembershipWorld(tmp_path)
    everyone = {str(n): Person((n,), (n,)) for n in range(20_000)}

    with pytest.raises(SyncdError, match=r"does not fit into 1MB .*nothing was sent"):
        world.run(everyone, full=True)
    assert world.sent == []
    assert [path for path in tmp_path.iterdir() if path.suffix != ".snapshot"] == []
