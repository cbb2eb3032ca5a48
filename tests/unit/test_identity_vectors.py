"""The golden vectors: whole, honest about where they come from, and met by every path."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from shutil import copytree

import pytest

from syncd.identity import proof
from syncd.identity.countries import ISO_3166
from syncd.identity.proof import Vector
from syncd.identity.reasons import Reason
from syncd.identity.rules import GOOGLE, META
from syncd.model import ADDRESS_CELLS, ID_CELLS
from tests.unit.identity_reference import RefusedError, digest_row, normalised
from tests.unit.identity_values import digested, refusals

VECTORS = Path(__file__).parents[1] / "vectors"
SHIPPED = Path(proof.__file__).parent / "vectors"
COLUMN_OF = {"given_name": "first_name", "family_name": "last_name"}
ROW_FIELDS = ("email", "phone", *ADDRESS_CELLS, *ID_CELLS)
NAMES = sorted(path.stem for path in VECTORS.glob("*.json"))
OFFICIAL = ("Meta Marketing API", "facebook/capi", "googleads/data-manager", "Google Data Manager")


def vectors(name: str) -> tuple[str, str, list[Vector]]:
    held = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    return held["platform"], held["field"], held["vectors"]


# --- what they hold ---------------------------------------------------------------


def test_every_field_of_every_platform_has_a_file_of_vectors() -> None:
    fields = {f"{rules.name}_{rule.field}" for rules in (META, GOOGLE) for rule in rules.fields}
    assert set(NAMES) == fields | {"prehashed"}
    assert VECTORS.resolve() == SHIPPED.resolve()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_what_it_says(name: str) -> None:
    platform, field, held = vectors(name)
    assert name == ("prehashed" if platform == "any" else f"{platform}_{field}")
    assert len(held) >= 40
    asked = [(vector["input"], vector.get("country")) for vector in held]
    assert len(set(asked)) == len(asked), "twice the same"
    reasons = {reason.value for reason in Reason}
    hashed = {rule.field: rule.hashed for rules in (META, GOOGLE) for rule in rules.fields}
    for vector in held:
        assert vector["source"].strip(" -")
        assert vector.get("country", "NL") in ISO_3166
        if vector["official"]:
            assert vector["source"].startswith(OFFICIAL), vector
        if "refused" in vector:
            assert vector["refused"] in reasons
            assert "normalised" not in vector
        elif vector["normalised"] is not None and hashed.get(field):
            is_plain = platform == "google" and field in {"postcode", "country"}
            digest = hashlib.sha256(vector["normalised"].encode()).hexdigest()
            assert is_plain or vector["sha256"] == digest


def test_the_digests_that_the_platforms_print_are_among_the_official_ones() -> None:
    official = {
        vector.get("sha256") for name in NAMES for vector in vectors(name)[2] if vector["official"]
    }
    assert official >= {
        "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79",
        "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e",
        "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a",
        "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30",
        "128a07bfe2df877c52076e60d7774cf5baaa046c5a6c48daf30ff43ecca2f814",
        "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574",
    }


# --- who meets them ---------------------------------------------------------------


def test_promise_9_every_vector_comes_out_alone_and_in_a_column() -> None:
    proven = proof.run()
    assert [one.failures for one in proven if one.failures] == []
    assert sum(one.vectors for one in proven) == sum(len(vectors(name)[2]) for name in NAMES)
    assert {one.platform for one in proven if one.official} == {"meta", "google"}


@pytest.mark.parametrize("name", NAMES)
def test_the_second_opinion_agrees_with_every_vector(name: str) -> None:
    platform, field, held = vectors(name)
    for vector in held:
        assert second_opinion(platform, field, vector) == wanted(vector), vector


def second_opinion(platform: str, field: str, vector: Vector) -> str | None:
    try:
        return normalised(platform, field, vector["input"], vector.get("country"))
    except RefusedError as why:
        return f"refused: {why}"


def wanted(vector: Vector) -> str | None:
    return f"refused: {vector['refused']}" if "refused" in vector else vector["normalised"]


def row_of(field: str, vector: Vector) -> dict[str, str | None]:
    """The value in its column; an address around it, so that its part is not dropped."""
    row: dict[str, str | None] = {"country": vector.get("country")}
    if field in ADDRESS_CELLS:
        row |= {"first_name": "mary", "last_name": "smith", "postcode": "12345"}
        row["country"] = vector.get("country", "NL")
    if field in {"given_name", "family_name"}:
        row["country"] = "NL"
    if field == "country" and (vector.get("normalised") or "").upper() == "GB":
        row["postcode"] = "SW1A 1AA"
    row[COLUMN_OF.get(field, field)] = vector["input"]
    return row


@pytest.mark.parametrize("name", [n for n in NAMES if n.partition("_")[2] in ROW_FIELDS])
def test_each_vector_comes_out_of_a_row(name: str) -> None:
    platform, field, held = vectors(name)
    rows = [row_of(field, vector) for vector in held]
    made = digested(rows, platform)
    expected = [
        bytes.fromhex(vector["sha256"]) if "sha256" in vector else (text and text.encode())
        for vector in held
        for text in [vector.get("normalised")]
    ]
    assert made.rows.column(field).to_pylist() == expected
    assert refusals(made) == Counter((field, v["refused"]) for v in held if "refused" in v)
    reference = [digest_row(row, platform, None) for row in rows]
    assert [row.cells[field] for row in reference] == expected


# --- what the proof says when one is not met ----------------------------------------


def test_a_proof_names_file_position_and_what_was_expected(tmp_path: Path) -> None:
    copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "meta_email.json"
    held = json.loads(file.read_text("utf-8"))
    held["vectors"][2] |= {"normalised": "nobody@example.com"}
    file.write_text(json.dumps(held), "utf-8")
    (tmp_path / "google_phone.json").unlink()
    failed = {(one.platform, one.field): one.failures for one in proof.run(tmp_path)}
    assert failed["google", "phone"] == ("google_phone.json: missing",)
    email = failed["meta", "email"]
    assert all(what.startswith("meta_email.json, vector 3") for what in email)
    assert len(email) == 1 + 1 + 2  # alone, in a column, and twice in a column of repeats
    assert "expected 'nobody@example.com'" in email[0]
    assert not failed["meta", "phone"]


def test_a_proof_sees_a_wrong_digest_and_a_wrong_reason(tmp_path: Path) -> None:
    copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "meta_gender.json"
    held = json.loads(file.read_text("utf-8"))
    refused = next(vector for vector in held["vectors"] if "refused" in vector)
    refused["refused"] = "placeholder"
    held["vectors"][0]["sha256"] = "0" * 64
    file.write_text(json.dumps(held), "utf-8")
    failed = {(one.platform, one.field): one.failures for one in proof.run(tmp_path)}
    gender = failed["meta", "gender"]
    expected = "'refused, neither m nor f', expected 'refused, placeholder'"
    assert any(expected in what for what in gender)
    assert any(what.startswith("meta_gender.json, vector 1, in a column") for what in gender)
