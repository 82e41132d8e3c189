"""Who did what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.shapes import time_to_json

if TYPE_CHECKING:
    from psycopg import Connection

    Row = dict[str, Any]

INSERT = """
INSERT INTO audit_log (actor, key_id, action, target, outcome, request_id, address)
VALUES (%(actor)s, %(key_id)s, %(action)s, %(target)s, %(outcome)s, %(request_id)s, %(address)s)
"""

LIST = """
SELECT * FROM audit_log
 WHERE (%(actor)s::text IS NULL OR actor = %(actor)s)
   AND (%(before)s::bigint IS NULL OR audit_id < %(before)s)
 ORDER BY audit_id DESC LIMIT %(limit)s
"""


def record(
    conn: Connection[Row],
    actor: str,
    action: str,
    *,
    key_id: str | None = None,
    target: str = "",
    outcome: str = "",
    request_id: str = "",
    address: str = "",
) -> None:
    """Write down one thing that somebody did."""
    conn.execute(
        INSERT,
        {
            "actor": actor[:200],
            "key_id": key_id,
            "action": action,
            "target": target[:1000].replace("\0", ""),
            "outcome": outcome,
            "request_id": request_id,
            "address": address,
        },
    )


def list_records(
    conn: Connection[Row],
    *,
    actor: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Return what was done, newest first, as JSON."""
    rows = conn.execute(LIST, {"actor": actor, "before": before, "limit": limit})
    return [
        {"id": row["audit_id"], "at": time_to_json(row["at"])}
        | {
            name: row[name]
            for name in ("actor", "key_id", "action", "target", "outcome", "request_id", "address")
        }
        for row in rows
    ]
