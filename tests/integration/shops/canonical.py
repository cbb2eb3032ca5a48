"""The world as a shop in the canonical shape has it; another store is not in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.integration.databases import Database, create_canonical
from tests.integration.shops.goods import PRODUCTS
from tests.integration.shops.world import (
    ACCOUNTS,
    CARTS,
    CONSENTS,
    ORDERS,
    STORE,
    Order,
    spelled,
)

Rows = tuple[Sequence[str], list[tuple[object, ...]]]


def load_canonical(database: Database) -> None:
    """All of it, guests by their e-mails."""
    create_canonical(database)
    for table, (columns, rows) in {
        "customers": _customers(),
        "orders": _orders(),
        "order_items": _order_items(),
        "products": _products(),
        "product_categories": _product_categories(),
        "carts": _carts(),
        "cart_items": _cart_items(),
        "consents": _consents(),
    }.items():
        database.load(table, columns, rows)


def _mail(email: str) -> str:
    return email.strip().lower()


def _here() -> list[Order]:
    return [each for each in ORDERS if each.store == STORE]


def _customers() -> Rows:
    accounts = {_mail(each.email): each for each in ACCOUNTS if each.store == STORE}
    mails = {*accounts, *(_mail(each.email) for each in _here())}
    mails |= {_mail(each.email) for each in CONSENTS if each.store == STORE}
    mails |= {_mail(each.email) for each in CARTS if each.email and each.store == STORE}
    columns = ("customer_key", "email", "deleted", "country", "locale", "registered_at")
    return (*columns, "birth_date", "gender"), [
        (
            *(mail, mail, bool(known and known.deleted), known.country if known else "NL"),
            known and known.locale,
            known and spelled(known.registered_at),
            *(known and known.birth_date and str(known.birth_date), known and known.gender),
        )
        for mail in sorted(mails)
        for known in [accounts.get(mail)]
    ]


def _orders() -> Rows:
    columns = ("order_key", "customer_key", "is_paid", "placed_at", "total_base", "refunded_base")
    facts = ("currency", "coupon_codes", "gift_flag", "ship_to_other", "payment_failed")
    return (*columns, *facts, "utm_source", "utm_medium", "utm_campaign"), [
        (
            *(each.number, _mail(each.email), each.state in ("paid", "refunded")),
            *(spelled(each.placed_at), str(each.total), str(each.refunded)),
            *("EUR", each.code, each.gift, each.to_other, each.state in ("pending", "failed")),
            *(each.source or (None, None, None)),
        )
        for each in _here()
    ]


def _order_items() -> Rows:
    columns = ("order_key", "product_key", "sku", "qty", "qty_refunded", "unit_paid")
    return (*columns, "on_sale", "is_gift_card"), [
        (
            *(order.number, line.product.number, line.product.sold_as, line.qty, line.back),
            *(str(line.unit_paid), line.on_sale, line.product.gift_card),
        )
        for order in _here()
        for line in order.lines
    ]


def _products() -> Rows:
    return ("product_key", "sku", "launched_at"), [
        (each.number, each.sku, spelled(each.launched_at)) for each in PRODUCTS
    ]


def _product_categories() -> Rows:
    def shelves() -> Iterator[tuple[object, ...]]:
        for product in PRODUCTS:
            if shelf := product.shelf:
                yield product.number, shelf.name, shelf.path

    return ("product_key", "category_name", "path"), list(shelves())


def _carts() -> Rows:
    columns = ("cart_key", "email", "created_at", "updated_at", "currency", "total")
    return columns, [
        (
            *(each.number, each.email, spelled(each.created_at), spelled(each.updated_at)),
            *("EUR", str(each.total)),
        )
        for each in CARTS
        if each.store == STORE
    ]


def _cart_items() -> Rows:
    return ("cart_key", "product_key"), [
        (each.number, line.product.number)
        for each in CARTS
        if each.store == STORE
        for line in each.lines
    ]


def _consents() -> Rows:
    return ("email", "channel", "state", "changed_at"), [
        (each.email, "email", each.word, spelled(each.said_at))
        for each in CONSENTS
        if each.store == STORE
    ]
