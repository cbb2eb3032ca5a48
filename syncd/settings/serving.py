"""The part of a configuration that says where the daemon's API listens."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from syncd.settings import forms
from syncd.settings.shape import Shape
from syncd.settings.values import listen_address


class ApiSettings(Shape):
    """Where other programs on this machine ask the daemon for runs."""

    listen: forms.Listen | None = Field(
        default=None,
        description="Path of a Unix socket, which only its user may open, relative to the working "
        "directory; by default run.sock in the ledger's directory. Or 127.0.0.1:PORT.",
    )
    token: forms.Reference | None = Field(
        default=None,
        description="What a caller has to show as a bearer token: {file: NAME} or ${NAME}. Needed "
        "with a port, which every user of the machine may open.",
    )

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port; None where it is a socket."""
        return listen_address(self.listen) if self.listen else None

    @model_validator(mode="after")
    def _closed(self) -> Self:
        if self.address is not None and self.token is None:
            raise ValueError(
                "`token` is missing: every user of this machine may open a port, so callers "
                "must show one"
            )
        return self
