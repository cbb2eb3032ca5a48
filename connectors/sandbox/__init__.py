"""Local platforms that speak the wire of the real ones, for the real SDKs to talk to.

`start()` serves Meta's Graph API over HTTP, Google's Data Manager API and Google Ads API over
gRPC on one port, and a control port; all on 127.0.0.1, all in this process, all in memory. They
enforce the documented limits and refusals, keep each audience in both views (`state`), and fail
when told to (`faults`, `control`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self

from connectors.sandbox.faults import FaultQueue
from connectors.sandbox.meta_limits import TierName
from connectors.sandbox.state import World

if TYPE_CHECKING:
    from connectors.sandbox.google.ads_jobs import Job

__all__ = ["Sandbox", "start"]


class Sandbox:
    """Running local platforms; a context manager that stops them.

    Attributes:
        meta_world: What Meta holds.
        google_world: What Google holds.
        worlds: Both, by platform.
        faults: What goes wrong next, on either.
        meta_endpoint: `http://127.0.0.1:PORT`, as `endpoint:` of an account.
        google_endpoint: `127.0.0.1:PORT`, likewise.
        control_endpoint: `http://127.0.0.1:PORT`, see `connectors.sandbox.control`.
        meta_token: The only access token that Meta takes.
    """

    def __init__(
        self,
        *,
        meta_port: int,
        google_port: int,
        control_port: int,
        google_delay: float | None,
        meta_app_secret: str,
        meta_lingers: bool,
        meta_tier: TierName,
        seed: int,
    ) -> None:
        # `syncd sandbox` pays for a server of a protocol, not who asks for a fault's fields.
        from connectors.sandbox import control, google, meta  # noqa: PLC0415

        self.meta_world = World(first_id=meta.FIRST_ID)
        self.google_world = World()
        self.worlds = {"meta": self.meta_world, "google": self.google_world}
        self.faults = FaultQueue()
        self.meta_token = meta.TOKEN
        with contextlib.ExitStack() as started:
            served = meta.serve(
                self.meta_world,
                self.faults,
                meta_port,
                app_secret=meta_app_secret,
                lingers=meta_lingers,
                tier=meta_tier,
            )
            started.callback(served.stop)
            self._google = google.serve(
                self.google_world,
                self.faults,
                google_port,
                delay=google_delay,
                random=Random(seed),
            )
            started.callback(self._google.stop)
            controlled = control.serve(
                self.worlds, self.faults, self.process, self.end_replacement, control_port
            )
            started.callback(controlled.stop)
            self._started = started.pop_all()
        self.meta_endpoint = f"http://127.0.0.1:{served.port}"
        self.google_endpoint = f"127.0.0.1:{self._google.port}"
        self.control_endpoint = f"http://127.0.0.1:{controlled.port}"

    @property
    def google_jobs(self) -> tuple[Job, ...]:
        """The jobs that were made through the Google Ads API, oldest first."""
        return self._google.ads.jobs.all()

    def process(self, order: Sequence[str] | None = None) -> None:
        """Let accepted work take effect now, where a platform answers later.

        Args:
            order: Google's request ids, in the order they take effect; by default all of them
                in a drawn one, and Meta's replacements, as far as all their batches came.
        """
        self._google.process(order)
        for audience in self.meta_world.audiences() if order is None else ():
            if audience.replacement is not None and audience.replacement.whole:
                self.end_replacement(audience.id)

    def end_replacement(self, audience_id: str, *, failed: bool = False) -> None:
        """Let Meta's replacement of an audience come to its end, good or bad.

        Raises:
            KeyError: There is none.
        """
        audience = self.meta_world.get(audience_id)
        if audience is None or audience.replacement is None:
            raise KeyError(f"audience {audience_id} was never replaced")
        audience.replacement.state = "failed" if failed else "done"

    def stop(self) -> None:
        """Stop everything; a second call does nothing."""
        self._started.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    *,
    meta_port: int = 0,
    google_port: int = 0,
    control_port: int = 0,
    google_delay: float | None = 0.0,
    meta_app_secret: str = "",
    meta_lingers: bool = False,
    meta_tier: TierName = "",
    seed: int = 0,
) -> Sandbox:
    """Start the local platforms.

    Args:
        meta_port: 0 takes a free one, here and below.
        google_port: Likewise.
        control_port: Likewise.
        google_delay: Seconds until a request that Google accepted takes effect; 0 before it
            is answered, None only when `Sandbox.process` is called.
        meta_app_secret: If given, Meta demands the proof made with it.
        meta_lingers: A replacement at Meta goes on after its last batch, until `process`,
            `end_replacement` or its 90 minutes are over.
        meta_tier: The limits of an ad account at Meta: `limited` or `full`, as its app's
            access; "" for none.
        seed: Draws the order in which waiting requests take effect.

    Raises:
        OSError: A port is taken.
    """
    return Sandbox(
        meta_port=meta_port,
        google_port=google_port,
        control_port=control_port,
        google_delay=google_delay,
        meta_app_secret=meta_app_secret,
        meta_lingers=meta_lingers,
        meta_tier=meta_tier,
        seed=seed,
    )
