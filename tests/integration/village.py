"""A shop of eleven people, each at the edge of some rule: small enough to reason about.

It stands at Amsterdam, and it is noon in UTC on 1 November 2026.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tests.integration.segment_engines import Engine

ZONE = "Europe/Amsterdam"
AS_OF = datetime(2026, 11, 1, 12, tzinfo=UTC)

Row = tuple[object, ...]

# country, city, postcode, birth date, gender, locale, registered
_PEOPLE: dict[str, Row] = {
    "ann": ("NL", "Amsterdam", "1012 AB", "1990-02-28", "f", "nl_NL", "2020-01-01 00:00:00"),
    "bob": ("DE", "Berlin", "10115", "2008-11-01", "m", "de", None),
    "cas": ("BE", "Gent", "9000", "2008-11-02", "m", "NL-be", None),
    "dee": ("nl", " UTRECHT", " 3511ab", "1961-07-15", "F", "nl", None),
    "eve": ("US", "New York", None, None, None, "en_US", None),
    "fay": ("SE", "Malmö", "211 10", "2000-01-01", "x", "sv_SE", None),
    "gus": (None, None, None, None, None, None, "2026-10-15 10:00:00"),
    "hal": ("", None, None, None, None, None, "2019-01-01 00:00:00"),
    "ivy": ("AU", "Perth", "6000", "1985-01-01", "f", "fil", None),
    "jan": ("NL", None, None, None, None, None, "2019-01-01 00:00:00"),
    "zed": ("NL", None, None, "1990-01-01", "f", "nl", None),
}
# who, moment, total, then what differs from an order without anything to it
_FACEBOOK: dict[str, object] = {"utm_source": "facebook"}
_ORDERS: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("ann", "2026-05-05 10:00:00", "100.00", {"utm_source": "google", "utm_medium": "cpc"}),
    *(
        ("ann", f"2026-{month}-05 10:00:00", "100.00", _FACEBOOK)
        for month in ("06", "07", "08", "09", "10")
    ),
    ("bob", "2026-10-19 10:00:00", "20.00", {"is_paid": False, "payment_failed": True}),
    ("bob", "2026-10-20 10:00:00", "20.00", {"coupon_codes": "WELCOME", "utm_source": "Facebook"}),
    ("cas", "2026-09-20 10:00:00", "15.00", {"coupon_codes": "A,B"}),
    # Half past eleven in the evening of Cyber Monday.
    ("dee", "2025-12-01 22:30:00", "500.00", {"ship_to_other": True}),
    ("dee", "2025-12-20 10:00:00", "500.00", {"coupon_codes": " "}),
    *(("eve", f"2024-{day} 10:00:00", "10.00", {}) for day in ("08-01", "08-15", "09-01")),
    *(
        ("fay", f"2026-{day} 10:00:00", "40.00", {**extra, "coupon_codes": "SEPT"})
        for day, extra in (("09-15", {"gift_flag": True}), ("10-15", {"gift_flag": False}))
    ),
    ("gus", "2026-10-31 10:00:00", "45.00", {"is_paid": False, "payment_failed": True}),
    ("ivy", "2026-06-15 10:00:00", "60.00", {}),
    ("zed", "2026-10-01 10:00:00", "999.00", {"coupon_codes": "A", "gift_flag": True}),
)
# order, product, quantity, of it returned, price, on sale
_LINES: tuple[tuple[str, str, int, int, str, bool], ...] = (
    *((f"ann {number}", "candle", 1, 0, "100.00", False) for number in range(1, 7)),
    ("ann 6", "coffee", 1, 0, "20.00", False),
    *(("bob 2", product, 1, 0, "10.00", True) for product in ("candle", "throw")),
    ("cas 1", "coffee", 2, 1, "15.00", False),
    ("cas 1", "throw", 1, 1, "99.00", True),
    ("dee 1", "throw", 10, 0, "50.00", False),
    ("dee 2", "candle", 10, 0, "50.00", False),
    *((f"eve {number}", "coffee", 1, 0, "10.00", False) for number in (1, 2, 3)),
    ("fay 1", "candle", 1, 0, "400.00", False),
    ("fay 2", "throw", 1, 0, "400.00", False),
    ("ivy 1", "card", 1, 0, "60.00", False),
    ("zed 1", "candle", 1, 0, "999.00", True),
)
# category, path, launch, days that one lasts
_PRODUCTS: dict[str, Row] = {
    "candle": ("Candles", "/home/candles/", "2020-01-01 00:00:00", None),
    "throw": ("Throws", "/home/throws/", "2025-12-01 00:00:00", None),
    "coffee": ("Coffee", "/pantry/coffee/", "2019-01-01 00:00:00", 30),
    "card": ("Cards", "/homework/cards/", "2019-01-01 00:00:00", None),
}
# owner, touched, total, product
_CARTS: tuple[tuple[str, str, str, str], ...] = (
    ("gus", "2026-10-31 10:00:00", "45.00", "candle"),
    ("gus", "2026-10-10 10:00:00", "10.00", "coffee"),
    ("ann", "2026-10-30 10:00:00", "39.99", "coffee"),
    ("zed", "2026-10-30 10:00:00", "45.00", "candle"),
)
_CONSENTS: tuple[Row, ...] = (
    ("ann", "email", "granted", "2026-01-01 00:00:00"),
    ("ann", "sms", "granted", "2026-01-01 00:00:00"),
    ("bob", "sms", "denied", "2026-01-01 00:00:00"),
    ("hal", "email", "granted", "2026-10-20 00:00:00"),
    ("jan", "ads", "granted", "2026-10-20 00:00:00"),
    ("zed", "email", "granted", "2026-10-20 00:00:00"),
)


def fill(engine: Engine) -> None:
    """Load every canonical table."""
    engine.load(
        "customers",
        (
            *("customer_key", "email", "deleted", "country", "city", "postcode"),
            *("birth_date", "gender", "locale", "registered_at"),
        ),
        [(who, f"{who}@example.com", who == "zed", *row) for who, row in _PEOPLE.items()],
    )
    _fill_orders(engine)
    engine.load(
        "products",
        ("product_key", "sku", "launched_at", "replenish_days"),
        [(key, f"S-{key.upper()}", row[2], row[3]) for key, row in _PRODUCTS.items()],
    )
    engine.load(
        "product_categories",
        ("product_key", "category_name", "path"),
        [(key, *row[:2]) for key, row in _PRODUCTS.items()],
    )
    engine.load(
        "carts",
        ("cart_key", "customer_key", "created_at", "updated_at", "currency", "total"),
        [
            (f"k{number}", who, at, at, "EUR", total)
            for number, (who, at, total, _) in enumerate(_CARTS)
        ],
    )
    engine.load(
        "cart_items",
        ("cart_key", "product_key"),
        [(f"k{number}", product) for number, (*_, product) in enumerate(_CARTS)],
    )
    engine.load("consents", ("customer_key", "channel", "state", "changed_at"), _CONSENTS)


def _fill_orders(engine: Engine) -> None:
    names = (
        *("is_paid", "currency", "fx_to_base", "coupon_codes", "gift_flag", "ship_to_other"),
        *("utm_source", "utm_medium", "utm_campaign", "payment_failed"),
    )
    rows, counts = [], dict.fromkeys(_PEOPLE, 0)
    for who, at, total, extra in _ORDERS:
        counts[who] += 1
        currency, rate = ("SEK", "0.1") if who == "fay" else ("EUR", None)
        usual = {"is_paid": True, "currency": currency, "fx_to_base": rate} | extra
        rows.append(
            (f"{who} {counts[who]}", who, at, total, "0", *(usual.get(name) for name in names))
        )
    basic = ("order_key", "customer_key", "placed_at", "total_base", "refunded_base")
    engine.load("orders", (*basic, *names), rows)
    engine.load(
        "order_items",
        (
            *("order_key", "product_key", "sku", "qty", "qty_refunded", "unit_paid", "on_sale"),
            "is_gift_card",
        ),
        [
            (order, product, f"s-{product}", *cells, product == "card")
            for order, product, *cells in _LINES
        ],
    )
