"""Plain text and Markdown, on the virtual pages of ``ragqa.store.plaintext``."""

from __future__ import annotations

import numpy as np

from ingest.types import Layer, Line
from ragqa.store.plaintext import HEIGHT, LEADING, SIZE, WIDTH, PlacedLine
from ragqa.types import BBox

_HEADING_SIZES = (16.0, 14.0, 12.5, 11.5, 11.0, 10.5)


def plain_layer(number: int, placed: list[PlacedLine]) -> Layer:
    """Return the text layer of one virtual page."""
    lines: list[Line] = []
    boxes: list[tuple[float, float, float, float]] = []
    text: list[str] = []
    at = 0
    for row in placed:
        marks = row.heading + 1 if row.heading and row.text.startswith("#") else 0
        body, edges = row.text[marks:], row.edges[marks:]
        lead = len(body) - len(body.lstrip())
        body, edges = body[lead:], edges[lead:]
        if not body:
            continue
        bottom = row.top + LEADING * 0.95
        boxes += [(edges[index], row.top, edges[index + 1], bottom) for index in range(len(body))]
        bbox = BBox(edges[0], row.top, edges[len(body)], bottom)
        size = _HEADING_SIZES[row.heading - 1] if row.heading else SIZE
        lines.append(
            Line(at, at + len(body), bbox, size, bold=bool(row.heading), block=row.paragraph)
        )
        text.append(body)
        at += len(body)
    return Layer(
        number=number,
        width=WIDTH,
        height=HEIGHT,
        text="".join(text),
        char_boxes=np.array(boxes, np.float32).reshape(-1, 4),
        lines=tuple(lines),
        rules=np.zeros((0, 4), np.float32),
        images=(),
    )
