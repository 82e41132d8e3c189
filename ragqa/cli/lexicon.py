"""``ragqa lexicon``: the words that a collection's users teach it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.base import CollectionName, Json, open_settings, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from ragqa.store.db import Row
    from ragqa.types import CollectionId

lexicon_app = typer.Typer(
    no_args_is_help=True, help="Teach a collection words that questions must not cut."
)
Words = Annotated[list[str], typer.Argument(help="One word or more.")]


def mount(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(lexicon_app, name="lexicon")


@lexicon_app.command("add")
def add(words: Words, collection: CollectionName, as_json: Json = False) -> None:
    """Teach words; they take effect with the next question, nothing is ingested again."""
    from ragqa.store.lexicon import add_word

    with _open(collection) as (conn, collection_id):
        known = [add_word(conn, collection_id, word) for word in words]
    print_json({"words": known}) if as_json else typer.echo(f"taught {', '.join(known)}")


@lexicon_app.command("list")
def list_all(collection: CollectionName, as_json: Json = False) -> None:
    """List the words."""
    from ragqa.store.lexicon import list_words

    with _open(collection) as (conn, collection_id):
        known = list_words(conn, collection_id)
    print_json({"words": known}) if as_json else typer.echo("\n".join(known))


@lexicon_app.command("remove")
def remove(words: Words, collection: CollectionName, as_json: Json = False) -> None:
    """Take words back."""
    from ragqa.store.lexicon import remove_word

    with _open(collection) as (conn, collection_id):
        gone = [remove_word(conn, collection_id, word) for word in words]
    print_json({"words": gone}) if as_json else typer.echo(f"removed {', '.join(gone)}")


@contextmanager
def _open(collection: str) -> Iterator[tuple[Connection[Row], CollectionId]]:
    from ragqa.store.collections import find_collection
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services, services.database.transaction() as conn:
        yield conn, find_collection(conn, collection).id
