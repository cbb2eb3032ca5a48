"""The part of a configuration that says where the growth team's page is published."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from syncd.settings import forms, values
from syncd.settings.shape import Shape
from syncd.settings.values import After, Every, Schedule


def _by_the_clock(value: object) -> Schedule:
    found = values.parse_schedule(value)
    if isinstance(found, After):
        said = 'must be every 24h, manual or {cron: "0 3 * * *"}'
        raise ValueError(said)  # noqa: TRY004 - what pydantic takes for a wrong value
    return found


ByTheClock = Annotated[
    Schedule,
    PlainValidator(_by_the_clock),
    WithJsonSchema({"oneOf": forms.SCHEDULE_SCHEMA["oneOf"][:2]}),
]


class PageSettings(Shape):
    """What `syncd web` shows: audit sentences and counts, never an identifier."""

    directory: forms.Folder | None = Field(
        default=None,
        description="Folder in which runs publish what `syncd web` shows, relative to the working "
        "directory; its group may read it. Absent: nothing is published.",
    )
    survey: ByTheClock = Field(
        default=Every(timedelta(hours=24)),
        description="When the daemon asks the shop what the segments are worth (members, share of "
        'revenue, overlap, lift): every 24h, manual, {cron: "0 3 * * *"} (shop zone). It reads '
        "each segment once; `syncd segments survey` does so at once.",
        json_schema_extra={"default": "every 24h"},
    )
