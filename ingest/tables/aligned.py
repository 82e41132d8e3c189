"""Tables without rules on all sides: columns that stand by white alone.

First candidates are found (rows of several segments below each other, no prose between), then
columns are read off the white that runs through them, then what came out has to look like a table:
a false table is worse than none.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ingest.columns import find_bands
from ingest.tables.build import Column, build
from ingest.tables.charts import is_axis, value_of
from ingest.tables.segments import Row, Segment, rows_of, segments_of, without_contents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ingest.ports import Ink
    from ingest.types import RawTable
    from ragqa.types import BBox

_PROSE_EMS = 24.0
_DEEPEST = 4
_BULLETS = frozenset("•*·●○▪■□◆➢✓")
_DASHES = frozenset("-–—")
"""Bullets too where they stand first; elsewhere in a row they are numbers that are none."""
_CHART_FILLED = 0.6
_FAR = 2.6
"""Rows of one table are not further apart than so many line heights."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Rows that may be a table, and the level rules that run through or around them."""

    rows: tuple[Row, ...]
    rules: tuple[float, ...]
    em: float

    @property
    def multiple(self) -> list[Row]:
        """Rows with more than one segment."""
        return [row for row in self.rows if len(row.segments) > 1]


def aligned_tables(
    page: Ink, taken: Sequence[BBox], segments: Sequence[Segment] = ()
) -> list[RawTable]:
    """Return the tables outside the areas already taken; ``segments``: the page's, if known."""
    whole, page = page, without_contents(page)
    known = segments if segments and page is whole else segments_of(page)
    segments = [s for s in known if not any(_inside(s, box) for box in taken)]
    if not segments:
        return []
    em = float(np.median([s.bottom - s.top for s in segments])) / 1.2
    found: list[RawTable] = []
    if not any(True for _ in _candidates(page, rows_of(segments), em)):
        return found
    for part in _parts(segments):
        for candidate in _candidates(page, rows_of(part), em):
            found += _tables(candidate)
    return found


def _parts(segments: Sequence[Segment], depth: int = 0) -> Iterator[list[Segment]]:
    """Part what stands in columns of prose: no table reaches over the gutter between them."""
    boxes = np.array([(s.x0, s.top, s.x1, s.bottom) for s in segments], np.float32)
    bands = find_bands(boxes, [s.text for s in segments]) if depth < _DEEPEST else []
    rest = list(segments)
    for band in bands:
        inside = [s for s in rest if band.top <= (s.top + s.bottom) / 2 <= band.bottom]
        left = [s for s in inside if s.x1 <= band.x + 1]
        right = [s for s in inside if s.x0 >= band.x - 1]
        for side in (left, right):
            yield from _parts(side, depth + 1)
        parted = {id(s) for s in (*left, *right)}
        rest = [s for s in rest if id(s) not in parted]
    if rest:
        yield rest


def framed_table(page: Ink, area: BBox, segments: Sequence[Segment]) -> RawTable | None:
    """Read the columns inside a frame off the white, for frames whose rules part only some."""
    segments = [s for s in segments if _inside(s, area)]
    if not segments:
        return None
    em = float(np.median([s.bottom - s.top for s in segments])) / 1.2
    level = _level_rules(page, em)
    inside = (level[:, 1] >= area.top - 2) & (level[:, 1] <= area.bottom + 2)
    wide = inside & (level[:, 2] - level[:, 0] > 0.5 * (area.x1 - area.x0))
    heights = sorted({round(float(rule[1])) for rule in level[wide]})
    candidate = Candidate(tuple(rows_of(segments)), (area.top, *heights, area.bottom), em)
    if len(candidate.multiple) < 2:
        return None
    columns = find_columns(candidate)
    if len(columns) < 2 or not looks_right(candidate, columns):
        return None
    return build(candidate.rows, columns, candidate.rules, em)


def _inside(segment: Segment, box: BBox) -> bool:
    x, y = (segment.x0 + segment.x1) / 2, (segment.top + segment.bottom) / 2
    return box.x0 - 1 <= x <= box.x1 + 1 and box.top - 1 <= y <= box.bottom + 1


def _candidates(page: Ink, rows: Sequence[Row], em: float) -> Iterator[Candidate]:
    level = _level_rules(page, em)
    group: list[Row] = []
    for row in rows:
        far = bool(group) and row.top - group[-1].bottom > _FAR * em * 1.2
        if far and len(level) and _framed(level, group[-1].bottom, row.top):
            far = row.top - group[-1].bottom > 2 * _FAR * em * 1.2
        if far or _is_prose(row, em):
            yield from _closed(group, level, em)
            group = []
        if not _is_prose(row, em):
            group.append(row)
    yield from _closed(group, level, em)


def _closed(group: list[Row], level: NDArray[np.float32], em: float) -> Iterator[Candidate]:
    """Trim single segments off the ends, and cut at rules that end a table."""
    while group and len(group[-1].segments) < 2:
        group = group[:-1]
    while group and len(group[0].segments) < 2:
        group = group[1:]
    if sum(len(row.segments) > 1 for row in group) < 2:
        return
    x0 = min(s.x0 for row in group for s in row.segments)
    x1 = max(s.x1 for row in group for s in row.segments)
    top, bottom = group[0].top - 2 * em, group[-1].bottom + 2 * em
    wide = [
        float(rule[1])
        for rule in level
        if top <= rule[1] <= bottom and min(x1, rule[2]) - max(x0, rule[0]) > 0.5 * (x1 - x0)
    ]
    yield Candidate(tuple(group), tuple(sorted(wide)), em)


def _tables(candidate: Candidate, depth: int = 0) -> list[RawTable]:
    """Turn a candidate into a table, or into several, or into none."""
    columns = find_columns(candidate)
    if len(columns) > 1 and _is_chart(candidate.multiple, columns):
        return []
    if len(columns) > 1 and looks_right(candidate, columns):
        table = build(candidate.rows, columns, candidate.rules, candidate.em)
        return [table] if table is not None else []
    if depth >= 4 or len(candidate.rows) < 4:
        return []
    gaps = [after.top - before.bottom for before, after in pairwise(candidate.rows)]
    cut = int(np.argmax(gaps)) + 1
    if gaps[cut - 1] < 0.5 * candidate.em:
        return []
    found = []
    for part in (candidate.rows[:cut], candidate.rows[cut:]):
        rows = _trimmed(part)
        if sum(len(row.segments) > 1 for row in rows) >= 2:
            rules = tuple(
                rule
                for rule in candidate.rules
                if rows[0].top - 2 * candidate.em <= rule <= rows[-1].bottom + 2 * candidate.em
            )
            found += _tables(Candidate(rows, rules, candidate.em), depth + 1)
    return found


def _trimmed(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    solid = [index for index, row in enumerate(rows) if len(row.segments) > 1]
    return rows[solid[0] : solid[-1] + 1] if solid else ()


def find_columns(candidate: Candidate) -> list[Column]:
    """Read columns off the white that runs through the rows.

    A place is white when hardly any row of several segments has ink there; headings that span
    columns are few against the rows below them.
    """
    rows = candidate.multiple
    left = min(s.x0 for row in rows for s in row.segments)
    right = max(s.x1 for row in rows for s in row.segments)
    count = int(right - left) * 2 + 2
    inked = np.zeros(count, np.int32)
    for row in rows:
        marks = np.zeros(count, np.bool_)
        for s in row.segments:
            marks[int((s.x0 - left) * 2) : int((s.x1 - left) * 2) + 1] = True
        inked += marks
    allowed = 0 if len(rows) < 5 else max(1, int(0.12 * len(rows)))
    solid = np.concatenate([[False], inked > allowed, [False]])
    borders = np.flatnonzero(solid[1:] != solid[:-1])
    columns: list[Column] = []
    for begin, end in zip(borders[::2].tolist(), borders[1::2].tolist(), strict=True):
        x0, x1 = left + begin / 2, left + end / 2
        if columns and x0 - columns[-1].x1 < 0.25 * candidate.em:
            columns[-1] = Column(columns[-1].x0, x1)
        else:
            columns.append(Column(x0, x1))
    return columns


def looks_right(candidate: Candidate, columns: Sequence[Column]) -> bool:
    """Tell whether rows and columns are a table's rather than prose, a list or a contents page."""
    rows = candidate.rows
    segments = [s for row in rows for s in row.segments]
    many = candidate.multiple
    framed = len(candidate.rules) >= 2
    if len(many) < (2 if framed else 3) or len(many) < 0.35 * len(rows):
        return False
    lengths = [len(s.text) for s in segments]
    if np.mean(lengths) > (45 if framed else 32) or np.percentile(lengths, 90) > 75:
        return False
    filled = sum(len(row.segments) for row in many) / (len(many) * len(columns))
    if filled < 0.3 or len(segments) < 0.28 * len(rows) * len(columns):
        return False
    numbers = sum(s.is_number for row in many for s in row.segments[1:])
    share = numbers / max(1, sum(len(row.segments) - 1 for row in many))
    if _is_contents(many, columns) or _is_list(many):
        return False
    if len(columns) == 2:
        return bool(share > 0.6 or (framed and (share > 0.2 or np.mean(lengths) < 20)))
    return bool(
        share > 0.25 or framed or (len(many) >= 4 and filled > 0.7 and np.mean(lengths) < 18)
    )


def _is_contents(rows: Sequence[Row], columns: Sequence[Column]) -> bool:
    """A list of headings with page numbers that only grow."""
    if len(columns) > 3 or len(rows) < 4:
        return False
    last = [row.segments[-1].text.strip() for row in rows]
    pages = [int(text) for text in last if text.isdigit() and len(text) < 5]
    return len(pages) > 0.8 * len(rows) and all(a <= b for a, b in pairwise(pages))


def _is_list(rows: Sequence[Row]) -> bool:
    """Bullets or numbers with text beside them."""
    marks = sum(len(row.segments[0].text) <= 3 and not row.segments[0].is_number for row in rows)
    bullets = sum(
        row.segments[0].text in _DASHES or any(s.text in _BULLETS for s in row.segments[:-1])
        for row in rows
    )
    short = sum(len(row.segments) == 2 for row in rows)
    return bullets > 0.5 * len(rows) or (marks > 0.8 * len(rows) and short > 0.8 * len(rows))


def _is_chart(rows: Sequence[Row], columns: Sequence[Column]) -> bool:
    """The axis of a chart: numbers in even steps, beside which hardly anything stands."""
    if sum(len(row.segments) for row in rows) > _CHART_FILLED * len(rows) * len(columns):
        return False
    for column in columns:
        values = [
            value_of(s.text)
            for row in rows
            for s in row.segments
            if s.is_number and column.x0 - 1 <= (s.x0 + s.x1) / 2 <= column.x1 + 1
        ]
        if is_axis(values):
            return True
    return False


def _is_prose(row: Row, em: float) -> bool:
    """A line of running text: one long segment, or columns of it beside each other."""
    long = sum(s.x1 - s.x0 > _PROSE_EMS * em and len(s.text) > 30 for s in row.segments)
    if len(row.segments) == 1:
        return long == 1
    wide = sum(s.x1 - s.x0 > 14 * em and len(s.text) > 22 for s in row.segments)
    return wide >= 2 or (long >= 1 and len(row.segments) == 2 and not row.segments[1].is_number)


def _level_rules(page: Ink, em: float) -> NDArray[np.float32]:
    rules = page.rules
    thin = (rules[:, 3] - rules[:, 1] < 3) & (rules[:, 2] - rules[:, 0] > 3 * em)
    level = rules[thin]
    return level[np.argsort(level[:, 1], kind="stable")]


def _framed(level: NDArray[np.float32], above: float, below: float) -> bool:
    return bool(((level[:, 1] >= above - 2) & (level[:, 1] <= below + 2)).any())
