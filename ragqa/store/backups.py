"""Backup and restore: one file with every row and every original, independent of the server.

A backup is a ZIP: ``backup.json`` (format, migrations, tables), ``tables/<name>`` (Postgres' text
format of COPY) and ``files/<collection>/<hash>``. All rows come from one snapshot, so a backup
made while documents are read is as whole as any reader's view.
"""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any, cast

from psycopg import sql

from ragqa.errors import Conflict, InvalidInput
from ragqa.store.embeddings import ensure_embeddings_table
from ragqa.types import CollectionId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from psycopg import Connection

    from ragqa.store.db import Database
    from ragqa.store.files import Files

    Row = dict[str, Any]

FORMAT = 1
PIECE = 1 << 20

# Parents before children. Jobs are not kept: what was not read yet is queued again by `retry`.
TABLES = (
    "embedding_models",
    "collections",
    "documents",
    "versions",
    "page_reads",
    "passage_embeddings",
    "pages",
    "chunks",
    "page_texts",
    "corrections",
    "lexicon",
    "term_stats",
    "words",
    "collection_stats",
    "sources",
    "batch_runs",
    "answers",
    "feedback",
    "idempotency_keys",
    "api_keys",
    "grants",
    "key_usage",
    "page_sessions",
    "audit_log",
)

SEQUENCES = """
SELECT table_name::text, column_name::text FROM information_schema.columns
 WHERE table_schema = current_schema() AND is_identity = 'YES' AND table_name = ANY(%s)
"""


def back_up(database: Database, files: Files, target: Path) -> dict[str, int]:
    """Write everything into ``target``; it appears only when it is whole.

    Returns:
        How many documents, and how many bytes the backup has.
    """
    scratch = target.with_name(f".{target.name}.part")
    try:
        with database.transaction(repeatable=True) as conn:
            with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as backup:
                tables = [*TABLES, *(name for name, _, _ in _vectors(conn))]
                for table in tables:
                    _write_table(conn, backup, table)
                for collection_id, sha256 in _originals(conn):
                    _write_file(files, backup, collection_id, sha256)
                head = {"format": FORMAT, "migrations": _migrations(conn), "tables": tables}
                backup.writestr("backup.json", json.dumps(head))
            count = _count_documents(conn)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
    return {"documents": count, "bytes": target.stat().st_size}


def restore(database: Database, files: Files, source: Path) -> dict[str, int]:
    """Bring a backup into an empty database.

    Returns:
        How many documents, and how many bytes the backup has.

    Raises:
        InvalidInput: If the file is not a backup, or one of another version of the schema.
        Conflict: If the database holds collections already.
    """
    try:
        with zipfile.ZipFile(source) as backup, database.transaction() as conn:
            head = _read_head(backup)
            _require_empty(conn, head)
            for table in head["tables"]:
                if table not in TABLES:
                    _make_vectors(conn, table)
                _read_table(conn, backup, table)
            _advance_sequences(conn)
            for member in backup.namelist():
                if member.startswith("files/"):
                    _read_file(files, backup, member)
            count = _count_documents(conn)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise InvalidInput(f"{source} is not a whole backup of ragqa: {error}") from error
    return {"documents": count, "bytes": source.stat().st_size}


def _vectors(conn: Connection[Row]) -> Iterator[tuple[str, str, int]]:
    for row in conn.execute("SELECT name, table_key, dimension FROM embedding_models ORDER BY 1"):
        yield f"embeddings_{row['table_key']}", row["name"], row["dimension"]


def _originals(conn: Connection[Row]) -> list[tuple[CollectionId, str]]:
    rows = conn.execute("SELECT DISTINCT collection_id, sha256 FROM versions ORDER BY 1, 2")
    return [(CollectionId(row["collection_id"]), row["sha256"]) for row in rows]


def _migrations(conn: Connection[Row]) -> dict[str, str]:
    rows = conn.execute("SELECT name, sha256 FROM migrations")
    return {row["name"]: row["sha256"] for row in rows}


def _count_documents(conn: Connection[Row]) -> int:
    row = conn.execute("SELECT count(*) AS documents FROM documents").fetchone()
    return int(row["documents"]) if row else 0


def _columns(conn: Connection[Row], table: str) -> sql.Composable:
    rows = conn.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = current_schema() ORDER BY ordinal_position",
        [table],
    )
    return sql.SQL(", ").join(sql.Identifier(row["column_name"]) for row in rows)


def _write_table(conn: Connection[Row], backup: zipfile.ZipFile, table: str) -> None:
    statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        _columns(conn, table), sql.Identifier(table)
    )
    with (
        backup.open(f"tables/{table}", "w", force_zip64=True) as member,
        conn.cursor().copy(statement) as copy,
    ):
        for piece in copy:
            member.write(piece)


def _read_table(conn: Connection[Row], backup: zipfile.ZipFile, table: str) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), _columns(conn, table)
    )
    with backup.open(f"tables/{table}") as member, conn.cursor().copy(statement) as copy:
        while piece := member.read(PIECE):
            copy.write(piece)


def _write_file(
    files: Files, backup: zipfile.ZipFile, collection_id: CollectionId, sha256: str
) -> None:
    with (
        files.open(collection_id, sha256) as source,
        backup.open(f"files/{collection_id}/{sha256}", "w", force_zip64=True) as member,
    ):
        while piece := source.read(PIECE):
            member.write(piece)


def _read_file(files: Files, backup: zipfile.ZipFile, member: str) -> None:
    _, collection_id, sha256 = member.split("/")
    with backup.open(member) as source:
        stored = files.put(CollectionId(int(collection_id)), cast("BinaryIO", source))
    if stored.sha256 != sha256:
        raise ValueError(f"{member} has other bytes than its name says")


def _read_head(backup: zipfile.ZipFile) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(backup.read("backup.json"))
    if head["format"] != FORMAT:
        raise ValueError(f"format {head['format']}, expected {FORMAT}")
    return head


def _require_empty(conn: Connection[Row], head: dict[str, Any]) -> None:
    if conn.execute("SELECT 1 AS one FROM collections LIMIT 1").fetchone() is not None:
        raise Conflict(
            "this database holds collections already: a backup is restored into an empty one "
            "(another RAGQA_HOME or RAGQA_DATABASE_URL)"
        )
    here = _migrations(conn)
    if head["migrations"] != here:
        raise InvalidInput(
            "the backup has another schema than this version of ragqa: "
            f"{sorted(head['migrations'])}, here {sorted(here)}; restore with the version that "
            "made it, then upgrade"
        )


def _make_vectors(conn: Connection[Row], table: str) -> None:
    for name, model, dimension in list(_vectors(conn)):
        if name == table:
            conn.execute("DELETE FROM embedding_models WHERE name = %s", [model])
            ensure_embeddings_table(conn, model, dimension)
            return
    raise ValueError(f"table {table} belongs to no model")


def _advance_sequences(conn: Connection[Row]) -> None:
    for row in conn.execute(SEQUENCES, [list(TABLES)]).fetchall():
        table, column = sql.Identifier(row["table_name"]), sql.Identifier(row["column_name"])
        conn.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence({name}, {column_name}),"
                " (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)"
            ).format(
                name=sql.Literal(row["table_name"]),
                column_name=sql.Literal(row["column_name"]),
                column=column,
                table=table,
            )
        )
