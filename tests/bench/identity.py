"""What normalising and hashing costs: `python -m tests.bench.identity [ROWS]`.

Made-up customers of ten countries, as messy as real tables: e-mail, phone, first and last
name, postcode and country, for each platform. Beside it, in the same run, the floor (a plain
hashlib loop over the values once they are normalised) and `phonenumbers` alone on the phones.
Seconds are the CPU's, of all threads; machines differ, so compare the lines and not the days.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import phonenumbers
import pyarrow as pa

from syncd.demo.names import NAMES
from syncd.identity import phones
from syncd.identity.digest import Policy, digest
from syncd.identity.rules import GOOGLE, META
from syncd.model import ADDRESS_CELLS, IdentifierKind, RuleSet

ROWS = 1_000_000
PART = 50_000
SAMPLE = 20_000  # phones that the library alone is timed on
OFF_PATH = 0.10  # phones that only the library can read, in the messy mix

# Mobile prefixes and digits behind them, national prefix, calling code.
_PLANS = {
    "NL": ("61", 7, "0", "31"),
    "DE": ("151", 8, "0", "49"),
    "FR": ("6", 8, "0", "33"),
    "GB": ("7400", 6, "0", "44"),
    "US": ("415", 0, "1", "1"),
    "IT": ("347", 7, "", "39"),
    "ES": ("612", 6, "", "34"),
    "BE": ("470", 6, "0", "32"),
    "AT": ("664", 7, "0", "43"),
    "SE": ("70", 7, "0", "46"),
}
_POSTCODES = {
    "NL": "{} AB",
    "GB": "SW{}A 1AA",
    "US": "{}0-1234",
    "SE": "{} 10",
    "DE": "{}0",
    "FR": "{}0",
    "IT": "{}0",
    "ES": "{}0",
    "BE": "{}",
    "AT": "{}",
}
_FIRST = sorted({name for names in NAMES.values() for name in names.first})
_LAST = sorted({name for names in NAMES.values() for name in names.last})
_PLAIN_FIRST, _PLAIN_LAST = (
    [name for name in names if name.isascii()] for names in (_FIRST, _LAST)
)
_FOREIGN = 0.15  # names that may hold accents or be of another script
_DOMAINS = ("example.com", "example.org", "mail.example.net", "gmail.com", "shop.example")
_JUNK_EMAILS = ("n/a", "test@test.com", "none", "jane.example.com", "a@x.nl; b@x.nl", "")
_WIDE = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))


@dataclass
class Measured:
    """One line of the table."""

    seconds: float = 0.0
    rows: int = 0
    hashed: int = 0
    asked: int = 0
    peaks: list[int] = field(default_factory=list)


def main() -> None:
    """Measure, and print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    print(f"{rows:,} customers: e-mail, phone, first and last name, postcode, country\n")
    print(f"{'':34}{'CPU s':>8}{'rows/CPU s':>13}{'asked':>9}{'peak MB':>9}{'grew MB':>9}")
    for rules in (META, GOOGLE):
        for mix, off in (("clean phones", 0.0), (f"{OFF_PATH:.0%} off the path", OFF_PATH)):
            line(f"{rules.name}, {mix}", measured(rules, rows, off))
    floor(rows)
    library()


def measured(rules: RuleSet, rows: int, off_path: float) -> Measured:
    """The whole of `digest`, batch by batch; a batch is drawn before its time starts."""
    policy = Policy(rules, frozenset(IdentifierKind), "NL", 9)
    found = Measured()
    phones.e164.cache_clear()
    digest(next(drawn(Random(2), PART, off_path)), policy)  # compiled tables, warm caches
    phones.e164.cache_clear()
    for batch in drawn(Random(1), rows, off_path):
        started = time.process_time()
        made = digest(batch, policy)
        found.seconds += time.process_time() - started
        found.rows += made.rows.num_rows
        found.peaks.append(peak())
    found.asked = phones.e164.cache_info().misses
    return found


def line(name: str, found: Measured) -> None:
    """Print what was measured."""
    tenth = found.peaks[len(found.peaks) // 10]
    print(
        f"{name:34}{found.seconds:>8.2f}{found.rows / found.seconds:>13,.0f}"
        f"{found.asked:>9,}{found.peaks[-1]:>9,}{found.peaks[-1] - tenth:>9,}"
    )


def floor(rows: int) -> None:
    """A plain loop over the normalised values: nothing but SHA-256 and the loop itself."""
    seconds, hashed = 0.0, 0
    plain = Policy(_unhashed(META), frozenset(IdentifierKind), "NL", 9)
    for batch in drawn(Random(1), rows, 0.0):
        made = digest(batch, plain).rows
        values = [
            value
            for name in ("email", "phone", *ADDRESS_CELLS)
            for value in made.column(name).drop_null().to_pylist()
        ]
        started = time.process_time()
        for value in values:
            hashlib.sha256(value).digest()
        seconds += time.process_time() - started
        hashed += len(values)
    print(f"{'hashlib alone, normalised values':34}{seconds:>8.2f}{rows / seconds:>13,.0f}")
    print(f"{'':34}{hashed:,} digests; syncd hashes a repeated name once a batch")


def library() -> None:
    """`phonenumbers` alone: parse, validate, format, one number at a time."""
    for mix, off in (("clean", 0.0), ("messy", OFF_PATH)):
        batch = next(drawn(Random(1), SAMPLE, off))
        numbers = batch.column("phone").to_pylist()
        regions = batch.column("country").to_pylist()
        started = time.process_time()
        for raw, region in zip(numbers, regions, strict=True):
            try:
                number = phonenumbers.parse(raw, region)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        seconds = time.process_time() - started
        name = f"phonenumbers alone, {mix} phones"
        print(f"{name:34}{seconds:>8.2f}{SAMPLE / seconds:>13,.0f}   of {SAMPLE:,}")


def _unhashed(rules: RuleSet) -> RuleSet:
    from dataclasses import replace  # noqa: PLC0415

    return replace(rules, fields=tuple(replace(rule, hashed=False) for rule in rules.fields))


def peak() -> int:
    """The most memory that this process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


# --- customers ----------------------------------------------------------------------


def drawn(random: Random, rows: int, off_path: float) -> Iterator[pa.RecordBatch]:
    """Made-up customers, batch by batch.

    Args:
        off_path: Share of phones in a form that only the library reads.
    """
    for first in range(0, rows, PART):
        columns = zip(
            *(_customer(random, off_path) for _ in range(min(PART, rows - first))), strict=True
        )
        keys = pa.array([f"c:{number}" for number in range(first, min(first + PART, rows))])
        names = ("email", "phone", "first_name", "last_name", "postcode", "country")
        arrays = [pa.array(column, pa.string()) for column in columns]
        yield pa.RecordBatch.from_arrays([keys, *arrays], ["customer_key", *names])


def _customer(random: Random, off_path: float) -> tuple[str | None, ...]:
    country = random.choice(tuple(_PLANS))
    foreign = random.random() < _FOREIGN
    firsts, lasts = (_FIRST, _LAST) if foreign else (_PLAIN_FIRST, _PLAIN_LAST)
    first, last = random.choice(firsts), random.choice(lasts)
    if random.random() < 0.3:  # tens of thousands of different ones, as in life
        last = f"{last}-{random.choice(lasts)}"
    # Towns are larger and smaller: a tenth of the postcodes has half of the people.
    postcode = _POSTCODES[country].format(1000 + int(9000 * random.random() ** 3))
    if country == "GB":
        postcode = f"SW{random.randrange(1, 20)} {random.randrange(1, 9)}AA"
    return (
        _email(random, first, last),
        _phone(random, country, off_path),
        _messy(random, first),
        _messy(random, last),
        _messy(random, postcode),
        country if random.random() < 0.95 else country.lower(),
    )


def _messy(random: Random, text: str) -> str | None:
    dice = random.random()
    if dice < 0.80:
        return text
    if dice < 0.88:
        return text.upper()
    if dice < 0.93:
        return f" {text} "
    return text.lower() if dice < 0.98 else None


def _email(random: Random, first: str, last: str) -> str | None:
    dice = random.random()
    if dice < 0.03:
        return random.choice(_JUNK_EMAILS) or None
    local = f"{first}.{last}{random.randrange(10**6)}".replace(" ", "").replace("'", "")
    local = local.encode("ascii", "ignore").decode().lstrip(".")
    address = f"{local}@{random.choice(_DOMAINS)}"
    if dice < 0.75:
        return address.lower()
    if dice < 0.80:
        return f" {address} "
    return address.replace("@", "+news@") if dice < 0.85 else address


def _phone(random: Random, country: str, off_path: float) -> str | None:
    start, digits, prefix, code = _PLANS[country]
    rest = f"{random.randrange(10**digits):0{digits}}" if digits else ""
    number = f"{start}{rest}"
    if country == "US":
        number = f"415{random.randrange(200, 1000)}{random.randrange(10_000):04}"
    if random.random() < off_path:
        return _odd(random, number, prefix, code)
    match random.randrange(6):
        case 0 | 1:
            return f"+{code}{number}"
        case 2:
            return f"+{code} {number[:3]} {number[3:]}"
        case 3:
            return f"{prefix}{number}"
        case 4:
            return f"{prefix}{number[:3]}-{number[3:6]}-{number[6:]}"
        case _:
            return f"({prefix}{number[:3]}) {number[3:]}"


def _odd(random: Random, number: str, prefix: str, code: str) -> str:
    """Extensions, other digits, links, and what is no number at all."""
    match random.randrange(6):
        case 0:
            return f"+{code} {number} ext. {random.randrange(100)}"
        case 1:
            return f"tel:+{code}{number}"
        case 2:
            return f"{prefix}{number}".translate(_WIDE)
        case 3:
            return f"{prefix}{number[:3]} {number[3:]} x{random.randrange(1000)}"
        case 4:
            return f"+{code}{number[:-3]}"  # too short
        case _:
            return f"{prefix}{number} (work)"


if __name__ == "__main__":
    main()
