"""Kill a real sync at every point and see that nothing is lost: `python -m tests.crash.kill`.

A child process runs `syncd sync` with real files and both real SDKs against the local
platforms, and is killed with SIGKILL around one commit of its ledger, one system call on
a file, one request or one question. At once, and after one restart, the promises are
checked, the audit chain among them; that restart makes the platform equal in both views,
and the run after it sends nothing. Three scenes: the first sync, a day of changes, and a
run that resolves what an earlier death left unknown.

To the Google Ads API a batch is several requests: each is a point, and no job may be left
over. A fourth scene there: a run whose unknown batch lies in a job that was run already.

Usage: python -m tests.crash.kill [--all | --sample N] [--seed N] [--moments N] [--plant FAULT]
                                  [--platform NAME] [--scene NAME] [--kind KIND]
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
from functools import partial
from random import Random

from tests.crash import beliefs, jobs
from tests.crash.mortal import KINDS, Kind, Point
from tests.crash.planted import PLANTS
from tests.crash.stage import PLAYED, Moment, Played, Stage, stage

SAMPLE = 24
SEED = 20261125
SCENES = ("first", "day", "again", "run")


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
    """Each scene, made once by runs that go well; but for the last ones, which need deaths."""
    here.new()
    if "first" in wanted:
        yield Scene(here, "first", here.keep("first"))
        here.new()
    ended = here.sync()
    assert ended.code == 0, ended.said
    here.fill(here.day)
    day = Scene(here, "day", here.keep("day"))
    if "day" in wanted:
        yield day
    if not {"again", "run"} & set(wanted):
        return
    day.begin()
    here.sync(death=_middle_removal(here, day))
    again = Scene(here, "again", here.keep("again"))
    if "again" in wanted:
        yield again
    if "run" in wanted and here.name == "google_ads":
        again.begin()
        here.sync(death=_first_run(here, again))
        yield Scene(here, "run", here.keep("run"))


def _middle_removal(here: Stage, day: Scene) -> Point:
    sent = [(p, what) for p, what in here.sync().passed if p.when == "applied"]
    day.begin()
    if here.name == "google_ads":  # removals come first, and all of them before a job is run
        first = next(n for n, (_, what) in enumerate(sent) if what == "run")
        sends = [p for p, what in sent[:first] if what == "add"]
    else:
        sends = [p for p, what in sent if what == "remove"]
    return sends[len(sends) // 2]


def _first_run(here: Stage, again: Scene) -> Point:
    """Where the unknown batch's own job is run, and no receipt says so."""
    runs = [p for p, what in here.sync().passed if what == "run" and p.when == "applied"]
    again.begin()
    return runs[0]


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
        f"{served} requests, {believed.attempts} intents": served > believed.attempts * here.parts,
        "the audit chain is broken": not believed.chain,
    }
    doubled = jobs.doubled(here.jobs, believed.batches)
    return [*(what for what, broken in checks.items() if broken), *doubled]


def unequal(here: Stage) -> list[str]:
    """What a good run must have made true."""
    expected = here.expected()
    checks = {
        f"{len(here.identifiers ^ expected)} identifiers differ": here.identifiers != expected,
        f"{len(here.persons ^ expected)} persons' identifiers differ": here.persons != expected,
        "batches of unknown outcome are left": beliefs.read(here.folder / "var").unfinished > 0,
    }
    return [*(what for what, broken in checks.items() if broken), *jobs.left(here.jobs)]


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
    name: Played,
    *,
    size: int | None,
    seed: int,
    moments: int = 0,
    plant: str = "",
    wanted: Sequence[str] = SCENES,
    kinds: Sequence[Kind] = KINDS,
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
            points = [point for point in scene.points() if point.kind in kinds]
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
    names: Sequence[Played] = PLAYED,
    kinds: Sequence[Kind] = KINDS,
) -> Tally:
    """Kill on all platforms, beside each other.

    Args:
        size: Points in all; None: every one.
    """
    played = sum(scene != "run" or name == "google_ads" for name in names for scene in wanted)
    each = None if size is None else -(-size // max(played, 1))
    tally = Tally()
    kill_on = partial(
        on, size=each, seed=seed, moments=moments, plant=plant, wanted=wanted, kinds=kinds
    )
    with ThreadPoolExecutor(len(names)) as threads:
        running = [threads.submit(kill_on, name) for name in names]
        for one in running:
            tally.add(one.result())
    return tally


def lines(tally: Tally, seconds: float) -> list[str]:
    """The tally as it is printed."""
    kinds = (*KINDS, "moment")
    head = f"{'platform':12}{'scene':8}" + "".join(f"{kind:>10}" for kind in kinds)
    body = [
        f"{name:12}{scene:8}" + "".join(f"{tally.tried[name, scene, kind]:10}" for kind in kinds)
        for name in PLAYED
        for scene in SCENES
        if any(tally.tried[name, scene, kind] for kind in kinds)
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
    asked.add_argument("--platform", choices=PLAYED, action="append", help="likewise")
    asked.add_argument("--kind", choices=KINDS, action="append", help="likewise, of points")
    given = asked.parse_args(arguments)
    begun = time.monotonic()
    size = None if given.all else given.sample
    tally = everywhere(
        size=size,
        seed=given.seed,
        moments=given.moments,
        plant=given.plant,
        wanted=given.scene or SCENES,
        names=given.platform or PLAYED,
        kinds=given.kind or KINDS,
    )
    print(f"seed {given.seed}")
    for line in (*tally.violations, *lines(tally, time.monotonic() - begun)):
        print(line)
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
