"""What a chunk is found by besides its own text and its headings; never quoted.

The heads of the table it is cut from, and the rest of a sentence that the end of a page breaks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.joining import is_broken_word, is_wide, separator
from ragqa.heads import count_heads, is_value
from ragqa.tables import cells_of, continues, tables_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.types import Page

LONGEST = 240
"""Characters of the heads of a table, and of a part of a sentence."""
_OVERLAP = 4
"""Characters on the other side of a page break that are repeated where no blanks part words."""

_SENTENCE_END = re.compile(r"[。！？!?…；;]|\.(?=\s)")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a page: the heads of a table and the sentences that go over its edges."""

    head: str = ""
    """The heads of the table that the page begins within."""
    before: str = ""
    """The beginning of the page's first sentence, on the page before."""
    after: str = ""
    """The end of its last one, on the page that follows."""


def look_around(page: Page, before: Page | None, after: Page | None, head: str) -> Surroundings:
    """Return what stands around a page.

    Args:
        page: The page.
        before: The page before it; None at the beginning of a document.
        after: The one that follows; None at the end.
        head: Heads of the table that the page before begins within, if it does.
    """
    goes_on, rest = _carried(before, page), _carried(page, after)
    return Surroundings(
        _carried_heads(page, before, head),
        _beginning(*goes_on) if goes_on else "",
        _end(*rest) if rest else "",
    )


def _carried_heads(page: Page, before: Page | None, head: str) -> str:
    """Return the heads of the table that a page begins within; empty where it does not."""
    if before is None or not continues(before, page):
        return ""
    tables = tables_of(before)
    rows = [_cells(line) for line in tables[-1].text.split("\n")]
    return _heads(rows) or (head if len(tables) == 1 else "")


def heads_above(lines: Sequence[str], row: int, carried: str = "") -> str:
    """Return what a row of a table is to be read with: the heads of the columns, its section.

    Args:
        lines: The table's text, line by line.
        row: Number of the row's line; heads from there on are its own.
        carried: Heads of the table that this one goes on with; it may repeat them.
    """
    rows = [_cells(line) for line in lines]
    own = _heads(rows)
    if own:
        carried = ""
    heads = _heads(rows[:row]) if own else carried
    below = rows[count_heads(rows) : row] if own else rows[:row]
    labels = [cells[0] for cells in below if len(cells) == 1 and not is_value(cells[0])]
    return clipped("\n".join(part for part in (heads, *labels[-1:]) if part))


def _heads(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(" | ".join(cells) for cells in rows[: count_heads(rows)] if cells)


def _cells(line: str) -> list[str]:
    """Return the cells of a line that say something: one that only rules off has none."""
    return [cell for cell in cells_of(line) if cell.strip("-: ")]


def _carried(first: Page | None, second: Page | None) -> tuple[str, str] | None:
    """Return the two parts of the paragraph that goes on from one page to the next."""
    if first is None or second is None:
        return None
    ends = [block.text for block in first.blocks if block.goes_on]
    begins = [block.text for block in second.blocks if block.continues]
    return (ends[-1], begins[0]) if ends and begins else None


def _beginning(last: str, first: str) -> str:
    """Return the broken sentence's part on the page before, with the word that is broken."""
    ends = [match.end() for match in _SENTENCE_END.finditer(last)]
    part = last[ends[-1] if ends else 0 :].strip()
    if is_broken_word(last, first):
        part, link = part[:-1], ""
    else:
        link = separator(last, first)
    return (part[-LONGEST:] + link + first[: _reach(first)]).strip() if part else ""


def _end(last: str, first: str) -> str:
    """Return the broken sentence's part on the next page, with the word that is broken."""
    found = _SENTENCE_END.search(first)
    part = first[: found.end() if found else len(first)].strip()
    broken = is_broken_word(last, first)
    tail, link = (last[:-1], "") if broken else (last, separator(last, first))
    reach = _reach(tail[::-1])
    return (tail[len(tail) - reach :] + link + part[:LONGEST]).strip() if part else ""


def _reach(text: str) -> int:
    """Return how many characters at the beginning are a word, or may be parts of one."""
    if is_wide(text[0]):
        return min(_OVERLAP, len(text))
    return len(text.split(maxsplit=1)[0])


def clipped(text: str) -> str:
    """Return the beginning of a text that is long."""
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0]
