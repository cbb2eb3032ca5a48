"""Rows of a driver, turned into record batches of text."""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from syncd.cells import column_bytes
from syncd.errors import ConfigError, ShopError
from syncd.model import SEGMENT_COLUMNS

Row = Sequence[object]

_LAST_ASCII = 0x7F


def check_columns(names: tuple[str, ...], source: str) -> None:
    """See that a query returns columns that syncd knows.

    Raises:
        ConfigError: A column is unknown or stands twice, or `customer_key` is missing.
    """
    # SQLite names the second `email` of a subquery `email:1`.
    plain = [re.sub(r":\d+$", "", name) for name in names]
    twice = sorted(name for name, count in Counter(plain).items() if count > 1)
    if twice:
        raise ConfigError(f"the segment returns {', '.join(twice)} more than once", where=source)
    unknown = [name for name in names if name not in SEGMENT_COLUMNS]
    if unknown:
        raise ConfigError(
            "; ".join(_unknown(name) for name in unknown)
            + f". A segment returns any of: {', '.join(SEGMENT_COLUMNS)}",
            where=source,
        )
    if "customer_key" not in names:
        raise ConfigError("the segment does not return customer_key", where=source)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), SEGMENT_COLUMNS, n=1)
    return f"unknown column {name!r}" + (f" (did you mean {near[0]!r}?)" if near else "")


def record_batch(rows: Sequence[Row], names: tuple[str, ...]) -> pa.RecordBatch:
    """Rows as columns: text, and `value` as float64 where all of its cells are numbers.

    Where they are not, as text too: identity refuses what is no amount, and counts it.

    Raises:
        ShopError: A cell is not text in UTF-8.
    """
    # By columns: building a table from rows was 20 to 80 times slower when measured.
    cells = zip(*rows, strict=True)
    arrays = [
        numbers(column) if name == "value" else texts(column, name)
        for name, column in zip(names, cells, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def texts(column: Row, name: str) -> pa.StringArray:
    """Cells as text.

    Raises:
        ShopError: One is not text in UTF-8, or of a type that has no plain text.
    """
    try:
        return pa.array(column, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        pass
    except UnicodeError:
        raise not_utf8(name) from None
    try:
        return pa.array([_text(cell) for cell in column], pa.string())
    except UnicodeError:
        raise not_utf8(name) from None
    except TypeError as error:
        raise ShopError(
            f"column {name} holds {error}, which has no plain text form; cast it in the SQL"
        ) from None


def not_utf8(name: str) -> ShopError:
    """What to say of a column."""
    return ShopError(f"column {name} holds a value that is not text in UTF-8; mend it in the shop")


def _text(cell: object) -> str | None:
    """One cell as text; moments are given in UTC.

    Raises:
        TypeError: With the name of the type.
        UnicodeError: Bytes that are not UTF-8.
    """
    match cell:
        case None | str():
            return cell
        case bool():
            text = "true" if cell else "false"
        case bytes() | bytearray() | memoryview():
            text = bytes(cell).decode()
        case float():
            text = str(cell + 0.0)  # minus zero is zero: SQLite writes no sign for it
        case int() | UUID() | time():
            text = str(cell)
        case Decimal():
            text = f"{cell:f}"
        case datetime():
            moment = cell.astimezone(UTC).replace(tzinfo=None) if cell.tzinfo else cell
            text = moment.isoformat(sep=" ")
        case date():
            text = cell.isoformat()
        case _:
            raise TypeError(type(cell).__name__)
    return text


def utf8(cells: pa.Array, name: str) -> pa.StringArray:
    """Text or bytes that a driver handed over as they lay in the shop.

    Raises:
        ShopError: It is not UTF-8.
    """
    try:
        text = cells.cast(pa.string())  # of bytes it looks at each
        if cells.type == text.type:
            _check(text)
    except pa.ArrowInvalid:
        raise not_utf8(name) from None
    return text


def _check(text: pa.StringArray) -> None:
    """See that text is UTF-8; of ASCII, as most columns are, that takes a tenth of the time.

    Raises:
        pyarrow.ArrowInvalid: It is not.
    """
    _, held = column_bytes(text)
    if held.max(initial=0) > _LAST_ASCII:
        text.validate(full=True)


def repeated(text: str | None, rows: int) -> pa.StringArray:
    """A column that has the same text, or NULL, in each of its rows."""
    return pa.repeat(pa.scalar(text, pa.string()), rows)


def numbers(column: Row) -> pa.Array:
    """Cells of `value`: float64, or text where not all are finite numbers."""
    try:
        found = [None if cell is None else float(cell) for cell in column]  # type: ignore[arg-type]  # whatever float() takes is meant
    except (TypeError, ValueError):
        return texts(column, "value")
    if not all(math.isfinite(number) for number in found if number is not None):
        return texts(column, "value")
    return pa.array(found, pa.float64())


def amounts(written: pa.Array, cells: Callable[[], Row]) -> pa.Array:
    """Cells of `value` that came as a column: `numbers`, without an object a cell.

    Args:
        written: Each as text or as a number.
        cells: The same in Python, for where not all are finite numbers.
    """
    try:
        found = pc.cast(written, pa.float64())
    except pa.ArrowInvalid:
        return numbers(cells())
    whole = pc.all(pc.is_finite(found)).as_py()
    return numbers(cells()) if whole is False else found
