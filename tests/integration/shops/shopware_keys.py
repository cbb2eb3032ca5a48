"""What identifies rows in a Shopware database, and what many of them share."""

from __future__ import annotations

from hashlib import md5
from json import dumps

# Of rows as they stand, and as an edit that was never saved left them.
LIVE = bytes.fromhex("0fa91ce3e96a4bc2be4bd9ce752c3425")
DRAFT = bytes.fromhex("018f3a6d2c7e71d0a4b5c6d7e8f90a1b")
VERSIONS = (LIVE, DRAFT)
SYSTEM_LANGUAGE = bytes.fromhex("2fbb5fe2e29a4d70aa5854ce7ce3e20b")
NO_TIME = "2024-01-01 00:00:00.000"
PLACE = ("street", "zipcode", "city", "country_state_id", "phone_number", "created_at")


def key(kind: str, number: object) -> bytes:
    """The binary id of a row; the same of the same."""
    return md5(f"{kind} {number}".encode(), usedforsecurity=False).digest()


def channel(store: int) -> str:
    """The id of a store's sales channel, as the administration shows it."""
    return key("sales_channel", store).hex()


def price(each: object, of_all: object, quantity: int = 1, **more: object) -> str:
    """A calculated price as JSON, in the currency of its order."""
    known = {"unitPrice": float(str(each)), "totalPrice": float(str(of_all)), "quantity": quantity}
    return dumps({**known, "calculatedTaxes": [], "taxRules": [], "listPrice": None, **more})


def state_id(machine: str, name: str) -> bytes:
    """The id of a state, of an `order`, a `payment` or a `refund`."""
    return key(f"{machine} state", name)


def place(number: int) -> tuple[object, ...]:
    """Somewhere in Utrecht, the city and the region."""
    return "Straat 1", f"35{number}", "Utrecht", key("region", "UT"), f"+31 6 {number}", NO_TIME
