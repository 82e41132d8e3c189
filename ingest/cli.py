"""The commands of ingestion: ``ragqa ingest``, ``ragqa parse``, ``ragqa worker``."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ingest import upkeep
from ragqa.cli.base import Json, open_settings, print_json
from ragqa.errors import InvalidInput, ReadOnly
from ragqa.memory import share_freed
from ragqa.models.lean_import import leave_out_compiler

if TYPE_CHECKING:
    from ingest.types import OcrMode

PARTLY_DONE = 3
BEHIND = 10
"""How much a service's own worker steps back, in steps of ``nice``."""


def mount(app: typer.Typer) -> None:
    """Add the commands of ingestion to the program."""
    app.command()(ingest)
    app.command()(parse)
    app.command()(worker)
    app.command()(reembed)
    upkeep.mount(app)


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Made when missing.")],
    prune: Annotated[bool, typer.Option(help="Delete documents whose files vanished.")] = False,
    force: Annotated[bool, typer.Option(help="Prune even more than half of a folder.")] = False,
    include: Annotated[list[str] | None, typer.Option(help="Only paths like this.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="No paths like this.")] = None,
    as_json: Json = False,
) -> None:
    """Bring files and folders into a collection and wait until they are read."""
    settings = open_settings()
    share_freed()
    leave_out_compiler()
    from ingest.batch import run_batch
    from ragqa.wiring import open_services

    with open_services(settings) as services:
        report = run_batch(
            services,
            paths,
            collection,
            prune=prune,
            force=force,
            include=include or (),
            exclude=exclude or (),
        )
    if as_json:
        print_json(report)
    else:
        print_report(report)
    if report["failed"]:
        some = any(report[key] for key in ("added", "updated", "unchanged", "deleted", "renamed"))
        raise typer.Exit(PARTLY_DONE if some else 1)


def parse(
    file: Path,
    ocr: Annotated[str, typer.Option(help="auto, always or never.")] = "auto",
    password: Annotated[str | None, typer.Option(help="For an encrypted file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a report page here.")] = None,
    tables: Annotated[
        Path | None, typer.Option(help="Also write each table as .csv and .md into this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what is read of a file; touches no database."""
    from dataclasses import replace

    from ingest.reading import parse as read_whole
    from ingest.reading import read_options
    from ingest.report import to_json, write_html, write_tables

    if ocr not in {"auto", "always", "never"}:
        raise typer.BadParameter(f"--ocr {ocr}: auto, always or never was expected")
    if not file.is_file():
        raise InvalidInput(f"{file} is not there: a file was expected")
    options = replace(read_options(open_settings(), password=password), ocr=cast("OcrMode", ocr))
    document = read_whole(file, options)
    if html is not None:
        write_html(file, document, html, password=password)
    if tables is not None:
        write_tables(document, tables)
    if as_json:
        print_json(to_json(file, document))
        return
    for page in document.pages:
        typer.echo(f"--- page {page.number} ({page.source}) ---\n{page.text}")
    for notice in document.notices:
        typer.echo(f"page {notice.page}: {notice.message}", err=True)


def reembed(
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    model: Annotated[
        str, typer.Option(help="Preset, hub id or folder; empty: the one that is set.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Give a collection vectors of another model; it is searched by the former ones meanwhile."""
    settings = open_settings()
    share_freed()
    from ingest.reembedding import reembed as run
    from ragqa.wiring import open_services

    chosen = model or settings.embedding_model
    shown = 0.0

    def tell(done: int, of: int) -> None:
        nonlocal shown
        if time.monotonic() >= shown or done == of:
            shown = time.monotonic() + 5
            typer.echo(f"{done} of {of} passages have a vector of {chosen}", err=True)

    with open_services(settings) as services:
        made = run(services, collection, chosen, report=tell)
    if as_json:
        print_json({"collection": collection, "model": chosen, "embedded": made})
    else:
        typer.echo(f"{collection} is searched by vectors of {chosen}; {made} were made")


def worker(
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Documents in hand at once; default: by setting.")
    ] = None,
    parent: Annotated[
        int | None, typer.Option(hidden=True, help="End when this parent process ends.")
    ] = None,
) -> None:
    """Read what is queued, until stopped."""
    settings = open_settings()
    share_freed()
    from ingest.worker import run_worker
    from ragqa.wiring import open_services

    if parent is not None:
        # Beside a service, whoever waits for an answer goes before what is read meanwhile.
        os.nice(BEHIND)
        threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    with open_services(settings) as services:
        if services.database.read_only:
            raise ReadOnly
        run_worker(services, concurrency=concurrency or settings.worker_concurrency)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def print_report(report: dict[str, Any]) -> None:
    """Say what a run came to."""
    counted = ("added", "updated", "unchanged", "renamed", "deleted")
    typer.echo(", ".join(f"{report[key]} {key}" for key in counted))
    typer.echo(
        f"{report['pages']} pages ({report['ocr_pages']} by OCR), {report['chunks']} chunks, "
        f"{report['seconds']} s"
    )
    if report["interrupted"]:
        typer.echo(
            "an earlier run of these paths was interrupted; this one went on where it stopped"
        )
    for one in report["skipped"]:
        typer.echo(f"skipped {one['file']}: {one['reason']}")
    for one in report["failed"]:
        typer.echo(f"FAILED {one['file']}: {one['message']} ({one['code']})")
