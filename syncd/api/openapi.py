"""The API's description for programs, OpenAPI 3.1, made from what answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from syncd import __version__
from syncd.api.doors import OPEN
from syncd.api.operations import OPERATIONS, Operation
from syncd.api.problems import MEDIA, phrase
from syncd.api.shapes import Problem
from syncd.metrics import CONTENT_TYPE

# What the doors, and a fault of ours, may answer to anything.
ALWAYS = (
    *(HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_TIMEOUT),
    *(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    *(HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_ABOUT = (
    "Other programs of this machine ask the daemon for runs, and watch it. On a Unix socket "
    "whoever may open it may ask; on a port a bearer token is needed. Requests of browsers are "
    "refused."
)


def document() -> dict[str, object]:
    """The whole document, as JSON has it."""
    shapes: list[type[BaseModel]] = [Problem]
    for each in OPERATIONS:
        found = (*each.answers.values(), each.body)
        shapes += [one for one in found if one is not None and one not in shapes]
    bodies = [each.body for each in OPERATIONS if each.body is not None]
    _, made = models_json_schema(
        [(shape, "validation" if shape in bodies else "serialization") for shape in shapes],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "syncd", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "http://localhost"}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": made["$defs"],
        },
    }


def text() -> str:
    """The document as it stands in `config/openapi.json`."""
    return json.dumps(document(), indent=2) + "\n"


def _paths() -> dict[str, dict[str, object]]:
    found = dict[str, dict[str, object]]()
    for each in OPERATIONS:
        found.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return found


def _operation(operation: Operation) -> dict[str, object]:
    said: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.says,
        "parameters": [*_in_path(operation), *_in_query(operation)],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        said["requestBody"] = {"required": True, "content": _content(operation.body)}
    if operation.path in OPEN:
        said["security"] = []
    return said


def _in_path(operation: Operation) -> list[dict[str, object]]:
    if "{id}" not in operation.path:
        return []
    return [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]


def _in_query(operation: Operation) -> list[dict[str, object]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema()
    return [
        {"name": name, "in": "query", "required": False, "schema": _given(shape)}
        for name, shape in schema["properties"].items()
    ]


def _given(shape: Mapping[str, object]) -> object:
    """A query's value where it is given: one that is not there is left out, never null."""
    kinds = shape.get("anyOf")
    return kinds[0] if isinstance(kinds, list) else shape


def _responses(operation: Operation) -> dict[str, object]:
    found = dict[str, object]()
    refused = {*ALWAYS, *operation.problems}
    if operation.path not in OPEN:
        refused.add(HTTPStatus.UNAUTHORIZED)
    for status in sorted({*refused, *operation.answers}):
        content = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        if status in operation.answers:
            shape = operation.answers[status]
            content = _content(shape) if shape else {CONTENT_TYPE: {"schema": {"type": "string"}}}
        found[str(status.value)] = {"description": phrase(status), "content": content}
    return found


def _content(shape: type[BaseModel]) -> dict[str, dict[str, dict[str, str]]]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}}


if __name__ == "__main__":
    import sys

    sys.stdout.write(text())
