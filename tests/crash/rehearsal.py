"""What a process of syncd does once, done before children are forked.

Two syncs to the reference connector, in a folder that is gone afterwards: they import what is
imported late, and compile the ledger's statements. Nothing of theirs stays open.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import yaml

from connectors import memory
from syncd.ledger import opening
from syncd.membership import engine
from tests.integration.memory_worlds import SQL, Person, fill_members, make_members
from tests.integration.templates import open_compiled

Command = Callable[[Sequence[str], Path], int]

WORLD = "rehearsal"
HOME = "020 624 1111"
# Who leaves, and who stays and had their phone.
DAYS = (
    {"a": Person(("anna@example.com",), (HOME,)), "b": Person(("bob@example.com",), (HOME,))},
    {"b": Person(("bob@example.com",), (HOME,)), "c": Person(("cato@example.com",))},
)


def rehearse(command: Command) -> None:
    """Let a command line make two syncs.

    Args:
        command: Runs words with a configuration; says its exit code.
    """
    setattr(opening, "open_engine", open_compiled)  # noqa: B010 - for this process alone
    folder = Path(tempfile.mkdtemp(prefix="syncd-"))
    try:
        _configure(folder)
        for members in DAYS:
            fill_members(folder / "shop.db", members)
            said = io.StringIO()
            with redirect_stdout(said):
                code = command(("sync", "everyone", "--wait"), folder / "syncd.yaml")
            assert code == 0, said.getvalue()
    finally:
        shutil.rmtree(folder)
        memory._WORLDS.pop(WORLD, None)
    assert engine._instance._kept is not None
    engine._instance._kept.close()
    engine._instance = engine.Instance(lasts=100)
    assert threading.active_count() == 1, "a thread would be missing in children"


def _configure(folder: Path) -> None:
    make_members(folder / "shop.db")
    (folder / "segments").mkdir()
    (folder / "segments" / "everyone.sql").write_text(SQL)
    var = folder / "var"
    sync = {
        "segment": "everyone",
        "account": "here",
        "audience": "Everyone",
        "guard": {"max_removed": "100%", "min_members": 0},
    }
    settings = {
        "shop": {"url": f"sqlite:///{folder / 'shop.db'}", "default_country": "NL"},
        "ledger": {"url": f"sqlite:///{var / 'ledger.db'}", "directory": str(var)},
        "accounts": {"here": {"connector": "memory", "world": WORLD}},
        "segments": {"everyone": {"sql": "segments/everyone.sql"}},
        "syncs": {"everyone": sync},
    }
    (folder / "syncd.yaml").write_text(yaml.safe_dump(settings))
