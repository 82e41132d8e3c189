"""Answers with their receipts, conversations, and what readers said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from ragqa.errors import NotFound
from ragqa.shapes import answer_to_json
from ragqa.types import AnswerId, DocumentId, Id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import Connection

    from ragqa.types import Answer, CollectionId

    Row = dict[str, Any]

INSERT = """
INSERT INTO answers (collection_id, conversation_id, question, record, documents)
SELECT %(collection_id)s, %(conversation_id)s, %(question)s, %(record)s, %(documents)s
 WHERE NOT EXISTS (
     SELECT FROM unnest(%(documents)s::bigint[]) AS shown
      WHERE NOT EXISTS (
          SELECT FROM documents d
           WHERE d.collection_id = %(collection_id)s AND d.document_id = shown))
RETURNING answer_id
"""

HISTORY = """
SELECT question, record ->> 'text' AS answer FROM (
    SELECT answer_id, question, record FROM answers
     WHERE collection_id = %(collection_id)s AND conversation_id = %(conversation_id)s
     ORDER BY answer_id DESC LIMIT %(limit)s) AS newest
 ORDER BY answer_id
"""


def insert_answer(
    conn: Connection[Row],
    collection_id: CollectionId,
    answer: Answer,
    asked: Mapping[str, Any] | None = None,
) -> Answer:
    """Store an answer with its receipt and return it with its id.

    Args:
        conn: A transaction.
        collection_id: Of the collection that was asked.
        answer: The finished answer.
        asked: What was asked for beside the question: ``top_k``, ``llm``, ``filter``.

    Raises:
        NotFound: If a document that it shows was deleted meanwhile: nothing of it may be kept.
    """
    hits = [*answer.hits, *(answer.refusal.nearest if answer.refusal else ())]
    documents = sorted({hit.document_id.number for hit in hits})
    # Holding the documents until the end of the transaction keeps a deletion from slipping in.
    kept = conn.execute(
        "SELECT document_id, current_version FROM documents"
        " WHERE collection_id = %s AND document_id = ANY(%s) FOR KEY SHARE",
        [collection_id, documents],
    ).fetchall()
    receipt = {
        "prompt": answer.prompt,
        "asked": dict(asked or {}),
        "versions": {
            str(DocumentId(Id(collection_id, row["document_id"]))): row["current_version"]
            for row in kept
        },
    }
    row = conn.execute(
        INSERT,
        {
            "collection_id": collection_id,
            "conversation_id": answer.conversation_id,
            "question": answer.question,
            "record": Jsonb({**answer_to_json(answer), **receipt}),
            "documents": documents,
        },
    ).fetchone()
    if row is None:
        raise NotFound("a document was deleted while the answer was made: ask again")
    return replace(answer, id=AnswerId(Id(collection_id, row["answer_id"])))


def read_answer(conn: Connection[Row], answer_id: AnswerId) -> dict[str, Any]:
    """Return the contract's shape of an answer with its trace.

    Raises:
        NotFound: If there is none, or a document that it showed was deleted.
    """
    row = conn.execute(
        "SELECT record, created_at FROM answers"
        " WHERE collection_id = %(collection_id)s AND answer_id = %(answer_id)s",
        _key(answer_id),
    ).fetchone()
    if row is None:
        raise NotFound(f"no answer {answer_id}", code="answer_not_found")
    record: dict[str, Any] = row["record"]
    return {**record, "id": str(answer_id), "created_at": row["created_at"].isoformat()}


def read_history(
    conn: Connection[Row], collection_id: CollectionId, conversation_id: str, *, limit: int = 6
) -> list[tuple[str, str]]:
    """Return the last questions and answers of a conversation, oldest first."""
    rows = conn.execute(
        HISTORY,
        {"collection_id": collection_id, "conversation_id": conversation_id, "limit": limit},
    )
    return [(row["question"], row["answer"] or "") for row in rows]


def read_versions(
    conn: Connection[Row], collection_id: CollectionId, documents: Sequence[DocumentId]
) -> dict[str, int | None]:
    """Return the version that each document serves now; deleted ones are left out."""
    rows = conn.execute(
        "SELECT document_id, current_version FROM documents"
        " WHERE collection_id = %s AND document_id = ANY(%s)",
        [collection_id, [document.number for document in documents]],
    )
    return {
        str(DocumentId(Id(collection_id, row["document_id"]))): row["current_version"]
        for row in rows
    }


def insert_feedback(
    conn: Connection[Row], answer_id: AnswerId, rating: int, comment: str | None
) -> None:
    """Keep a reader's judgement of an answer.

    Raises:
        NotFound: If there is no such answer.
    """
    done = conn.execute(
        "INSERT INTO feedback (collection_id, answer_id, rating, comment)"
        " SELECT %(collection_id)s, %(answer_id)s, %(rating)s, %(comment)s FROM answers"
        " WHERE collection_id = %(collection_id)s AND answer_id = %(answer_id)s",
        {**_key(answer_id), "rating": rating, "comment": comment},
    )
    if done.rowcount != 1:
        raise NotFound(f"no answer {answer_id}", code="answer_not_found")


def _key(answer_id: AnswerId) -> dict[str, Any]:
    return {"collection_id": answer_id.collection_id, "answer_id": answer_id.number}
