"""Errors, sorted by what the caller does next.

* SyncdError
  + ConfigError             the operator edits a file                          78
    - LedgerMismatch        the ledger and its directory are not of one time   78
  + UsageError              the command was wrong                               2
  + Busy                    someone else is at it; try later                   75
  + Stopped                 we were told to end; the next start carries on     75
  + Held                    a person must look before anything is removed       4
    - EmptySegment          the segment returned nobody
    - ColumnsChanged        the segment returned other columns than last time
    - RemovalsHeld          more removals than the guard lets through
    - ForeignAudience       the audience was filled by someone else
    - Unfitted              no model fits the shop, or it foretold too badly
  + Unwritten               the disk is full, or the like; make room            1
  + ShopError               the shop could not be read; nothing was changed     1
    - TornSnapshot          the read ended early or did not add up
    - BadRows               a key is missing or stands twice
  + PlanRefused             the plan no longer fits; plan again                 1
  + Unreplaced              an audience was not replaced to the end             1
  + PlatformError           a platform said no, or nothing
    - Throttled             wait as told, then send the same batch again         75
      . AudienceBusy        likewise; only this audience has to wait
    - Unavailable           outcome unknown: wait, then send the same batch again
    - RequestRefused        the platform would not take the request; nothing applied
    - Denied                stop this account, tell a person                   77
    - AudienceUnusable      stop this audience, others go on
      . AudienceGone        likewise; the platform knows none of this id
      . AudienceClosed      it takes nobody in; whoever is in it can be taken out

Rows that a platform refuses are no errors: see `syncd.model.Receipt`. Messages carry
the numbers, the limit and the way on; never a customer's data, never vendor prose.
"""

from __future__ import annotations

from pathlib import Path


class SyncdError(Exception):
    """The root: what syncd raises on purpose. Anything else is a bug."""

    exit_code = 1


class ConfigError(SyncdError):
    """The configuration does not say something that can be done.

    Attributes:
        where: `FILE:LINE`, as far as known.
    """

    exit_code = 78

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class LedgerMismatch(ConfigError):
    """The ledger and its directory do not belong to one moment, or one key."""


class UsageError(SyncdError):
    """The command cannot mean anything here."""

    exit_code = 2


class Busy(SyncdError):
    """Another process or run holds what is needed."""

    exit_code = 75


class Stopped(SyncdError):
    """This process was told to end, and did so between two requests."""

    exit_code = 75


class Held(SyncdError):
    """Something waits for a person; whatever was safe went out."""

    exit_code = 4


class EmptySegment(Held):
    """The segment returned no usable member."""


class ColumnsChanged(Held):
    """The segment's columns are not those of its last run."""


class RemovalsHeld(Held):
    """The guard holds a plan's removals."""

    def __init__(self, plan: str, reasons: tuple[str, ...]) -> None:
        super().__init__(
            f"removals are held: {'; '.join(reasons)}. Additions went out. "
            f"Look at `syncd runs show`, then `syncd approve {plan}`"
        )
        self.plan = plan
        self.reasons = reasons


class ForeignAudience(Held):
    """The audience holds members that syncd did not put there."""


class Unfitted(Held):
    """A scored segment has no model that may choose its members."""


class Unwritten(SyncdError):
    """A file could not be written; the step that needs it was not taken."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be written: {error.strerror}. This step was not taken; see to the "
            "disk and to who may write there, then run it again"
        )


class ShopError(SyncdError):
    """The shop's database could not be read."""


class TornSnapshot(ShopError):
    """The read was cut short or did not add up; it changes nothing."""


class BadRows(ShopError):
    """A segment's rows break its contract: a key is missing or stands twice."""


class PlanRefused(SyncdError):
    """A plan that was shown can no longer be carried out as shown."""


class Unreplaced(SyncdError):
    """The replacement of an audience did not come to its end; nobody wanted is lost."""


class PlatformError(SyncdError):
    """A platform's answer, reduced to what may be told.

    Attributes:
        platform: `meta`, `google`, ...
        code: The platform's code and subcode, or ours for a malformed answer.
        reference: Its trace id, for its support.
        hint: What to do, in our words.
        way_on: What to do where no more is known; one a class.
    """

    way_on = "the next run tries again; nothing is lost"

    def __init__(self, platform: str, code: str, *, reference: str = "", hint: str = "") -> None:
        parts = [f"{platform} answered {code}"]
        if reference:
            parts.append(f"(reference {reference})")
        super().__init__(f"{' '.join(parts)}: {hint or self.way_on}")
        self.platform = platform
        self.code = code
        self.reference = reference
        self.hint = hint or self.way_on


class Throttled(PlatformError):
    """Too many requests; nothing was applied.

    Attributes:
        retry_after: Seconds the platform asked for, or None.
    """

    exit_code = 75
    way_on = "it asks for fewer requests; the next run goes on where this one stopped"

    def __init__(
        self,
        platform: str,
        code: str,
        *,
        retry_after: float | None = None,
        reference: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(platform, code, reference=reference, hint=hint)
        self.retry_after = retry_after


class AudienceBusy(Throttled):
    """Another update of the audience is under way; nothing was applied.

    Others of its account need not wait for that.
    """

    way_on = "another update of this audience is under way; the next run tries again"


class Unavailable(PlatformError):
    """No usable answer: the request may or may not have been applied."""

    way_on = (
        "it gave no usable answer, so what was asked may have been done or not. The next run "
        "sends the same batch again before anything else; nothing is lost"
    )


class RequestRefused(PlatformError):
    """The platform would not take the request; none of it was applied.

    Attributes:
        rows: Positions in the batch that it named as the reason; empty if none.
        of_rows: Whether rows of the request may be the reason, so that parts of it may
            fare better; False where the request as such is wrong.
        of_size: With `of_rows`: whether it may as well be how many they are, so that no row
            is to blame, not even one that was refused alone.
    """

    way_on = "it would not take the request and applied none of it; other batches went on"

    def __init__(
        self,
        platform: str,
        code: str,
        *,
        rows: tuple[int, ...] = (),
        of_rows: bool = True,
        of_size: bool = False,
        reference: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(platform, code, reference=reference, hint=hint)
        self.rows = rows
        self.of_rows = of_rows
        self.of_size = of_size


class Denied(PlatformError):
    """The account may not do this: token, permission, terms, policy.

    Attributes:
        again_after: Seconds after which asking once more makes sense, though nobody mended
            anything; None where the platform does not say.
    """

    exit_code = 77
    way_on = "check the account's token, its permissions and the terms it must accept"

    def __init__(
        self,
        platform: str,
        code: str,
        *,
        again_after: float | None = None,
        reference: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(platform, code, reference=reference, hint=hint)
        self.again_after = again_after


class AudienceUnusable(PlatformError):
    """This audience cannot be changed: gone, flagged, of another kind."""

    way_on = "look at the audience on the platform, or name another one in the configuration"


class AudienceGone(AudienceUnusable):
    """The platform knows no audience of this id.

    It was deleted; or this account may not see it, for platforms answer both alike. Who
    has to know asks once more, see `syncd.leaving.gone`.
    """


class AudienceClosed(AudienceUnusable):
    """This audience takes no new members; whoever is in it can be taken out."""

    way_on = "open the audience again on the platform, or name another one in the configuration"
