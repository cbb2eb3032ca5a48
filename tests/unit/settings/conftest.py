"""Loading what is good, and what must be refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from syncd import settings
from syncd.errors import ConfigError
from tests.unit.settings.configurations import GOOD, INLINE, Load


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str = GOOD, **environment: str) -> settings.Settings:
        path = tmp_path / "syncd.yaml"
        path.write_text(text, encoding="utf-8")
        return settings.load(path, environment)

    return load


@pytest.fixture
def refusal(load: Load, tmp_path: Path) -> Callable[..., list[str]]:
    """Load what must not load, and give the lines of the error without the folder's name."""

    def refusal(text: str, **environment: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, **environment)
        assert caught.value.exit_code == 78
        assert caught.value.where.startswith(str(tmp_path / "syncd.yaml"))
        assert INLINE not in str(caught.value)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return refusal
