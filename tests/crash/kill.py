"""Kill a real sync at every point and see that nothing is lost: `python -m tests.crash.kill`.

A child process runs `syncd sync` with real files and both real SDKs against the local
platforms, and is killed with SIGKILL around one commit of its ledger, one system call on
a file, one request or one question. At once, and after one restart, the promises are
checked, the audit chain among them; that restart makes the platform equal in both views,
and the run after it sends nothing. Three scenes: the first sync, a day of changes, and a
run that resolves what an
earlier death left unknown.

Usage: python -m tests.crash.kill [--all | --sample N] [--seed N] [--moments N] [--plant FAULT]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from tests.crash import beliefs
from tests.crash.mortal import Point
from tests.crash.planted import PLANTS
from tests.crash.stage import DAY, NAMES, Moment, Name, Stage, stage

SAMPLE = 24
SEED = 20261125
SCENES = ("first", "day", "again")


@dataclass(frozen=True)
class Scene:
    """A moment to begin from, again and again."""

    stage: Stage
    name: str
    moment: Moment

    def begin(self) -> None:
        self.stage.back_to(self.name, self.moment)

    def points(self) -> list[Point]:
        """All points of a run that nobody kills."""
        self.begin()
        ended = self.stage.sync()
        assert ended.code == 0, ended.said
        return [point for point, _ in ended.passed]


@dataclass
class Tally:
    """What was tried and what was found.

    Attributes:
        tried: Kills by platform, scene and kind of point.
        violations: One line each.
        found: Points at which there was any.
    """

    tried: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    found: int = 0

    def add(self, other: Tally) -> None:
        self.tried += other.tried
        self.violations += other.violations
        self.found += other.found


def scenes(here: Stage, wanted: Sequence[str] = SCENES) -> Iterator[Scene]:
    """Each scene, made once by runs that go well; but for `again`, which needs a death."""
    here.new()
    if "first" in wanted:
        yield Scene(here, "first", here.keep("first"))
        here.new()
    ended = here.sync()
    assert ended.code == 0, ended.said
    here.fill(DAY)
    day = Scene(here, "day", here.keep("day"))
    if "day" in wanted:
        yield day
    if "again" in wanted:
        day.begin()
        here.sync(death=_middle_removal(here, day))
        yield Scene(here, "again", here.keep("again"))


def _middle_removal(here: Stage, day: Scene) -> Point:
    sends = [p for p, what in here.sync().passed if what == "remove" and p.when == "applied"]
    day.begin()
    return sends[len(sends) // 2]


def kill(scene: Scene, point: Point | None, *, moment: float | None = None) -> list[str]:
    """Kill one run, let the next ones live; what was violated."""
    here = scene.stage
    scene.begin()
    ended = here.sync(death=point, moment=moment)
    if not ended.killed and moment is None:
        return [f"not killed but ended with {ended.code}: {ended.said[-300:]}"]
    wrong = [f"at once: {one}" for one in violated(here)]
    for number, what in enumerate(("restarted", "run once more"), 1):
        before = here.changes()
        ended = here.sync()
        if ended.code != 0:
            return [*wrong, f"{what}: exit {ended.code}: {ended.said[-300:]}"]
        if number == 1:
            wrong += [f"{what}: {one}" for one in (*violated(here), *unequal(here))]
        elif here.changes() != before:
            wrong.append(f"{what}: sent {here.changes() - before} requests with nothing changed")
    return wrong


def violated(here: Stage) -> list[str]:
    """The promises that hold at every moment, those that are broken now."""
    held, persons = here.identifiers, here.persons
    try:
        believed = beliefs.read(here.folder / "var")
    except Exception as error:  # noqa: BLE001 - files that cannot be read are a finding
        return [f"the files cannot be read: {type(error).__name__}: {error}"]
    served = here.changes() - here.before
    lost = (held | persons | here.coming) - believed.possible
    missing = believed.certain - here.coming
    checks = {
        f"{len(lost)} identifiers on the platform and not in our membership": bool(lost),
        f"{len(missing - held)} certain identifiers not on the platform": bool(missing - held),
        f"{len(missing - persons)} certain persons' identifiers gone": bool(missing - persons),
        f"{here.orphans} requests without an intent": here.orphans > 0,
        f"{served} requests, {believed.attempts} intents": served > believed.attempts,
        "the audit chain is broken": not believed.chain,
    }
    return [what for what, broken in checks.items() if broken]


def unequal(here: Stage) -> list[str]:
    """What a good run must have made true."""
    expected = here.expected()
    checks = {
        f"{len(here.identifiers ^ expected)} identifiers differ": here.identifiers != expected,
        f"{len(here.persons ^ expected)} persons' identifiers differ": here.persons != expected,
        "batches of unknown outcome are left": beliefs.read(here.folder / "var").unfinished > 0,
    }
    return [what for what, broken in checks.items() if broken]


def sampled(points: Sequence[Point], size: int | None, random: Random) -> list[Point]:
    """Every k-th point from a drawn one on, kind by kind, so that none is left out."""
    if size is None or size >= len(points):
        return list(points)
    ordered = sorted(points, key=lambda p: (p.kind, p.number))
    step = len(ordered) / size
    begin = random.random() * step
    return [ordered[int(begin + n * step)] for n in range(size)]


@contextmanager
def told(tally: Tally, scene: Scene, kind: str, where: str) -> Iterator[list[str]]:
    """Count what was tried and found there."""
    wrong: list[str] = []
    yield wrong
    tally.tried[scene.stage.name, scene.name, kind] += bool(kind)
    tally.found += bool(wrong)
    found = [f"{scene.stage.name}, {scene.name}, {where}: {one}" for one in wrong]
    tally.violations += found
    for one in found:
        say(one)


def say(line: str) -> None:
    """Tell who waits how far it is."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def on(
    name: Name,
    *,
    size: int | None,
    seed: int,
    moments: int = 0,
    plant: str = "",
    wanted: Sequence[str] = SCENES,
) -> Tally:
    """Kill on one platform.

    Args:
        size: Points of each scene; None: all.
        moments: So many kills more in each scene, at moments drawn and not at points.
    """
    tally, random = Tally(), Random(f"{seed} {name}")
    with stage(name) as here:
        for scene in scenes(here, wanted):
            here.plant = plant
            begun = time.monotonic()
            points = scene.points()
            length = time.monotonic() - begun
            say(f"{name}, {scene.name}: {len(points)} points")
            for point in sampled(points, size, random):
                with told(tally, scene, point.kind, str(point)) as wrong:
                    wrong.extend(kill(scene, point))
            with told(tally, scene, "", "at the end") as wrong:
                verified = here.run("audit", "verify", watched=False)
                wrong.extend([verified.said] if verified.code else [])
            for _ in range(moments):
                after = random.random() * length
                with told(tally, scene, "moment", f"after {after:.3f} s") as wrong:
                    wrong.extend(kill(scene, None, moment=after))
            here.plant = ""
    return tally


def everywhere(
    *,
    size: int | None,
    seed: int,
    moments: int = 0,
    plant: str = "",
    wanted: Sequence[str] = SCENES,
) -> Tally:
    """Kill on both platforms, beside each other.

    Args:
        size: Points in all; None: every one.
    """
    each = None if size is None else -(-size // (len(NAMES) * len(wanted)))
    tally = Tally()
    with ThreadPoolExecutor(len(NAMES)) as threads:
        running = [
            threads.submit(
                on, name, size=each, seed=seed, moments=moments, plant=plant, wanted=wanted
            )
            for name in NAMES
        ]
        for one in running:
            tally.add(one.result())
    return tally


def lines(tally: Tally, seconds: float) -> list[str]:
    """The tally as it is printed."""
    kinds = ("commit", "file", "send", "question", "moment")
    head = f"{'platform':10}{'scene':8}" + "".join(f"{kind:>10}" for kind in kinds)
    body = [
        f"{name:10}{scene:8}" + "".join(f"{tally.tried[name, scene, kind]:10}" for kind in kinds)
        for name in NAMES
        for scene in SCENES
    ]
    total = sum(tally.tried.values())
    end = f"SIGKILLs: {total}; points with violations: {tally.found}; {seconds:.0f} s"
    return [head, *body, end, f"violations: {len(tally.violations)}"]


def main(arguments: Sequence[str]) -> int:
    """Kill, print, and say by the exit code whether anything was violated."""
    asked = argparse.ArgumentParser(prog="python -m tests.crash.kill")
    asked.add_argument("--all", action="store_true", help="every point")
    asked.add_argument("--sample", type=int, default=SAMPLE, help="so many points in all")
    asked.add_argument("--seed", type=int, default=SEED)
    asked.add_argument("--moments", type=int, default=0, help="kills at drawn moments, each scene")
    asked.add_argument(
        "--plant", choices=sorted(PLANTS), default="", help="break the product first"
    )
    asked.add_argument("--scene", choices=SCENES, action="append", help="only this one")
    given = asked.parse_args(arguments)
    begun = time.monotonic()
    size = None if given.all else given.sample
    tally = everywhere(
        size=size,
        seed=given.seed,
        moments=given.moments,
        plant=given.plant,
        wanted=given.scene or SCENES,
    )
    print(f"seed {given.seed}")
    for line in (*tally.violations, *lines(tally, time.monotonic() - begun)):
        print(line)
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
