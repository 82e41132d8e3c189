"""Tables whose cells are drawn: pdfplumber's grid over the rules that MuPDF saw."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.tables.cells import fill
from ingest.types import Cell, RawTable
from ragqa.types import BBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.ports import Ink

_Point = tuple[float, float]
_Box = tuple[float, float, float, float]
_Crossings = dict[_Point, dict[str, list[dict[str, Any]]]]
_THIN = 3.0
_SHORTEST = 6.0
_MOST_RULES = 6000
_LEAST_ROWS = 2
_SLIVER = 8.0
_MOST_LEVEL = 1500


def ruled_tables(page: Ink) -> list[RawTable]:
    """Return the tables drawn with rules on all sides of their cells."""
    edges = _edges(page.rules)
    if len(edges) < 4 or len(edges) > _MOST_RULES:
        return []
    from pdfplumber.table import cells_to_tables, edges_to_intersections, merge_edges

    merged = merge_edges(edges, 3, 3, 3, 3)
    merged = [edge for edge in merged if edge["width"] + edge["height"] >= _SHORTEST]
    crossings = edges_to_intersections([*merged, *_open_sides(merged)], 3, 3)
    found = []
    for cells in _side_by_side(cells_to_tables(_smallest_cells(crossings))):
        table = _grid(cells)
        if table is not None and (filled := fill(page, table)) is not None:
            found.append(filled)
    return found


def _side_by_side(grids: Sequence[list[_Box]]) -> list[list[_Box]]:
    """Join grids that begin and end at one height with a sliver of white between them.

    Shading that leaves out the white between columns draws one table as several.
    """
    joined: list[list[_Box]] = []
    boxes = [(*np.min(g, axis=0)[:2].tolist(), *np.max(g, axis=0)[2:].tolist()) for g in grids]
    right, top, bottom = 0.0, 0.0, 0.0
    for number in sorted(range(len(grids)), key=lambda n: (round(boxes[n][1] / 3), boxes[n][0])):
        box = boxes[number]
        level = abs(box[1] - top) <= _THIN and abs(box[3] - bottom) <= _THIN
        if joined and level and -_THIN <= box[0] - right <= _SLIVER:
            joined[-1] = [*joined[-1], *grids[number]]
        else:
            joined.append(list(grids[number]))
        right, top, bottom = box[2], box[1], box[3]
    return joined


def _open_sides(edges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the sides that a table lacks whose rows are ruled and whose columns are parted.

    Where an upright rule runs from one level rule to the next, and both begin or end at one place,
    the row ends there, though no rule is drawn. Where upright rules hang over the first or the
    last level rule, the row they part ends with them.
    """
    upright = np.array(
        [(e["x0"], e["top"], e["bottom"]) for e in edges if e["orientation"] == "v"], np.float64
    ).reshape(-1, 3)
    level = sorted(
        (edge for edge in edges if edge["orientation"] == "h"), key=lambda edge: edge["top"]
    )
    if not len(upright) or len(level) < _LEAST_ROWS or len(level) > _MOST_LEVEL:
        return []
    places = np.array([(e["x0"], e["x1"], e["top"]) for e in level], np.float64)
    paired = np.zeros((len(level), 2), np.bool_)  # has a row above, has a row below
    sides: list[dict[str, Any]] = []
    for number, (x0, x1, top) in enumerate(places.tolist()):
        below = _row_below(places, number)
        inner = upright[(upright[:, 0] > x0 + _SHORTEST) & (upright[:, 0] < x1 - _SHORTEST)]
        if below is None or not len(inner):
            continue
        bottom = places[below, 2]
        through = inner[(inner[:, 1] <= top + _THIN) & (inner[:, 2] >= bottom - _THIN)]
        if len(through) and (through[:, 0] < places[below, 1]).any():
            paired[number, 1] = paired[below, 0] = True
            sides += _sides(places[number], places[below], upright)
    for number in np.flatnonzero(paired[:, 0] != paired[:, 1]).tolist():
        x0, x1, y = places[number].tolist()
        inner = upright[(upright[:, 0] > x0 + _SHORTEST) & (upright[:, 0] < x1 - _SHORTEST)]
        inner = inner[(inner[:, 1] <= y + _THIN) & (inner[:, 2] >= y - _THIN)]
        ends = inner[:, 2].max(initial=y) if paired[number, 0] else inner[:, 1].min(initial=y)
        end = float(ends)
        if abs(end - y) > _SHORTEST:
            top, bottom = min(y, end), max(y, end)
            sides.append(_edge("h", x0, x1, end, end))
            sides += [_edge("v", x, x, top, bottom) for x in (x0, x1)]
    return sides


def _row_below(places: NDArray[np.float64], number: int) -> int | None:
    """Return the next level rule below that begins or ends where this one does."""
    x0, x1, top = places[number].tolist()
    lower = places[:, 2] > top + _SHORTEST
    alike = (np.abs(places[:, 0] - x0) <= _THIN) | (np.abs(places[:, 1] - x1) <= _THIN)
    found = np.flatnonzero(lower & alike)
    return int(found[0]) if len(found) else None


def _sides(
    above: NDArray[np.float64], below: NDArray[np.float64], upright: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Return upright edges at the ends that two rules share, where none is drawn."""
    top, bottom = float(above[2]), float(below[2])
    through = upright[(upright[:, 1] <= top + _THIN) & (upright[:, 2] >= bottom - _THIN)]
    return [
        _edge("v", x, x, top, bottom)
        for x, other in zip(above[:2].tolist(), below[:2].tolist(), strict=True)
        if abs(x - other) <= _THIN and not (np.abs(through[:, 0] - x) <= _SHORTEST).any()
    ]


def _smallest_cells(crossings: _Crossings) -> list[tuple[float, float, float, float]]:
    """Return the smallest rectangle that begins at each crossing and has rules on all sides.

    What pdfplumber's ``intersections_to_cells`` returns, with the rules of a point looked up
    instead of compared pair by pair: on a page of shaded rows that was a third of all the time.
    """
    upright = {point: {id(edge) for edge in found["v"]} for point, found in crossings.items()}
    level = {point: {id(edge) for edge in found["h"]} for point, found in crossings.items()}
    down: dict[float, list[_Point]] = {}
    across: dict[float, list[_Point]] = {}
    for point in sorted(crossings):
        down.setdefault(point[0], []).append(point)
        across.setdefault(point[1], []).append(point)
    cells = []
    for point in sorted(crossings):
        below = [p for p in down[point[0]] if p > point and upright[p] & upright[point]]
        right = [p for p in across[point[1]] if p > point and level[p] & level[point]]
        corner = next(
            (
                (r[0], b[1])
                for b in below
                for r in right
                if (r[0], b[1]) in crossings
                and upright[r[0], b[1]] & upright[r]
                and level[r[0], b[1]] & level[b]
            ),
            None,
        )
        if corner is not None:
            cells.append((*point, *corner))
    return cells


def _edges(rules: NDArray[np.float32]) -> list[dict[str, Any]]:
    """Return the sides of drawn shapes: one for a thin one, four for a box."""
    edges: list[dict[str, Any]] = []
    # Shading drawn twice and rules drawn in pieces on one another would be compared in pairs.
    for x0, top, x1, bottom in dict.fromkeys(map(tuple, np.round(rules, 1).tolist())):
        wide, high = x1 - x0, bottom - top
        if high <= _THIN and wide > high:
            edges.append(_edge("h", x0, x1, (top + bottom) / 2, (top + bottom) / 2))
        elif wide <= _THIN and high > wide:
            edges.append(_edge("v", (x0 + x1) / 2, (x0 + x1) / 2, top, bottom))
        elif wide > _SHORTEST and high > _SHORTEST:
            edges += [
                _edge("h", x0, x1, top, top),
                _edge("h", x0, x1, bottom, bottom),
                _edge("v", x0, x0, top, bottom),
                _edge("v", x1, x1, top, bottom),
            ]
    return edges


def _edge(orientation: str, x0: float, x1: float, top: float, bottom: float) -> dict[str, Any]:
    return {
        "orientation": orientation,
        "x0": x0,
        "x1": x1,
        "top": top,
        "bottom": bottom,
        "width": x1 - x0,
        "height": bottom - top,
        "object_type": "line",
    }


def _grid(cells: list[tuple[float, float, float, float]]) -> RawTable | None:
    """Give each cell its row and column, spans where a cell covers several."""
    xs = _borders([x for cell in cells for x in (cell[0], cell[2])])
    ys = _borders([y for cell in cells for y in (cell[1], cell[3])])
    columns, rows = len(xs) - 1, len(ys) - 1
    if rows < 2 or columns < 2:
        return None
    placed = tuple(
        Cell(
            row=_at(ys, top),
            column=_at(xs, x0),
            bbox=BBox(x0, top, x1, bottom),
            row_span=max(1, _at(ys, bottom) - _at(ys, top)),
            column_span=max(1, _at(xs, x1) - _at(xs, x0)),
        )
        for x0, top, x1, bottom in cells
    )
    return RawTable(BBox(xs[0], ys[0], xs[-1], ys[-1]), rows, columns, placed)


def _borders(values: list[float]) -> list[float]:
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > _THIN:
            found.append(value)
    return found


def _at(borders: list[float], value: float) -> int:
    """Return the index of the nearest border; borders are sorted."""
    right = min(bisect.bisect_left(borders, value), len(borders) - 1)
    left = max(0, right - 1)
    return left if abs(borders[left] - value) <= abs(borders[right] - value) else right
