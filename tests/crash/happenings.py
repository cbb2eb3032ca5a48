"""What may happen to syncd, step by step, as rules of a state machine.

Members join, change, share phones, withdraw and come back; the shop's query breaks;
requests meet faults, processes die, time passes, platforms work when they please; people
approve and erase. After every step the promises are held against what the machine itself
knows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from connectors.memory import RefuseWith
from syncd.errors import SyncdError
from syncd.model import Guard, Plan
from syncd.sync import Result, Wish
from tests.crash import people, promises
from tests.crash.book import APPROVED, Violation
from tests.crash.crowd import Crowd
from tests.crash.draws import (
    CHANGES,
    MAY,
    Enough,
    Tally,
    deaths,
    ends_here,
    may,
    orders,
    perhaps,
    places,
    sides,
    views,
)
from tests.crash.house import House, View
from tests.crash.sides import NAMES, Name
from tests.crash.troubles import MISHAPS, ON_THE_LINE
from tests.integration.deaths import Death
from tests.integration.flights import IN_FLIGHT
from tests.integration.memory_worlds import Person

GUARD = Guard(max_removed=0.3, min_members=3)

P = ParamSpec("P")


def step(
    done: Callable[Concatenate[Machine, P], None],
) -> Callable[Concatenate[Machine, P], None]:
    """A rule: counted, and followed by a look at everything that it could have broken.

    One that makes several runs is a step for each.
    """

    @functools.wraps(done)
    def counted(self: Machine, /, *args: P.args, **kwargs: P.kwargs) -> None:
        counts = self.tally.examples > 1  # the first example is always the simplest one
        self.tally.steps[done.__name__] += counts
        self.runs = 0
        with self.judged():
            done(self, *args, **kwargs)
            self.tally.steps["further runs"] += counts * max(self.runs - 1, 0)
            if self.touched:
                promises.check(self.house)
                self.touched = False

    return counted


class Machine(RuleBasedStateMachine):
    """What may happen; see the module.

    Attributes:
        likely: What is drawn ten times as often.
        flies: Whether platforms may take several requests at once.
        sound: Nothing was violated so far.
        touched: A platform or the ledger may have changed since they were looked at.
        runs: How many the present step has made.
    """

    tally = Tally()
    likely: tuple[str, ...] = ()
    flies = True

    def __init__(self) -> None:
        super().__init__()
        self.house = House(GUARD)
        self.crowd = Crowd(self.house)
        self.plans: dict[Name, Plan] = {}
        self.held: dict[Name, Plan] = {}
        self.sound, self.touched = True, False
        self.runs = 0

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Note what is violated; whatever else goes wrong is a violation as well."""
        try:
            yield
        except Violation as error:
            self._note(error.category, str(error))
            raise
        except Exception as error:
            if self.sound and not ends_here(error):
                self._note("unexpected", f"{type(error).__name__}: {error}")
            raise

    def _note(self, category: str, said: str) -> None:
        if self.sound:
            self.tally.found.append(category)
            self.tally.said.append(said)
        self.sound = False

    # --- the shop --------------------------------------------------------------

    @initialize(
        count=st.integers(8, 11),
        lines=st.lists(st.integers(0, 5), min_size=8, max_size=8),
        data=st.data(),
    )
    def opens(self, count: int, lines: list[int], data: st.DataObject) -> None:
        """Customers who were synced once."""
        if self.tally.enough:
            self.sound = False  # nothing is to be looked at any more
            raise Enough
        self.tally.examples += 1
        if self.flies:
            in_flight = data.draw(st.sampled_from([IN_FLIGHT, IN_FLIGHT, 1]))
            self.house.takes(in_flight, order=data.draw(st.integers(0, 1 << 16)))
        with self.judged():
            for key, line in zip(people.KEYS[:count], [*lines, 0, 1, 2], strict=False):
                self.house.write(key, Person((people.email(key),), (people.phone(line),)))
            for name in NAMES:
                self._run(name, Wish("test"))
            promises.check(self.house)

    @may(
        weight=6,
        what=st.sampled_from(CHANGES),
        place=places,
        other=places,
        lines=st.lists(st.integers(0, 5)),
    )
    def customers(self, what: str, place: int, other: int, lines: list[int]) -> None:
        """One rule for all of them: they cost little, and would crowd out what is costly."""
        changes: dict[str, Callable[[], None]] = {
            "join": lambda: self.join(place, lines[:2]),
            "leave": lambda: self.leave([place, other][: 1 + len(lines) % 2]),
            "other phones": lambda: self.change_phones(place, lines[:2]),
            "a family's phone": lambda: self.share_a_phone(place, other),
            "consent denied": lambda: self.withdraw(place),
            "consent given": lambda: self.grant(place, "unknown" if lines else "granted"),
        }
        if self.crowd.left:
            changes["come back"] = lambda: self.come_back(place)
        changes.get(what, lambda: self.change_email(place))()

    @step
    def join(self, place: int, lines: list[int]) -> None:
        self.crowd.join(place, lines)

    @step
    def leave(self, chosen: list[int]) -> None:
        self.crowd.leave(chosen)

    @step
    def come_back(self, place: int) -> None:
        self.crowd.come_back(place)

    @step
    def change_email(self, place: int) -> None:
        self.crowd.change_email(place)

    @step
    def change_phones(self, place: int, lines: list[int]) -> None:
        self.crowd.change(self.crowd.key(place), phones=tuple(map(people.phone, lines)))

    @step
    def share_a_phone(self, one: int, other: int) -> None:
        phones = self.house.members[self.crowd.key(other)].phones
        self.crowd.change(self.crowd.key(one), phones=phones or (people.phone(0),))

    @step
    def withdraw(self, place: int) -> None:
        self.crowd.change(self.crowd.key(place), consent="denied")

    @step
    def grant(self, place: int, consent: str) -> None:
        denied = sorted(k for k, one in self.house.members.items() if one.consent == "denied")
        self.crowd.change(
            denied[place % len(denied)] if denied else self.crowd.key(place), consent=consent
        )

    @rule(data=st.data())
    def happens(self, data: st.DataObject) -> None:
        """Anything that may happen now, by its weight.

        One rule: of many, Hypothesis leaves out most in each example, and the long way to
        many a fault needs several of them.
        """
        if self.tally.enough:
            return
        ready = [
            name
            for name, one in MAY.items()
            if one.ready(self)
            for _ in range(one.weight * (10 if name in self.likely else 1))
        ]
        name = data.draw(st.sampled_from(ready))
        getattr(self, name)(**data.draw(st.fixed_dictionaries(dict(MAY[name].drawn))))

    # --- the platforms ---------------------------------------------------------

    @may(name=sides, troubles=st.lists(st.sampled_from(ON_THE_LINE), min_size=1, max_size=2))
    @step
    def trouble_on_the_line(self, name: Name, troubles: list[str]) -> None:
        for trouble in troubles:
            self.house.side(name).meets(trouble)

    @may(name=sides, place=places, named=st.booleans())
    @step
    def refuse_a_row(self, name: Name, place: int, *, named: bool) -> None:
        """Every request with this member, until it is refused no more."""
        remote, person = self.house.side(name).remote, self.house.members[self.crowd.key(place)]
        remote.refuses = None if remote.refuses else RefuseWith(people.mail_of(person), named)

    @may(order=orders, left=st.sampled_from([0, 0, 1, 2]), fail=st.sampled_from([(), (), (0,)]))
    @step
    def platform_works(self, order: tuple[int, ...], left: int, fail: tuple[int, ...]) -> None:
        self.house.side("later").work(order, left=left, fail=fail)
        self.touched = True

    @may(hours=st.sampled_from([1, 1, 13, 49, 49, 75, 170]))
    @step
    def time_passes(self, hours: int) -> None:
        self.house.pass_by(hours)
        self.touched = True

    # --- syncd -----------------------------------------------------------------

    @may(name=sides)
    @step
    def run_as_ever(self, name: Name) -> None:
        self._run(name, Wish("test"))

    @may(name=sides, view=views, wait=st.booleans(), full=st.sampled_from([False, False, True]))
    @step
    def run(self, name: Name, view: View, *, wait: bool, full: bool) -> None:
        self._run(name, Wish("test", wait=wait, full=full), view=view)

    @may(name=sides, death=deaths)
    @step
    def die(self, name: Name, death: Death) -> None:
        self._run(name, Wish("test"), death=death)

    @may(name=sides)
    @step
    def plan(self, name: Name) -> None:
        self._allowed(self.house.live(lambda: self._keep(name, self.house.show(name))))

    @may(ready=lambda self: self.plans, name=sides, death=perhaps)
    @step
    def carry_out_the_plan(self, name: Name, death: Death | None) -> None:
        if plan := self.plans.pop(name, None):
            self._run(name, Wish("test", plan=plan.id), death=death)

    @may(ready=lambda self: self.held, name=sides)
    @step
    def approve(self, name: Name) -> None:
        plan, now = self.held.pop(name, None), self.house.clock.now()
        if plan and now - plan.created_at <= APPROVED:  # `syncd approve` takes no older one
            self.house.approve(name, plan)
            self._run(name, Wish("test"))

    @may(
        ready=lambda self: len(self.house.erased) < 2,
        place=places,
        death=st.one_of(st.none(), st.none(), deaths),
    )
    @step
    def erase(self, place: int, death: Death | None) -> None:
        self.house.erase(self.crowd.key(place))
        self._allowed(self.house.live(self.house.carry_on, death=death))
        self.touched = True

    @may(ready=lambda self: self.house.ledger.erasures.open(), hours=st.sampled_from([0, 49]))
    @step
    def carry_on_erasing(self, hours: int) -> None:
        self.house.pass_by(hours)
        self._allowed(self.house.live(self.house.carry_on))
        self.touched = True

    # --- what takes several steps to go wrong ----------------------------------

    @may(name=sides, many=st.booleans(), new=st.integers(1, 5))
    @step
    def turnover(self, name: Name, new: int, *, many: bool) -> None:
        """As many leave as join, or more than the guard lets go: no loss hides behind a gain."""
        out = int(GUARD.max_removed * len(self.house.members)) + 1 if many else new
        self.crowd.leave([0] * out)
        self.crowd.come(new)
        self._run(name, Wish("test"))

    @may(name=sides, times=st.integers(2, 4))
    @step
    def lose_a_few_each_time(self, name: Name, times: int) -> None:
        """Everybody comes; then some leave at a time, each time no more than the guard lets go.

        Those whose phones others have too, as long as there are any: else the guard on
        phones would hold them before the one on members has to.
        """
        self.crowd.come(len(people.KEYS))
        for _ in range(times):
            self._run(name, Wish("test"))
            self.house.side("later").work()
            for _ in range(int(GUARD.max_removed * len(self.house.members))):
                self.crowd.leave([self.crowd.least_missed()])
        self._run(name, Wish("test"))

    @may(name=sides, place=places, days=st.integers(0, 3))
    @step
    def withdraw_and_grant(self, name: Name, place: int, days: int) -> None:
        """What is to be confirmed comes back before it is."""
        key = self.crowd.key(place)
        for consent in ("granted", "denied", "granted"):
            self.crowd.change(key, consent=consent)
            self._run(name, Wish("test"))
            self.house.side("later").work()
        self.house.pass_by(24 * days)
        self._run(name, Wish("test"))

    @may(ready=lambda self: any(one.book.unknown for one in self.house.sides.values()))
    @step
    def change_minds(self) -> None:
        """Whose request is open wants the opposite now."""
        self.crowd.change_minds()

    @may(ready=lambda self: self.flies, name=sides, new=st.integers(1, 5))
    @step
    def denied_in_the_middle(self, name: Name, new: int) -> None:
        """Of several requests one is denied."""
        self.crowd.come(new)
        self.house.side(name).meets("denied")
        self._run(name, Wish("test"))

    @may(name=sides, place=places)
    @step
    def change_minds_in_an_outage(self, name: Name, place: int) -> None:
        """Somebody joins in an outage that outlasts the run, and has left when it is over."""
        self._run(name, Wish("test"))
        self.crowd.join(place)
        self.house.side(name).meets("outage, applied")
        self._run(name, Wish("test"))
        self.crowd.change_minds()
        self._run(name, Wish("test"))

    def teardown(self) -> None:
        try:
            if self.sound and self.house.members:
                with self.judged():
                    self.crowd.change_minds()
                    promises.come_to_rest(self.house)
        finally:
            self.tally.requests.update(self.house.traffic.requests)
            self.house.close()

    def _run(
        self, name: Name, wish: Wish, *, view: View = "whole", death: Death | None = None
    ) -> None:
        self.runs += 1
        found = self.house.live(lambda: self.house.run(name, wish, view=view), death=death)
        self._allowed(found)
        if isinstance(found, Result):
            self._keep(name, found.plan)
        self.touched = True

    def _keep(self, name: Name, plan: Plan) -> None:
        """A plan is shown: to be carried out, or approved."""
        self.plans[name] = plan
        self.held.pop(name, None)
        if plan.held and plan.audience:
            self.held[name] = plan

    def _allowed(self, found: object) -> None:
        if isinstance(found, SyncdError) and not isinstance(found, MISHAPS):
            raise found
