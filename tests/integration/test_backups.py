from __future__ import annotations

import io
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ingest.worker import run_worker
from ragqa.errors import Conflict, InvalidInput
from ragqa.store.backups import TABLES, back_up, restore
from ragqa.store.collections import find_collection
from ragqa.store.db import Database
from ragqa.store.documents import list_documents
from ragqa.store.files import Files
from ragqa.store.intake import take_in
from ragqa.store.pages import read_page
from ragqa.store.rereading import Change, correct_lines
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    MakePdf = Callable[..., bytes]


@pytest.fixture
def elsewhere(services: Services, server: str, template: str, tmp_path: Path) -> Iterator[Services]:
    """Services over another, empty database and other files."""
    name = "ragqa_restored"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        database = Database(make_conninfo(server, dbname=name))
        try:
            yield Services(services.settings, database, Files(str(tmp_path / "other")))
        finally:
            database.close()
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_backup_brings_everything_back(
    services: Services, elsewhere: Services, make_pdf: MakePdf, tmp_path: Path
) -> None:
    collection = services.create_collection("papers")
    data = make_pdf("保修期为三十六个月。", "The device weighs 12 kilograms.")
    take_in(services.database, services.files, collection, "a.pdf", io.BytesIO(data))
    run_worker(services, until_idle=True)
    before = services.retriever("hashing").retrieve("保修期", "papers", limit=3)
    target = tmp_path / "backup.zip"

    made = back_up(services.database, services.files, target)
    assert made == {"documents": 1, "bytes": target.stat().st_size}
    assert restore(elsewhere.database, elsewhere.files, target)["documents"] == 1

    after = elsewhere.retriever("hashing").retrieve("保修期", "papers", limit=3)
    assert [(h.chunk_id, h.chunk, h.score) for h in after] == [
        (h.chunk_id, h.chunk, h.score) for h in before
    ]
    with elsewhere.database.transaction() as conn:
        found = find_collection(conn, "papers")
        document = list_documents(conn, found.id)[0][0]
    with elsewhere.files.open(found.id, document.sha256) as source:
        assert source.read() == data
    added = take_in(
        elsewhere.database, elsewhere.files, found, "b.pdf", io.BytesIO(make_pdf("New."))
    )
    run_worker(elsewhere, until_idle=True)
    assert added.document.id.number > document.id.number


def test_a_backup_is_only_restored_into_an_empty_database(
    services: Services, tmp_path: Path
) -> None:
    target = tmp_path / "backup.zip"
    back_up(services.database, services.files, target)
    services.create_collection("papers")

    with pytest.raises(Conflict, match="empty"):
        restore(services.database, services.files, target)


def test_nonsense_is_not_restored(services: Services, tmp_path: Path) -> None:
    target = tmp_path / "backup.zip"
    target.write_bytes(b"no zip")

    with pytest.raises(InvalidInput, match="not a whole backup"):
        restore(services.database, services.files, target)


def test_every_table_is_backed_up(services: Services) -> None:
    with services.database.transaction() as conn:
        rows = conn.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            " AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'procrastinate%'"
            " AND table_name NOT LIKE 'embeddings%'"
        ).fetchall()

    assert {row["table_name"] for row in rows} - {"migrations"} == set(TABLES)


def test_corrections_travel_with_a_backup(
    services: Services, elsewhere: Services, make_pdf: MakePdf, tmp_path: Path
) -> None:
    collection = services.create_collection("papers")
    data = make_pdf("保修其为三午。\n自验收之日起计算。")
    added = take_in(services.database, services.files, collection, "a.pdf", io.BytesIO(data))
    key = added.document.id
    run_worker(services, until_idle=True)
    for kept, line, text in ((services, 0, "保修期为三年。"), (elsewhere, 1, "自交付之日起计算。")):
        if kept is elsewhere:
            back_up(services.database, services.files, tmp_path / "backup.zip")
            restore(elsewhere.database, elsewhere.files, tmp_path / "backup.zip")
        with kept.database.transaction() as conn:
            correct_lines(conn, key, 1, [Change(line, text)], by="me")
        run_worker(kept, until_idle=True)
    with elsewhere.database.transaction() as conn:
        assert read_page(conn, key, 1).text == "保修期为三年。自交付之日起计算。"
