"""The customers of the machine's shop: who comes, goes and changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.sandbox.state import Identifier
from syncd.model import Operation
from tests.crash import people
from tests.crash.house import House
from tests.integration.memory_worlds import Person


@dataclass
class Crowd:
    """They live in a house.

    Attributes:
        left: Who was a customer once.
        numbers: How many addresses each of them had, after the first.
    """

    house: House
    left: dict[str, Person] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)

    def key(self, place: int) -> str:
        """One of who is here."""
        keys = sorted(self.house.members)
        return keys[place % len(keys)]

    def join(self, place: int, lines: Iterable[int] = ()) -> None:
        """Somebody comes who never was here, if there is anybody left."""
        if free := self._new():
            key = free[place % len(free)]
            self.house.write(key, Person((people.email(key),), tuple(map(people.phone, lines))))

    def come(self, many: int) -> None:
        """So many come, those first who never were here."""
        for key in [*self._new(), *self.left][:many]:
            person = self.left.pop(key, None) or Person((people.email(key),))
            self.house.write(key, person)

    def come_back(self, place: int) -> None:
        key = sorted(self.left)[place % len(self.left)]
        self.house.write(key, self.left.pop(key))

    def leave(self, places: Iterable[int]) -> None:
        """They go, one after the other; two stay."""
        for place in places:
            if len(self.house.members) > 2:
                key = self.key(place)
                self.left[key] = self.house.members.pop(key)

    def least_missed(self) -> int:
        """The place of the first one of whom the fewest phones are nobody else's."""
        keys = sorted(self.house.members)
        holders = Counter(one for key in keys for one in self.house.members[key].phones)
        alone = [sum(holders[one] == 1 for one in self.house.members[key].phones) for key in keys]
        return alone.index(min(alone))

    def change(self, key: str, **changed: Any) -> None:
        self.house.write(key, replace(self.house.members[key], **changed))

    def change_email(self, place: int) -> None:
        key = self.key(place)
        self.numbers[key] += 1
        self.change(key, emails=(people.email(key, self.numbers[key]),))

    def change_minds(self) -> None:
        """Whose request is open wants the opposite now."""
        for side in self.house.sides.values():
            for request in side.book.unknown.values():
                if request.operation is Operation.ADD:
                    keys, of = sorted(self.house.members), request.ids
                    added = [k for k in keys if people.mail_of(self.house.members[k]) & of]
                    self.leave(keys.index(key) for key in added[:1])
                else:
                    self._take_back(request.ids)

    def _take_back(self, ids: frozenset[Identifier]) -> None:
        for key, had in self.house.history.items():
            person = self.house.members.get(key) or self.left.get(key)
            if had & ids and person is not None:
                self.left.pop(key, None)
                person = people.with_again(key, person, ids & had, self.numbers[key])
                self.house.write(key, person)

    def _new(self) -> list[str]:
        return [one for one in people.KEYS if one not in self.house.members | self.left]
