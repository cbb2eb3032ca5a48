"""Segments whose members a model chooses, and the models that do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a model needs to choose among the rows that a segment's SQL returns.

    That SQL, and `histories`, ask for the bind `:until`, the day at which a history ends,
    which only who has the model gives. So nobody takes its rows for members by mistake.

    Attributes:
        segment: The catalogue's name of it.
        histories: SQL for what the model reads of each buyer, with the same binds.
        parameters: What the segment was given.
        holdout: Days that are kept from the model, to judge it by.
        today: The day of `as_of` in the shop's zone, as days since 1970.
        instead: The segment by rule that comes near, for where no model may choose.
        basis: What tells the histories from those of another shop, or of other settings.
    """

    segment: str
    histories: str
    parameters: Mapping[str, float]
    holdout: int
    as_of: datetime
    today: int
    instead: str
    basis: str


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model of how a shop's customers buy, and how it did on days that were kept from it.

    Attributes:
        basis: See `Scoring`.
        as_of: The moment whose past it was fitted to, but for the last `holdout` days.
        holdout: Days, up to that moment, that it was judged on.
        fitted_at: When.
        parameters: Of BG/NBD (`r alpha a b`, days as unit) and of Gamma-Gamma (`p q v`, the
            shop's base currency); without those of a model that could not be fitted. Of a
            category: `segments.scored.tastes.Taste`; of groups: `segments.scored.clusters`.
        figures: What it was judged by, see `segments.scored.judging.Judgement`, and of amounts
            `tie`, `revenue_foretold`, `revenue_made` and `basket_auc`; of a category `events`,
            who bought of it in the days it was fitted to; of groups `silhouette`, and by group
            `size_1` and `rate_1`, the share that bought.
        objection: Why it may choose nobody; empty where it may.
        money: Why it may not say what a customer is worth; likewise.
    """

    basis: str
    as_of: datetime
    holdout: int
    fitted_at: datetime
    parameters: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    objection: str = ""
    money: str = ""
