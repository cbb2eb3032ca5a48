"""From the outbox to the targets: at least once, in order, until it is taken or too old."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt
from tenacity.wait import wait_random_exponential

from syncd.alerts.channels import TAKEN, Channel, Message, channel, passing
from syncd.alerts.looking import Watched
from syncd.errors import ConfigError
from syncd.ledger.alerting import Delivery, Notice
from syncd.ports import Clock
from syncd.settings import Settings

ATTEMPTS = 2  # at a time, seconds apart: who runs syncs waits for it
SOON, LATER = timedelta(minutes=5), timedelta(hours=1)  # until the next time, ever longer
KEPT = timedelta(days=7)  # after which a message is of no use to anybody
NOT_CONFIGURED = "not_configured"

log = structlog.get_logger()


def deliver(app: Watched) -> int:
    """Send what waits and is due; how many messages were taken.

    One thread at a time: another one leaves at once. What is sent is noted afterwards, so
    a process that dies in between sends it again, under the same id.
    """
    alerts = app.ledger.alerts
    if not alerts.sending.acquire(blocking=False):
        return 0
    try:
        _drop_orphans(app)
        taken = 0
        # Again, for what other threads, who left at once, put there meanwhile.
        while some := sum(_to(app, target) for target in app.settings.alerts.targets):
            taken += some
        return taken
    finally:
        alerts.sending.release()


def try_out(app: Watched) -> dict[str, str]:
    """Send a test message to each target, past the outbox; what came of each, as a code.

    Raises:
        syncd.errors.ConfigError: A target cannot be used; nothing was sent to any.
    """
    targets = app.settings.alerts.targets
    said = (
        "This is a test of syncd's alerts: somebody ran `syncd alerts test`. Nothing is wrong, "
        "and nothing has to be done."
    )
    message = Message(app.names("n"), "test", "syncd", "test", app.clock.now(), "syncd: test", said)
    ways = {target: channel(app.settings, target, app.clock) for target in targets}
    return {target: way.send(message) for target, way in ways.items()}


def tell_failed(settings: Settings, clock: Clock, unit: str, said: str) -> Mapping[str, str]:
    """Tell each target that a service has failed; what came of each, as a code.

    Past the outbox: the ledger may be what the service failed for.
    """
    now = clock.now()
    told = Message(
        id=f"n{now:%y%m%d%H%M%S}{secrets.token_hex(3)}",
        turn="opened",
        subject=f"service {unit}",
        condition="service_failed",
        at=now,
        title=f"syncd: service {unit} has failed",
        said=said,
    )
    codes = dict[str, str]()
    for target in settings.alerts.targets:
        try:
            codes[target] = _attempted(clock, channel(settings, target, clock), told)
        except ConfigError:
            codes[target] = NOT_CONFIGURED
    return codes


def message(notice: Notice) -> Message:
    """A notice as it goes out."""
    words = notice.condition.replace("_", " ")
    over = "over: " if notice.turn == "recovered" else ""
    return Message(
        id=notice.id,
        turn=notice.turn,
        subject=notice.subject,
        condition=notice.condition,
        at=notice.at,
        title=f"syncd: {over}{notice.subject}: {words}",
        said=notice.said,
    )


def _to(app: Watched, target: str) -> int:
    """All that waits for one target, the oldest first; how much of it was taken."""
    waiting = app.ledger.alerts.waiting(target)
    if not waiting or not any(each.due_at <= app.clock.now() for each in waiting):
        return 0
    try:
        way = channel(app.settings, target, app.clock)
    except ConfigError:
        log.error("alert_target_unusable", target=target)
        _missed(app, waiting[0], NOT_CONFIGURED)
        return 0
    return _in_order(app, way, waiting)


def _in_order(app: Watched, way: Channel, waiting: Sequence[Delivery]) -> int:
    taken = 0
    for each in waiting:
        if each.due_at > app.clock.now():
            if _keeps_others(each.code):
                break  # nothing overtakes what a target that is down did not take
            continue
        code = _attempted(app.clock, way, message(each.notice))
        if code == TAKEN:
            app.ledger.alerts.sent(each, app.clock.now())
            taken += 1
            continue
        _missed(app, each, code)
        if _keeps_others(code):
            break
    return taken


def _keeps_others(code: str) -> bool:
    """Whether it is the target that takes nothing, and not this message."""
    return passing(code) or code == NOT_CONFIGURED


def _attempted(clock: Clock, way: Channel, told: Message) -> str:
    """A few attempts; the code of the last."""
    attempts = Retrying(
        retry=retry_if_result(passing),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=1.0, max=4.0),
        sleep=clock.sleep,
        retry_error_callback=_last,
    )
    code: str = attempts(way.send, told)
    return code


def _last(state: RetryCallState) -> str:
    return str(state.outcome.result()) if state.outcome else ""


def _missed(app: Watched, of: Delivery, code: str) -> None:
    """Note that a target did not take a message, and when it is tried again, if ever."""
    now, alerts = app.clock.now(), app.ledger.alerts
    if now - of.notice.at > KEPT:
        alerts.give_up(of, now, code=code)
        log.error("alert_given_up", target=of.target, notice=of.notice.id, code=code)
        return
    until = now + min(SOON * 2 ** min(of.attempts, 8), LATER)
    alerts.put_off(of, until=until, code=code)
    log.warning("alert_not_taken", target=of.target, notice=of.notice.id, code=code)


def _drop_orphans(app: Watched) -> None:
    """Give up what waits for targets that the configuration has no more."""
    now, alerts = app.clock.now(), app.ledger.alerts
    for target, state in alerts.backlog():
        if state == "waiting" and target not in app.settings.alerts.targets:
            for each in alerts.waiting(target):
                alerts.give_up(each, now, code="no_such_target")


def next_at(app: Watched) -> datetime | None:
    """When a delivery is due next; None if nothing waits."""
    return app.ledger.alerts.next_at()
