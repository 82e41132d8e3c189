"""The pages of a version with their chunks: made, or taken over from the version that is served.

Nothing of a page is made again where all that it and its chunks are made of is as it was: how it
and the two pages on either side were read, what was found out about the whole document, title,
model, and this program's own code.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.passages import Passage, State
from ingest.sheets import spreads_of
from ingest.types import digest_of
from ragqa.errors import UnreadableFile
from ragqa.retrieval.lexical import analysis_key
from ragqa.store.pages import NewPage, insert_pages
from ragqa.store.takeover import take_over
from ragqa.store.versions import Outcome
from ragqa.types import Notice, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from psycopg import Connection

    from ingest.passages import Passages
    from ingest.sheets import Spread
    from ingest.types import RawPage, RunningHeads
    from ragqa.store.chunks import NewChunk
    from ragqa.store.takeover import ServedPage
    from ragqa.types import DocumentId, PageSource


@dataclass(frozen=True, slots=True)
class Made:
    """A page of a version, and its chunks."""

    number: int
    source: PageSource
    page: Page | ServedPage
    """The page; or the served one whose row is to be copied."""
    made_of: bytes | None
    leaves: Mapping[str, Any]
    passages: Sequence[Passage] = ()
    """Those that were cut, and may have no vectors yet."""
    chunks: Sequence[NewChunk] = ()
    """Those that were taken over."""

    @property
    def tables(self) -> int:
        """How many tables the page has."""
        return int(self.leaves["tables"])


@dataclass(slots=True)
class Tally:
    """What the pages of a version come to."""

    notices: list[Notice]
    ocr_pages: int = 0
    tables: int = 0
    readable: int = 0
    chunks: list[Passage | NewChunk] = field(default_factory=list)

    def read(self, raws: Iterable[RawPage]) -> Iterator[RawPage]:
        """Count what was read, on its way."""
        for raw in raws:
            self.notices += [replace(notice, page=raw.number) for notice in raw.notices]
            self.readable += not raw.given_up
            yield raw

    def count(self, made: Made) -> None:
        """Count what was made."""
        self.ocr_pages += made.source == "ocr"
        self.tables += made.tables
        self.chunks += made.passages or made.chunks

    def rows(self, vectors: Mapping[bytes, Any]) -> list[NewChunk]:
        """Return the chunks to store; without a vector they take over the one they had."""
        return [
            chunk.stored_with(vectors) if isinstance(chunk, Passage) else chunk
            for chunk in self.chunks
        ]

    def outcome(self, pages: int) -> Outcome:
        """Return what a file of so many pages came to.

        Raises:
            UnreadableFile: If none of them could be read.
        """
        if not self.readable:
            reasons = "; ".join(dict.fromkeys(notice.message for notice in self.notices))
            raise UnreadableFile(f"none of its {pages} pages could be read: {reasons[:500]}")
        if not self.chunks:
            self.notices.append(Notice("no_text", "no text was found in this file"))
        return Outcome(pages, self.ocr_pages, self.tables, len(self.chunks), tuple(self.notices))


def make_pages(
    raws: Iterable[RawPage],
    heads: RunningHeads,
    cutter: Passages,
    served: Mapping[bytes, ServedPage],
) -> Iterator[Made]:
    """Make the pages of a document in their order.

    Args:
        raws: All its pages, as they were read.
        heads: What was found out about all of them.
        cutter: Cuts their passages.
        served: Pages that can be taken over, by what they are made of.
    """
    for spread in spreads_of(raws, heads):
        made_of = _made_of(spread, cutter)
        there = served.get(made_of) if made_of else None
        yield _taken(spread, cutter, there) if there else _cut(spread, cutter, made_of)


def write_pages(
    conn: Connection[dict[str, Any]],
    document_id: DocumentId,
    version: int,
    pages: Sequence[Made],
    page_keys: Sequence[str],
) -> None:
    """Write pages of a version; ``page_keys`` are those of all its pages.

    Raises:
        NotFound: If a page is to be taken over and is no longer there.
    """
    fresh, taken = [], []
    for made in pages:
        key = page_keys[made.number - 1]
        if isinstance(made.page, Page):
            fresh.append(NewPage(key, made.page, made.made_of, made.leaves))
        else:
            taken.append((made.page, made.number, key))
    insert_pages(conn, document_id, version, fresh)
    take_over(conn, document_id, version, taken)


def _cut(spread: Spread, cutter: Passages, made_of: bytes | None) -> Made:
    page = spread.page
    passages = cutter.of_page(page, spread.page_after, spread.page_before)
    tables = sum(block.kind == "table" for block in page.blocks)
    headings, head = cutter.state
    leaves = {"headings": headings, "head": head, "tables": tables}
    return Made(page.number, page.source, page, made_of, leaves, passages=passages)


def _taken(spread: Spread, cutter: Passages, there: ServedPage) -> Made:
    number, leaves = spread.sheet.raw.number, there.leaves
    chunks = there.chunks(number, cutter.made)
    cutter.pass_by(len(chunks), State(tuple(leaves["headings"]), leaves["head"]))
    return Made(number, there.source, there, None, leaves, chunks=chunks)


def _made_of(spread: Spread, cutter: Passages) -> bytes | None:
    if (recipes := spread.recipes) is None:
        return None
    return digest_of(making_key(), cutter.title, cutter.model, *cutter.state, *recipes)


@lru_cache
def making_key() -> str:
    """Return what changes whenever this program might make other pages or chunks of a reading."""
    digest = hashlib.sha256(analysis_key().encode())
    for folder in (Path(__file__).parent, Path(inspect.getfile(Page)).parent):
        for path in sorted(folder.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
