"""The schema obeys the rules of Citus: proved from the catalog, with the tables of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ragqa.errors import Conflict
from ragqa.store.distribution import distribute, find_violations, plan
from ragqa.store.embeddings import ensure_embeddings_table

if TYPE_CHECKING:
    from psycopg import Connection

    Row = dict[str, Any]


def test_every_key_holds_the_collection_and_no_foreign_key_leaves_its_shard(
    conn: Connection[Row],
) -> None:
    ensure_embeddings_table(conn, "hashing", 512)
    assert find_violations(conn) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("CREATE TABLE lonely (id bigint PRIMARY KEY)", "lonely: has no collection_id"),
        (
            "CREATE TABLE notes (collection_id bigint NOT NULL, note_id bigint PRIMARY KEY)",
            "the unique index notes_pkey has no collection_id",
        ),
        (
            "CREATE TABLE notes (collection_id bigint NOT NULL, other bigint NOT NULL,"
            " document_id bigint, FOREIGN KEY (other, document_id) REFERENCES documents)",
            "would reach into another shard",
        ),
        (
            "CREATE TABLE notes (collection_id bigint NOT NULL, document_id bigint,"
            " FOREIGN KEY (collection_id, document_id) REFERENCES documents ON DELETE SET NULL)",
            "would change collection_id",
        ),
        (
            "ALTER TABLE grants ADD FOREIGN KEY (key_id) REFERENCES audit_key (key_id)",
            "from a reference table to a local one",
        ),
        (
            "CREATE TRIGGER loud BEFORE INSERT ON chunks"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "the trigger loud would not run",
        ),
    ],
)
def test_a_table_that_breaks_a_rule_is_named(
    conn: Connection[Row], statement: str, told: str
) -> None:
    if "audit_key" in statement:
        conn.execute("CREATE TABLE audit_log_keys (key_id text PRIMARY KEY)")
        statement = statement.replace("audit_key", "audit_log_keys")
    conn.execute(statement)
    assert any(told in one for one in find_violations(conn)), find_violations(conn)


def test_tables_are_distributed_after_those_they_refer_to(conn: Connection[Row]) -> None:
    ensure_embeddings_table(conn, "hashing", 512)
    names = [statement.split("'")[1] for statement in plan(conn)]

    assert names[0] == "api_keys" or names[0] == "collections"
    order = ["collections", "documents", "versions", "pages", "chunks"]
    vectors = next(name for name in names if name.startswith("embeddings_"))
    places = [names.index(name) for name in (*order, vectors)]
    assert places == sorted(places)
    assert len(names) == len(set(names))
    assert not any(name.startswith(("procrastinate", "audit_log")) for name in names)


def test_a_database_without_citus_is_left_as_it_is(conn: Connection[Row]) -> None:
    with pytest.raises(Conflict, match="extension citus"):
        distribute(conn)
