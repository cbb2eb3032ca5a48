"""The part of a configuration that says who is told of what, unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from syncd.settings import forms
from syncd.settings.shape import Shape


class TargetSettings(Shape):
    """Who is told: a service that apprise knows, or a webhook of your own."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {
                    "required": ["apprise"],
                    "not": {"anyOf": [{"required": ["webhook"]}, {"required": ["secret"]}]},
                },
                {"required": ["webhook", "secret"], "not": {"required": ["apprise"]}},
            ]
        }
    )

    apprise: forms.Reference | None = Field(
        default=None,
        description="A service's address as apprise writes it, such as slack://...; it holds its "
        "secret, so: {file: NAME} or ${NAME}.",
    )
    webhook: forms.Receiver | None = Field(
        default=None,
        description="https://host/path to POST to, http:// on loopback only; {file: NAME} or "
        "${NAME} where the address holds a secret.",
    )
    secret: forms.Reference | None = Field(
        default=None,
        description="Signs what is sent to the webhook: {file: NAME} or ${NAME}.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.apprise) == bool(self.webhook):
            raise ValueError("must have one of `apprise` and `webhook`")
        if bool(self.webhook) != bool(self.secret):
            raise ValueError("`webhook` and `secret` go together: the one is signed with the other")
        return self


class AlertSettings(Shape):
    """When somebody is told of a change without asking, and who."""

    targets: Annotated[
        Mapping[forms.Name, TargetSettings], BeforeValidator(forms.empty_if_blank)
    ] = Field(default_factory=dict, description="Who is told of each change, by names of your own.")
    max_refused: forms.Percent = Field(
        default=0.05,
        description="Share of a run's rows that a platform may refuse before somebody is told.",
        json_schema_extra={"default": "5%"},
    )
    max_size_change: forms.Percent = Field(
        default=0.5,
        description="Share by which a segment may grow or shrink from run to run untold.",
        json_schema_extra={"default": "50%"},
    )
    max_match_drop: forms.Percent = Field(
        default=0.2,
        description="Share of the best match rate of the last 30 days that may be lost untold.",
        json_schema_extra={"default": "20%"},
    )
