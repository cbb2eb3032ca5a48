"""A shop whose own tables are read as the canonical ones, and the words its SQL is written in.

    {{table(x)}}         a table of the shop, with what stands before its name
    {{site(x)}}          a table of one store; a file that says it is asked of each store
    {{site_name(x)}}     that table's name, as text
    {{store_key(x)}}     a number that only one store counts by, as a key
    {{in_stores(x)}}     whether x is one of the stores that count
    {{paid(x, y)}}       whether x is a status that counts as paid; y where none are configured
    {{guest(x)}}         the key of a guest, from an e-mail as `{{folded(x)}}` spells it
    {{own(x)}}           a comma and the optional column x of an account, where the system has it
    {{key(x)}}           a number or a text as a key, told apart by its bytes
    {{layout()}}         the name of the layout, within another word too
    {{channel()}}        what a file on consent is asked for: `email` or `ads`

The other words are those of `syncd.segments.macros`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

from syncd.errors import ConfigError
from syncd.segments.systems.known import System, system

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from syncd.segments.macros import Dialect

# Each may use those before it. The first are the shop's own, a file each in its directory;
# the rest make people of them, and are the same for every system. Goods are as the shop
# has them: their lines name an order or a cart, and that says whose they are. They stand
# before what is made of people, and products last: a table of a shop may have such a name.
_PEOPLE = ("customers", "orders", "carts", "consents")
_GOODS = ("order_items", "product_categories", "cart_items", "products")
_SHARED = ("known_mail", "customers", "orders", "carts", "consents")
# What rows are looked up in. MariaDB would put the text of each in the place of its name, and
# compare every pair by what is then an expression; it builds what has a limit, with an index.
_LOOKED_UP = ("shop_customers", "known_mail", "customers", "orders", *_GOODS)
_ALL_ROWS = "\nLIMIT 18446744073709551615"

GUEST_KEY = "guest_key"  # the bind of what guests' e-mails are hashed with; never shown
_WORD = re.compile(
    r"\{\{(table|site|site_name|store_key|in_stores|own|paid|guest|key)\(([^{}]*)\)\}\}"
)
_NUMBER = re.compile(r"[0-9]{1,9}")
_COMMENT = re.compile(r"--[^\n]*")
_GUEST: Mapping[Dialect, str] = {
    "postgresql": "encode(sha256(convert_to(:guest_key || {x}, 'UTF8')), 'hex')",
    "mysql": "SHA2(CONCAT(:guest_key, {x}), 256)",
}
_KEY: Mapping[Dialect, str] = {
    "postgresql": "CAST({x} AS text)",
    "mysql": "CONVERT({x} USING utf8mb4) COLLATE utf8mb4_bin",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A shop system as one shop has it.

    Attributes:
        name: Of the system, as under `shop.schema`.
        guest_key: What e-mails of guests are hashed with.
        layout: Which of the system's ways to keep its data; none for its first.
        prefix: What stands before the name of every table; none for the system's own.
        stores: Ids of the stores that count; none for all that the system can name.
        paid: Statuses under which an order counts as paid; none for the system's own.
        consents: By channel (`email`, `ads`): where the shop keeps what people said.
    """

    name: str
    guest_key: str = field(repr=False)
    layout: str | None = None
    prefix: str | None = None
    stores: tuple[str, ...] = ()
    paid: tuple[str, ...] = ()
    consents: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what the system does not have.

        Raises:
            ConfigError: Something is set that means nothing to the system.
        """
        known = self.system
        if self.layout and self.layout not in known.layouts:
            raise self._refused("layout", f"{' or '.join(known.layouts) or 'none'}")
        if self.stores and not known.stores:
            raise self._refused("stores", "none to choose from")
        # They become parts of tables' names.
        if known.main_store and not all(_NUMBER.fullmatch(store) for store in self.stores):
            raise self._refused("stores", f"numbers of stores, as {known.main_store}")
        if self.paid and not known.paid:
            raise self._refused("paid", "no statuses that say what is paid")
        for channel, where in self.consents.items():
            if where not in known.consents and not known.keyed:
                sources = ", ".join(known.consents) or "none beside its own"
                raise self._refused(f"consent.{channel}", sources)

    def _refused(self, key: str, has: str) -> ConfigError:
        return ConfigError(f"shop.{key}: {self.system.title} has {has}")

    @property
    def system(self) -> System:
        """What is known of its system."""
        return system(self.name)

    @property
    def binds(self) -> Mapping[str, object]:
        """Every value that the SQL of `views` may ask for."""
        return {
            GUEST_KEY: self.guest_key,
            **_numbered("store", self.stores),
            **_numbered("paid", self.paid),
            **{f"consent_{channel}": where for channel, where in self.consents.items()},
        }

    def why_not(self, needs: Collection[str], *, by_consent: bool) -> str:
        """Why a segment is unavailable in this shop; nothing where it is not.

        Args:
            needs: Relations, and optional columns as `relation.column`.
            by_consent: Whether it chooses its members by what they said.
        """
        lacks = self.system.lacks
        reasons = [
            f"no {one}: {lacks[one]}"
            for need in needs
            for one in dict.fromkeys((need.partition(".")[0], need))
            if one in lacks
        ]
        if by_consent and self.system.consent and not self.consents:
            reasons.append(f"no consents: {self.system.consent}")
        said = "; ".join(dict.fromkeys(reasons))
        return f"{self.system.title} has {said}" if said else ""

    def views(self, wanted: str) -> list[str]:
        """The canonical relations that a query names, for the head of its WITH clause.

        Args:
            wanted: The query. Its `{{macros}}` may still stand; so do those of the answer.
        """
        known = dict(self._all())
        views: list[str] = []
        for name, sql in reversed(list(known.items())):
            if re.search(rf"\b{name}\b", wanted):
                wanted += _COMMENT.sub("", sql)
                built = self.system.dialect == "mysql" and name in _LOOKED_UP
                views.insert(0, f"{name} AS (\n{sql}{_ALL_ROWS if built else ''}\n)")
        return views

    def _all(self) -> Iterator[tuple[str, str]]:
        for name in _PEOPLE:
            yield f"shop_{name}", self._shops(name)
        for name in _GOODS:
            if name not in self.system.lacks:
                yield name, self._shops(name)
        for name in _SHARED:
            yield name, self._spelled(_read(files("syncd.segments.systems") / "shared", name))

    def _shops(self, relation: str) -> str:
        """What the shop's own tables say of a relation, of all its sources."""
        parts = [part for text in self._texts(relation) for part in self._of_each_store(text)]
        if len(parts) == 1:
            return parts[0]
        # Two equal lines of an order are two; a word on consent said in two places is one.
        union = "\nUNION ALL\n" if relation in _GOODS else "\nUNION\n"
        return union.join(
            f"SELECT * FROM (\n{part}\n) part_{number}" for number, part in enumerate(parts)
        )

    def _texts(self, relation: str) -> Sequence[str]:
        directory = files("syncd.segments.systems") / self.name
        layout = self._layout
        if relation != "consents":
            return [_read(directory, relation, layout)]
        own = [] if self.system.consent else [_read(directory, relation, layout)]
        mapped = [
            _read(directory, f"{relation}.{self.system.consent_source(where)}", layout).replace(
                "{{channel()}}", channel
            )
            for channel, where in self.consents.items()
        ]
        return own + mapped or [_read(files("syncd.segments.systems") / "shared", "no_consents")]

    @property
    def _layout(self) -> str | None:
        return self.layout or next(iter(self.system.layouts), None)

    def _of_each_store(self, text: str) -> list[str]:
        if "{{site" not in text:
            return [self._spelled(text)]
        return [self._spelled(text, store) for store in self.stores or (self.system.main_store,)]

    def _spelled(self, text: str, store: str = "") -> str:
        """A file's text with our words spelled for the engine."""
        text = text.strip().replace("{{layout()}}", self._layout or "")
        return _WORD.sub(partial(self._word, store=store), text)

    def _word(self, found: re.Match[str], *, store: str) -> str:
        dialect = self.system.dialect
        site = "" if store == self.system.main_store else f"{store}_"
        words: Mapping[str, Callable[[str], str]] = {
            "table": self._table,
            "site": lambda x: self._table(f"{site}{x}"),
            "site_name": lambda x: f"'{self._name(f'{site}{x}')[-1]}'",
            "store_key": lambda x: f"CONCAT('{store}-', {x})",
            "in_stores": lambda x: self._among(_KEY[dialect].format(x=x), "store", self.stores),
            "paid": self._paid,
            "guest": lambda x: f"CONCAT('g:', {_GUEST[dialect].format(x=x)})",
            "own": lambda x: (
                "" if f"customers.{x}" in self.system.lacks else f", shop_customers.{x}"
            ),
            "key": lambda x: _KEY[dialect].format(x=x),
        }
        return words[found.group(1)](found.group(2))

    def _table(self, name: str) -> str:
        quote = "`" if self.system.dialect == "mysql" else '"'
        return ".".join(f"{quote}{part}{quote}" for part in self._name(name))

    def _name(self, name: str) -> tuple[str, ...]:
        """A table's name, after the schema that the prefix may begin with."""
        prefix = self.system.prefix if self.prefix is None else self.prefix
        *schema, start = prefix.split(".")
        return (*schema, f"{start}{name}")

    def _paid(self, arguments: str) -> str:
        status, _, otherwise = arguments.partition(",")
        return self._among(status, "paid", self.paid) if self.paid else f"({otherwise.strip()})"

    def _among(self, column: str, bind: str, values: Sequence[str]) -> str:
        if not values:
            return "TRUE"
        return f"{column} IN ({', '.join(f':{each}' for each in _numbered(bind, values))})"


def _numbered(bind: str, values: Sequence[str]) -> dict[str, str]:
    return {f"{bind}_{number}": value for number, value in enumerate(values, start=1)}


def _read(directory: Traversable, relation: str, layout: str | None = None) -> str:
    """A relation's file, of the layout where that has one of its own."""
    special = directory / f"{relation}.{layout}.sql"
    path = special if special.is_file() else directory / f"{relation}.sql"
    return path.read_text("utf-8")
