"""The faults that `tests.bench.mutation` plants: each changes what a module does, in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.bench.mutants import mutants
from tests.bench.mutation import MODULES, Target

ROOT = Path(__file__).parents[2]


def changed(source: str) -> set[str]:
    """What each fault makes of a line."""
    found = set()
    for number in range(len(mutants(ast.parse(source)))):
        tree = ast.parse(source)
        mutants(tree)[number].plant()
        found.add(ast.unparse(tree))
    return found


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("a < b", {"a <= b", "a >= b", "pass"}),
        ("a is not b", {"a is b", "pass"}),
        ("x = a and b", {"x = a or b", "x = a", "x = b"}),
        ("x = not a", {"x = a"}),
        ("x = a - b", {"x = a + b", "x = a"}),
        ("x = {a, b}", {"x = {a}", "x = {b}"}),
        ("x = 3", {"x = 4"}),
        ("x = True", {"x = False"}),
        ("x = 'a'", {"x = 'XXa'"}),
        ("x = f'{a:,}'", {"x = f'{a}'"}),
        ("x = max(a, k=b)", {"x = min(a, k=b)", "x = max(k=b)", "x = max(a)"}),
        ("x = [a for a in b if c]", {"x = [a for a in b]"}),
        ("a.x = b", {"pass"}),
        ("x += a", {"x -= a", "pass"}),
        ("f()", {"pass"}),
        ("raise x", {"pass"}),
    ],
)
def test_a_line_is_changed_in_each_of_these_ways(source: str, faults: set[str]) -> None:
    assert changed(source) == faults


@pytest.mark.parametrize(
    "source",
    [
        "import a",
        "T = TypeVar('T', bound=int)",
        "Pair = tuple[str, int]",
        "def f(a: Literal['b'] = c) -> 'd':\n    'Says.'",
        "@cache(size=1)\nclass A(B, c=d):\n    x: 'y'",
    ],
)
def test_what_says_nothing_of_behaviour_is_left_alone(source: str) -> None:
    assert changed(source) == set()


def test_conditions_returns_and_loops_are_changed_whole() -> None:
    source = "def f(a):\n    while a:\n        if b():\n            break\n    return a"
    lines = {"while not a:", "if not b():", "continue", "return None"}
    found = changed(source)
    assert len(found) == len(lines)
    for line in lines:
        assert sum(line in fault for fault in found) == 1


@pytest.mark.parametrize("target", MODULES.values(), ids=MODULES)
def test_each_module_has_tests_of_its_own(target: Target) -> None:
    assert all((ROOT / "tests" / test).is_file() for test in target.tests)
