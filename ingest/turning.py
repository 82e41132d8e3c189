"""Pages whose text stands turned: laid out upright, then turned back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ragqa.types import BBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingest.types import RawPage
    from ragqa.types import Page


def turn(
    boxes: NDArray[np.float32], degrees: int, width: float, height: float
) -> NDArray[np.float32]:
    """Turn boxes counter-clockwise with their page of ``width`` by ``height`` points.

    Text that stands turned clockwise by ``degrees`` is upright afterwards. Shape (n, 4), any n.
    """
    x0, top, x1, bottom = boxes.T
    if degrees == 90:
        turned = (top, width - x1, bottom, width - x0)
    elif degrees == 180:
        turned = (width - x1, height - bottom, width - x0, height - top)
    elif degrees == 270:
        turned = (height - bottom, x0, height - top, x1)
    else:
        return boxes
    return np.stack(turned, axis=1).astype(np.float32)


def turn_box(box: BBox, degrees: int, width: float, height: float) -> BBox:
    """Turn one box; see ``turn``."""
    turned = turn(np.array([box], np.float32), degrees, width, height)[0]
    return BBox(*map(float, turned))


def upright(raw: RawPage) -> RawPage:
    """Return the page as if it were turned so that most of its text stands upright."""
    degrees = raw.turned
    if not degrees:
        return raw
    width, height = raw.width, raw.height
    sideways = degrees in (90, 270)
    return replace(
        raw,
        width=height if sideways else width,
        height=width if sideways else height,
        turned=0,
        char_boxes=turn(raw.char_boxes, degrees, width, height),
        lines=tuple(
            line._replace(
                bbox=turn_box(line.bbox, degrees, width, height),
                vertical=line.vertical != sideways,
            )
            for line in raw.lines
        ),
        tables=tuple(
            replace(
                table,
                bbox=turn_box(table.bbox, degrees, width, height),
                cells=tuple(
                    replace(cell, bbox=turn_box(cell.bbox, degrees, width, height))
                    for cell in table.cells
                ),
            )
            for table in raw.tables
        ),
        figures=tuple(turn_box(box, degrees, width, height) for box in raw.figures),
        rules=tuple(turn_box(box, degrees, width, height) for box in raw.rules),
    )


def turned_back(page: Page, degrees: int) -> Page:
    """Return an upright page as it is displayed."""
    if not degrees:
        return page
    back = (360 - degrees) % 360
    width, height = page.width, page.height
    sideways = degrees in (90, 270)
    return replace(
        page,
        width=height if sideways else width,
        height=width if sideways else height,
        char_boxes=turn(page.char_boxes, back, width, height),
        blocks=tuple(
            replace(
                block,
                bbox=turn_box(block.bbox, back, width, height),
                of=block.of
                and replace(block.of, bbox=turn_box(block.of.bbox, back, width, height)),
            )
            for block in page.blocks
        ),
    )
