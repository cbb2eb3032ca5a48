"""The README says what is so: commands, the demo's words, the tests it names."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from typer.main import get_command

import syncd.demo.story
from syncd.cli.application import application
from syncd.identity.digest import Policy, digest
from syncd.identity.rules import GOOGLE, META
from syncd.model import ADDRESS_CELLS, IdentifierKind, RuleSet

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SETUP = (
    "python3 -m venv .venv && .venv/bin/pip install -qr requirements.lock && "
    ".venv/bin/pip install -q --no-deps --no-build-isolation -e . && .venv/bin/"
)


def blocks() -> list[str]:
    """What stands between fences."""
    return re.findall(r"^```\w*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def demo_block() -> str:
    (found,) = [block for block in blocks() if block.startswith("syncd demo: ")]
    return " ".join(found.split())


def commands(group: object, path: str = "syncd") -> Iterator[str]:
    """Every command's words."""
    below = getattr(group, "commands", None)
    if below is None:
        yield path
        return
    for name, one in below.items():
        yield from commands(one, f"{path} {name}")


def story_words() -> Iterator[str]:
    """Constant texts that `syncd.demo.story` prints as headings and prose."""
    tree = ast.parse(Path(syncd.demo.story.__file__).read_text("utf-8"))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            if call.func.attr not in {"heading", "tell", "_day"}:
                continue
            for argument in call.args:
                pieces = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
                for piece in pieces:
                    if isinstance(piece, ast.Constant) and isinstance(piece.value, str):
                        yield " ".join(piece.value.split())


def test_every_command_stands_in_the_readme() -> None:
    every = list(commands(get_command(application)))
    assert len(every) > 15
    assert [command for command in every if not re.search(rf"`{command}[ `]", README)] == []


@pytest.mark.parametrize("name", ["syncd demo", "pytest -n 2 --dist worksteal"])
def test_the_two_commands_are_one_line_each_and_do_their_own_setup(name: str) -> None:
    assert f"{SETUP}{name}\n" in blocks()


def test_the_demo_in_the_readme_is_told_in_the_storys_words() -> None:
    words = list(story_words())
    assert len(words) > 20
    block = demo_block()
    assert [piece for piece in words if piece not in block] == []
    assert "Everything agreed: " in block
    assert "DISAGREES" not in block


def test_the_readme_names_only_tests_that_there_are() -> None:
    named = set(re.findall(r"\btest_\w+", README))
    there = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in (*re.findall(r"def (test_\w+)", path.read_text("utf-8")), path.stem)
    }
    assert named
    assert named - there == set()


@pytest.mark.parametrize(("line", "rules"), [("Meta", META), ("Google", GOOGLE)])
def test_the_customer_in_the_readme_is_hashed_as_it_says(line: str, rules: RuleSet) -> None:
    """The texts that the table shows, without their bold and their `plain`."""
    (written,) = re.findall(rf"^\| syncd, {line} \| (.*) \|$", README, re.MULTILINE)
    shown = [cell.removesuffix(", plain") for cell in written.split(" | ")]
    raw = (" Jane.Doe+Promo@GMAIL.com ", "+1 (555) 123-4567", " Élodie ", "O'Brien-Smith")
    columns = ("email", "phone", "first_name", "last_name", "postcode", "country")
    values = [pa.array([value]) for value in (*raw, "94107-1234", "US")]
    batch = pa.RecordBatch.from_arrays([pa.array(["1"]), *values], ["customer_key", *columns])
    made = digest(batch, Policy(rules, frozenset(IdentifierKind), None, 9)).rows
    hashed = {rule.field: rule.hashed for rule in rules.fields}
    for text, cell in zip(shown, ("email", "phone", *ADDRESS_CELLS), strict=True):
        expected = hashlib.sha256(text.encode()).digest() if hashed[cell] else text.encode()
        assert made.column(cell).to_pylist() == [expected], cell


def test_every_path_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_exit_codes_are_those_of_the_help() -> None:
    help_text = str(get_command(application).epilog)
    for code in re.findall(r"\b(\d+) [a-z]", help_text):
        assert re.search(rf"^\| {code} \|", README, re.MULTILINE), code
