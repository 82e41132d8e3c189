"""``ragqa distribute``: the tables over the nodes of a Citus cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from ragqa.cli.base import Json, open_settings, print_json


def mount(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(distribute)


def distribute(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the statements, change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Distribute the tables by collection, on the coordinator of a Citus cluster."""
    settings = open_settings()
    from ragqa.store import distribution
    from ragqa.wiring import open_services

    with open_services(settings) as services, services.database.transaction() as conn:
        broken = distribution.find_violations(conn)
        statements = distribution.plan(conn) if dry_run else distribution.distribute(conn)
    if as_json:
        print_json({"statements": statements, "violations": broken})
        return
    for one in broken:
        typer.echo(f"-- {one}")
    typer.echo("\n".join(f"{one};" for one in statements))
