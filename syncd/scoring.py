"""A shop of whose segments some are chosen by a model.

A read of such a segment is the read of its rows, narrowed while it streams: each row brings
the figures that its member is scored by. So what decides is of the same sealed read as what
is sent. Only where the line lies that a share of all buyers is above, and the model, are of
earlier reads. The model is of this week; scores are of each read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from syncd.errors import Unfitted
from syncd.ledger.fitted import FittedModels
from syncd.model import FittedModel, Scoring, SegmentQuery
from syncd.ports import Clock, Reading
from syncd.segments.scored import (
    BUYING,
    BY_BASKET,
    BY_MONEY,
    CLUSTERS,
    UNTIL,
    check_installed,
    family_of,
)
from syncd.settings import Settings, shop_password

if TYPE_CHECKING:
    import pyarrow as pa

    from syncd.segments.scored.choosing import Chooser
    from syncd.segments.scored.columns import Columns, Picker
    from syncd.segments.scored.histories import Histories
    from syncd.segments.scored.training import Trained
    from syncd.shop import DatabaseShop
    from syncd.shop.engines import Dialect

REFUSED = timedelta(days=1)  # for so long one that may choose nobody is not fitted anew

log = structlog.get_logger()


class ScoringShop:
    """A `syncd.ports.Shop` over another; may be shared by threads.

    Args:
        shop: Reads what is asked.
        fitted: The models that the ledger has.
        keeps: Whether new ones may be written there: by who holds its lock.
    """

    def __init__(
        self, shop: DatabaseShop, fitted: FittedModels, clock: Clock, *, keeps: bool
    ) -> None:
        self._shop = shop
        self._fitted = fitted
        self._clock = clock
        self._keeps = keeps
        self._unkept: dict[tuple[str, int], FittedModel] = {}
        self._one_fits = Lock()

    @property
    def dialect(self) -> Dialect:
        """Which kind of SQL it speaks."""
        return self._shop.dialect

    @property
    def plain(self) -> DatabaseShop:
        """The shop itself, for questions in which no model has a say."""
        return self._shop

    def ask(self, query: SegmentQuery) -> Iterator[tuple[object, ...]]:
        """The rows of a question of our own; see `syncd.shop.DatabaseShop.ask`."""
        return self._shop.ask(query)

    @contextmanager
    def read(self, query: SegmentQuery) -> Iterator[Reading]:
        """Open one consistent, read-only read of a segment.

        Raises:
            syncd.errors.ShopError: Unreachable, a table is missing, access denied.
            syncd.errors.ConfigError: The SQL cannot be used, or the extra `[scored]` is not
                installed.
            syncd.errors.Unfitted: No model may choose the segment's members.
        """
        if query.scoring is None:
            with self._shop.read(query) as reading:
                yield reading
            return
        chooser = self._chooser(query, query.scoring)
        # Today counts as a day gone by: the same moment as the midnight that ends it.
        with self._shop.read(_until(query, query.scoring.today + 1)) as reading:
            yield _Chosen(reading, chooser, query.figures)

    def model(self, query: SegmentQuery) -> FittedModel | None:
        """The model that chooses a segment's members; None where none does.

        Raises:
            syncd.errors.ShopError: It has to be fitted, and the shop could not be read.
            syncd.errors.ConfigError: The extra `[scored]` is not installed.
        """
        if query.scoring is None:
            return None
        check_installed(query.scoring.segment)
        with self._one_fits:
            return self._known(query.scoring) or self._new(query, query.scoring)

    def _known(self, scoring: Scoring) -> FittedModel | None:
        kept = self._fitted.latest(scoring.basis, scoring.holdout, scoring.as_of)
        for model in (kept, self._unkept.get((scoring.basis, scoring.holdout))):
            if model is not None:
                age = scoring.as_of - model.as_of
                fresh = family_of(scoring.segment).fresh
                if timedelta() <= age < (REFUSED if model.objection or model.money else fresh):
                    return model
        return None

    def _new(self, query: SegmentQuery, scoring: Scoring) -> FittedModel:
        trained = self._trained(query, scoring)
        model = FittedModel(
            basis=scoring.basis,
            as_of=scoring.as_of,
            holdout=scoring.holdout,
            fitted_at=self._clock.now(),
            parameters=trained.parameters,
            figures=trained.figures,
            objection=trained.objection,
            money=trained.money,
        )
        if self._keeps:
            self._fitted.add(model)
        else:
            self._unkept[scoring.basis, scoring.holdout] = model
        figures = {name: round(figure, 4) for name, figure in model.figures.items()}
        log.info("model_fitted", holdout_days=scoring.holdout, may=not model.objection, **figures)
        return model

    def _trained(self, query: SegmentQuery, scoring: Scoring) -> Trained:
        family, day = family_of(scoring.segment), scoring.today - scoring.holdout
        if family is BUYING:
            from syncd.segments.scored.training import train  # noqa: PLC0415 - takes scipy

            who = self._histories(query, scoring, until=day)
            return train(who, holdout=scoring.holdout)
        past = self._columns(query, scoring, until=day - scoring.holdout)
        kept = self._columns(query, scoring, until=day)
        if family is CLUSTERS:
            from syncd.segments.scored.clusters import train_clusters  # noqa: PLC0415 - likewise

            return train_clusters(past, kept)
        from syncd.segments.scored.tastes import train_taste  # noqa: PLC0415 - likewise

        return train_taste(past, kept)

    def _chooser(self, query: SegmentQuery, scoring: Scoring) -> Chooser | Picker:
        model = self.model(query)
        if model is None:
            raise TypeError("a segment that no model chooses was taken for one")
        objection = _objection(model, scoring.segment)
        if objection:
            raise Unfitted(
                f"{query.name}: no model may choose its members: {objection}. It was to foretell "
                f"the {model.holdout} days before {model.as_of:%Y-%m-%d}. Nobody is added or "
                f"removed; {scoring.instead} comes near by a rule"
            )
        today = scoring.today + 1
        family = family_of(scoring.segment)
        if family is CLUSTERS:
            from syncd.segments.scored.clusters import in_cluster  # noqa: PLC0415 - likewise

            return in_cluster(model.parameters, int(scoring.parameters["cluster"]))
        if family is not BUYING:
            from syncd.segments.scored.tastes import likeliest_takers  # noqa: PLC0415 - likewise

            everyone = self._columns(query, scoring, until=today)
            return likeliest_takers(model.parameters, everyone, scoring.parameters["top"])
        from syncd.segments.scored.choosing import Models, chooser  # noqa: PLC0415 - likewise

        return chooser(
            scoring.segment,
            scoring.parameters,
            Models.of(model.parameters),
            partial(self._histories, query, scoring, until=today),
        )

    def _histories(self, query: SegmentQuery, scoring: Scoring, *, until: int) -> Histories:
        from syncd.segments.scored.histories import Histories  # noqa: PLC0415 - likewise

        with self._shop.read(of_everyone(query, scoring, until)) as reading:
            found = Histories.of(reading)
            reading.seal()
        return found

    def _columns(self, query: SegmentQuery, scoring: Scoring, *, until: int) -> Columns:
        from syncd.segments.scored.columns import columns  # noqa: PLC0415 - likewise

        family = family_of(scoring.segment)
        with self._shop.read(of_everyone(query, scoring, until)) as reading:
            found = columns(reading, (*family.figures, *family.later))
            reading.seal()
        return found


def open_scoring_shop(
    settings: Settings, fitted: FittedModels, clock: Clock, *, keeps: bool
) -> ScoringShop:
    """A configuration's shop; connects when it is first read.

    Raises:
        syncd.errors.ConfigError: The URL or the zone cannot be used, or a driver or the
            password is not there.
    """
    from syncd.shop import open_shop  # noqa: PLC0415 - a daemon waits without it

    shop = settings.shop
    found = open_shop(shop.url, shop_password(settings), timezone=shop.timezone)
    return ScoringShop(found, fitted, clock, keeps=keeps)


def _objection(model: FittedModel, segment: str) -> str:
    """Why a model may not choose a segment's members; nothing where it may."""
    from syncd.segments.scored.judging import basket_objection  # noqa: PLC0415 - takes numpy

    said = model.objection or (model.money if segment in BY_MONEY else "")
    if said or segment not in BY_BASKET:
        return said
    return basket_objection(model.figures["basket_auc"])


def of_everyone(query: SegmentQuery, scoring: Scoring, until: int) -> SegmentQuery:
    """What a model reads of each buyer as a segment's query is asked."""
    family = family_of(scoring.segment)
    figures = (*family.figures, *family.later)
    return _until(replace(query, sql=scoring.histories, figures=figures, scoring=None), until)


def _until(query: SegmentQuery, day: int) -> SegmentQuery:
    """A query of histories that end where this day begins."""
    return replace(query, parameters={**query.parameters, UNTIL: day})


class _Chosen:
    """A `syncd.ports.Reading` of those rows of another that are of members."""

    def __init__(
        self, reading: Reading, chooser: Chooser | Picker, figures: tuple[str, ...]
    ) -> None:
        self._reading = reading
        self._chooser = chooser
        self._figures = figures
        self._members = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Without the figures that members are chosen by; the score last, where it goes along."""
        own = tuple(name for name in self._reading.columns if name not in self._figures)
        return (*own, "value") if self._chooser.value else own

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Members, in the batches in which they were read, but for those with none."""
        for batch in self._reading:
            members = self._chooser(batch)
            self._members += members.num_rows
            if members.num_rows:
                yield members

    def joined(self) -> Iterator[pa.RecordBatch]:
        """The same: each cell was looked at already."""
        return iter(self)

    def seal(self) -> int:
        """Say that the read is whole, and how many members it had."""
        self._reading.seal()
        return self._members
