"""What a connector found when it looked at its account and at audiences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["good", "warning", "unusable", "denied"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a platform states of an account or of an audience, in one line.

    Attributes:
        subject: The id of an audience; "" for the account itself.
        verdict: `good`, though it may say something; `warning` where a person should look and
            everything still goes; `unusable` where this audience cannot be changed; `denied`
            where nothing of the account can.
        code: The platform's code for it, or the name of what was looked at.
        said: What it is and what to do, without a full stop; never the platform's prose.
        link: Where a person must click for that; "" where nowhere.
        reference: The platform's trace id, for its support; "" if it gave none.
    """

    subject: str
    verdict: Verdict
    code: str
    said: str
    link: str = ""
    reference: str = ""

    @property
    def good(self) -> bool:
        """Whether nobody has to do anything."""
        return self.verdict == "good"

    @property
    def way_on(self) -> str:
        """What it says, with the link."""
        return f"{self.said}: {self.link}" if self.link else self.said
