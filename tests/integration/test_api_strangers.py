"""Whatever is asked in the shapes of the document, or beside them: no error of the server.

The small sample of `python -m tests.bench.schemathesis`, made from the same document.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.callers import SHOWN, Caller

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "config" / "openapi.json").read_text("utf-8")
)
ASKED = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NAMES = st.sampled_from(["everyone", "other", "r1", "p1"]) | TEXT
PLAIN = st.none() | st.booleans() | st.integers(-1, 600) | NAMES
BODIES = (
    st.fixed_dictionaries(
        {"sync": st.sampled_from(["everyone", "other"]) | TEXT},
        optional=dict.fromkeys(("plan", "full", "adopt", "replace", "more"), PLAIN),
    ).map(lambda found: json.dumps(found).encode())
    | st.fixed_dictionaries({"audience": NAMES}).map(lambda found: json.dumps(found).encode())
    | st.binary(max_size=20)
    | PLAIN.map(lambda found: json.dumps(found).encode())
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    asked=st.sampled_from(ASKED),
    name=NAMES,
    query=st.dictionaries(st.sampled_from(["sync", "limit", "more"]), PLAIN, max_size=2),
    body=BODIES,
    shown=st.booleans() | st.just(value=True),
)
def test_no_request_is_answered_by_a_fault_or_beside_the_document(
    ask: Caller,
    asked: tuple[str, str, dict[str, Any]],
    name: str,
    query: dict[str, object],
    body: bytes,
    *,
    shown: bool,
) -> None:
    method, path, operation = asked
    at = path.replace("{id}", quote(name, safe="")) + (f"?{urlencode(query)}" if query else "")
    sent = body if method == "POST" else None
    answer = ask(method, at, sent, headers=SHOWN if shown else {})
    if answer.status == HTTPStatus.NOT_FOUND and re.search(r"no such thing", answer.body.decode()):
        return  # an id with a slash in it, or none, is another address
    assert answer.status != HTTPStatus.INTERNAL_SERVER_ERROR
    said = operation["responses"][str(answer.status)]["content"]
    ((kind, shape),) = said.items()
    assert answer.headers["content-type"] == kind
    if kind != "text/plain; version=0.0.4; charset=utf-8":
        whole = {**shape["schema"], "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(whole).validate(answer.json)
