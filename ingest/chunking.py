"""Page text to chunks: where to cut, never what to say.

``chunk.text == chunk.span.of(page.text)`` always; citations rest on it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from ingest.clauses import Unit, find_units, is_item
from ingest.surroundings import Surroundings, clipped, heads_above
from ragqa.types import Block, Chunk, ChunkKind, Page, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Each alternative begins with a character, which is what makes the search fast: what must not stand
# before a full stop is looked for behind it.
_SENTENCE_END = re.compile(
    r"[。！？!?…]+[”’」』）)\"']*\s*"  # Chinese, and marks that always end a sentence
    r"|\.(?<![A-Z]\.)(?<!\bNo\.)(?<!\bvs\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bInc\.)"
    r"(?<!\bFig\.)(?<!\be\.g\.)(?<!\bi\.e\.)[”’\"')\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9\u3400-\u9fff])"
    r"|[；;]\s*(?=[\u3400-\u9fff])"
    r"|\n"
)
_CLAUSE_END = re.compile(r"[，,、：:;；]\s*|\s+")
_FULL = 0.6
"""A chunk this full of its budget is closed at a paragraph's end rather than filled up."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence, a table row, or what was cut out of one: the atom of a chunk."""

    start: int
    end: int
    tokens: int
    kind: ChunkKind
    block: int
    begins_block: bool
    ends_block: bool = False
    heading: tuple[int, str] | None = None
    whole: int = 0
    """At the beginning of what is not to be torn apart: the tokens of all of it."""
    inside: bool = False
    """It goes on with what is not to be torn apart."""


def chunk_page(
    page: Page,
    count_tokens: Callable[[str], int],
    *,
    max_tokens: int,
    headings: tuple[str, ...] = (),
    around: Surroundings | None = None,
) -> Iterator[Chunk]:
    """Cut one page into chunks of at most ``max_tokens`` tokens.

    Sentences stay whole unless one alone is too long, and so do clauses and lists; a heading goes
    with what follows it; a table is cut between rows. A single word longer than the budget is cut
    by characters.

    Args:
        page: The page.
        count_tokens: The embedder's own count; called once a sentence.
        max_tokens: Budget of a chunk, at least 8.
        headings: The path in force at the top of the page, outermost first.
        around: What stands around the page.

    Raises:
        ValueError: If ``max_tokens`` is below 8.
    """
    if max_tokens < 8:
        raise ValueError(f"chunks need at least 8 tokens, got {max_tokens}")
    path = headings
    units = find_units(page.blocks)
    pieces = _held_together(page, list(_pieces(page, count_tokens, max_tokens)), units, max_tokens)
    for group in _groups(pieces, max_tokens):
        for piece in group:
            if piece.heading is not None:
                path = _under(path, *piece.heading)
        span = _trimmed(page.text, group[0].start, group[-1].end)
        if span is not None:
            titles = tuple(title for title in path if title)
            before, after = _surroundings(page, group, units, around or Surroundings())
            text = span.of(page.text)
            yield Chunk(page.number, span, text, group[0].kind, titles, before, after)


def headings_after(page: Page, headings: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path in force at the bottom of a page that began under ``headings``.

    An empty title holds the place of a level that was skipped.
    """
    for block in page.blocks:
        if block.kind == "heading" and block.span is not None:
            headings = _under(headings, block.level or 1, block.text)
    return headings


def _pieces(page: Page, count_tokens: Callable[[str], int], max_tokens: int) -> Iterator[_Piece]:
    for number, block in enumerate(page.blocks):
        if block.span is None:
            continue
        start, end = block.span.start, block.span.end
        kind: ChunkKind = "table" if block.kind == "table" else "text"
        heading = (block.level or 1, block.text) if block.kind == "heading" else None
        begins = True
        for first, last in _sentences(page.text, start, end, block):
            for a, b, tokens in _fitting(page.text, first, last, count_tokens, max_tokens):
                titled = heading if begins else None
                yield _Piece(a, b, tokens, kind, number, begins, b == end, titled)
                begins = False


def _held_together(
    page: Page, pieces: list[_Piece], units: Sequence[Unit], max_tokens: int
) -> list[_Piece]:
    """Mark what is not to be torn apart: a clause or a list that fits, else each of its items."""
    costs: Counter[int] = Counter()
    for piece in pieces:
        costs[piece.block] += _cost(piece)
    wholes: dict[int, tuple[int, int]] = {
        number: (number, number) for number in costs if is_item(page.blocks[number])
    }
    for unit in units:
        members = range(unit.first, unit.last + 1)
        if sum(costs[number] for number in members) <= max_tokens:
            wholes |= dict.fromkeys(members, (unit.first, unit.last))
    marked: list[_Piece] = []
    for piece in pieces:
        first, last = wholes.get(piece.block, (-1, -1))
        whole = sum(costs[number] for number in range(first, last + 1)) if first >= 0 else 0
        if not 0 < whole <= max_tokens:
            marked.append(piece)
        elif piece.block == first and piece.begins_block:
            marked.append(replace(piece, whole=whole))
        else:
            marked.append(replace(piece, inside=True))
    return marked


def _sentences(text: str, start: int, end: int, block: Block) -> Iterator[tuple[int, int]]:
    """Yield ranges that tile ``[start, end)``: rows of a table, a heading whole, or sentences."""
    if block.kind == "heading":
        yield start, end
        return
    ends = re.finditer("\n", text[start:end]) if block.kind == "table" else None
    borders = [
        start + match.end()
        for match in (ends if ends is not None else _SENTENCE_END.finditer(text[start:end]))
    ]
    for first, last in pairwise(dict.fromkeys([start, *borders, end])):
        if text[first:last].strip():
            yield first, last


def _fitting(
    text: str, start: int, end: int, count_tokens: Callable[[str], int], max_tokens: int
) -> Iterator[tuple[int, int, int]]:
    """Yield the range whole when it fits, else cut at clauses, words, and last of all anywhere."""
    tokens = count_tokens(text[start:end])
    if tokens <= max_tokens:
        yield start, end, tokens
        return
    borders = [start + match.end() for match in _CLAUSE_END.finditer(text[start:end])]
    if not borders or borders[0] >= end:
        borders = [start + (end - start) // 2] if end - start > 1 else []
    borders = [border for border in borders if start < border < end]
    if not borders:
        yield start, end, tokens
        return
    middle = min(borders, key=lambda border: abs(border - (start + end) / 2))
    yield from _fitting(text, start, middle, count_tokens, max_tokens)
    yield from _fitting(text, middle, end, count_tokens, max_tokens)


def _groups(pieces: Sequence[_Piece], max_tokens: int) -> Iterator[list[_Piece]]:
    group: list[_Piece] = []
    total = 0
    for piece in pieces:
        if group and _closes(group, total, piece, max_tokens):
            carried = _trailing_headings(group)
            if len(carried) < len(group) and carried:
                yield group[: -len(carried)]
                group = carried
            else:
                yield group
                group = []
            total = sum(_cost(held) for held in group)
            if group and total + _cost(piece) > max_tokens:
                yield group
                group, total = [], 0
        group.append(piece)
        total += _cost(piece)
    if group:
        yield group


def _closes(group: Sequence[_Piece], total: int, piece: _Piece, max_tokens: int) -> bool:
    last = group[-1]
    if total + max(_cost(piece), piece.whole) > max_tokens:
        return True
    if piece.inside:
        return False
    only_headings = all(held.heading is not None for held in group)
    if piece.kind != last.kind or (piece.kind == "table" and piece.block != last.block):
        return True
    if piece.heading is not None and not only_headings:
        return True
    return piece.begins_block and piece.kind == "text" and total > _FULL * max_tokens


def _cost(piece: _Piece) -> int:
    return piece.tokens + 1  # the blank or line break between pieces may be a token of its own


def _surroundings(
    page: Page, group: Sequence[_Piece], units: Sequence[Unit], around: Surroundings
) -> tuple[str, str]:
    """Return what a chunk is found by that stands before its text, and what stands behind it."""
    first, last = group[0], group[-1]
    if first.kind == "table":
        block = page.blocks[first.block]
        assert block.span is not None
        row = page.text.count("\n", block.span.start, first.start)
        carried = around.head if first.block == _first_table(page) else ""
        return heads_above(block.text.split("\n"), row, carried), ""
    continues = first.begins_block and page.blocks[first.block].continues
    goes_on = last.ends_block and page.blocks[last.block].goes_on
    before = around.before if continues else _lead(page, first, units)
    return before, around.after if goes_on else ""


def _lead(page: Page, piece: _Piece, units: Sequence[Unit]) -> str:
    """Return the words that lead to the list which a chunk begins within."""
    for unit in units:
        if unit.lead and unit.first < piece.block <= unit.last:
            return clipped(page.blocks[unit.first].text)
    return ""


def _first_table(page: Page) -> int:
    return next(n for n, block in enumerate(page.blocks) if block.kind == "table")


def _trailing_headings(group: list[_Piece]) -> list[_Piece]:
    carried: list[_Piece] = []
    for piece in reversed(group):
        if piece.heading is None:
            break
        carried.insert(0, piece)
    return carried


def _trimmed(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if end > start else None


def _under(path: tuple[str, ...], level: int, title: str) -> tuple[str, ...]:
    """Put a title at its level."""
    title = " ".join(title.split())
    kept = list(path[: level - 1])
    kept += [""] * (level - 1 - len(kept))
    return (*kept, title)
