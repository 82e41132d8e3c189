"""The commands that keep house: ``serve``, ``collection``, ``models``, ``backup``, ``doctor``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.base import Json, open_settings, print_json
from ragqa.errors import InvalidInput
from ragqa.memory import share_freed

if TYPE_CHECKING:
    from ragqa.settings import Settings

logger = logging.getLogger(__name__)

collection_app = typer.Typer(no_args_is_help=True, help="Create, list, delete collections.")
models_app = typer.Typer(no_args_is_help=True, help="List and fetch model weights.")


def mount(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (serve, backup, restore, doctor):
        app.command()(command)
    app.add_typer(collection_app, name="collection")
    app.add_typer(models_app, name="models")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Read uploads in a process of our own.")
    ] = True,
    demo: Annotated[
        Path | None,
        typer.Option(help="On the very first start, take the PDFs of this folder into `demo`."),
    ] = None,
    pull: Annotated[
        bool, typer.Option("--pull", help="First fetch the presets that are set and missing.")
    ] = False,
) -> None:
    """Serve the API and the web page, with one ingest worker."""
    settings = open_settings()
    share_freed()
    if pull:
        _pull_missing(settings)
    from ragqa.serving import serve as run

    if demo is not None and not demo.is_dir():
        raise InvalidInput(f"--demo {demo}: a folder was expected")
    run(settings, host=host, port=port, worker=worker, samples=demo)


def _pull_missing(settings: Settings) -> None:
    from ragqa.models.fetch import pull
    from ragqa.models.places import ready
    from ragqa.models.presets import BY_NAME, default_presets

    named = [settings.embedding_model, settings.reranker_model]
    if not settings.llm_base_url:
        named.append(settings.llm_model)
    wanted = [BY_NAME[name] for name in named if name in BY_NAME]
    # The weights that a setting of another kind cannot name: those of OCR.
    wanted += [preset for preset in default_presets() if preset.kind == "ocr"]
    for preset in wanted:
        if not ready(preset, settings.models_folder):
            logger.info("fetching %s", preset.name)
            pull(preset, settings.models_folder, offline=settings.offline)


@collection_app.command("create")
def create_collection(name: str, as_json: Json = False) -> None:
    """Make an empty collection; it keeps the embedding model that is set now."""
    from ragqa.shapes import collection_to_json
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services:
        record = collection_to_json(services.create_collection(name))
    print_json(record) if as_json else typer.echo(f"created {record['name']}")


@collection_app.command("list")
def list_collections(as_json: Json = False) -> None:
    """List the collections."""
    from ragqa.shapes import collection_to_json
    from ragqa.store.collections import list_collections as find_all
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services, services.database.transaction() as conn:
        records = [collection_to_json(collection) for collection in find_all(conn)]
    if as_json:
        print_json(records)
        return
    for record in records:
        typer.echo(
            f"{record['name']}\t{record['documents']} documents\t{record['chunks']} chunks"
            f"\t{record['embedding_model']}"
        )


@collection_app.command("delete")
def delete_collection(name: str, as_json: Json = False) -> None:
    """Delete a collection with all its documents."""
    from ragqa.store import intake
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services:
        intake.delete_collection(services.database, services.files, name)
    print_json({}) if as_json else typer.echo(f"deleted {name}")


@models_app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the presets: size, licence, hash, present or not."""
    from ragqa.models.places import list_presets

    records = list_presets(open_settings().models_folder)
    if as_json:
        print_json(records)
        return
    for record in records:
        there = "present" if record["present"] else "-"
        typer.echo(f"{record['name']}\t{record['kind']}\t{record['licence']}\t{there}")


@models_app.command("pull")
def pull_models(
    name: Annotated[str | None, typer.Argument(help="A preset; none: the default ones.")] = None,
    as_json: Json = False,
) -> None:
    """Fetch the weights of a preset, or of the default ones, and check their hashes."""
    from ragqa.models.fetch import pull
    from ragqa.models.presets import default_presets, find_preset

    settings = open_settings()
    wanted = [find_preset(name)] if name else default_presets()
    paths = {}
    for preset in wanted:
        logger.info("fetching %s", preset.name)
        path = pull(preset, settings.models_folder, offline=settings.offline)
        paths[preset.name] = str(path)
        if not as_json:
            typer.echo(f"{preset.name}\t{path}")
    if as_json:
        print_json(paths)


def backup(file: Path, as_json: Json = False) -> None:
    """Write every row and every original into one file."""
    from ragqa.store.backups import back_up
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services:
        record = back_up(services.database, services.files, file)
    print_json(record) if as_json else typer.echo(f"{record['documents']} documents in {file}")


def restore(file: Path, as_json: Json = False) -> None:
    """Bring a backup into an empty database."""
    from ragqa.store.backups import restore as bring_back
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services:
        record = bring_back(services.database, services.files, file)
    print_json(record) if as_json else typer.echo(f"{record['documents']} documents restored")


def doctor(
    airgap: Annotated[
        bool,
        typer.Option(
            "--airgap", help="Prove that the main job reaches nothing else; list files and hashes."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check everything that is needed, and say how to mend what is wrong."""
    if airgap:
        from ragqa.airgap import examine_airgap as examine
    else:
        from ragqa.doctor import examine

    report = examine(open_settings())
    if as_json:
        print_json(report)
    else:
        for check in report["checks"]:
            typer.echo(f"{'ok ' if check['ok'] else 'BAD'}\t{check['name']}\t{check['detail']}")
        for file in report.get("files", ()):
            typer.echo(f"{file['sha256']}\t{file['pin']}\t{file['path']}")
    if not report["ok"]:
        raise typer.Exit(1)
