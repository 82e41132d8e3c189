"""The words that the users of a collection have taught it."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from ragqa.errors import InvalidInput, NotFound
from ragqa.retrieval.folding import squeeze

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.types import CollectionId

    Row = dict[str, Any]

LIST = "SELECT word FROM lexicon WHERE collection_id = %s ORDER BY word"

ADD = """
INSERT INTO lexicon (collection_id, word) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""

REMOVE = "DELETE FROM lexicon WHERE collection_id = %s AND word = %s"


def list_words(conn: Connection[Row], collection_id: CollectionId) -> list[str]:
    """Return the words of a collection, sorted."""
    return [row["word"] for row in conn.execute(LIST, [collection_id])]


def add_word(conn: Connection[Row], collection_id: CollectionId, word: str) -> str:
    """Teach a collection a word and return it as it is kept; a known one is no error.

    It takes effect with the next question: chunks are found by pairs of characters, and the
    question is cut so that the word stays one.

    Raises:
        InvalidInput: If it is too short or too long to be a word.
    """
    word = _check(word)
    conn.execute(ADD, [collection_id, word])
    return word


def remove_word(conn: Connection[Row], collection_id: CollectionId, word: str) -> str:
    """Take a word back.

    Raises:
        NotFound: If the collection was not taught it.
    """
    word = _check(word)
    if not conn.execute(REMOVE, [collection_id, word]).rowcount:
        raise NotFound(f"the collection was not taught {word!r}; see `ragqa lexicon list`")
    return word


def _check(word: str) -> str:
    word = " ".join(unicodedata.normalize("NFC", word.replace("\0", "")).split())
    if not 2 <= len(word) <= 50 or len(squeeze(word)) < 2:
        raise InvalidInput(f"a word has 2 to 50 characters, {word!r} has {len(word)}")
    return word
