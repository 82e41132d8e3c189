"""PDF pages through PyMuPDF: the text layer with the place of every character, and rendering."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ingest.readers.stext import BOLD, FILLED, STROKED, Glyphs, read_glyphs
from ingest.types import Layer, Line
from ragqa.types import BBox, Notice

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 40_000_000
"""A page is never rendered larger: 200 dpi of A1."""
_PICTURE = 200 * 200
"""Pixels of the smallest picture that may hold words."""
_WHITE = 0xF8
_LEVEL = 0.7
"""A line whose direction goes less to the right or left is upended."""


def read_layer(document: Any, number: int) -> Layer:
    """Read what page ``number`` shows: characters in MuPDF's order, rules, images."""
    page = document[number - 1]
    width, height = float(page.rect.width), float(page.rect.height)
    glyphs = read_glyphs(page)
    boxes = glyphs.boxes
    codes = _sane(glyphs.chars["code"])
    unseen = (glyphs.chars["flags"] & (FILLED | STROKED)) == 0
    hidden = _off_page(boxes, width, height) | _white_on_white(glyphs, boxes, codes, unseen)
    hidden &= ~_is_space(codes)
    keep = ~hidden & ~_repeated_space(codes)
    text, kept_boxes, lines = _lines(glyphs, codes, boxes, keep)
    count = int(hidden.sum())
    notices: list[Notice] = []
    if count:
        notices.append(
            Notice(
                "hidden_text",
                f"{count} characters that a reader of the page cannot see were left out "
                "(outside the page, or white on white)",
                number,
            )
        )
    layer = Layer(
        number=number,
        width=width,
        height=height,
        text=text,
        char_boxes=kept_boxes,
        lines=lines,
        rules=_on_page(glyphs.vectors[(glyphs.vector_colors >> 24) > 0], width, height),
        images=tuple(BBox(*map(float, image)) for image in _clipped(glyphs.images, width, height)),
        invisible=int((unseen & keep & ~_is_space(codes)).sum()),
        hidden=count,
        turned=_turned(glyphs),
        notices=tuple(notices),
    )
    return _with_annotations(page, layer) if _has_annotations(document, page) else layer


def _has_annotations(document: Any, page: Any) -> bool:
    return bool(document.xref_get_key(page.xref, "Annots")[0] != "null")


def _with_annotations(page: Any, layer: Layer) -> Layer:
    """Add what form fields and annotations show, and what notes say, marked as such."""
    kinds: list[tuple[Literal["widgets", "annots"], str]] = []
    if page.first_widget is not None:
        kinds.append(("widgets", "field"))
    if page.first_annot is not None:
        kinds.append(("annots", "note"))
    for what, mark in kinds:
        glyphs = read_glyphs(page, what)
        codes, boxes = _sane(glyphs.chars["code"]), glyphs.boxes
        keep = ~_off_page(boxes, layer.width, layer.height) & ~_repeated_space(codes)
        layer = _joined(layer, *_lines(glyphs, codes, boxes, keep), mark)
    for note in page.annots():
        content = " ".join((note.info.get("content") or "").split())
        if content and content not in layer.text:
            # The rectangle is unrotated, the layer is as displayed.
            place = (note.rect * page.rotation_matrix).normalize() & page.rect
            layer = _joined(layer, *_spread(content, BBox(*map(float, place))), "note")
    return layer


def _spread(text: str, area: BBox) -> tuple[str, NDArray[np.float32], tuple[Line, ...]]:
    """Set a note's text evenly over the mark that stands for it on the page."""
    edges = np.linspace(area.x0, area.x1, len(text) + 1)
    boxes = np.empty((len(text), 4), np.float32)
    boxes[:, 0], boxes[:, 2] = edges[:-1], edges[1:]
    boxes[:, 1], boxes[:, 3] = area.top, area.bottom
    return text, boxes, (Line(0, len(text), area, size=9.0),)


def _joined(
    layer: Layer,
    text: str,
    boxes: NDArray[np.float32],
    lines: tuple[Line, ...],
    mark: str,
) -> Layer:
    if not text:
        return layer
    at = len(layer.text)
    block = 1 + max((line.block for line in layer.lines), default=0)
    added = tuple(
        line._replace(
            start=line.start + at, end=line.end + at, block=line.block + block, marked=mark
        )
        for line in lines
    )
    return replace(
        layer,
        text=layer.text + text,
        char_boxes=np.concatenate([layer.char_boxes, boxes]),
        lines=(*layer.lines, *added),
    )


def render(document: Any, number: int, dpi: float, clip: BBox | None = None) -> NDArray[np.uint8]:
    """Draw a page or a part of it.

    Returns:
        BGR image ``(height, width, 3)``; fewer dots an inch when it would pass ``MAX_PIXELS``.
    """
    import pymupdf

    page = document[number - 1]
    area = pymupdf.Rect(clip) & page.rect if clip else page.rect
    scale = min(dpi / 72, (MAX_PIXELS / max(1.0, area.width * area.height)) ** 0.5)
    pixmap = page.get_pixmap(
        matrix=pymupdf.Matrix(scale, scale), clip=area, colorspace=pymupdf.csRGB, alpha=False
    )
    image = np.frombuffer(pixmap.samples_mv, np.uint8).reshape(pixmap.height, pixmap.width, 3)
    return np.ascontiguousarray(image[:, :, ::-1])


def black_and_white(document: Any, number: int) -> int:
    """Return how many pixels a page's pictures have, if every one is black and white; else 0."""
    pictures = document[number - 1].get_image_info()
    if any(picture["bpc"] != 1 for picture in pictures):
        return 0
    return sum(picture["width"] * picture["height"] for picture in pictures)


def is_pictured(document: Any, number: int) -> bool:
    """Tell, by its resources alone, whether a page may show words that are no text.

    It has a picture that could hold some, or no font, or cannot be looked at.
    """
    try:
        pictures = document.get_page_images(number - 1)
        sizes = (width * height for _, _, width, height, *_ in pictures)
        return max(sizes, default=0) >= _PICTURE or not document.get_page_fonts(number - 1)
    except Exception:  # noqa: BLE001 - a broken object: MuPDF's errors share no base
        return True


def _sane(codes: NDArray[np.int32]) -> NDArray[np.uint32]:
    sane = codes.astype(np.uint32)
    bad = (sane > 0x10FFFF) | ((sane >= 0xD800) & (sane < 0xE000)) | (sane == 0)
    sane[bad] = 0xFFFD
    blank = (sane < 0x20) | (sane == 0xA0) | (sane == 0x3000) | ((sane >= 0x2000) & (sane < 0x200B))
    sane[blank] = 0x20
    return sane


def _is_space(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return np.asarray(codes == 0x20)


def _repeated_space(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    space = _is_space(codes)
    repeated = np.zeros(len(codes), np.bool_)
    repeated[1:] = space[1:] & space[:-1]
    # Soft hyphens, zero-width marks and byte-order marks show nothing.
    unseen = (codes == 0xAD) | ((codes >= 0x200B) & (codes <= 0x200F)) | (codes == 0xFEFF)
    return np.asarray(repeated | unseen)


def _off_page(boxes: NDArray[np.float32], width: float, height: float) -> NDArray[np.bool_]:
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    inside = (x >= -1) & (x <= width + 1) & (y >= -1) & (y <= height + 1)
    return np.asarray(~inside)


def _white_on_white(
    glyphs: Glyphs,
    boxes: NDArray[np.float32],
    codes: NDArray[np.uint32],
    unseen: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Mark white characters with nothing drawn under them."""
    argb = glyphs.chars["argb"]
    white = ((argb >> 16) & 255 >= _WHITE) & ((argb >> 8) & 255 >= _WHITE) & (argb & 255 >= _WHITE)
    white &= ~unseen & ~_is_space(codes)
    if not white.any():
        return np.asarray(white)
    under = glyphs.vectors[glyphs.vector_colors & 0xFFFFFF != 0xFFFFFF]
    grounds = np.concatenate([under, np.array(glyphs.images, np.float32).reshape(-1, 4)])
    rows = np.flatnonzero(white)
    x = (boxes[rows, 0] + boxes[rows, 2])[:, None] / 2
    y = (boxes[rows, 1] + boxes[rows, 3])[:, None] / 2
    covered = (
        (grounds[:, 0] - 1 <= x)
        & (x <= grounds[:, 2] + 1)
        & (grounds[:, 1] - 1 <= y)
        & (y <= grounds[:, 3] + 1)
    ).any(axis=1)
    white[rows[covered]] = False
    return np.asarray(white)


def _lines(
    glyphs: Glyphs,
    codes: NDArray[np.uint32],
    boxes: NDArray[np.float32],
    keep: NDArray[np.bool_],
) -> tuple[str, NDArray[np.float32], tuple[Line, ...]]:
    """Gather the kept characters of each line, blanks at its ends cut off."""
    solid = np.flatnonzero(keep & ~_is_space(codes))
    borders = np.array([(line[0], line[1]) for line in glyphs.lines], np.intp).reshape(-1, 2)
    low = np.searchsorted(solid, borders[:, 0])
    high = np.searchsorted(solid, borders[:, 1])
    inked = np.flatnonzero(high > low)
    if not len(inked):
        return "", np.zeros((0, 4), np.float32), ()
    # The kept characters from the first that shows to the last, line by line.
    kept_at = np.flatnonzero(keep)
    low = np.searchsorted(kept_at, solid[low[inked]])
    high = np.searchsorted(kept_at, solid[high[inked] - 1]) + 1
    ends_at = np.cumsum(high - low)
    order = kept_at[np.repeat(low - (ends_at - (high - low)), high - low) + np.arange(ends_at[-1])]
    text = codes[order].astype("<u4").tobytes().decode("utf-32-le")
    kept = np.ascontiguousarray(boxes[order], np.float32)
    starts = ends_at - (high - low)
    edges = np.minimum.reduceat(kept, starts, axis=0)
    edges[:, 2:] = np.maximum.reduceat(kept[:, 2:], starts, axis=0)
    heavy = (glyphs.chars["flags"][order] & BOLD) != 0
    bold = 2 * np.add.reduceat(heavy.astype(np.int32), starts) > high - low
    sizes = np.maximum.reduceat(glyphs.chars["size"][order], starts)
    lines = []
    for start, end, index, box, size, strong in zip(
        starts.tolist(),
        ends_at.tolist(),
        inked.tolist(),
        edges.tolist(),
        sizes.tolist(),
        bold.tolist(),
        strict=True,
    ):
        _, _, block, vertical, (dx, _) = glyphs.lines[index]
        upright = not vertical and abs(dx) >= _LEVEL
        lines.append(Line(start, end, BBox(*box), size, strong, block, not upright))
    return text, kept, tuple(lines)


def _turned(glyphs: Glyphs) -> int:
    """Return how most characters stand: degrees clockwise from upright."""
    votes = {0: 0, 90: 0, 180: 0, 270: 0}
    for first, end, _, vertical, (dx, dy) in glyphs.lines:
        if not vertical:
            angle = (0 if dx > 0 else 180) if abs(dx) >= abs(dy) else (90 if dy > 0 else 270)
            votes[angle] += end - first
    return max(votes, key=lambda angle: votes[angle])


def _on_page(boxes: NDArray[np.float32], width: float, height: float) -> NDArray[np.float32]:
    limits = np.array([width, height, width, height], np.float32)
    clipped = np.clip(boxes, 0, limits)
    inside = (boxes[:, 0] <= width) & (boxes[:, 2] >= 0)
    inside &= (boxes[:, 1] <= height) & (boxes[:, 3] >= 0)
    return np.ascontiguousarray(clipped[inside])


def _clipped(
    images: list[tuple[float, float, float, float]], width: float, height: float
) -> list[NDArray[np.float32]]:
    boxes = _on_page(np.array(images, np.float32).reshape(-1, 4), width, height)
    return [box for box in boxes if box[2] - box[0] > 1 and box[3] - box[1] > 1]
