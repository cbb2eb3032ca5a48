"""What the shipped segments read of a shop: each order once, and only the columns they need."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from syncd.segments import catalogue
from syncd.segments.shipped import shipped
from tests.segment_samples import required
from tests.unit.test_segments import GRAMMARS, ask


@pytest.mark.parametrize("name", [each.name for each in catalogue() if "orders" in each.needs])
def test_no_order_is_looked_up_by_its_key_again(name: str) -> None:
    """What a segment asks of an order comes with the order: a second look costs as much again."""
    sql = ask(name, "sqlite", **required(shipped(name))).sql
    joins = sqlglot.parse_one(sql, dialect="sqlite").find_all(exp.Join)
    assert [join.sql() for join in joins if join.this.name == "orders"] == []


def test_orders_that_count_carry_those_optional_columns_that_are_asked_for() -> None:
    def carried(name: str, **parameters: object) -> set[str]:
        sql = ask(name, "sqlite", **parameters).sql
        tree = sqlglot.parse_one(sql, dialect="sqlite")
        (view,) = (each for each in tree.find_all(exp.CTE) if each.alias == "paid_order")
        return {each.alias_or_name for each in view.this.selects}

    basic = {"order_key", "customer_key", "placed_at", "paid"}
    assert carried("all_customers") == basic
    assert carried("coupon_customers") == {*basic, "coupon_codes"}
    assert carried("acquisition_source", sources=["google"]) == {
        *basic,
        *("utm_source", "utm_medium", "utm_campaign"),
    }
    assert carried("interest", category="candles") == {*basic, "fx_to_base"}


def test_postgresql_keeps_no_copy_of_all_orders() -> None:
    """Read twice they are quicker than kept; MariaDB knows no such word, and keeps none."""
    for dialect in GRAMMARS:
        sql = ask("journey_stage", dialect, stages="lost").sql
        assert ("paid_order AS NOT MATERIALIZED" in sql) == (dialect == "postgresql")
