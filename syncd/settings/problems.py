"""What is wrong with a configuration, in words: each thing with its key and the way on."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncd.settings.document import Document, Keys, Problem, dotted
from syncd.settings.models import Configuration
from syncd.settings.values import suggest

# pydantic's kinds of error that say less than we can.
WORDS = {
    "string_type": "must be text; put it in quotes",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must be letters, digits and . _ -, at most 64, no blank",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "model_type": "must be a mapping with keys of its own",
    "mapping_type": "must be a mapping from names",
    "dict_type": "must be a mapping from names",
    "is_instance_of": "must be a mapping from names",
}


def line_of(lines: Mapping[Keys, int], keys: Keys) -> int:
    """Find the line of a path, or of the nearest thing around it; 0 if there is none."""
    while keys and keys not in lines:
        keys = keys[:-1]
    return lines.get(keys, 0)


def from_pydantic(error: ValidationError, document: Document) -> list[Problem]:
    """Turn pydantic's findings into problems, in our words."""
    found: dict[tuple[Keys, str], Problem] = {}
    for detail in error.errors(include_url=False, include_input=False):
        keys = _keys(detail, document)
        text = f"{dotted(keys)}: {_words(detail, keys, document)}"
        found.setdefault((keys, str(detail["type"])), Problem(line_of(document.lines, keys), text))
    return list(found.values())


def _keys(detail: ErrorDetails, document: Document) -> Keys:
    """Drop what pydantic adds to a path, such as the branches of a union."""
    keys: Keys = ()
    for part in detail["loc"]:
        here = (*keys, str(part))
        missing = detail["type"] == "missing" and part == detail["loc"][-1]
        if here in document.lines or missing:
            keys = here
    return keys


def _words(detail: ErrorDetails, keys: Keys, document: Document) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return f"is missing{_slip(keys, document)}"
    if kind == "extra_forbidden":
        return f"unknown key; {suggest(keys[-1], keys_at(keys[:-1]))}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected']}"
    return WORDS.get(kind, detail["msg"][:1].lower() + detail["msg"][1:])


def _slip(keys: Keys, document: Document) -> str:
    """Point at a neighbour that was probably meant; an account takes keys we do not know."""
    *around, name = keys
    known = keys_at(tuple(around))
    neighbours = [
        each[-1] for each in document.lines if each[:-1] == tuple(around) and each[-1] not in known
    ]
    near = difflib.get_close_matches(name, neighbours, n=1, cutoff=0.75)
    return f"; did you mean it by {near[0]}?" if near else ""


def keys_at(keys: Keys) -> tuple[str, ...]:
    """Say which keys the configuration knows at a path."""
    here: object = Configuration
    for key in keys:
        here = _inside(here, key)
    found = _model(here)
    if found is None:
        return ()
    return tuple(field.alias or name for name, field in found.model_fields.items())


def _inside(here: object, key: str) -> object:
    found = _model(here)
    if found is not None:
        fields = found.model_fields.items()
        return next((each.annotation for name, each in fields if key in (name, each.alias)), None)
    arguments = get_args(here)
    return arguments[-1] if get_origin(here) is not None and arguments else None


def _model(here: object) -> type[BaseModel] | None:
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None
