"""Corrections of misread lines, kept by what the page shows, not by who read it or when.

A correction knows the line by its place, so another engine or parser may read the page anew: the
line that stands there then has the correction too.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from ragqa.errors import InvalidInput
from ragqa.types import BBox, Correction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from psycopg import Connection

    from ragqa.types import CollectionId

    Row = dict[str, Any]

LONGEST = 2000
SAME_PLACE = 0.5
"""Share of their common area that two boxes of the same line cover together, at least."""

HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('ragqa.corrections', %s))"

READ = """
SELECT content, place, read_as, text, corrected_by, corrected_at FROM corrections
 WHERE collection_id = %s AND content = ANY(%s) ORDER BY content, place
"""

WRITE = """
INSERT INTO corrections (collection_id, content, place, read_as, text, corrected_by)
VALUES (%(collection_id)s, %(content)s, %(place)s, %(read_as)s, %(text)s, %(by)s)
ON CONFLICT (collection_id, content, place) DO UPDATE
   SET read_as = excluded.read_as, text = excluded.text, corrected_by = excluded.corrected_by,
       corrected_at = now()
"""

REMOVE = "DELETE FROM corrections WHERE collection_id = %s AND content = %s AND place = %s"

DROP_UNUSED = """
DELETE FROM corrections c
 WHERE c.collection_id = %s AND NOT EXISTS (
       SELECT FROM pages p WHERE p.collection_id = c.collection_id AND p.content = c.content)
"""


def content_of(page_key: str) -> str:
    """Return the part of a page's key that tells what the page shows."""
    return page_key.rpartition("-")[2]


def hold_corrections(conn: Connection[Row], collection_id: CollectionId) -> None:
    """Let nobody else correct, serve or delete in this collection until the transaction ends.

    Taken before any other lock, so that what is served has every correction made so far.
    """
    conn.execute(HOLD, [collection_id])


def read_corrections(
    conn: Connection[Row], collection_id: CollectionId, contents: Iterable[str]
) -> dict[str, tuple[Correction, ...]]:
    """Return the corrections of pages by content; pages without any are left out."""
    found: dict[str, list[Correction]] = {}
    for row in conn.execute(READ, [collection_id, sorted(set(contents))]):
        found.setdefault(row["content"], []).append(
            Correction(
                BBox(*row["place"]),
                row["read_as"],
                row["text"],
                row["corrected_by"],
                row["corrected_at"],
            )
        )
    return {content: tuple(corrections) for content, corrections in found.items()}


def write_correction(
    conn: Connection[Row],
    collection_id: CollectionId,
    content: str,
    *,
    place: BBox,
    read_as: str,
    text: str,
    by: str,
) -> None:
    """Keep what a line really says, in place of what was kept for it before."""
    conn.execute(
        WRITE,
        {
            "collection_id": collection_id,
            "content": content,
            "place": list(place),
            "read_as": read_as,
            "text": text,
            "by": by[:200],
        },
    )


def remove_correction(
    conn: Connection[Row], collection_id: CollectionId, content: str, place: BBox
) -> None:
    """Take a correction back."""
    conn.execute(REMOVE, [collection_id, content, list(place)])


def drop_unused_corrections(conn: Connection[Row], collection_id: CollectionId) -> None:
    """Forget the corrections of pages that no version has any more."""
    conn.execute(DROP_UNUSED, [collection_id])


def match_lines(
    corrections: Sequence[Correction], lines: Sequence[tuple[BBox, str]]
) -> Mapping[int, Correction]:
    """Find the line that each correction is about.

    Args:
        corrections: Those of one page.
        lines: Box and text of every line, as the page is read now.

    Returns:
        The correction by the number of its line, from 0; none that fits no line.
    """
    pairs = [
        (_common(correction.place, bbox), text == correction.read_as, -number, correction)
        for correction in corrections
        for number, (bbox, text) in enumerate(lines)
    ]
    pairs = [pair for pair in pairs if pair[0] >= SAME_PLACE]
    pairs.sort(key=lambda pair: pair[:3], reverse=True)
    found: dict[int, Correction] = {}
    for _, _, number, correction in pairs:
        if -number not in found and correction not in found.values():
            found[-number] = correction
    return found


def _common(one: BBox, other: BBox) -> float:
    """Return the intersection of two boxes over their union, 0 to 1."""
    if one == other:
        return 1.0
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.bottom, other.bottom) - max(one.top, other.top)
    if wide <= 0 or high <= 0:
        return 0.0
    both = wide * high
    return both / (_area(one) + _area(other) - both)


def _area(box: BBox) -> float:
    return (box.x1 - box.x0) * (box.bottom - box.top)


def line_of_text(text: str) -> str:
    """Return text as one line of a page has it: NFC, single blanks, nothing that is not shown.

    Raises:
        InvalidInput: If it is longer than a line can be.
    """
    shown = "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn"}
    )
    line = unicodedata.normalize("NFC", " ".join(shown.split()))
    if len(line) > LONGEST:
        raise InvalidInput(f"a line has at most {LONGEST} characters, this one has {len(line)}")
    return line
