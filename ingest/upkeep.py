"""The commands that keep a collection: ``ragqa versions``, ``watch``, ``schedule``."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from ragqa.cli.base import CollectionName, Json, open_settings, print_json
from ragqa.errors import InvalidInput
from ragqa.memory import share_freed

UNITS = Path(".config/systemd/user")

Paths = Annotated[list[Path], typer.Argument(help="Files and folders.")]
Prune = Annotated[bool, typer.Option(help="Delete documents whose files vanished.")]


def mount(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(versions)
    app.command()(watch)
    app.command()(schedule)


def versions(
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    name: Annotated[str, typer.Argument(help="Name of the document.")],
    restore: Annotated[
        int | None, typer.Option(min=1, help="Serve this one again; waits until it is.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the versions of a document that are kept, or bring one back."""
    settings = open_settings()
    from ingest.batch import read_until_done
    from ragqa.errors import NotFound
    from ragqa.shapes import version_to_json
    from ragqa.store.collections import find_collection
    from ragqa.store.documents import find_document_by_name
    from ragqa.store.intake import restore_version
    from ragqa.store.versions import list_versions
    from ragqa.wiring import open_services

    with open_services(settings) as services:
        with services.database.transaction() as conn:
            found = find_document_by_name(conn, find_collection(conn, collection).id, name)
        if found is None:
            raise NotFound(f"{collection} has no document {name}", code="document_not_found")
        if restore is not None:
            restore_version(services.database, found.id, restore)
            for document in read_until_done(services, [found.id]):
                if document.error is not None:
                    raise InvalidInput(f"version {restore}: {document.error.message}")
        with services.database.transaction() as conn:
            kept = [version_to_json(one) for one in list_versions(conn, found.id)]
    if as_json:
        print_json({"versions": kept})
        return
    for one in kept:
        served = "  served" if one["served"] else ""
        typer.echo(
            f"{one['version']:>4}  {one['created_at']}  {one['status']:<10}  "
            f"{one['pages']:>5} pages  {one['sha256'][:12]}{served}"
        )


def watch(
    paths: Paths,
    collection: CollectionName,
    prune: Prune = False,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 5.0,
    as_json: Json = False,
) -> None:
    """Bring folders in now and after each change in them, until stopped."""
    settings = open_settings()
    share_freed()
    from ingest.cli import print_report
    from ingest.folders import watch_folders
    from ragqa.wiring import open_services

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())

    def tell(report: dict[str, Any]) -> None:
        if as_json:
            print_json(report)
        elif any(report[key] for key in ("added", "updated", "renamed", "deleted", "failed")):
            print_report(report)

    with open_services(settings) as services:
        try:
            watch_folders(
                services, paths, collection, ended=ended, tell=tell, every=every, prune=prune
            )
        except KeyboardInterrupt:  # told to end while it read
            ended.set()


def schedule(
    paths: Paths,
    collection: CollectionName,
    at: Annotated[str, typer.Option(help="Time of day, HH:MM.")] = "02:30",
    prune: Prune = False,
    systemd: Annotated[
        bool, typer.Option(help="Unit files for systemd instead of a line for cron.")
    ] = False,
    into: Annotated[
        Path | None, typer.Option(help=f"Write the unit files here; users' own are in ~/{UNITS}.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print what brings folders in every night: a line for cron, or a service and a timer."""
    from ingest.schedule import Schedule, cron_line, read_time, unit_files

    settings = open_settings()
    if missing := [path for path in paths if not path.exists()]:
        raise InvalidInput(f"{missing[0]} is not there: a file or folder was expected")
    hour, minute = read_time(at)
    absolute = [path.resolve() for path in paths]
    wanted = Schedule(absolute, collection, hour, minute, prune, Path.cwd())
    if not systemd and into is None:
        line = cron_line(wanted, settings)
        print_json({"cron": line}) if as_json else typer.echo(line)
        return
    units = unit_files(wanted, settings)
    if into is not None:
        into.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            (into / name).write_text(text)
    if as_json:
        print_json({"units": units})
    elif into is None:
        typer.echo("\n".join(f"# {name}\n{text}" for name, text in units.items()))
    else:
        timer = next(name for name in units if name.endswith(".timer"))
        typer.echo(
            f"written; now: systemctl --user daemon-reload && systemctl --user enable --now {timer}"
        )
