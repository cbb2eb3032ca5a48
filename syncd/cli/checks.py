"""Signatures and help of init, and of the commands that check: identity, doctor, config.

As in `commands`, so that `--help` imports no room of syncd.
"""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.options import Config, Json


def identity_explain(
    context: typer.Context,
    platform: Annotated[
        str, typer.Option(help="The name meta, google, or that of any connector installed.")
    ],
    field: Annotated[
        str, typer.Option(help="Which of the platform's fields the values are meant for.")
    ] = "email",
    country: Annotated[
        str | None, typer.Option(help="The member's country, as the shop has it.")
    ] = None,
    default_country: Annotated[
        str | None, typer.Option(help="The shop's, for a member who has none.")
    ] = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Show each step from a value on standard input to its digest.

    Every line of standard input is a value; nothing of it is logged or kept.
    No configuration is read. Exits 3 if a value cannot be used.
    """
    from syncd.cli import identity  # noqa: PLC0415

    identity.refuse_arguments(context.args)
    identity.explain(
        platform, field, country=country, default_country=default_country, as_json=json
    )


def identity_sample(
    name: Annotated[str, typer.Argument(metavar="SEGMENT")],
    platform: Annotated[
        list[str] | None,
        typer.Option(
            help="By this platform's rules; may be given again. Default: the platforms of the "
            "syncs that use the segment, else all that are shipped.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[int, typer.Option(help="Stop after so many rows; 0 reads all.")] = 10_000,
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Count what of a segment is usable, repaired and refused, and why; sends nothing.

    Values are shown by their shape alone: x for a letter, 0 for a digit.
    """
    from syncd.cli import identity  # noqa: PLC0415

    identity.sample(name, config, platforms=platform, rows=rows, as_json=json)


def doctor(
    context: typer.Context,
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Check all that a run needs: a table, each line with the way to mend it; exits 1 if not fit.

    Configuration, the shop's database and whether its login may write, clocks, disk, lock,
    key, ledger, what is due, versions, accounts, digests. Takes no lock and changes nothing.
    """
    if context.invoked_subcommand is None:
        from syncd.cli import doctor as rooms  # noqa: PLC0415

        rooms.check(config=config, as_json=json)


def doctor_identity(json: Json = False) -> None:  # noqa: FBT002
    """Hash the platforms' published examples with what is installed here, and compare."""
    from syncd.cli import doctor as rooms  # noqa: PLC0415

    rooms.check("identity", config=None, as_json=json)


def doctor_accounts(config: Config = None, json: Json = False) -> None:  # noqa: FBT002
    """Ask each platform whether accounts and audiences are fit; a line each, with what to do.

    Token, permissions, terms and the state of every audience that the ledger knows, or else
    that syncs name. Changes nothing. Exits 1 unless all is well.
    """
    from syncd.cli import doctor as rooms  # noqa: PLC0415

    rooms.check("accounts", config=config, as_json=json)


def config_check(config: Config = None, json: Json = False) -> None:  # noqa: FBT002
    """Check the configuration, its references and its segments."""
    from syncd.cli import setup  # noqa: PLC0415

    setup.check(config, as_json=json)


def config_schema() -> None:
    """Print the JSON Schema that editors check a configuration with."""
    from syncd.cli import setup  # noqa: PLC0415

    setup.schema()


def init(
    shop_url: Annotated[
        str, typer.Option(help="The shop's database, without a password.", show_default=False)
    ] = "",
    timezone: Annotated[
        str, typer.Option(help="The shop's: Europe/Amsterdam, ...", show_default=False)
    ] = "",
    country: Annotated[
        str, typer.Option(help="Of customers who have none, two letters.", show_default=False)
    ] = "",
    connector: Annotated[
        str, typer.Option(help="The platform: meta, google, ...", show_default=False)
    ] = "",
    account_id: Annotated[str, typer.Option(help="The account there.", show_default=False)] = "",
    segment: Annotated[
        str, typer.Option(help="A name for the first segment.", show_default=False)
    ] = "",
    config: Config = None,
) -> None:
    """Write a first configuration; for one that is there, make the ledger and its key.

    It looks at the shop's tables for its system, time zone and country, and on a terminal asks
    for what neither they nor an option say. It ends with the table of `syncd doctor`.
    """
    from syncd.cli import beginning  # noqa: PLC0415

    wanted = beginning.Wanted(shop_url, timezone, country, connector, account_id, segment)
    beginning.init(config, wanted)
