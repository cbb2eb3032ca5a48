"""Models of how a shop's customers buy, with what each was judged by; none is ever changed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import cast

from sqlalchemy import Column, Index, Integer, Table, Text, insert, select

from syncd.ledger.codec import canonical
from syncd.ledger.tables import Instant, metadata
from syncd.ledger.transactions import Transactions
from syncd.model import FittedModel

fitted_model = Table(
    "fitted_model",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("basis", Text, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("holdout", Integer, nullable=False),
    Column("fitted_at", Instant, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("figures", Text, nullable=False),
    Column("objection", Text, nullable=False),
    Column("money", Text, nullable=False),
    Index("ix_fitted_model", "basis", "holdout", "as_of"),
)


class FittedModels:
    """The models of one ledger; each method is one transaction."""

    def __init__(self, transactions: Transactions) -> None:
        self._tx = transactions

    def add(self, model: FittedModel) -> None:
        """Keep a model, also one that may choose nobody."""
        with self._tx.write() as tx:
            tx.execute(
                insert(fitted_model).values(
                    basis=model.basis,
                    as_of=model.as_of,
                    holdout=model.holdout,
                    fitted_at=model.fitted_at,
                    parameters=canonical(dict(model.parameters)),
                    figures=canonical(dict(model.figures)),
                    objection=model.objection,
                    money=model.money,
                )
            )

    def latest(self, basis: str, holdout: int, until: datetime) -> FittedModel | None:
        """The model of the latest moment that is not after `until`.

        Args:
            basis, holdout: See `model.FittedModel`.
            until: Later models know of what came after it.
        """
        query = (
            select(fitted_model)
            .where(
                fitted_model.c.basis == basis,
                fitted_model.c.holdout == holdout,
                fitted_model.c.as_of <= until,
            )
            .order_by(fitted_model.c.as_of.desc(), fitted_model.c.number.desc())
            .limit(1)
        )
        with self._tx.read() as tx:
            row = tx.execute(query).mappings().one_or_none()
        if row is None:
            return None
        return FittedModel(
            basis=row["basis"],
            as_of=row["as_of"],
            holdout=row["holdout"],
            fitted_at=row["fitted_at"],
            parameters=_floats(row["parameters"]),
            figures=_floats(row["figures"]),
            objection=row["objection"],
            money=row["money"],
        )


def _floats(stored: str) -> dict[str, float]:
    return cast("dict[str, float]", json.loads(stored))
