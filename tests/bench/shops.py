"""Shops of made-up customers, of any size: what `tests.bench.pipeline` reads.

E-mails of 26 bytes in the mean, phones of five countries, each customer's own, names and postcodes
from lists: of ten million, hardly two of one name share a postcode, as in life.
Of a messy shop each tenth phone is written as people write them. Every customer of one number is
the same in every shop.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.integration.databases import Database, Dialect, fresh_database

Customer = tuple[int | str, str, str, str, str, str, str]
COLUMNS = ("customer_key", "email", "phone", "first_name", "last_name", "postcode", "country")
KEYS = {"sqlite": ("INTEGER", "TEXT"), "postgresql": ("bigint", "text")}
MEMORY = Path("/dev/shm")  # noqa: S108  # so that no disk is measured with the shop
EACH = 200  # bytes that a customer takes there, at most
BLOCK = 3_000  # customers, of whom one leaves, one has a new e-mail, and one more comes

FIRST = "Anna Bram Chloé Daan Emma Finn Greta Hugo Iris Jan Katja Luc María Noor Otto Pia".split()  # noqa: SIM905  # a list to read
STEMS = "Berg Dal Vries Jong Meer Roth Stein Holt Lang Kamp Moor Ney Pool Ruys Smid Tol".split()  # noqa: SIM905  # likewise
ENDS = ("", "er", "man", "sen", "s", "huis", "veld", "ink", "stra", "ing")
DOMAINS = ("gmail.com", "outlook.com", "example.org", "web.example.de", "mail.example.fr")
# A country, what a mobile number of it begins with, and its trunk prefix.
PHONES = (
    ("NL", "31", "6", "0"),
    ("DE", "49", "151", "0"),
    ("FR", "33", "6", "0"),
    ("ES", "34", "6", ""),
    ("GB", "44", "74", "0"),
)
WIDE = str.maketrans("0123456789+", "０１２３４５６７８９＋")  # noqa: RUF001  # on purpose


def customer(number: int, version: int = 0, *, messy: bool = False, uuid: bool = False) -> Customer:
    """Who has this number, after so many changes of e-mail."""
    serial = number // len(PHONES) + 10_000_000
    country, code, begins, trunk = PHONES[number % len(PHONES)]
    rest = f"{begins}{serial}"
    phone = f"+{code}{rest}"
    if messy and number % 10 == number // 10 % 10:
        phone = _written(number // 10, phone, code, trunk, rest)
    first = FIRST[number * 7 % 16]
    last = STEMS[number // 16 % 16] + ENDS[number // 256 % 10]
    where = number * 7_919
    letters = chr(65 + where // 9_000 % 20) + chr(65 + where // 180_000 % 20)
    postcode = f"{1_000 + where % 9_000} {letters}"
    if country == "GB":
        postcode = f"{letters}{1 + where % 19} {where // 19 % 9}{letters[::-1]}"
    elif country != "NL":
        postcode = f"{10_000 + where % 79_999}"
    email = f"{first[:4].lower()}{version or ''}.{number}@{DOMAINS[number % 5]}"
    key = _uuid(number) if uuid else number
    return key, email.replace("é", "e").replace("í", "i"), phone, first, last, postcode, country


def _written(style: int, phone: str, code: str, trunk: str, rest: str) -> str:
    """As people write it."""
    match style % 5:
        case 0:
            return f"00{code} {rest[:3]} {rest[3:]}"
        case 1:
            return f"+{code} (0){rest}" if trunk else f"+{code} {rest}"
        case 2:
            return f"{trunk}{rest[:3]}-{rest[3:6]}.{rest[6:]}"
        case 3:
            return f"tel:{phone}"
        case _:
            return phone.translate(WIDE)


def _uuid(number: int) -> str:
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


@dataclass
class Shop:
    """A database with customers in it.

    Attributes:
        members: How many it was made with.
        changes: Rounds of changes that it went through.
    """

    database: Database
    members: int
    changes: int = 0

    def statement(self, first: int = 0, count: int | None = None) -> str:
        """A segment of them all; with numbered keys also of so many from one on."""
        last = first + (count or 0) - 1
        some = "" if count is None else f" WHERE customer_key BETWEEN {first} AND {last}"
        return f"SELECT {', '.join(COLUMNS)}, 'granted' AS ad_consent FROM customers{some}"

    def change(self) -> int:
        """Let a thousandth change: so many leave, get another e-mail and come, each."""
        blocks, turn = self.members // BLOCK, self.changes
        self.changes += 1
        moved = [customer(block * BLOCK + 1_000 + turn, 1) for block in range(blocks)]
        fresh = self.members * (2 + turn)
        gone = [block * BLOCK + turn for block in range(blocks)]
        keys = ", ".join(map(str, [*gone, *(one[0] for one in moved)]))
        self.database.execute(f"DELETE FROM customers WHERE customer_key IN ({keys})")
        come = [customer(fresh + block) for block in range(blocks)]
        self.database.load("customers", COLUMNS, [*moved, *come])
        return blocks


@contextmanager
def shop(
    dialect: Dialect, members: int, *, messy: bool = False, uuid: bool = False
) -> Iterator[Shop]:
    """One with customers; SQLite's is in memory."""
    with ExitStack() as stack:
        folder = stack.enter_context(_in_memory(members))
        database = stack.enter_context(fresh_database(dialect, folder))
        key = KEYS[dialect][uuid]
        texts = ", ".join(f"{name} TEXT" for name in COLUMNS[1:])
        database.execute(f"CREATE TABLE customers (customer_key {key} PRIMARY KEY, {texts})")
        people = (customer(n, messy=messy, uuid=uuid) for n in range(members))
        if dialect == "sqlite":
            _fill(database, people)
        else:
            database.load("customers", COLUMNS, people)
            database.execute("ANALYZE customers")
        yield Shop(database, members)


@contextmanager
def _in_memory(members: int) -> Iterator[Path]:
    """Where there is room for that: a container has 64 MB of it."""
    fits = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > members * EACH
    with tempfile.TemporaryDirectory(dir=MEMORY if fits else None) as folder:
        yield Path(folder)


def _fill(database: Database, people: Iterator[Customer]) -> None:
    """A row at a time, as they are made: all of them would not fit into memory."""
    marks = ", ".join("?" * len(COLUMNS))
    path = make_url(database.owner).database
    with closing(sqlite3.connect(str(path))) as connection, connection:
        connection.executemany(f"INSERT INTO customers VALUES ({marks})", people)
