"""A segment of one's own: SQL from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.errors import ConfigError
from syncd.model import SegmentQuery
from syncd.segments import own_query
from tests.unit.test_segments import AS_OF


def test_own_sql_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "newsletter.sql"
    path.write_text("SELECT 1 AS customer_key", "utf-8")
    query = own_query("newsletter", path, as_of=AS_OF)
    assert query == SegmentQuery(
        "newsletter", "SELECT 1 AS customer_key", {"as_of": AS_OF}, str(path)
    )
    assert own_query("newsletter", path).parameters == {}


def test_a_missing_file_is_met_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "newsletter.sql").write_text("SELECT 1", "utf-8")
    with pytest.raises(ConfigError, match=r"no file .*newsleter\.sql \(did you mean 'newsletter"):
        own_query("newsletter", tmp_path / "newsleter.sql")


@pytest.mark.parametrize(
    ("content", "said"), [(b" \n", "is empty"), (b"SELECT '\xff'", "cannot be read as UTF-8")]
)
def test_a_file_without_readable_sql_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "own.sql"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        own_query("own", path)
