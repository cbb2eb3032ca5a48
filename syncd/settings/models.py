"""The shape of the configuration. Defaults and descriptions stand here and nowhere else.

The descriptions are what an editor shows: `syncd config schema` is made from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from syncd import model
from syncd.settings import forms
from syncd.settings.alerting import AlertSettings
from syncd.settings.page import PageSettings
from syncd.settings.segments import SegmentSettings
from syncd.settings.serving import ApiSettings
from syncd.settings.shape import Shape
from syncd.settings.values import Manual, Secret, suggest


class ShopSettings(Shape):
    """The shop's own database; nothing is ever written to it."""

    url: forms.Url = Field(
        description="SQLAlchemy URL without a password: postgresql+psycopg://syncd_ro@db/shop."
    )
    password: forms.Reference | None = Field(
        default=None, description="The database password: {file: NAME} or ${NAME}."
    )
    schema_: forms.ShopSchema = Field(
        default="canonical",
        alias="schema",
        description="The shop system whose tables the catalogue reads, or canonical: the "
        "database has the catalogue's own tables, or views of their names.",
    )
    layout: str | None = Field(
        default=None,
        min_length=1,
        description="Which of a system's ways to keep its data this shop has: hpos or posts "
        "(woocommerce), fivetran or airbyte (shopify), spree_users or users (spree, solidus), core "
        "or refund_plugin (sylius). Default: the first.",
    )
    prefix: forms.Prefix | None = Field(
        default=None,
        description="What stands before the names of the system's tables, a schema with its dot "
        "too: wp_, or shop.wp_. Default: what is usual.",
    )
    stores: forms.Listed | None = Field(
        default=None,
        description="The stores that count, where a system has several: their ids, codes or slugs, "
        "see syncd/segments/systems/README.md. Default: all; of a WordPress network the first.",
    )
    paid: forms.Listed | None = Field(
        default=None,
        description="Statuses under which an order counts as paid. Default: the system's own.",
    )
    consent: Mapping[forms.Channel, str] = Field(
        default_factory=dict,
        description="Where the system keeps what people said, by channel: {email: mailpoet}, "
        "{ads: META_KEY}. Beside what it keeps itself.",
    )
    timezone: forms.Zone = Field(
        default="UTC", description="IANA zone in which the shop counts its days."
    )
    default_country: forms.Country | None = Field(
        default=None,
        description="ISO 3166 country of customers and phone numbers that name none.",
    )

    @model_validator(mode="after")
    def _of_a_system(self) -> Self:
        said = [
            name
            for name in ("layout", "prefix", "stores", "paid", "consent")
            if name in self.model_fields_set
        ]
        if self.schema_ == "canonical" and said:
            raise ValueError(f"{', '.join(said)}: only with the `schema` of a shop system")
        return self


class LedgerSettings(Shape):
    """Our own database, and the directory of membership and plan files beside it."""

    url: forms.Url = Field(
        default="sqlite:///var/ledger.db",
        description="SQLAlchemy URL without a password; SQLite or PostgreSQL.",
    )
    password: forms.Reference | None = Field(
        default=None, description="The ledger's database password: {file: NAME} or ${NAME}."
    )
    directory: forms.Folder = Field(
        default=Path("var"),
        description="Directory of membership and plan files, relative to the working directory.",
    )
    key: forms.Reference | None = Field(
        default=None,
        description="Key that encrypts those files; absent: made once in the directory, mode 0600.",
    )
    history_days: int = Field(
        default=90,
        ge=0,
        le=3650,
        description="For how many days syncd lookup remembers who has left an audience; 0: not "
        "at all.",
    )

    @property
    def history(self) -> timedelta:
        """For how long whoever has left an audience is remembered."""
        return timedelta(days=self.history_days)


class AccountSettings(BaseModel):
    """An account on a platform; what else it takes, its connector says."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, forms.OptionValue]

    connector: str = Field(
        min_length=1, description="Name of the connector, such as meta, google or memory."
    )
    endpoint: forms.Endpoint | None = Field(
        default=None,
        description="Another server to talk to: https://host[:port], http:// on loopback only, "
        "or host:port for gRPC.",
    )

    @property
    def options(self) -> Mapping[str, str | Secret]:
        """The connector's own keys, references unresolved."""
        return self.__pydantic_extra__

    def __repr_args__(self) -> Iterator[tuple[str, object]]:
        # Whether an option is a secret is known only once its connector is asked.
        yield from (("connector", self.connector), ("endpoint", self.endpoint))


_WAYS = ("name", "id")  # that name an audience


class AudienceSettings(BaseModel):
    """What is filled on the platform: a name, found or created, or a known id.

    What else it is created with, its connector says.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, forms.MadeValue]

    name: str | None = Field(default=None, min_length=1, description="Found by this name or made.")
    id: str | None = Field(default=None, min_length=1, description="The platform's own id.")
    lint: forms.Switch = Field(
        default=True,
        description="off: create it though its name or description holds words that the platform "
        "flags.",
        json_schema_extra={"default": "on"},
    )

    @property
    def options(self) -> model.AudienceOptions:
        """What the connector creates it with, beside its name."""
        return self.__pydantic_extra__

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.name) == bool(self.id):
            said = 'must be a name, or {id: "..."}'
            slips = () if self.name else self.options
            raise ValueError("; ".join([said, *(f"{one}: {suggest(one, _WAYS)}" for one in slips)]))
        if self.id and self.options:
            raise ValueError(
                f"{', '.join(self.options)}: only for an audience that is created, by its name"
            )
        return self


class GuardSettings(Shape):
    """When removals wait for a person."""

    max_removed: forms.Percent = Field(
        default=model.Guard().max_removed,
        description="Share of the largest membership of the last 7 days that one run may remove.",
        json_schema_extra={"default": "30%"},
    )
    max_removed_count: Annotated[
        Annotated[int, Field(ge=0)] | None,
        BeforeValidator(forms.no_limit),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"enum": ["none", None]}]}),
    ] = Field(
        default=None,
        description="Members that one run may remove; none for no such limit.",
        json_schema_extra={"default": "none"},
    )
    min_members: int = Field(
        default=model.Guard().min_members,
        ge=0,
        description="A snapshot of fewer members than this removes nobody unasked.",
    )

    def as_guard(self) -> model.Guard:
        """These settings as the core takes them."""
        return model.Guard(**self.model_dump())


class SyncSettings(Shape):
    """A pairing: this segment to that audience."""

    segment: str = Field(description="Name under `segments`.")
    arm: str = Field(
        default="", description="One of the segment's `arms`: only its members; else all."
    )
    account: str = Field(description="Name under `accounts`.")
    audience: Annotated[
        AudienceSettings,
        BeforeValidator(forms.named_audience, json_schema_input_type=str | AudienceSettings),
    ] = Field(
        title="Audience", description='The audience\'s name, found or created; or {id: "..."}.'
    )
    mode: Literal["mirror", "add", "remove"] = Field(
        default="mirror",
        description="mirror adds and removes; add removes only who denied consent; remove takes "
        "the segment's members out of an audience that somebody else fills, and never adds.",
    )
    schedule: forms.Timed = Field(
        default=Manual(),
        description='every 6h, manual, {cron: "0 3 * * mon"} (shop zone), {after: SYNC}.',
        json_schema_extra={"default": "manual"},
    )
    identifiers: forms.Kinds = Field(
        default=model.HASHED_KINDS,
        description="What is sent of each member: email, phone, address; device_id (a mobile "
        "advertising id) and external_id (the shop's own) only if named: they travel unhashed.",
        json_schema_extra={"default": [kind.value for kind in model.HASHED_KINDS]},
    )
    details: forms.Details = Field(
        default=(),
        description="What is sent beside identifiers, to match better: first_initial, city, "
        "region, birth_date, gender. By default nothing.",
        json_schema_extra={"default": []},
    )
    consent: Literal["not_denied", "granted"] = Field(
        default="not_denied",
        description="Who is sent: everybody who has not denied, or only those who have granted.",
    )
    guard: GuardSettings = Field(
        default=GuardSettings(),
        title="Guard",
        description="Limits beyond which removals wait for a person.",
        json_schema_extra={"default": {}},
    )
    settle: forms.Duration = Field(
        default=model.Timing().settle,
        description="After an accepted removal, until it is taken as effective.",
        json_schema_extra={"default": "48h"},
    )
    poll: forms.Interval = Field(
        default=model.Timing().poll,
        description="Between two questions about work under way on the platform.",
        json_schema_extra={"default": "30m"},
    )
    min_interval: forms.Duration = Field(
        default=model.Timing().min_interval,
        description="Between two edits of the audience by the daemon or `syncd sync --scheduled`; "
        "an edit may make a platform's ad sets learn anew.",
        json_schema_extra={"default": "0s"},
    )
    max_unusable: forms.Percent = Field(
        default=0.2,
        description="Share of rows without a usable identifier above which a run exits 3.",
        json_schema_extra={"default": "20%"},
    )

    @model_validator(mode="after")
    def _taking_out(self) -> Self:
        if self.mode != "remove":
            return self
        if "consent" in self.model_fields_set:
            raise ValueError("`consent` does not go with `mode: remove`: nobody is added by it")
        if self.audience.options or "lint" in self.audience.model_fields_set:
            named = ", ".join([*self.audience.options, *(["lint"] * (not self.audience.lint))])
            raise ValueError(
                f"audience.{named or 'lint'}: only for an audience that is created, and `mode: "
                "remove` creates none"
            )
        return self

    @property
    def timing(self) -> model.Timing:
        """These durations as the core takes them."""
        return model.Timing(self.settle, self.poll, self.min_interval)


class Configuration(Shape):
    """The whole of config/syncd.yaml."""

    model_config = ConfigDict(title="syncd configuration")

    shop: ShopSettings = Field(description="The shop's database, which is only read.")
    ledger: Annotated[LedgerSettings, BeforeValidator(forms.empty_if_blank)] = Field(
        default=LedgerSettings(),
        description="Our own database and files.",
        json_schema_extra={"default": {}},
    )
    accounts: Annotated[
        Mapping[forms.Name, AccountSettings], BeforeValidator(forms.empty_if_blank)
    ] = Field(default_factory=dict, description="Accounts on ad platforms, by a name of your own.")
    segments: Annotated[
        Mapping[forms.Name, SegmentSettings], BeforeValidator(forms.empty_if_blank)
    ] = Field(default_factory=dict, description="Segments, by a name of your own.")
    syncs: Annotated[Mapping[forms.Name, SyncSettings], BeforeValidator(forms.empty_if_blank)] = (
        Field(default_factory=dict, description="What fills which audience, by names of your own.")
    )
    alerts: Annotated[AlertSettings, BeforeValidator(forms.empty_if_blank)] = Field(
        default=AlertSettings(),
        description="What people are told without asking, and where.",
        json_schema_extra={"default": {}},
    )
    api: Annotated[ApiSettings, BeforeValidator(forms.empty_if_blank)] = Field(
        default=ApiSettings(),
        description="Where the daemon is asked for runs, by programs on this machine alone.",
        json_schema_extra={"default": {}},
    )
    page: Annotated[PageSettings, BeforeValidator(forms.empty_if_blank)] = Field(
        default_factory=PageSettings,
        description="What the growth team reads, in a browser.",
        json_schema_extra={"default": {}},
    )


def json_schema() -> dict[str, object]:
    """Make the JSON Schema that editors check a configuration against."""
    schema: dict[str, object] = Configuration.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
