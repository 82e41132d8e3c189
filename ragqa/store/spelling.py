"""The words of a collection as they are written, and those that a misspelt one may mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.retrieval.spelling import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from ragqa.types import CollectionId

    Row = dict[str, Any]

ALIKE = 0.2
"""Share of trigrams that two words have in common to be compared: two letters that changed places
in a word of six leave a quarter."""
COMPARED = 40

# The words of some chunks, each with the number of chunks that have it. Done in SQL, as the chunks
# that go are known there only.
OF_CHUNKS = """
SELECT word, count(DISTINCT chunk_id)::int AS chunks
  FROM chunks c JOIN documents d USING (collection_id, document_id),
       ragqa_words(concat_ws(' ', d.name, array_to_string(c.headings, ' '), c.text)) AS w (word)
 WHERE c.collection_id = %(collection_id)s AND c.chunk_id = ANY(%(chunk_ids)s::bigint[])
 GROUP BY word
"""

ADD = f"""
INSERT INTO words AS s (collection_id, word, chunks)
SELECT %(collection_id)s, word, chunks FROM ({OF_CHUNKS}) AS new
ON CONFLICT (collection_id, word) DO UPDATE SET chunks = s.chunks + excluded.chunks
"""

TAKE = f"""
UPDATE words s SET chunks = s.chunks - old.chunks FROM ({OF_CHUNKS}) AS old
 WHERE s.collection_id = %(collection_id)s AND s.word = old.word
"""

FORGET = "DELETE FROM words WHERE collection_id = %(collection_id)s AND chunks = 0"

KNOWN = """
SELECT asked.word, set_config('pg_trgm.similarity_threshold', %(alike)s::text, true)
  FROM unnest(%(words)s::text[]) AS asked (word)
 WHERE NOT EXISTS (SELECT FROM words w
                    WHERE w.collection_id = %(collection_id)s AND w.word = asked.word)
"""

LIKE = """
SELECT asked.word AS asked, found.word, found.chunks
  FROM unnest(%(words)s::text[]) AS asked (word),
       LATERAL (SELECT w.word, w.chunks FROM words w
                 WHERE w.collection_id = %(collection_id)s AND w.word %% asked.word
                   AND abs(length(w.word) - length(asked.word)) <= 2
                 ORDER BY similarity(w.word, asked.word) DESC, w.word LIMIT %(limit)s) AS found
"""


def add_words(conn: Connection[Row], collection_id: CollectionId, chunk_ids: Sequence[int]) -> None:
    """Count the words of chunks in; they are stored already."""
    conn.execute(ADD, {"collection_id": collection_id, "chunk_ids": list(chunk_ids)})


def take_words(
    conn: Connection[Row], collection_id: CollectionId, chunk_ids: Sequence[int]
) -> None:
    """Count the words of chunks out; they are still stored, under the name they were counted by."""
    key = {"collection_id": collection_id, "chunk_ids": list(chunk_ids)}
    if conn.execute(TAKE, key).rowcount:
        conn.execute(FORGET, key)


def respell(
    conn: Connection[Row], collection_id: CollectionId, words: Sequence[str]
) -> dict[str, str]:
    """Return for each word that the collection does not have the one it must mean, if there is one.

    Args:
        conn: A transaction: what counts as alike is set for it.
        collection_id: Where to look.
        words: In lower case.
    """
    key = {"collection_id": collection_id, "words": list(words), "alike": ALIKE, "limit": COMPARED}
    unknown = [row["word"] for row in conn.execute(KNOWN, key)]
    if not unknown:
        return {}
    candidates: dict[str, dict[str, int]] = {}
    for row in conn.execute(LIKE, key | {"words": unknown}):
        candidates.setdefault(row["asked"], {})[row["word"]] = row["chunks"]
    chosen = {word: choose(word, known) for word, known in candidates.items()}
    return {word: right for word, right in chosen.items() if right}
