"""Broken files as one batch among good ones: does each end as it should, in time and memory."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from benchmarks import ingestion_data as inputs
from benchmarks.ingestion_watch import watch
from benchmarks.parsing_odd import ends_as_expected
from ragqa.errors import PasswordRequired
from ragqa.store.collections import find_collection
from ragqa.store.db import Database
from ragqa.store.documents import find_document_by_name
from ragqa.store.embedded import start_or_attach
from ragqa.store.intake import retry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MOST_SECONDS, MOST_MB = 60.0, 1500.0
NOW_READ = (
    "SELECT name FROM documents d JOIN versions v USING (collection_id, document_id)"
    " WHERE v.status = 'processing'"
)
ENDS = """
SELECT d.name, v.status, v.chunks, v.error_code, jsonb_array_length(v.warnings) AS warnings
  FROM documents d JOIN versions v
    ON (v.collection_id, v.document_id, v.version)
     = (d.collection_id, d.document_id, d.newest_version)
"""


def broken(data: Path, folder: Path, scale: float) -> dict[str, Any]:
    """Bring in everything at once, then the locked files with their passwords."""
    del scale
    tree = folder / "tree"
    tree.mkdir()
    rows, good = inputs.broken_among_good(data, tree)
    environment = {
        **os.environ,
        "RAGQA_HOME": str(folder / "home"),
        "RAGQA_OFFLINE": "1",
        # How they are read is what matters here.
        "RAGQA_EMBEDDING_MODEL": "hashing",
        "RAGQA_LOG_LEVEL": "error",
    }
    with (
        start_or_attach(folder / "home") as server,
        psycopg.connect(server.conninfo, autocommit=True) as conn,
    ):

        def now_read() -> list[str]:
            try:
                return [row[0] for row in conn.execute(NOW_READ)]
            except psycopg.Error:  # not migrated yet
                return []

        arguments = ["ingest", str(tree), "-c", "papers", "--json"]
        done = watch(arguments, environment, server.conninfo, sampled=True, state=now_read)
        bare = _ends(server.conninfo, json.loads(done.output)["failed"])
        _unlock(server.conninfo, rows)
        again = watch(arguments, environment, server.conninfo)
        opened = _ends(server.conninfo, json.loads(again.output)["failed"])
    read = Counter(name for sample in done.samples for name in sample.state)
    spacing = done.seconds / max(1, len(done.samples))
    wrong = []
    for row in rows:
        name = row["file"].rsplit("/", 1)[-1]
        unlocked = opened[name] if row.get("password") else None
        if not ends_as_expected(row, bare[name], unlocked):
            wrong.append({"file": name, "expect": row["expect"], "got": [bare[name], unlocked]})
    slowest, looks = read.most_common(1)[0]
    return {
        "broken": len(rows),
        "good": len(good),
        "good_ready": sum(bare[name] == "text" for name in good),
        "good_not_ready": {name: bare[name] for name in good if bare[name] != "text"},
        "as_expected": len(rows) - len(wrong),
        "wrong": wrong,
        "ends": dict(Counter(bare.values())),
        "exit_codes": [done.code, again.code],
        "seconds": round(done.seconds, 1),
        "slowest": [slowest, round(looks * spacing, 1)],
        "over_60_s": [name for name, looks in read.items() if looks * spacing > MOST_SECONDS],
        "largest_process_mb": round(max(sample.largest for sample in done.samples)),
        "all_processes_mb": round(max(sample.resident for sample in done.samples)),
        "over_1500_mb": any(sample.largest > MOST_MB for sample in done.samples),
    }


def _ends(conninfo: str, refused: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return what each file came to, in the words of ``parsing_odd``."""
    found = {one["file"]: one["code"] for one in refused}
    with psycopg.connect(conninfo, row_factory=dict_row) as conn:
        for row in conn.execute(ENDS):
            if row["status"] == "ready":
                told = "told" if row["warnings"] else "silent"
                found[row["name"]] = "text" if row["chunks"] else told
            elif row["error_code"] == PasswordRequired.code:
                found[row["name"]] = PasswordRequired.__name__
            else:
                found[row["name"]] = row["error_code"] or row["status"]
    return found


def _unlock(conninfo: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give the locked files the passwords that are known."""
    database = Database(conninfo)
    try:
        for row in rows:
            if not row.get("password"):
                continue
            with database.transaction() as conn:
                collection = find_collection(conn, "papers")
                name = row["file"].rsplit("/", 1)[-1]
                document = find_document_by_name(conn, collection.id, name)
            if document is not None and document.status == "failed":
                retry(database, document.id, password=row["password"])
    finally:
        database.close()
