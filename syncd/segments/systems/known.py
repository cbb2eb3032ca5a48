"""What is known of each shop system, from the `system.yaml` in its directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from syncd.segments.macros import Dialect


@dataclass(frozen=True, slots=True)
class System:
    """A shop system.

    Attributes:
        title: As people call it.
        dialect: Of the database that it runs on.
        lacks: By relation or relation.column: why the system cannot give it.
        layouts: The ways in which it keeps its data; the first is the usual one.
        prefix: What usually stands before the names of its tables.
        main_store: The store whose tables bear no number, where stores have tables.
        stores: What `shop.stores` holds; empty where there is nothing to choose.
        paid: What `shop.paid` holds; empty where statuses do not say what is paid.
        consents: What `shop.consent` may name as a whole source, beside a key.
        keyed: What a key under `shop.consent` names; empty where it takes none.
        consent: Why the system itself gives no consent; empty where it does.
        caution: Who may be in wrongly, as the system does not tell, and what to do; `doctor`
            warns of it. Empty where it tells.
    """

    name: str
    title: str
    dialect: Dialect
    lacks: Mapping[str, str]
    layouts: tuple[str, ...] = ()
    prefix: str = ""
    main_store: str = ""
    stores: str = ""
    paid: str = ""
    consents: tuple[str, ...] = ()
    keyed: str = ""
    consent: str = ""
    caution: str = ""

    def consent_source(self, where: str) -> str:
        """Which file reads consent from there: the source's own, or that for keys."""
        return where if where in self.consents else "key"


@cache
def system(name: str) -> System:
    """A system that is served, by its name under `shop.schema`."""
    text = (files("syncd.segments.systems") / name / "system.yaml").read_text("utf-8")
    return System(name, **yaml.safe_load(text))
