"""The part of a configuration that says where the growth team's page is published."""

from __future__ import annotations

from pydantic import Field

from syncd.settings import forms
from syncd.settings.shape import Shape


class PageSettings(Shape):
    """What `syncd web` shows: audit sentences and counts, never an identifier."""

    directory: forms.Folder | None = Field(
        default=None,
        description="Folder in which runs publish what `syncd web` shows, relative to the working "
        "directory; its group may read it. Absent: nothing is published.",
    )
