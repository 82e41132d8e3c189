"""More than one database server: ``ragqa distribute`` and ``ragqa replica``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragqa.cli.base import Json, open_settings, print_json
from ragqa.errors import InvalidInput


def mount(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(distribute)
    app.command()(replica)


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


def replica(
    folder: Annotated[Path, typer.Argument(help="A new folder: the home of the replica.")],
    as_json: Json = False,
) -> None:
    """Copy the embedded database to another home, where it follows this one and is only read."""
    settings = open_settings()
    from ragqa.store.replicas import make_replica
    from ragqa.wiring import open_services

    if settings.database_url:
        raise InvalidInput(
            "RAGQA_DATABASE_URL names a Postgres of your own: make its standby with pg_basebackup, "
            "and serve that with its address in RAGQA_DATABASE_URL; ragqa sees that it only reads"
        )
    links = {"models": settings.models_folder}
    if not settings.files:
        links["files"] = settings.files_folder
    with open_services(settings) as services:
        make_replica(services.database.conninfo, folder, links)
    home = folder.expanduser().absolute()
    command = f"RAGQA_HOME={home} ragqa serve --port 8001"
    if as_json:
        print_json({"home": str(home), "serve": command})
        return
    typer.echo(f"{home} follows {settings.home} from now on; serve it with:\n{command}")
