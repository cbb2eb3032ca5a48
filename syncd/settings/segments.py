"""The shape of a segment's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from syncd.settings import forms
from syncd.settings.shape import Shape


class SegmentSettings(Shape):
    """A named set of customers: of the catalogue (`use`), own SQL (`sql`), or made of others."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["use"], "properties": {"prehashed": {"const": False}}},
                {
                    "required": ["sql"],
                    "properties": {"none": {"maxItems": 0}, "stay": {"maxProperties": 0}},
                },
                {
                    "anyOf": [{"required": ["any"]}, {"required": ["all"]}],
                    "properties": {"prehashed": {"const": False}, "stay": {"maxProperties": 0}},
                },
            ]
        }
    )

    use: str | None = Field(default=None, description="Name of a segment of the catalogue.")
    with_: Mapping[str, forms.Given] = Field(
        default_factory=dict,
        alias="with",
        description="Parameters of a catalogue segment, such as {share: 0.8} or "
        "{countries: [NL, BE]}.",
    )
    stay: Mapping[str, forms.Given] = Field(
        default_factory=dict,
        description="What it takes to stay a member, where that is less than to become one: "
        "parameters of a catalogue segment that differ from `with`, such as {share: 0.85}. Whoever "
        "stands near the line does not come and go then.",
    )
    sql: str | None = Field(
        default=None,
        description="File with one SELECT, relative to this configuration file.",
    )
    any_: forms.Parts = Field(
        default=(),
        alias="any",
        description="Made of other segments by their names here: members of at least one of "
        "these. What is sent of whom is what the first that has them says.",
    )
    all_: forms.Parts = Field(
        default=(), alias="all", description="Likewise: members of each of these, and of `any`."
    )
    none_: forms.Parts = Field(
        default=(), alias="none", description="Likewise: members of none of these."
    )
    prehashed: bool = Field(
        default=False,
        description="Whether the SQL gives e-mails, phones and names as SHA-256 in lower-case hex, "
        "made by the platform's rules: they are sent as they are.",
    )
    holdout: forms.Holdout | None = Field(
        default=None,
        description="Share of the members kept out of all its audiences as a control group: 5%, "
        "or {share: 5%, seed: NAME}. Default seed: the segment's name; another one chooses others.",
    )
    arms: forms.Arms | None = Field(
        default=None,
        description="Split, to try one campaign against another: [a, b], {a: 60%, b: 40%}, or "
        "{shares: either, seed: NAME}. Each is sent by syncs that name it as their `arm`. Default "
        "seed: the segment's name.",
    )
    expires: forms.Day | None = Field(
        default=None,
        description="Last day on which it may be used, in the shop's zone, as of rented data: "
        "afterwards its members leave its audiences, held as any loss of all is.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(map(bool, (self.use, self.sql, self.composed))) != 1:
            raise ValueError(
                "must have one of `use` (a catalogue segment), `sql` (your own), and `any` or "
                "`all` (made of others)"
            )
        if self.none_ and not self.composed:
            raise ValueError("`none` goes with `any` or `all`: it takes away from them")
        if self.with_ and not self.use:
            what = "SQL of your own takes" if self.sql else "segments made of others take"
            raise ValueError(f"`with` goes with `use`: {what} no parameters")
        if self.stay and not self.use:
            raise ValueError("`stay` goes with `use`: it gives other values to its parameters")
        if self.prehashed and not self.sql:
            whose = "of the catalogue" if self.use else "made of others"
            raise ValueError(f"`prehashed` goes with `sql`: segments {whose} read raw values")
        return self

    @property
    def composed(self) -> tuple[str, ...]:
        """Segments it is made of, those it takes away aside; none for any other."""
        return (*self.any_, *self.all_)

    @property
    def described(self) -> str:
        """Where its members come from, in a few words."""
        if self.use:
            return f"catalogue: {self.use}"
        lists = (("any", self.any_), ("all", self.all_), ("none", self.none_))
        made = "; ".join(f"{how} of {', '.join(names)}" for how, names in lists if names)
        return made or str(self.sql)
