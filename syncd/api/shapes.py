"""What callers send, and what they are answered; the OpenAPI document is made from these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.leaving.retiring import Retired
from syncd.model import Plan, Run
from syncd.settings.forms import NAME
from syncd.settings.shape import Shape
from syncd.sync import Result

ID = r"^[A-Za-z0-9]{1,40}$"
Id = Annotated[str, Field(pattern=ID)]
SyncName = Annotated[str, Field(pattern=NAME, description="Name of a configured sync.")]


class RunWanted(Shape):
    """What a run is asked to do; as the options of `syncd sync`."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "required": ["plan"],
                "properties": {"plan": {"type": "string"}},
                "anyOf": [
                    {"required": [name], "properties": {name: {"const": True}}}
                    for name in ("full", "replace")
                ],
            }
        }
    )

    sync: SyncName
    plan: Id | None = Field(default=None, description="Carry out exactly this plan, or refuse.")
    full: bool = Field(default=False, description="Send everyone, whatever is known of them.")
    adopt: bool = Field(default=False, description="Take over an audience that holds others.")
    wait: bool = Field(
        default=False,
        description="End only when the platform has processed everything; other runs of the "
        "account wait so long.",
    )

    replace: bool = Field(
        default=False,
        description="Let nobody else stay in the audience, as `syncd reconcile --replace`: all "
        "of the above but `plan`, and it takes hours.",
    )

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if self.plan and (self.full or self.replace):
            raise ValueError(
                "`plan` carries out what was shown, `full` and `replace` send everyone: choose"
            )
        return self


class PlanWanted(Shape):
    """Whose plan is to be shown."""

    sync: SyncName


class RetirementWanted(Shape):
    """Which audience is to be emptied for good; no sync fills it any more."""

    audience: str = Field(
        pattern=r"^[A-Za-z0-9_./:-]{1,200}$",
        description="Its id at the platform, or PLATFORM/ACCOUNT/ID.",
    )


class RunsWanted(BaseModel):
    """Which runs are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    sync: SyncName | None = None
    limit: int = Field(default=20, ge=1, le=500, description="At most so many.")


class Answer(BaseModel):
    """What all answers share."""

    model_config = ConfigDict(frozen=True)


class RunAnswer(Answer):
    """A run as far as it is known; `exit_code` and `result` only of one asked for here."""

    id: str = Field(description="What to ask for; the run's own id answers too.")
    sync: str = Field(description="Or the audience that is emptied for good.")
    actor: str = Field(description="schedule, api or a login.")
    state: Literal["waiting", "running", "ended"] = Field(
        description="It waits for its account, it runs, or it has ended."
    )
    exit_code: int | None = Field(default=None, description="That `syncd sync` would end with.")
    error: str = Field(default="", description="Why it failed or is held.")
    run: Run | None = Field(default=None, description="As the ledger has it.")
    result: Result | None = Field(default=None, description="How it ended, with its plan.")
    plan: Plan | None = Field(default=None, description="The plan that was only to be shown.")
    kept: bool = Field(default=False, description="Whether that plan can be carried out.")
    retired: Retired | None = Field(
        default=None, description="How far an audience is that is emptied for good."
    )


class RunsAnswer(Answer):
    """Runs, the newest first."""

    runs: tuple[Run, ...]


class SyncAnswer(Answer):
    """A configured sync, and where it stands."""

    name: str
    segment: str
    account: str
    audience: str = Field(description="Its name, or the platform's id of it.")
    mode: str
    schedule: str
    due: datetime | None = Field(description="When it runs next by its schedule.")
    under_way: bool = Field(description="Whether it runs now, or waits for its account.")
    last_run: Run | None
    held_plan: str | None = Field(description="That waits for `syncd approve`.")


class SyncsAnswer(Answer):
    """All configured syncs, in the configuration's order."""

    syncs: tuple[SyncAnswer, ...]


class HealthAnswer(Answer):
    """Whether the daemon is well."""

    ok: bool
    why: tuple[str, ...] = Field(default=(), description="What is not, a sentence each.")


class Problem(Answer):
    """Why something was not done, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong and what to do, as the command line says it.")
