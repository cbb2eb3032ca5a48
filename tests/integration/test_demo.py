"""`syncd demo` at a small size: it agrees, and it would not hide it if it did not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from connectors.sandbox import Sandbox
from syncd.cli import local, syncs
from syncd.demo.pages import WIDTH
from syncd.demo.story import Disagreement, tell
from syncd.errors import UsageError
from syncd.local import LocalPlatforms
from tests.web.scenes import get, page

AS_OF = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CUSTOMERS = 2_000
CHAPTERS = 9


@pytest.mark.slow
def test_the_demo_agrees_and_its_kept_files_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All chapters are told, in lines that fit, without a customer in them."""
    kept = tmp_path / "kept"
    pages = list[str]()

    def shown(folder: Path) -> None:
        with page(folder) as address:
            pages.extend(get(address + view) for view in ("/", "/segments"))

    tell(local.start, kept, customers=CUSTOMERS, as_of=AS_OF, shown=shown)
    lines = capsys.readouterr().out.splitlines()

    assert [line for line in lines if line.startswith("Everything agreed: ")]
    assert len([line for line in lines if re.match(r"\d\. ", line)]) == CHAPTERS
    assert [len(line) for line in lines if "all-customers-meta" in line and "failed" in line]
    assert max(len(line) for line in lines if not line.startswith("Kept: ")) <= WIDTH
    assert not re.search(r"@|[0-9a-f]{32}", "\n".join(lines))
    assert (kept / "syncd.log").read_text().count("push_retry_scheduled") > 1

    assert pages[0].count(">Fresh<") == 6
    assert pages[1].count('<td class="n heat-') == 6
    assert "Not compared" not in pages[1]
    assert "10% held out" in pages[1]

    syncs.status(kept / "syncd.yaml", as_json=False)
    assert capsys.readouterr().out.count(" done ") == 6


@pytest.mark.slow
def test_an_identifier_that_vanished_from_a_platform_fails_the_demo() -> None:
    """One digest taken out behind syncd's back, just before the comparison."""
    started: list[Sandbox] = []

    def remembered(**options: float | str) -> LocalPlatforms:
        platforms = local.start(**options)
        started.append(cast("Sandbox", platforms))
        return platforms

    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if line.startswith("7. "):
            (audience,) = started[0].meta_world.named("act_1", "Win back")
            audience.remove([frozenset({min(audience.identifiers)})])

    with pytest.raises(Disagreement, match="win-back-meta: 1 identifiers missing, 0 extra") as told:
        tell(remembered, None, customers=CUSTOMERS, as_of=AS_OF, say=say)

    assert told.value.exit_code == 1
    assert sum("DISAGREES" in line for line in lines) == 1
    assert not [line for line in lines if line.startswith("Everything agreed")]


def test_the_demo_writes_into_no_directory_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not an empty directory"):
        tell(local.start, tmp_path, say=lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
