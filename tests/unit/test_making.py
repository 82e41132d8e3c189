"""Pages taken over from the served version are those that would be made; edits reach no further."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.assemble import assemble_laid
from ingest.heads import running_heads
from ingest.making import Made, make_pages
from ingest.passages import Passage, Passages
from ingest.types import Cell, Line, RawPage, RawTable
from ragqa.store.moves import bag_of
from ragqa.store.takeover import ServedPage
from ragqa.types import BBox, Page
from tests.unit.test_surroundings import Letters

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

BODY, TITLE = 10.0, 18.0
BROKEN = "whoever looks after a pump, regu-"
END = "larly or not, writes it down."
LINES = {
    "heading": [(80.0, TITLE, "# Chapter #"), (120.0, BODY, "Text #.")],
    "deeper": [(80.0, 14.0, "1.# Part"), (120.0, BODY, "Its text #.")],
    "words": [(300.0, BODY, "It holds # litres of oil.")],
    "broken": [(300.0, BODY, "Before #."), (780.0, BODY, BROKEN)],
    "end": [(60.0, BODY, END), (300.0, BODY, "After #.")],
}
TABLES = {
    "begun": [(560.0, [["Part", "201#", "2019"], ["a", "1", "2"]])],
    "goes on": [(60.0, [["b", "#", "4"], ["c", "5", "6"]])],
}
PAGES = st.lists(
    st.tuples(st.sampled_from([*LINES, *TABLES, "blank"]), st.integers(0, 1)),
    min_size=3,
    max_size=12,
)


def read(kinds: Sequence[tuple[str, int]]) -> list[RawPage]:
    """Return pages as they are read: a running head, and what ``LINES`` and ``TABLES`` name."""
    return [reading(kind, count, number) for number, (kind, count) in enumerate(kinds, start=1)]


def reading(kind: str, count: int, number: int) -> RawPage:
    lines = [(30.0, BODY, "Manual of pumps"), *LINES.get(kind, ())]
    tables = TABLES.get(kind, [])
    text = ""
    boxes: list[tuple[float, ...]] = []
    made: list[Line] = []
    grids: list[RawTable] = []

    def put(x: float, y: float, size: float, value: str) -> tuple[int, int]:
        nonlocal text
        value = value.replace("#", str(count))
        start = len(text)
        text += value
        wide = size / 2
        boxes.extend((x + wide * i, y, x + wide * (i + 1), y + size) for i in range(len(value)))
        box = BBox(x, y, x + wide * len(value), y + size)
        made.append(Line(start, len(text), box, size, block=len(made)))
        return start, len(text)

    for y, size, value in lines:
        put(50.0, y, size, value)
    for top, rows in tables:
        bottom = top + 240.0
        cells = [
            Cell(r, c, BBox(50.0 + 90 * c, top, 130.0 + 90 * c, bottom), (
                put(50.0 + 90 * c, top + 120 * r, BODY, value),
            ))
            for r, row in enumerate(rows)
            for c, value in enumerate(row)
        ]  # fmt: skip
        grids.append(RawTable(BBox(50, top, 400, bottom), len(rows), 3, tuple(cells)))
    array = np.array(boxes, np.float32).reshape(-1, 4)
    raw = RawPage(number, 595, 842, "text", text, array, tuple(made), tuple(grids))
    return RawPage.from_bytes(raw.to_bytes(), number)


def make(raws: list[RawPage], served: dict[bytes, ServedPage] | None = None) -> list[Made]:
    """Make the pages of a document."""
    cutter = Passages("manual.pdf", Letters())
    return list(make_pages(raws, running_heads(raws), cutter, served or {}))


def served_of(made: list[Made]) -> dict[bytes, ServedPage]:
    """Return pages as those of the version that is served."""
    return {
        one.made_of: ServedPage(1, one.number, one.source, one.leaves, stored(one.passages))
        for one in made
        if one.made_of
    }


def stored(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    return [
        {
            "span_start": passage.chunk.span.start,
            "span_end": passage.chunk.span.end,
            "text": passage.chunk.text,
            "kind": passage.chunk.kind,
            "headings": list(passage.chunk.headings),
            "embedded_hash": passage.embedded_hash,
            "bag": bag_of(passage.stored_with({})),
        }
        for passage in passages
    ]


def chunks(made: list[Made]) -> list[tuple[Any, ...]]:
    """Return all that is stored of chunks."""
    rows = [
        row for one in made for row in (*one.chunks, *(p.stored_with({}) for p in one.passages))
    ]
    return [
        (
            row.ordinal,
            row.embedded_hash,
            list(row.terms),
            row.chunk.page_number,
            row.chunk.span,
            row.chunk.text,
            row.chunk.kind,
            row.chunk.headings,
        )
        for row in rows
    ]


def shown(page: Page) -> tuple[Any, ...]:
    """Return all that is stored of a page but for its number."""
    return page.text, page.blocks, page.source, page.width, page.char_boxes.tobytes()


@settings(deadline=None, max_examples=200)
@given(PAGES, st.lists(st.tuples(st.integers(0, 9), PAGES), max_size=2), st.integers(0, 9))
def test_what_is_taken_over_is_what_would_be_made(
    kinds: list[tuple[str, int]],
    changes: list[tuple[int, list[tuple[str, int]]]],
    left_out: int,
) -> None:
    old = make(read(kinds))
    edited = list(kinds)
    del edited[left_out % len(edited)]
    for at, pages in changes:
        edited[at % (len(edited) + 1) : at % (len(edited) + 1)] = pages[:2]

    taking, fresh = make(read(edited), served_of(old)), make(read(edited))

    assert chunks(taking) == chunks(fresh)
    there = {one.number: one.page for one in old}
    for taken, made in zip(taking, fresh, strict=True):
        page = taken.page if isinstance(taken.page, Page) else there[taken.page.number]
        assert isinstance(page, Page)
        assert isinstance(made.page, Page)
        assert shown(page) == shown(made.page)
        assert (taken.leaves, taken.tables, taken.source) == (
            made.leaves, made.tables, made.source
        )  # fmt: skip


def test_a_changed_page_costs_those_beside_it_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = [("words", n % 4) for n in range(30)]
    old = make(read(kinds))
    calls = itertools.count()

    def counting(*given: Any) -> Any:
        next(calls)
        return assemble_laid(*given)

    monkeypatch.setattr("ingest.sheets.assemble_laid", counting)
    kinds[14] = ("words", 9)
    made = make(read(kinds), served_of(old))

    assert [one.number for one in made if isinstance(one.page, Page)] == [13, 14, 15, 16, 17]
    assert next(calls) <= 9


def test_a_new_heading_reaches_the_pages_under_it() -> None:
    kinds = [("heading", 0), *[("words", n) for n in range(6)], ("heading", 1), ("words", 7)]
    old = make(read(kinds))
    kinds[0] = ("heading", 2)
    made = make(read(kinds), served_of(old))
    assert made[4].passages[0].chunk.headings == ("2 Chapter 2",)
    assert not isinstance(made[8].page, Page)


def test_a_page_of_unknown_reading_is_made_anew() -> None:
    raws = read([("words", n) for n in range(8)])
    served = served_of(make(raws))
    raws[3] = replace(raws[3], digest=b"")
    made = make(raws, served)
    assert [one.number for one in made if one.made_of is None and isinstance(one.page, Page)] == [
        2, 3, 4, 5, 6
    ]  # fmt: skip
    assert hashlib.sha256(made[3].passages[0].embedded.encode()).digest() in {
        row["embedded_hash"] for page in served.values() for row in page.rows
    }
