"""How each kind of value is validated, and what an editor is told of it."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from syncd import model
from syncd.settings import values
from syncd.settings.values import Schedule, Secret

NAME = values.NAME
MOST_PARTS = 20  # segments in one list of a composed one: more is a query that nobody can read
PREFIX = r"([A-Za-z0-9_]+\.)?[A-Za-z0-9_]*"
SECRET_SCHEMA = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"file": {"type": "string", "minLength": 1}},
            "required": ["file"],
            "additionalProperties": False,
        },
        {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"},
    ]
}
SCHEDULE_SCHEMA = {
    "oneOf": [
        {"type": "string", "pattern": r"^(manual|every [0-9]+ ?[smhd])$"},
        *(
            {
                "type": "object",
                "properties": {key: {"type": "string"}},
                "required": [key],
                "additionalProperties": False,
            }
            for key in ("cron", "after")
        ),
    ]
}
PERCENT_SCHEMA = {
    "oneOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]+)? ?%$"},
    ]
}
KINDS = tuple(kind.value for kind in model.IdentifierKind)
DETAILS = tuple(detail.value for detail in model.Detail)
SCHEMAS = (
    *("canonical", "magento", "medusa", "prestashop", "saleor"),
    *("shopify", "shopware", "spree", "sylius", "woocommerce"),
)
SERVED = ("canonical", "woocommerce", "prestashop", "magento", "shopify", "medusa", "shopware")


def _text(value: object) -> str:
    """Insist on text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ValueError("must be text")


def empty_if_blank(value: object) -> object:
    """Take `syncs:` with nothing under it for no syncs."""
    return {} if value is None else value


def _schema(value: object) -> str:
    """Check the shop's schema; refuse one whose mapping does not exist yet."""
    if not isinstance(value, str) or value not in SCHEMAS:
        raise ValueError(f"unknown schema; {values.suggest(str(value), SCHEMAS)}")
    if value not in SERVED:
        raise ValueError(
            f"{value} is not built yet: only {', '.join(SERVED)} are. Leave `schema` out and "
            "write segments as your own SQL (segments.NAME.sql)"
        )
    return value


def _listed(value: object) -> tuple[str, ...]:
    """Read a list of texts and whole numbers."""
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list with at least one entry")
    for one in value:
        if isinstance(one, bool) or not isinstance(one, str | int) or one == "":
            raise ValueError("must be a list of texts or whole numbers")
    if len(set(map(str, value))) < len(value):
        raise ValueError("names one twice")
    return tuple(map(str, value))


def _parts(value: object) -> tuple[str, ...]:
    """Read a list of names of segments."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("must be a list of segments, by their names under `segments`")
    if not 1 <= len(value) <= MOST_PARTS:
        raise ValueError(f"has {len(value)} segments; it must have 1 to {MOST_PARTS}")
    if len(set(value)) < len(value):
        raise ValueError("names one twice")
    return tuple(value)


def _day(value: object) -> date:
    """Read a day, YYYY-MM-DD."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise ValueError("must be a day such as 2027-01-31")


def _prefix(value: object) -> str:
    """Check what stands before the names of tables."""
    if isinstance(value, str) and re.fullmatch(PREFIX, value):
        return value
    raise ValueError(
        "must be letters, digits and _, a schema with its dot before them: wp_, shop.wp_"
    )


def _kinds(value: object) -> tuple[model.IdentifierKind, ...]:
    """Read a list of identifier kinds."""
    if not isinstance(value, list) or not value:
        raise ValueError(f"must be a list with at least one of {', '.join(KINDS)}")
    for name in value:
        if name not in KINDS:
            raise ValueError(f"unknown identifier {name}; {values.suggest(str(name), KINDS)}")
    if len(set(value)) < len(value):
        raise ValueError("names an identifier twice")
    return tuple(model.IdentifierKind(name) for name in value)


def _details(value: object) -> tuple[model.Detail, ...]:
    """Read a list of what travels beside identifiers."""
    if not isinstance(value, list):
        raise ValueError(  # noqa: TRY004  # the kind that pydantic reports
            f"must be a list of any of {', '.join(DETAILS)}"
        )
    for name in value:
        if name not in DETAILS:
            raise ValueError(f"unknown detail {name}; {values.suggest(str(name), DETAILS)}")
    if len(set(value)) < len(value):
        raise ValueError("names a detail twice")
    return tuple(model.Detail(name) for name in value)


def named_audience(value: object) -> object:
    """Take a text for an audience's name."""
    return {"name": value} if isinstance(value, str) else value


def no_limit(value: object) -> object:
    """Take the word `none` for no limit."""
    return None if value == "none" else value


def _option(value: object) -> str | Secret:
    """Read one option of an account: text, a whole number, or a reference."""
    match value:
        case bool() | None:
            pass
        case str() if value and not values.VARIABLE.fullmatch(value):
            return value
        case str() | dict():
            return values.parse_secret(value)
        case int():
            return str(value)
        case _:
            pass
    raise ValueError("must be text, a number, {file: NAME} or ${NAME}")


def _made(value: object) -> model.AudienceValue:
    """Read what an audience is made with: text, a whole number, true or false, or a list."""
    match value:
        case bool() | int():
            return value
        case str() if value:
            return value
        case list() if value and all(isinstance(one, str) and one for one in value):
            return tuple(value)
        case _:
            raise ValueError("must be text, a number, true, false or a list of words")


def _given(value: object) -> str | float | tuple[str, ...]:
    """Read a parameter of a segment: a number, a word or a list of words."""
    match value:
        case bool():
            pass
        case int() | float() | str():
            return value
        case list() if value and all(isinstance(one, str) for one in value):
            return tuple(value)
        case _:
            pass
    raise ValueError(
        "must be a number, a word or a list of words; a word that looks like a number stands "
        "in quotes"
    )


def _switch(value: object) -> bool:
    """Read `on` and `off`, which YAML takes for true and false."""
    if isinstance(value, bool):
        return value
    if value in ("on", "off"):
        return value == "on"
    raise ValueError("must be on or off")


MadeValue = Annotated[
    model.AudienceValue,
    PlainValidator(_made),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "integer", "boolean"]},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]
Given = Annotated[
    str | int | float | tuple[str, ...],
    PlainValidator(_given),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number"]},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]
Switch = Annotated[
    bool, PlainValidator(_switch), WithJsonSchema({"enum": ["on", "off", True, False]})
]
Percent = Annotated[float, PlainValidator(values.parse_percent), WithJsonSchema({**PERCENT_SCHEMA})]
Duration = Annotated[
    timedelta,
    PlainValidator(values.parse_duration),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ ?[smhd]$"}),
]
Interval = Annotated[
    timedelta,
    PlainValidator(values.parse_interval),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ ?[smhd]$"}),
]
Reference = Annotated[Secret, PlainValidator(values.parse_secret), WithJsonSchema(SECRET_SCHEMA)]
Timed = Annotated[Schedule, PlainValidator(values.parse_schedule), WithJsonSchema(SCHEDULE_SCHEMA)]
ShopSchema = Annotated[str, PlainValidator(_schema), WithJsonSchema({"enum": list(SERVED)})]
Listed = Annotated[
    tuple[str, ...],
    PlainValidator(_listed),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": ["string", "integer"]},
            "minItems": 1,
            "uniqueItems": True,
        }
    ),
]
Prefix = Annotated[
    str, PlainValidator(_prefix), WithJsonSchema({"type": "string", "pattern": f"^{PREFIX}$"})
]
Parts = Annotated[
    tuple[str, ...],
    PlainValidator(_parts),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MOST_PARTS,
            "uniqueItems": True,
        }
    ),
]
Day = Annotated[date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Channel = Literal["email", "sms", "whatsapp", "post", "ads"]
Url = Annotated[
    str, PlainValidator(values.parse_url), WithJsonSchema({"type": "string", "minLength": 1})
]
Receiver = Annotated[
    str | Secret,
    PlainValidator(values.parse_receiver),
    WithJsonSchema({"anyOf": [SECRET_SCHEMA, {"type": "string", "pattern": "^https?://"}]}),
]
Listen = Annotated[str, PlainValidator(values.parse_listen), WithJsonSchema({"type": "string"})]
Endpoint = Annotated[str, PlainValidator(values.parse_endpoint), WithJsonSchema({"type": "string"})]
Zone = Annotated[str, PlainValidator(values.parse_timezone), WithJsonSchema({"type": "string"})]
Country = Annotated[
    str,
    PlainValidator(values.parse_country),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z]{2}$"}),
]
Kinds = Annotated[
    tuple[model.IdentifierKind, ...],
    PlainValidator(_kinds),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"enum": list(KINDS)},
            "minItems": 1,
            "uniqueItems": True,
        }
    ),
]
Details = Annotated[
    tuple[model.Detail, ...],
    PlainValidator(_details),
    WithJsonSchema({"type": "array", "items": {"enum": list(DETAILS)}, "uniqueItems": True}),
]
OptionValue = Annotated[
    str | Secret,
    PlainValidator(_option),
    WithJsonSchema({"anyOf": [SECRET_SCHEMA, {"type": "string"}, {"type": "integer"}]}),
]
Holdout = Annotated[
    model.Holdout,
    PlainValidator(lambda value: model.Holdout(*values.parse_holdout(value))),
    WithJsonSchema(
        {
            "oneOf": [
                *PERCENT_SCHEMA["oneOf"],
                {
                    "type": "object",
                    "properties": {
                        "share": PERCENT_SCHEMA,
                        "seed": {"type": "string", "pattern": NAME},
                    },
                    "required": ["share"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
_SHARES_SCHEMA = {
    "anyOf": [
        {
            "type": "array",
            "items": {"type": "string", "pattern": NAME},
            "minItems": 2,
            "maxItems": model.MOST_ARMS,
            "uniqueItems": True,
        },
        {
            "type": "object",
            "propertyNames": {"pattern": NAME},
            "additionalProperties": PERCENT_SCHEMA,
            "minProperties": 2,
            "maxProperties": model.MOST_ARMS,
        },
    ]
}
Arms = Annotated[
    model.Arms,
    PlainValidator(lambda value: model.Arms(*values.parse_arms(value))),
    WithJsonSchema(
        {
            "anyOf": [
                *_SHARES_SCHEMA["anyOf"],
                {
                    "type": "object",
                    "properties": {
                        "shares": _SHARES_SCHEMA,
                        "seed": {"type": "string", "pattern": NAME},
                    },
                    "required": ["shares"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
Name = Annotated[str, Field(pattern=NAME)]
Folder = Annotated[
    Path,
    PlainValidator(lambda value: Path(_text(value))),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
