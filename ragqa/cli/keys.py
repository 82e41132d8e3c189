"""The commands of administrators: ``key create``, ``list``, ``revoke``, ``forget``; ``audit``."""

from __future__ import annotations

import datetime as dt
import getpass
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ragqa.cli.base import Json, open_settings, print_json
from ragqa.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

app = typer.Typer(no_args_is_help=True, help="Make, list, revoke keys.")

KeyName = Annotated[str, typer.Argument(help="Name or id of a key.")]


def mount(program: typer.Typer) -> None:
    """Add the commands to the program."""
    program.add_typer(app, name="key")
    program.command()(audit)


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="For people: whose key it is.")],
    role: Annotated[
        Literal["reader", "writer", "administrator"],
        typer.Option(help="Readers ask; writers also upload and delete documents."),
    ] = "reader",
    collection: Annotated[
        list[str] | None, typer.Option("--collection", "-c", help="What it may see; repeat it.")
    ] = None,
    all_collections: Annotated[
        bool, typer.Option("--all-collections", help="It sees all, those to come included.")
    ] = False,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: days from now, or a date, 2030-01-31.")
    ] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1)] = None,
    questions_a_day: Annotated[int | None, typer.Option(min=1)] = None,
    upload_bytes_a_day: Annotated[int | None, typer.Option(min=1)] = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it: this once, it is kept nowhere."""
    from ragqa.callers import Limits
    from ragqa.store import keys

    seen = None if all_collections or role == "administrator" else (collection or [])
    if collection and seen is None:
        raise InvalidInput("--collection names some collections, the key would see all: drop one")
    if seen == []:
        raise InvalidInput(
            f"a {role} sees what is named: give --collection NAME, or --all-collections"
        )
    with _acting(f"key create {name}") as conn:
        made, text = keys.create_key(
            conn,
            name,
            role,
            collections=seen,
            expires_at=_read_expiry(expires),
            limits=Limits(requests_per_minute, questions_a_day, upload_bytes_a_day),
        )
    print_json({**keys.key_to_json(made), "key": text}) if as_json else typer.echo(text)


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """List the keys, ended ones too."""
    from ragqa.store import keys
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services, services.database.transaction() as conn:
        records = [keys.key_to_json(key) for key in keys.list_keys(conn)]
    if as_json:
        print_json(records)
        return
    for record in records:
        seen = "all" if record["collections"] is None else ", ".join(record["collections"])
        typer.echo("\t".join([record["id"], record["name"], record["role"], seen, _state(record)]))


@app.command("revoke")
def revoke_key(name: KeyName, as_json: Json = False) -> None:
    """Let a key open nothing from now on."""
    from ragqa.store import keys

    with _acting(f"key revoke {name}") as conn:
        record = keys.key_to_json(keys.revoke_key(conn, name))
    print_json(record) if as_json else typer.echo(f"revoked {record['name']} ({record['id']})")


@app.command("forget")
def forget_key(name: KeyName, as_json: Json = False) -> None:
    """Remove a revoked key altogether; without any, loopback is open again."""
    from ragqa.store import keys

    with _acting(f"key forget {name}") as conn:
        keys.forget_key(conn, name)
    print_json({}) if as_json else typer.echo(f"forgot {name}")


def audit(
    actor: Annotated[str | None, typer.Option(help="Only what this key or user did.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most records.")] = 100,
    as_json: Json = False,
) -> None:
    """Tell who did what, newest first."""
    from ragqa.store.audit import list_records
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services, services.database.transaction() as conn:
        records = list_records(conn, actor=actor, limit=limit)
    if as_json:
        print_json(records)
        return
    for record in records:
        parts = (record[name] for name in ("at", "actor", "action", "target", "outcome"))
        typer.echo("\t".join(parts))


@contextmanager
def _acting(what: str) -> Iterator[Connection[dict[str, Any]]]:
    """Open a transaction in which something is done and written down."""
    from ragqa.store.audit import record
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services, services.database.transaction() as conn:
        yield conn
        record(conn, f"{getpass.getuser()} (command line)", what, outcome="done")


def _read_expiry(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    now = dt.datetime.now(dt.UTC)
    try:
        if text.isdigit():
            return now + dt.timedelta(days=int(text))
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"--expires {text}: days, or a date like 2030-01-31, expected"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _state(record: dict[str, Any]) -> str:
    if record["revoked_at"]:
        return f"revoked {record['revoked_at'][:10]}"
    return f"until {record['expires_at'][:10]}" if record["expires_at"] else "valid"
