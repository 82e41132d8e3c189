"""Verbatim search: any piece of a document finds it, however it was cut into chunks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ragqa.ports import Scored
from ragqa.retrieval.folding import find_squeezed, fold, squeeze
from ragqa.retrieval.lexical import hash_term, stem
from ragqa.store.filters import parameters

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.types import CollectionId, Filter

    Row = dict[str, Any]

TELLING = 16
"""Characters that the index is asked for; the rest is compared on the pages that have them. Twice
as many take three times as long to look up, and hardly leave fewer pages."""

RARE = 100
"""Chunks that a word may be in for the pages to be looked up by it."""

_WHOLE = re.compile(r"(?<=\s)[a-z][a-z0-9]{2,}(?=[\s,;:])")
_RARE = re.compile(r"[0-9]+|[^\x00-\x7f]+")

# Pages with the text to the letter first, and every document before any has its second turn.
PAGES_WITH = """
SELECT t.document_id, t.page_number, p.text
  FROM page_texts t
  JOIN documents d USING (collection_id, document_id)
  JOIN pages p ON (p.collection_id, p.document_id, p.version, p.page_number)
                = (t.collection_id, t.document_id, d.current_version, t.page_number)
 WHERE t.collection_id = %(collection_id)s AND {looked_up}
   AND strpos(t.squeezed, %(squeezed)s) > 0
   AND (%(documents)s::bigint[] IS NULL OR t.document_id = ANY(%(documents)s))
   AND (%(first)s::int IS NULL OR t.page_number BETWEEN %(first)s AND %(last)s)
 ORDER BY (strpos(p.text, %(text)s) > 0) DESC,
          row_number() OVER (
              PARTITION BY t.document_id, strpos(p.text, %(text)s) > 0 ORDER BY t.page_number),
          t.document_id
 LIMIT %(limit)s
"""

BY_LETTERS = "t.squeezed LIKE %(pattern)s"

BY_TERM = """
(t.document_id, t.page_number) IN (
    SELECT c.document_id, c.page_number FROM chunks c
     WHERE c.collection_id = %(collection_id)s AND c.terms @> ARRAY[%(term)s::int])
"""

RAREST = """
SELECT term, df FROM term_stats
 WHERE collection_id = %(collection_id)s AND term = ANY(%(terms)s)
 ORDER BY df, term LIMIT 1
"""

CHUNKS_OF_PAGES = """
SELECT c.chunk_id, c.document_id, c.page_number, c.span_start, c.span_end
  FROM unnest(%(document_ids)s::bigint[], %(page_numbers)s::int[]) AS q (document_id, page_number)
  JOIN chunks c USING (document_id, page_number)
 WHERE c.collection_id = %(collection_id)s
   AND (%(kind)s::text IS NULL OR c.kind = %(kind)s)
 ORDER BY c.chunk_id
"""


def search(
    conn: Connection[Row],
    collection_id: CollectionId,
    text: str,
    *,
    limit: int,
    only: Filter | None = None,
) -> list[Scored]:
    """Return the chunks in which ``text`` stands; at most ``limit`` pages are looked at.

    Case, width, tradition and white space make no difference, but what stands there to the letter
    comes first. The score is the number of the chunk's characters that the text covers, and one
    more when they are the same to the letter.
    """
    squeezed = squeeze(text).replace("\0", "")
    if not squeezed:
        return []
    letters = text.strip().replace("\0", "")
    key = {**parameters(collection_id, only), "text": letters, "limit": limit}
    term = _rare_word(conn, collection_id, text)
    lookup = {"pattern": f"%{_escape(_telling(squeezed))}%", "squeezed": squeezed, "term": term}
    query = PAGES_WITH.format(looked_up=BY_LETTERS if term is None else BY_TERM)
    pages = conn.execute(query, {**key, **lookup}, prepare=True).fetchall()
    if not pages:
        return []
    order = {(page["document_id"], page["page_number"]): n for n, page in enumerate(pages)}
    chunks = conn.execute(
        CHUNKS_OF_PAGES,
        {
            **key,
            "document_ids": [page["document_id"] for page in pages],
            "page_numbers": [page["page_number"] for page in pages],
        },
    )
    ranges = [find_squeezed(page["text"], squeezed) for page in pages]
    found: list[tuple[int, Scored]] = []
    for chunk in chunks:
        place = order[chunk["document_id"], chunk["page_number"]]
        covered = max(
            min(end, chunk["span_end"]) - max(start, chunk["span_start"])
            for start, end in ranges[place]
        )
        if covered > 0:
            exact = letters in pages[place]["text"]
            found.append((place, Scored(chunk["chunk_id"], float(covered + exact))))
    found.sort(key=lambda item: (item[0], -item[1].score, item[1].chunk_id))
    return [scored for _, scored in found]


def _rare_word(conn: Connection[Row], collection_id: CollectionId, text: str) -> int | None:
    """Return the term of a rare English word that stands whole inside ``text``, if there is one.

    Where the text stands, its words are terms of the chunks: looking one up takes a tenth of the
    time of looking up its letters. The first and the last word may be parts of longer ones.
    """
    terms = [hash_term(stem(word)) for word in _WHOLE.findall(fold(text))]
    if not terms:
        return None
    row = conn.execute(
        RAREST, {"collection_id": collection_id, "terms": terms}, prepare=True
    ).fetchone()
    return row["term"] if row is not None and row["df"] <= RARE else None


def _telling(squeezed: str) -> str:
    """Return a piece that few pages have: the index looks up every three letters it is given.

    It lies around the longest run of figures or letters outside of ASCII, which is what sets a
    text apart; without one, in the middle.
    """
    rare = max(_RARE.finditer(squeezed), key=lambda run: run.end() - run.start(), default=None)
    middle = (rare.start() + rare.end()) // 2 if rare else len(squeezed) // 2
    start = max(0, min(middle - TELLING // 2, len(squeezed) - TELLING))
    return squeezed[start : start + TELLING]


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
