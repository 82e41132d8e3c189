"""The schema on a Citus cluster: every row of a collection lies on one shard, found by its number.

Read from the catalog, so that a table nobody thought of here breaks a rule and is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.errors import Conflict

if TYPE_CHECKING:
    from psycopg import Connection

    Row = dict[str, Any]

KEY = "collection_id"
REFERENCE = ("collections", "embedding_models", "api_keys", "grants")
"""Small, read with every request, the same on every node."""
LOCAL = ("key_usage", "page_sessions", "audit_log", "migrations", "procrastinate_")
"""On the coordinator only: who calls, and the queue (its triggers could not be distributed)."""

TABLES = """
SELECT c.relname::text AS name, c.oid::bigint AS oid,
       bool_or(a.attname = 'collection_id' AND a.attnotnull AND a.atttypid = 'bigint'::regtype)
           AS keyed,
       array_agg(a.attname::text) FILTER (WHERE a.attidentity <> ''
                                            AND a.atttypid <> 'bigint'::regtype) AS narrow
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT attisdropped
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
 GROUP BY c.oid ORDER BY c.relname
"""

UNIQUE = """
SELECT c.relname::text AS name, i.indexrelid::regclass::text AS index
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE i.indisunique AND c.relnamespace = current_schema()::regnamespace
   AND NOT EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'collection_id'
                      AND a.attnum = ANY (i.indkey::int2[]))
"""

FOREIGN = """
SELECT c.conname::text AS key, f.relname::text AS name, t.relname::text AS target,
       c.confdeltype::text AS deleting, c.confupdtype::text AS updating,
       EXISTS (SELECT FROM unnest(c.conkey, c.confkey) AS k (here, there)
                 JOIN pg_attribute h ON h.attrelid = c.conrelid AND h.attnum = k.here
                 JOIN pg_attribute o ON o.attrelid = c.confrelid AND o.attnum = k.there
                WHERE h.attname = 'collection_id' AND o.attname = 'collection_id') AS colocated
  FROM pg_constraint c
  JOIN pg_class f ON f.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid
 WHERE c.contype = 'f' AND f.relnamespace = current_schema()::regnamespace
 ORDER BY 2, 1
"""

TRIGGERS = """
SELECT c.relname::text AS name, t.tgname::text AS trigger
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
"""


def kind_of(table: str, *, keyed: bool) -> str:
    """Return ``reference``, ``local``, ``distributed``, or ``unknown`` for a table."""
    if table in REFERENCE:
        return "reference"
    if table.startswith(LOCAL):
        return "local"
    return "distributed" if keyed else "unknown"


def find_violations(conn: Connection[Row]) -> list[str]:
    """Say what in the schema would keep Citus from distributing it; empty: nothing."""
    tables = conn.execute(TABLES).fetchall()
    kinds = {row["name"]: kind_of(row["name"], keyed=row["keyed"]) for row in tables}
    found = [
        f"{name}: has no {KEY} and is not named as a reference or local table"
        for name, kind in kinds.items()
        if kind == "unknown"
    ]
    found += [
        f"{row['name']}: identity columns must be bigint, {', '.join(row['narrow'])} is not"
        for row in tables
        if row["narrow"] and kinds[row["name"]] == "distributed"
    ]
    found += [
        f"{row['name']}: the unique index {row['index']} has no {KEY}"
        for row in conn.execute(UNIQUE)
        if kinds[row["name"]] == "distributed"
    ]
    found += [
        f"{row['name']}: the trigger {row['trigger']} would not run on the shards"
        for row in conn.execute(TRIGGERS)
        if kinds[row["name"]] != "local"
    ]
    for row in conn.execute(FOREIGN):
        here, there = kinds[row["name"]], kinds[row["target"]]
        key = f"{row['name']}: the foreign key {row['key']} to {row['target']}"
        if here == there == "distributed" and not row["colocated"]:
            found.append(f"{key} does not hold {KEY}: it would reach into another shard")
        if there != "reference" and here != there:
            found.append(f"{key}: from a {here} table to a {there} one")
        if here == "distributed" and row["colocated"]:
            found += [
                f"{key} would change {KEY}"
                for action, allowed in ((row["deleting"], "acr"), (row["updating"], "ar"))
                if action not in allowed
            ]
    return found


def plan(conn: Connection[Row]) -> list[str]:
    """Return the statements that distribute the tables, in an order that Citus takes.

    Tables that others refer to come first.
    """
    tables = conn.execute(TABLES).fetchall()
    kinds = {row["name"]: kind_of(row["name"], keyed=row["keyed"]) for row in tables}
    targets: dict[str, set[str]] = {name: set() for name in kinds}
    for row in conn.execute(FOREIGN):
        targets[row["name"]].add(row["target"])
    distributed = sorted((n for n in kinds if kinds[n] == "distributed"), key=_after_documents)
    waiting = [n for n in kinds if kinds[n] == "reference"] + distributed
    statements = []
    while waiting:
        name = next(one for one in waiting if not (targets[one] - {one}) & set(waiting))
        waiting.remove(name)
        beside = "" if name == "documents" else ", colocate_with => 'documents'"
        statements.append(
            f"SELECT create_reference_table('{name}')"
            if kinds[name] == "reference"
            else f"SELECT create_distributed_table('{name}', '{KEY}'{beside})"
        )
    return statements


def _after_documents(name: str) -> tuple[bool, str]:
    return name != "documents", name


def distribute(conn: Connection[Row]) -> list[str]:
    """Distribute the tables that are not yet; return the statements that were executed.

    Raises:
        Conflict: If the database is no Citus coordinator, or the schema breaks a rule.
    """
    if conn.execute("SELECT FROM pg_extension WHERE extname = 'citus'").fetchone() is None:
        raise Conflict(
            "this database has no extension citus: set RAGQA_DATABASE_URL to the coordinator of a"
            " Citus cluster, run CREATE EXTENSION citus there and add its nodes first"
        )
    if broken := find_violations(conn):
        raise Conflict(f"the tables cannot be distributed: {'; '.join(broken)}")
    rows = conn.execute("SELECT logicalrelid::regclass::text AS name FROM pg_dist_partition")
    there = {row["name"] for row in rows}
    statements = [one for one in plan(conn) if one.split("'")[1] not in there]
    for statement in statements:
        conn.execute(statement)
    return statements
