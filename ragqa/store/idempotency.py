"""Requests that may be sent twice and are done once: what the first one was answered."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from ragqa.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from ragqa.types import CollectionId, DocumentId

    Row = dict[str, Any]

KEPT = dt.timedelta(hours=24)
LEASE = dt.timedelta(minutes=10)
"""A claim without an answer that is older was left by a process that died."""

MINE = " WHERE collection_id = %(collection_id)s AND caller = %(caller)s AND key = %(key)s"

CLAIM = """
INSERT INTO idempotency_keys (collection_id, caller, key, digest)
VALUES (%(collection_id)s, %(caller)s, %(key)s, %(digest)s)
ON CONFLICT DO NOTHING
RETURNING key
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key somebody chose for one request to one collection."""

    collection_id: CollectionId
    caller: str
    key: str
    digest: bytes
    """SHA-256 of what was sent."""

    def named(self) -> dict[str, Any]:
        """Return the parameters of the statements."""
        return {
            "collection_id": self.collection_id,
            "caller": self.caller,
            "key": self.key,
            "digest": self.digest,
        }


def claim(conn: Connection[Row], claimed: Claim) -> dict[str, Any] | None:
    """Return what the request was answered before; None: it is the caller's to do now.

    Raises:
        InvalidInput: If the key was sent with another request.
        Conflict: If the request is being worked on.
    """
    conn.execute(
        "DELETE FROM idempotency_keys"
        " WHERE collection_id = %(collection_id)s AND claimed_at < now() - %(kept)s",
        {"collection_id": claimed.collection_id, "kept": KEPT},
    )
    if conn.execute(CLAIM, claimed.named()).fetchone() is not None:
        return None
    row = conn.execute(
        "SELECT digest, answer, claimed_at < now() - %(lease)s AS given_up"
        f" FROM idempotency_keys{MINE} FOR UPDATE",
        {**claimed.named(), "lease": LEASE},
    ).fetchone()
    if row is not None and bytes(row["digest"]) != claimed.digest:
        raise InvalidInput(
            f"the Idempotency-Key {claimed.key!r} was sent with other files or fields before: "
            "choose a new key for a new request, or send the first one unchanged",
            code="idempotency_key_reused",
        )
    if row is not None and row["answer"] is not None:
        answer: dict[str, Any] = row["answer"]
        return answer
    if row is None or not row["given_up"]:
        raise Conflict(
            f"a request with the Idempotency-Key {claimed.key!r} is being worked on: "
            "send it again in some seconds to get its answer",
            code="idempotency_key_in_use",
        )
    conn.execute(f"UPDATE idempotency_keys SET claimed_at = now(){MINE}", claimed.named())
    return None


def settle(
    conn: Connection[Row], claimed: Claim, answer: dict[str, Any], shown: Sequence[DocumentId]
) -> None:
    """Keep what a request was answered; not if a document it shows was deleted meanwhile."""
    numbers = sorted({one.number for one in shown})
    # Holding the documents until the end of the transaction keeps a deletion from slipping in.
    there = conn.execute(
        "SELECT document_id FROM documents WHERE collection_id = %(collection_id)s"
        " AND document_id = ANY(%(documents)s) FOR KEY SHARE",
        {"collection_id": claimed.collection_id, "documents": numbers},
    ).fetchall()
    if len(there) < len(numbers):
        release(conn, claimed)
        return
    conn.execute(
        f"UPDATE idempotency_keys SET answer = %(answer)s, documents = %(documents)s{MINE}",
        {**claimed.named(), "answer": Jsonb(answer), "documents": numbers},
    )


def release(conn: Connection[Row], claimed: Claim) -> None:
    """Forget a request that was refused or went wrong: it may be sent again."""
    conn.execute(f"DELETE FROM idempotency_keys{MINE} AND answer IS NULL", claimed.named())
