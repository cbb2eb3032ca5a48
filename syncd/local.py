"""What a package is that serves local stand-ins for platforms."""

from __future__ import annotations

from typing import Protocol, Self


class LocalPlatforms(Protocol):
    """Running local stand-ins for platforms, as `syncd sandbox` serves them."""

    @property
    def meta_endpoint(self) -> str:
        """`endpoint:` of a meta account."""
        ...

    @property
    def google_endpoint(self) -> str:
        """`endpoint:` of a google account."""
        ...

    @property
    def control_endpoint(self) -> str:
        """Where faults are scripted and audiences looked into."""
        ...

    def stop(self) -> None:
        """End them."""
        ...

    def __enter__(self) -> Self:
        """Use as a context manager that ends them."""
        ...

    def __exit__(self, *error: object) -> None:
        """End them."""
        ...


class StartLocal(Protocol):
    """What a package offers under the entry point `syncd.sandbox`."""

    def __call__(self, **options: float | str) -> LocalPlatforms:
        """Start them; a port of 0 takes a free one."""
        ...
