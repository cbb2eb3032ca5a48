"""How many planted faults the tests find: `python -m tests.bench.mutation [MODULE...]`.

Each module of the table is changed in one place at a time (`tests.bench.mutants`), and its
own quick tests are run on it in a forked process, until the first one fails. A fault that
makes them run for ever is found too, and counted apart. Prints a line a module, and
every fault that no test found; exits 1 if a module's share is below the goal.

Faults are planted as the module is imported, so they reach whatever is made of it then.
Hypothesis draws the same examples each time and has no deadline: no fault is found by
luck, or by a slow machine.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Literal

import hypothesis
import pytest

from tests.bench.mutants import Mutant, mutants

GOAL = 0.85
OURS = ("syncd", "connectors", "tests")
# Nothing that only helps a reader of failures, and no plugin but the one that is configured.
OPTIONS = ("-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "pytest_timeout")
FORK = get_context("fork")

Ending = Literal["killed", "timed out", "survived"]


@dataclass(frozen=True, slots=True)
class Target:
    """A module, and the tests that are to find its faults, quick ones first."""

    name: str
    tests: tuple[str, ...]


MODULES = {
    "plan": Target(
        "syncd.plan",
        ("unit/test_plan.py", "unit/test_reference_plan.py", "unit/test_reference_rules.py"),
    ),
    "settle": Target(
        "syncd.settle",
        ("unit/test_settle.py", "unit/test_settle_polling.py", "unit/test_settle_begun.py"),
    ),
    "states": Target("syncd.ledger.states", ("unit/test_states.py",)),
    "retry": Target(
        "syncd.retry", ("unit/test_retry.py", "unit/test_pacing.py", "unit/test_again.py")
    ),
    "hashes": Target("syncd.hashes", ("unit/test_hashes.py",)),
    "names": Target("syncd.membership.names", ("unit/test_names.py",)),
    "sieve": Target("syncd.membership.sieve", ("unit/test_sieve.py",)),
    "sifting": Target("syncd.membership.sifting", ("unit/test_sieve.py",)),
    "folding": Target("syncd.membership.folding", ("unit/test_sieve.py",)),
}


@dataclass(frozen=True, slots=True)
class Planted(MetaPathFinder, Loader):
    """Gives a tree to whoever imports a module."""

    name: str
    origin: str
    tree: ast.Module

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        return spec_from_loader(fullname, self, origin=self.origin)

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self.tree, self.origin, "exec", dont_inherit=True)
        exec(code, vars(module))  # noqa: S102 - what an import does


class Bench:
    """One module on the bench."""

    def __init__(self, target: Target, folder: str) -> None:
        spec = find_spec(target.name)
        assert spec is not None
        assert spec.origin is not None
        self._target = target
        self._folder = folder
        self._origin = spec.origin
        self._tree = ast.parse(Path(spec.origin).read_text())
        self.mutants = mutants(self._tree)
        self._preload()
        self._limit = 200.0
        begun = _seconds()
        if self.ending(None) != "survived":
            raise SystemExit(f"{target.name}: its tests fail as it is: {', '.join(target.tests)}")
        self._limit = 5 + 3 * (_seconds() - begun)

    def ending(self, mutant: Mutant | None) -> Ending:
        """What became of a mutant; without one, of the module as it is."""
        process = FORK.Process(target=self._tested, args=(mutant,))
        process.start()
        process.join(3 * self._limit)
        if process.exitcode is None:
            process.kill()
            process.join()
        code = process.exitcode
        if code is not None and code < 0:
            return "timed out"
        return "killed" if code else "survived"

    def _preload(self) -> None:
        """Import once what cannot know the module: others' packages, and what it imports itself.

        What may know it is left to each process, which imports it with the fault.
        """
        importlib.import_module("pytest_timeout")
        _forget(set())
        importlib.import_module(self._target.name)
        below = set(sys.modules) - {self._target.name}
        for test in self._target.tests:
            importlib.import_module(f"tests.{test.removesuffix('.py').replace('/', '.')}")
        _forget(below)

    def _tested(self, mutant: Mutant | None) -> None:
        """In a process of its own: plant, run the tests, exit with pytest's code."""
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        seconds = int(self._limit)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        os.environ["TMPDIR"] = tempfile.tempdir = self._folder
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        hypothesis.settings.register_profile(
            "planted",
            derandomize=True,
            database=None,
            deadline=None,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("planted")
        if mutant is not None:
            mutant.plant()
        sys.meta_path.insert(0, Planted(self._target.name, self._origin, self._tree))
        paths, code = [f"tests/{test}" for test in self._target.tests], 1
        with suppress(BaseException):  # whatever comes out, it is not a run that passed
            code = int(pytest.main([*OPTIONS, f"--basetemp={self._folder}/pytest", *paths]))
        os._exit(code)


def _seconds() -> float:
    """Of processor time that ended children took: others' load does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _forget(kept: set[str]) -> None:
    """Take our modules out, but for some, as if they had never been imported."""
    for name in sys.modules.keys() - kept:
        package, _, own = name.rpartition(".")
        if name.partition(".")[0] in OURS:
            del sys.modules[name]
            if package in sys.modules:
                vars(sys.modules[package]).pop(own, None)


def main() -> int:
    """Put modules on the bench, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", nargs="*", choices=[*MODULES, []], help="by default all")
    asked = parser.parse_args().module or list(MODULES)
    os.chdir(Path(__file__).parents[2])
    lines, low = [], False
    for name in asked:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="syncd-") as folder:
            bench = Bench(MODULES[name], folder)
            endings: Counter[Ending] = Counter()
            for mutant in bench.mutants:
                ending = bench.ending(mutant)
                endings[ending] += 1
                if ending == "survived":
                    print(f"{name}:{mutant.line}: {mutant.was} -> {mutant.now}", flush=True)
        share = 1 - endings["survived"] / endings.total()
        low = low or share < GOAL
        lines.append(
            f"{name:10}{endings.total():>9,}{endings.total() - endings['survived']:>9,}"
            f"{endings['timed out']:>11,}{endings['survived']:>10,}{share:>8.1%}"
            f"{time.monotonic() - begun:>9,.0f}"
        )
    header = f"{'killed':>9}{'by timeout':>11}{'survived':>10}{'share':>8}{'seconds':>9}"
    print("\n".join(["", f"{'module':10}{'mutants':>9}{header}", *lines]))
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
