"""The pages of a document in their order, each assembled when it is asked for, and not before.

Pure: what a page becomes is told by its reading, by those of the pages beside it and by what is
known of the whole document, and so is its ``recipe``, which is there without assembling it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from ingest.assemble import assemble_laid, lay, margins_of
from ingest.breaks import is_carried
from ingest.types import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingest.breaks import Edge, Edges
    from ingest.types import RawPage, RunningHeads
    from ragqa.types import Page


class Sheet:
    """One page that was read."""

    def __init__(self, raw: RawPage, heads: RunningHeads) -> None:
        self.raw = raw
        self._heads = heads
        self._laid = lay(raw)
        self._margins = margins_of(self._laid, heads)
        self._alone: tuple[Page, Edges] | None = None
        self._page: Page | None = None

    @cached_property
    def recipe(self) -> bytes:
        """What changes whenever the page, assembled alone, might; empty: not known."""
        if not self.raw.digest:
            return b""
        heads = self._heads
        margins = [(line.start, line.end) for line in self._margins]
        sizes = heads.body_size, heads.heading_sizes, heads.all_bold
        return digest_of(self.raw.digest, margins, sizes)

    @property
    def alone(self) -> tuple[Page, Edges]:
        """The page as it is without those beside it, and where it begins and ends."""
        if self._alone is None:
            self._alone = assemble_laid(self._laid, self._margins, self._heads, self.raw.turned)
        return self._alone

    def between(self, before: Sheet | None, after: Sheet | None) -> Page:
        """Return the page; paragraphs carried over its breaks say so."""
        if self._page is None:
            page, edges = self.alone
            if before is not None and is_carried(before.alone[1].last, edges.first):
                page = _marked(page, edges.first, continues=True)
            if after is not None and is_carried(edges.last, after.alone[1].first):
                page = _marked(page, edges.last, goes_on=True)
            self._page = page
        return self._page


class Spread(NamedTuple):
    """A page among the two before it and the two after it; None beyond the document's ends."""

    second_before: Sheet | None
    before: Sheet | None
    sheet: Sheet
    after: Sheet | None
    second_after: Sheet | None

    @property
    def page(self) -> Page:
        """The page, assembled."""
        return self.sheet.between(self.before, self.after)

    @property
    def page_before(self) -> Page | None:
        """The page before it, assembled."""
        return self.before.between(self.second_before, self.sheet) if self.before else None

    @property
    def page_after(self) -> Page | None:
        """The page that follows, assembled."""
        return self.after.between(self.sheet, self.second_after) if self.after else None

    @property
    def recipes(self) -> tuple[bytes, ...] | None:
        """Those of all that the three pages are told by; None: not known."""
        recipes = tuple(sheet.recipe if sheet else b"-" for sheet in self)
        return recipes if all(recipes) else None


def spreads_of(raws: Iterable[RawPage], heads: RunningHeads) -> Iterator[Spread]:
    """Yield the pages of a document in their order; no more than five are in memory."""
    seen: deque[Sheet | None] = deque([None, None], maxlen=5)
    sheets = (Sheet(raw, heads) for raw in raws)
    for following in chain(sheets, [None, None]):
        seen.append(following)
        if len(seen) == 5:
            second_before, before, sheet, after, second_after = seen
            if sheet is not None:
                yield Spread(second_before, before, sheet, after, second_after)


def assemble_pages(raws: Iterable[RawPage], heads: RunningHeads) -> Iterator[tuple[RawPage, Page]]:
    """Assemble the pages of a document in their order."""
    for spread in spreads_of(raws, heads):
        yield spread.sheet.raw, spread.page


def _marked(
    page: Page, edge: Edge | None, *, goes_on: bool = False, continues: bool = False
) -> Page:
    blocks = list(page.blocks)
    if edge is not None:
        block = blocks[edge.block]
        blocks[edge.block] = replace(
            block,
            goes_on=goes_on or block.goes_on,
            continues=continues or block.continues,
        )
    return replace(page, blocks=tuple(blocks))
