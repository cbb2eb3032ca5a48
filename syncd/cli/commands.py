"""Each command's signature and help; its work stands in the module it is named after.

Signatures stand here, so that `--help` imports no room of syncd.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.checks import (
    config_check,
    config_schema,
    doctor,
    doctor_accounts,
    doctor_identity,
    identity_explain,
    identity_sample,
    init,
)
from syncd.cli.options import Config, Json
from syncd.cli.persons import erase, lookup
from syncd.cli.reading import (
    report,
    segments_lift,
    segments_list,
    segments_overlap,
    segments_preview,
    segments_products,
    segments_show,
    segments_sources,
    segments_survey,
    web,
)
from syncd.cli.service import run
from syncd.cli.watching import alerts, alerts_failed, alerts_test, metrics

Wait = Annotated[
    bool, typer.Option("--wait", help="Stay until the platform has processed everything.")
]
Full = Annotated[
    bool,
    typer.Option(
        "--full",
        help="Send everyone once more, and every removal that has not settled, whatever is "
        "remembered of them. Nothing is emptied first.",
    ),
]
Scheduled = Annotated[
    bool,
    typer.Option("--scheduled", help="As a timer does: nothing within a sync's min_interval."),
]
Adopt = Annotated[bool, typer.Option("--adopt", help="Take over an audience that holds others.")]


def register(application: typer.Typer) -> None:
    """Add every command, in the order in which one meets them."""
    first: tuple[Callable[..., None], ...] = (
        demo,
        init,
        plan,
        sync,
        approve,
        run,
        status,
        web,
        report,
    )
    last: tuple[Callable[..., None], ...] = (reconcile, backup, rebuild, migrate, sandbox)
    for command in first:
        application.command()(command)
    _group(application, "runs", "What ran, and how it ended.", runs_show, alone=runs)
    _group(
        application,
        "doctor",
        "Check whether what is installed here, and configured, is fit to send.",
        doctor_identity,
        doctor_accounts,
        alone=doctor,
    )
    targets = (alerts_test, alerts_failed)
    _group(application, "alerts", "What people are told, and who.", *targets, alone=alerts)
    application.command()(metrics)
    application.command()(retire)
    for private in (lookup, erase):  # typer's own message would repeat what is on its line
        application.command(context_settings={"allow_extra_args": True})(private)
    told = (audit_show, audit_export, audit_verify)
    _group(application, "audit", "What happened, in sentences.", *told, alone=audit)
    ours = (
        *(segments_list, segments_show, segments_preview, segments_overlap, segments_lift),
        *(segments_sources, segments_products, segments_survey),
    )
    _group(application, "segments", "The catalogue and yours.", *ours)
    known = "How values become what a platform matches."
    below = _group(application, "identity", known, identity_sample)
    # Typer's own message would repeat a value that was misplaced on the command line.
    below.command("explain", context_settings={"allow_extra_args": True})(identity_explain)
    _group(application, "config", "The configuration.", config_check, config_schema)
    for command in last:
        application.command()(command)


def _group(
    application: typer.Typer,
    name: str,
    text: str,
    *members: Callable[..., None],
    alone: Callable[..., None] | None = None,
) -> typer.Typer:
    """Add commands below a word: `runs_show` becomes `runs show`.

    Args:
        application: To add them to.
        name: The word.
        text: Its help.
        members: The commands.
        alone: What the word means by itself; its help, if nothing.
    """
    below = typer.Typer(help=text, no_args_is_help=alone is None)
    if alone is not None:
        below.callback(invoke_without_command=True, help=text)(alone)
    for member in members:
        below.command(member.__name__.partition("_")[2])(member)
    application.add_typer(below, name=name)
    return below


def demo(
    keep: Annotated[
        str | None, typer.Option(help="Keep the demo's files in this empty directory.")
    ] = None,
    serve: Annotated[  # noqa: FBT002
        bool, typer.Option("--serve", help="End with the page up, until interrupted.")
    ] = False,
) -> None:
    """Make a shop, sync it to local platforms, let a day pass, and check everything."""
    from syncd.cli import local  # noqa: PLC0415 - here and below: rooms load when used

    local.demo(keep, serve=serve)


def plan(
    names: Annotated[list[str] | None, typer.Argument(metavar="[SYNC]...")] = None,
    config: Config = None,
    json: Json = False,  # noqa: FBT002 - options, here and below
) -> None:
    """Show what would be added and removed; send nothing."""
    from syncd.cli import syncs  # noqa: PLC0415

    syncs.plan(names, config, as_json=json)


def sync(
    names: Annotated[list[str], typer.Argument(metavar="SYNC...")],
    plan: Annotated[
        str | None, typer.Option(help="Carry out exactly this plan, or refuse.")
    ] = None,
    full: Full = False,  # noqa: FBT002
    adopt: Adopt = False,  # noqa: FBT002
    wait: Wait = False,  # noqa: FBT002
    scheduled: Scheduled = False,  # noqa: FBT002
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Make audiences equal to their segments, now."""
    from syncd.cli import syncs  # noqa: PLC0415

    syncs.sync(
        names,
        config,
        plan=plan,
        adopt=adopt,
        wait=wait,
        full=full,
        scheduled=scheduled,
        as_json=json,
    )


def approve(
    plan: Annotated[str, typer.Argument(metavar="PLAN")],
    wait: Wait = False,  # noqa: FBT002
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Let a plan's held removals go: those that still apply, and no others."""
    from syncd.cli import syncs  # noqa: PLC0415

    syncs.approve(plan, config, wait=wait, as_json=json)


def status(config: Config = None, json: Json = False) -> None:  # noqa: FBT002
    """Say of each sync what its audience holds and how its last run ended."""
    from syncd.cli import syncs  # noqa: PLC0415

    syncs.status(config, as_json=json)


def runs(
    context: typer.Context,
    sync: Annotated[str | None, typer.Option(help="Only this sync's.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.")] = 20,
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """List the last runs, or show one."""
    if context.invoked_subcommand is None:
        from syncd.cli import history  # noqa: PLC0415

        history.runs(config, sync=sync, limit=limit, as_json=json)


def runs_show(
    run: Annotated[str, typer.Argument(metavar="RUN")],
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Show one run: its plan, its batches, what was refused, what it waits for."""
    from syncd.cli import history  # noqa: PLC0415

    history.run(run, config, as_json=json)


def retire(
    audience: Annotated[str, typer.Argument(metavar="AUDIENCE", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Empty an audience for good that no sync fills any more, by its name or id.

    Everyone whom syncd may have put there is removed, whatever a guard holds. That takes a
    settle window or two: exit 75 means that it has begun, and says when to call it again.
    """
    from syncd.cli import retire as rooms  # noqa: PLC0415

    rooms.retire(audience, config, yes=yes, as_json=json)


Since = Annotated[str | None, typer.Option(help="Only what is younger than this, such as 7d.")]
OfSync = Annotated[str | None, typer.Option("--sync", help="Only this sync's events.")]
Kind = Annotated[str | None, typer.Option(help="Only events of this kind, such as plan_held.")]


def audit(context: typer.Context, config: Config = None) -> None:
    """Read the audit: what happened, in sentences; alone, the last of it."""
    if context.invoked_subcommand is None:
        audit_show(config=config)


def audit_show(
    since: Since = None,
    of_sync: OfSync = None,
    kind: Kind = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.")] = 50,
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Read the audit: a line an event."""
    from syncd.cli import history  # noqa: PLC0415

    history.audit(config, since=since, sync=of_sync, kind=kind, limit=limit, as_json=json)


def audit_export(
    form: Annotated[str, typer.Option("--format", help="csv or json (a line an event).")] = "csv",
    since: Since = None,
    of_sync: OfSync = None,
    kind: Kind = None,
    config: Config = None,
) -> None:
    """Write all events that fit to standard output."""
    from syncd.cli import history  # noqa: PLC0415

    history.export(config, form=form, since=since, sync=of_sync, kind=kind)


def audit_verify(config: Config = None, json: Json = False) -> None:  # noqa: FBT002
    """Walk the audit chain: was an event changed, added or taken out?"""
    from syncd.cli import history  # noqa: PLC0415

    history.verify(config, as_json=json)


def reconcile(
    names: Annotated[list[str] | None, typer.Argument(metavar="[SYNC]...")] = None,
    replace: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--replace", help="Replace the audience as a whole; of one sync."),
    ] = False,
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Say what audiences hold as far as we know, and what their platform states.

    With --replace: make the audience equal to its segment as every run does, under all its
    guards, then let nobody else stay in it. Google takes others out after everyone who is
    wanted was sent once more; Meta drops everyone and loads who is wanted, within 90
    minutes. The command stays until the platform is done, which may take hours.
    """
    from syncd.cli import reconcile as rooms  # noqa: PLC0415

    if replace:
        rooms.replace(names, config, as_json=json)
    else:
        rooms.report(names, config, as_json=json)


def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", show_default=False)],
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Copy ledger and files of one moment to a new directory; nobody waits for it.

    For a ledger in SQLite. The ledger key is not in the copy: keep it elsewhere.
    A backup that is put back pushes nothing before `syncd rebuild`.
    """
    from syncd.cli import upkeep  # noqa: PLC0415

    upkeep.backup(target, config, as_json=json)


def rebuild(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Make ledger and directory fit again after one was lost, or a backup was put back.

    Whoever may be on a platform as far as either knows stays known, but nobody for
    certain: the next run of each sync adds everyone again and removes who is known and
    not wanted. Whom nobody knows any more stays there until the audience is replaced.
    """
    from syncd.cli import upkeep  # noqa: PLC0415

    upkeep.rebuild(config, yes=yes, as_json=json)


def migrate(config: Config = None) -> None:
    """Bring the ledger to this version's schema."""
    from syncd.cli import setup  # noqa: PLC0415

    setup.migrate(config)


def sandbox(
    meta_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 8901,
    google_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 8902,
    control_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 8903,
    delay: Annotated[
        float, typer.Option(help="Seconds until Google applies what it accepted.")
    ] = 2.0,
    meta_tier: Annotated[
        str, typer.Option(help="Keep to Meta's limits for an app's access: limited or full.")
    ] = "",
) -> None:
    """Serve local platforms that the real SDKs talk to, until interrupted."""
    from syncd.cli import local  # noqa: PLC0415

    local.sandbox(meta_port=meta_port, google_port=google_port, control_port=control_port,
                  delay=delay, meta_tier=meta_tier)  # fmt: skip
