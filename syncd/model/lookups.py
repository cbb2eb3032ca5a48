"""Whether a person was in an audience, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# certain   accepted by the platform, and not taken out
# possible  sent, and its answer is not known or was a failure: it may be there
# refused   sent, and the platform would not take the row
# leaving   its removal was accepted and has not settled yet
# gone      it was there, and its removal was accepted
Standing = Literal["certain", "possible", "refused", "leaving", "gone"]


@dataclass(frozen=True, slots=True)
class Trace:
    """One identifier in one audience, for as long as it was there without a break.

    Attributes:
        kind: Of the identifier, such as `email`.
        since: When the plan was made that added it; None: before `Looked.known_from`.
        left_at: When the removal was accepted that took it out.
        outdated: Digested by rules that have been changed since.
    """

    kind: str
    standing: Standing
    since: datetime | None
    left_at: datetime | None = None
    outdated: bool = False

    @property
    def there(self) -> bool:
        """Whether it may be in the audience now."""
        return self.standing != "gone"


@dataclass(frozen=True, slots=True)
class Looked:
    """What an audience's membership says of a person.

    Attributes:
        traces: Those that are there first, each group oldest first.
        known_from: Of what was there before, it does not say since when.
        remembers_from: Of who left before, it does not say anything; None: of nobody who left.
    """

    traces: tuple[Trace, ...]
    known_from: datetime
    remembers_from: datetime | None
