"""Which rows a platform refuses a whole request for, found by asking for parts of it; pure.

Once something was taken, the first bad row is searched for from the left, and what lies
beyond it stays one piece: ceil(log2(rows)) + 2 requests a bad row, at most. As long as
nothing was, the largest piece is asked for next: halves, quarters, eighths. Where all of
those are refused, one path leads from there to single rows, for bad rows that lie close.
A platform that refuses everything shows it by refusing all of that; then it is not about
rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SMALL = 8  # of so few rows each is asked for alone, if need be
BLIND = 14  # 2 halves, 4 quarters, 8 eighths

Answer = Literal["taken", "refused", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A range of rows whose fate is open.

    Attributes:
        bad: Whether it is known to hold a row that is refused.
    """

    first: int
    rows: int
    bad: bool = False


class Search:
    """The search through one refused request."""

    def __init__(self, rows: int) -> None:
        """Begin with a request of so many rows, which was refused."""
        self.rows = rows
        self._pieces = [Piece(0, rows, bad=True)]
        self._refused = 0
        self._asked: int | None = None  # place of the piece that is being asked for
        self._halved = False  # whether its other half follows it

    @property
    def open(self) -> tuple[Piece, ...]:
        """What is not taken, named or handed on, in order."""
        return tuple(self._pieces)

    @property
    def asking(self) -> bool:
        """Whether a piece is being asked for."""
        return self._asked is not None

    def hopeless(self, *, taken: bool) -> bool:
        """Whether so much was refused that it cannot be about single rows.

        Args:
            taken: The platform took some request of this operation.
        """
        return not taken and self._refused >= BLIND + 2 * self.rows.bit_length()

    def next(self, *, taken: bool) -> Piece | None:
        """What to ask for now; None if nothing is open.

        Args:
            taken: As before.
        """
        if not self._pieces:
            return None
        place = 0 if taken else self._telling()
        piece = self._pieces[place]
        # Known to be bad without having been asked for itself, a single row still is.
        self._halved = piece.bad and piece.rows > 1
        if self._halved:
            half = piece.rows // 2
            rest = Piece(piece.first + half, piece.rows - half)
            self._pieces[place : place + 1] = [Piece(piece.first, half), rest]
        self._asked = place
        return self._pieces[place]

    def told(self, answer: Answer) -> None:
        """Take in what became of it.

        A single row that was refused is thereby found; it is open no more.

        Args:
            answer: `elsewhere`: its rows are seen to in another way.
        """
        place, self._asked = self._asked, None
        if place is None:
            raise ValueError("nothing was asked for")
        piece = self._pieces[place]
        if answer == "refused":
            self._refused += 1
        if answer == "refused" and piece.rows > 1:
            self._pieces[place] = Piece(piece.first, piece.rows, bad=True)
            rest = place + 1
        else:
            del self._pieces[place]
            rest = place
        if self._halved and answer == "taken":
            # The whole was refused and this half was not: it is the other one.
            other = self._pieces[rest]
            self._pieces[rest] = Piece(other.first, other.rows, bad=True)
        elif self._halved:
            self._join(rest)

    def _telling(self) -> int:
        """Where something may soonest be taken: the largest pieces first, then the smallest."""
        if self._refused < BLIND:
            sizes = [(int(piece.bad), -piece.rows) for piece in self._pieces]
        else:
            sizes = [(piece.rows, int(piece.bad)) for piece in self._pieces]
        return sizes.index(min(sizes))

    def _join(self, place: int) -> None:
        """Nothing is known of this piece: make it one with a next one of that kind."""
        piece, following = self._pieces[place], self._pieces[place + 1 : place + 2]
        for other in following:
            if not other.bad and other.first == piece.first + piece.rows:
                self._pieces[place : place + 2] = [Piece(piece.first, piece.rows + other.rows)]
