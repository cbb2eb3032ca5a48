"""The demo's shop: as large, as dirty and as busy as it says, and nobody's real data."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copyfile
from statistics import fmean

import numpy as np
import phonenumbers
import pytest

from syncd.demo.buying import CDNOW, Model, season_clock, simulate
from syncd.demo.day import DayFacts, let_a_day_pass
from syncd.demo.shop import DAYS, ShopFacts, make_shop, window_start
from syncd.errors import ShopError, UsageError

AS_OF = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NEXT = AS_OF + timedelta(days=1)
CUSTOMERS = 20_000
# Ofcom, NANPA, Bundesnetzagentur 148/2021, ARCEP; written down here once more on purpose.
FICTION = re.compile(
    r"\+44(1(13|14|16|17|18|21|31|41|51|61)4960|1914980|2079460|2890180|2920180|7700900)\d{3}"
    r"|\+1[2-9]\d\d55501\d\d"
    r"|\+49((3023125|6990009|4066969|2214710|8999998)\d{3}|17139200\d\d)"
    r"|\+33(19900|26191|35301|46571|53649)\d{4}"
)
Ask = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ShopFacts]:
    path = tmp_path_factory.mktemp("demo") / "shop.db"
    return path, make_shop(path, customers=CUSTOMERS, as_of=AS_OF)


@pytest.fixture(scope="module")
def ask(shop: tuple[Path, ShopFacts]) -> Iterator[Ask]:
    with closing(sqlite3.connect(shop[0])) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def day(shop: tuple[Path, ShopFacts]) -> tuple[sqlite3.Connection, DayFacts]:
    """The shop after a day, the one before it attached as `before`."""
    after = shop[0].with_name("after.db")
    copyfile(shop[0], after)
    facts = let_a_day_pass(after, as_of=NEXT, seed=3)
    connection = sqlite3.connect(after)
    connection.execute("ATTACH ? AS before", (str(shop[0]),))
    return connection, facts


@pytest.fixture(scope="module", autouse=True)
def _closed(day: tuple[sqlite3.Connection, DayFacts]) -> Iterator[None]:
    yield
    day[0].close()


def content(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()


def expected_repeats(model: Model, weeks: float) -> float:
    """Purchases after the first in so many weeks: Fader, Hardie, Lee 2005, equation 9."""
    z = weeks / (model.alpha + weeks)
    term = total = 1.0
    for j in range(5000):
        term *= (model.r + j) * (model.b + j) / (model.a + model.b - 1 + j) / (1 + j) * z
        total += term
    left = (model.alpha / (model.alpha + weeks)) ** model.r * total
    return float((model.a + model.b - 1) / (model.a - 1) * (1 - left))


# --- the shop --------------------------------------------------------------------


def test_the_same_seed_makes_the_same_shop_and_another_makes_another(tmp_path: Path) -> None:
    made = [
        (
            make_shop(tmp_path / f"{at}.db", customers=300, as_of=AS_OF, seed=seed),
            tmp_path / f"{at}.db",
        )
        for at, seed in enumerate((7, 7, 8))
    ]
    contents = [content(path) for _, path in made]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
    assert made[0][0] == made[1][0]


def test_the_shop_has_the_size_it_was_asked_for(shop: tuple[Path, ShopFacts]) -> None:
    facts = shop[1]
    assert facts.customers == CUSTOMERS
    assert facts.buyers == CUSTOMERS * 0.92
    assert facts.categories == 12
    assert facts.products == 360
    assert all(value > 0 for value in asdict(facts).values())


def test_shares_of_what_is_missing_are_those_of_the_data_readme(
    shop: tuple[Path, ShopFacts],
) -> None:
    facts = shop[1]
    assert 1 - facts.phones / CUSTOMERS == pytest.approx(0.35, abs=0.015)
    assert facts.guests / facts.buyers == pytest.approx(0.15, abs=0.01)
    assert facts.deleted / CUSTOMERS == pytest.approx(0.003, abs=0.0015)
    assert facts.coupon_orders / facts.orders == pytest.approx(0.12, abs=0.01)
    assert facts.refunded_orders / facts.paid_orders == pytest.approx(0.03, abs=0.004)


def test_repeat_purchases_are_as_many_as_the_published_model_expects() -> None:
    clock = season_clock(date(2024, 11, 22), DAYS)
    first, purchases = simulate(np.random.default_rng(11), 40_000, clock)
    repeats = len(purchases.at) - len(first)
    expected = sum(expected_repeats(CDNOW, float(clock[-1] - at)) for at in first[::40]) * 40
    assert repeats == pytest.approx(expected, rel=0.05)


def test_the_shop_holds_the_models_purchases(ask: Ask, shop: tuple[Path, ShopFacts]) -> None:
    start = window_start(AS_OF)
    clock = season_clock(start.date(), DAYS)
    expected = 0.0
    firsts = ask("SELECT min(placed_at) FROM orders WHERE is_paid GROUP BY customer_key")
    for (text,) in firsts[::20]:
        day_number = (datetime.fromisoformat(str(text)).replace(tzinfo=UTC) - start).days
        expected += 20 * expected_repeats(CDNOW, float(clock[-1] - clock[day_number]))
    assert shop[1].paid_orders - len(firsts) == pytest.approx(expected, rel=0.05)


def test_expected_repeats_begin_at_the_mean_rate() -> None:
    """Nobody has dropped out yet, so the formula must give r / alpha a week."""
    assert expected_repeats(CDNOW, 1e-3) == pytest.approx(CDNOW.r / CDNOW.alpha * 1e-3, rel=1e-3)
    assert expected_repeats(CDNOW, 104.0) > expected_repeats(CDNOW, 52.0)


def test_order_values_average_what_gamma_gamma_says(ask: Ask) -> None:
    values = [float(str(value)) for (value,) in ask("SELECT total_base FROM orders WHERE is_paid")]
    assert fmean(values) == pytest.approx(CDNOW.mean_value, rel=0.05)


def test_the_last_quarter_is_the_busiest(ask: Ask) -> None:
    """The shop grows, so a December is compared with the months after it."""
    rows = ask("SELECT substr(placed_at, 1, 7) FROM orders")
    months = Counter(str(month) for (month,) in rows)
    assert months["2025-12"] > 1.4 * months["2026-02"]
    assert months["2025-11"] > 1.2 * max(months["2026-01"], months["2026-02"])


def test_orders_lie_in_two_years_before_the_last_midnight(ask: Ask) -> None:
    ((first, last),) = ask("SELECT min(placed_at), max(placed_at) FROM orders")
    assert "2024-11-22 00:00:00" <= str(first) <= str(last) < "2026-11-22 00:00:00"
    ((latest,),) = ask("SELECT max(t) FROM (SELECT max(updated_at) AS t FROM carts"
                       " UNION ALL SELECT max(changed_at) FROM consents)")  # fmt: skip
    assert str(latest) < "2026-11-22 12:00:00"


def test_totals_are_the_sum_of_their_lines(ask: Ask) -> None:
    off = ask(
        "SELECT count(*) FROM orders JOIN (SELECT order_key, sum(unit_paid * qty) AS goods"
        " FROM order_items GROUP BY order_key) USING (order_key)"
        " WHERE abs(goods - discount + shipping - total) > 0.005"
        " OR abs(total * fx_to_base - total_base) > 0.0051 OR refunded_base > total_base"
    )
    assert off == [(0,)]
    sold_early = ask(
        "SELECT count(*) FROM order_items JOIN orders USING (order_key)"
        " JOIN products USING (product_key) WHERE placed_at < launched_at"
    )
    assert sold_early == [(0,)]


def test_consent_has_the_shares_of_the_data_readme(ask: Ask) -> None:
    latest = ask(
        "SELECT state, count(*) FROM (SELECT state, row_number() OVER"
        " (PARTITION BY customer_key, channel ORDER BY changed_at DESC) AS newest FROM consents)"
        " WHERE newest = 1 GROUP BY state"
    )
    share = {str(state): int(str(number)) / CUSTOMERS / 3 for state, number in latest}
    assert share["granted"] == pytest.approx(0.62, abs=0.01)
    assert share["denied"] == pytest.approx(0.18, abs=0.01)
    assert set(share) == {"granted", "denied", "pending", "unknown"}


# --- nobody's data ---------------------------------------------------------------


def test_every_address_is_at_a_reserved_domain(ask: Ask) -> None:
    cells = ask(
        "SELECT email FROM customers UNION SELECT email FROM orders"
        " UNION SELECT email FROM carts UNION SELECT email FROM consents"
    )
    domains = {
        domain.lower() for (cell,) in cells for domain in re.findall(r"@([^\s;]*)", str(cell or ""))
    }
    assert domains == {"example.com", "example.org", "example.net", ""}


def test_every_number_is_one_that_nobody_holds(ask: Ask) -> None:
    """Read as its holder's country would, and as the shop's own country would."""
    cells = ask("SELECT phone, country FROM customers WHERE phone IS NOT NULL")
    read = 0
    for raw, country in cells:
        region = {"UK": "GB"}.get(str(country), str(country or "NL").upper())
        try:
            number = phonenumbers.parse(str(raw), region)
        except phonenumbers.NumberParseException:
            continue
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if phonenumbers.is_possible_number(number) and len(set(str(raw))) > 1:
            assert FICTION.fullmatch(written)
            read += 1
    assert read > 0.98 * len(cells)


def test_families_share_a_phone_and_strangers_do_not(ask: Ask) -> None:
    shared = ask(
        "SELECT count(DISTINCT trim(last_name)) FROM customers WHERE length(phone) > 10"
        " GROUP BY phone, country HAVING count(*) > 1"
    )
    assert 200 < len(shared) < 800
    assert sum(1 for names in shared if names == (1,)) > 0.9 * len(shared)


# --- the edges -------------------------------------------------------------------


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    path.write_text("mine")
    with pytest.raises(UsageError, match="overwrites no file"):
        make_shop(path, customers=10, as_of=AS_OF)
    assert path.read_text() == "mine"


def test_a_day_needs_a_shop(tmp_path: Path) -> None:
    with pytest.raises(ShopError, match="no shop"):
        let_a_day_pass(tmp_path / "none.db", as_of=NEXT, seed=1)
    assert not (tmp_path / "none.db").exists()


def test_a_moment_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zone"):
        make_shop(tmp_path / "shop.db", customers=10, as_of=AS_OF.replace(tzinfo=None))


# --- the day ---------------------------------------------------------------------


def test_the_same_day_passes_the_same_way(tmp_path: Path) -> None:
    made = [tmp_path / name for name in ("a.db", "b.db", "c.db")]
    for path in made:
        make_shop(path, customers=300, as_of=AS_OF)
    facts = [
        let_a_day_pass(path, as_of=NEXT, seed=seed)
        for path, seed in zip(made, (3, 3, 4), strict=True)
    ]
    assert facts[0] == facts[1]
    assert content(made[0]) == content(made[1])
    assert content(made[0]) != content(made[2])


_LATEST = (
    "(SELECT customer_key, channel, state, row_number() OVER (PARTITION BY customer_key, channel"
    " ORDER BY changed_at DESC) AS newest FROM {0}.consents)"
)
_ANSWERED = (
    "SELECT count(*) FROM " + _LATEST.format("main") + " n LEFT JOIN " + _LATEST.format("before")
    + " o ON o.customer_key = n.customer_key AND o.channel = n.channel AND o.newest = 1"
    " JOIN before.customers c ON c.customer_key = n.customer_key"
    " WHERE n.newest = 1 AND n.channel = '{0}' AND n.state = '{1}' AND o.state IS NOT '{1}'"
)  # fmt: skip
_BOTH = "SELECT count(*) FROM main.customers n JOIN before.customers o USING (customer_key) WHERE "
_NEW_CARTS = "(SELECT cart_key FROM before.carts)"


@pytest.mark.parametrize(
    ("fact", "sql"),
    [
        (
            "new_customers",
            (
                "SELECT count(*) FROM main.customers"
                " WHERE customer_key NOT IN (SELECT customer_key FROM before.customers)"
            ),
        ),
        (
            "orders",
            (
                "SELECT count(*) FROM main.orders"
                " WHERE order_key NOT IN (SELECT order_key FROM before.orders)"
            ),
        ),
        (
            "carts_left",
            f"SELECT count(*) FROM main.carts WHERE cart_key NOT IN {_NEW_CARTS}",
        ),
        (
            "carts_completed",
            (
                "SELECT count(*) FROM main.carts n JOIN before.carts o USING (cart_key)"
                " WHERE o.completed_at IS NULL AND n.completed_at IS NOT NULL"
            ),
        ),
        (
            "carts_lapsed",
            (
                "SELECT count(*) FROM before.carts WHERE completed_at IS NULL"
                " AND updated_at > '2026-11-08 12:00:00' AND updated_at <= '2026-11-09 12:00:00'"
            ),
        ),
        ("deleted", _BOTH + "n.deleted AND NOT o.deleted"),
        ("emails_changed", _BOTH + "n.email IS NOT o.email"),
        ("phones_shared", _BOTH + "n.phone IS NOT o.phone"),
        ("consents_withdrawn", _ANSWERED.format("ads", "denied")),
        ("consents_granted", _ANSWERED.format("ads", "granted")),
        ("newsletters_left", _ANSWERED.format("email", "denied")),
        (
            "returned",
            (
                "SELECT count(DISTINCT customer_key) FROM main.orders WHERE order_key NOT IN"
                " (SELECT order_key FROM before.orders) AND customer_key IN (SELECT customer_key"
                " FROM before.orders WHERE is_paid GROUP BY 1"
                " HAVING max(placed_at) < '2025-11-22 12:00:00')"
            ),
        ),
    ],
)
def test_a_days_facts_are_what_changed_in_the_tables(
    day: tuple[sqlite3.Connection, DayFacts], fact: str, sql: str
) -> None:
    ((found,),) = day[0].execute(sql).fetchall()
    stated = asdict(day[1])[fact]
    assert stated > 0
    if fact == "returned":  # someone away for long may also have completed a cart
        assert stated <= found <= stated + day[1].carts_completed
    else:
        assert found == stated


def test_everything_of_a_day_happens_in_its_24_hours(
    day: tuple[sqlite3.Connection, DayFacts],
) -> None:
    ((first, last),) = day[0].execute(
        "SELECT min(placed_at), max(placed_at) FROM main.orders"
        " WHERE order_key NOT IN (SELECT order_key FROM before.orders)"
    )
    assert "2026-11-22 12:00:00" <= first <= last < "2026-11-23 12:00:00"


def test_some_hundred_change_their_address_and_keep_their_key(
    day: tuple[sqlite3.Connection, DayFacts],
) -> None:
    assert 200 <= day[1].emails_changed <= 600
    ((lost,),) = day[0].execute(
        "SELECT count(*) FROM before.customers"
        " WHERE customer_key NOT IN (SELECT customer_key FROM main.customers)"
    )
    assert lost == 0


def test_a_shared_phone_is_still_held_by_the_one_who_had_it(
    day: tuple[sqlite3.Connection, DayFacts],
) -> None:
    takers = day[0].execute(
        "SELECT n.phone, n.customer_key FROM main.customers n"
        " JOIN before.customers o USING (customer_key) WHERE n.phone IS NOT o.phone"
    )
    for phone, key in takers.fetchall():
        holders = day[0].execute(
            "SELECT count(*) FROM main.customers"
            " JOIN before.customers USING (customer_key, phone)"
            " WHERE phone = ? AND customer_key <> ? AND NOT main.customers.deleted",
            (phone, key),
        )
        assert holders.fetchone()[0] >= 1


def test_a_second_day_can_follow_the_first(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    make_shop(path, customers=2_000, as_of=AS_OF)
    first = let_a_day_pass(path, as_of=NEXT, seed=3)
    second = let_a_day_pass(path, as_of=NEXT + timedelta(days=1), seed=3)
    assert first.new_customers > 0
    assert second.emails_changed > 0
    assert second != first
