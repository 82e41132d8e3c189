"""One page, read whole: text layer, judgement, OCR where it is needed, tables.

Runs inside the sandbox; everything it needs besides the file comes in ``ReadOptions``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.ocr.fax import fax_dpi, softened
from ingest.ocr.scan import ScanText, read_scan
from ingest.ports import Ink
from ingest.quality import Verdict, image_share, judge
from ingest.turning import turn, upright
from ingest.types import Layer, RawPage
from ragqa.errors import ModelMissing
from ragqa.types import BBox, Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.ports import OcrEngine, TableFinder
    from ingest.readers.source import Source
    from ingest.types import RawTable, ReadOptions

MAX_CHARACTERS = 400_000
"""More on one page is an attack or a mistake; the rest is left out and reported."""

_WIDE = 0.25
_STRIP = 60.0
"""In points; what is higher is a ground, not a strip."""
_MOST_RULES = 200
_AIR, _SHEET, _STEP = 48, 384, 128
"""Pixels around a picture at least; of a sheet's sides at least, and by which they differ."""
_COVERED = 0.5
"""Share of a page that a scan covers at least."""

_WHY = {
    "image_only": "the page is a picture without text",
    "drawn_text": "the page's text is drawn, not written",
    "garbage_text": "the page's text layer is unreadable",
    "invisible_layer": "the page is a scan with an invisible text layer",
    "little_text": "the page is a picture with hardly any text",
    "asked": "OCR was asked for",
}


def read_page(
    source: Source, number: int, options: ReadOptions, *, engine: OcrEngine, tables: TableFinder
) -> RawPage:
    """Read page ``number`` of an open file."""
    layer = _bounded(source.layer(number))
    drawn = source.kind in ("pdf", "image")
    # What a text file says is all there is of it: there is no picture to read it from instead.
    verdict = judge(layer) if drawn else Verdict("")
    if options.ocr == "always" and drawn:
        verdict = Verdict("asked")
    raw = RawPage(
        number=number,
        width=layer.width,
        height=layer.height,
        source="text" if layer.text else "empty",
        text=layer.text,
        char_boxes=layer.char_boxes,
        lines=layer.lines,
        figures=layer.images,
        rules=_wide_rules(layer),
        outline=source.outline(number),
        notices=layer.notices,
        turned=layer.turned,
        flowing=source.kind in ("plain", "docx"),
    )
    if verdict.needs_ocr:
        raw = _by_ocr(source, raw, verdict, options, engine)
    elif (verdict.regions or verdict.drawn) and options.ocr == "auto":
        raw = _with_pictures(source, raw, verdict, options, engine)
        layer = _without_glyphs(layer, verdict.drawn)
    return replace(raw, tables=_tables(raw, layer, tables))


def _wide_rules(layer: Layer) -> tuple[BBox, ...]:
    """Return the rules and shaded strips that reach over much of the page."""
    sizes = layer.rules[:, 2:] - layer.rules[:, :2]
    long, short = (sizes[:, 0], sizes[:, 1]) if layer.turned % 180 == 0 else sizes.T[::-1]
    reach = layer.width if layer.turned % 180 == 0 else layer.height
    wide = layer.rules[(long > _WIDE * reach) & (short < _STRIP)]
    rounded = dict.fromkeys(map(tuple, np.round(wide.astype(np.float64), 1).tolist()))
    return tuple(BBox(*box) for box in list(rounded)[:_MOST_RULES])


def _tables(raw: RawPage, layer: Layer, finder: TableFinder) -> tuple[RawTable, ...]:
    """Find tables on the page as it is read, and place them on the page as it is displayed."""
    page = upright(raw)
    ink = Ink(
        text=page.text,
        char_boxes=page.char_boxes,
        lines=[(line.start, line.end) for line in page.lines if not line.vertical],
        rules=turn(layer.rules, raw.turned, raw.width, raw.height),
        width=page.width,
        height=page.height,
        images=page.figures,
    )
    found = replace(page, tables=tuple(finder.find(ink)), turned=(360 - raw.turned) % 360)
    return upright(found).tables


def _by_ocr(
    source: Source, raw: RawPage, verdict: Verdict, options: ReadOptions, engine: OcrEngine
) -> RawPage:
    """Let OCR read the whole page in place of its text layer."""
    area = BBox(0.0, 0.0, raw.width, raw.height)
    try:
        scan = read_scan(engine, _picture(source, raw, options.ocr_dpi), area)
    except ModelMissing as error:
        why = _WHY[verdict.reason]
        notice = Notice("ocr_missing", f"{why}, and it was not read: {error}", raw.number)
        keep = verdict.reason in ("asked", "little_text", "invisible_layer")
        bare = raw if keep else _without_text(raw)
        return replace(bare, notices=(*raw.notices, notice), ocr_reason=verdict.reason)
    if not scan.text:
        found = Notice(
            "ocr_found_nothing",
            f"{_WHY[verdict.reason]}, and OCR found no text on it",
            raw.number,
        )
        legible = any(char.isalnum() for char in raw.text)
        bare = raw if legible else _without_text(raw)
        return replace(bare, notices=(*raw.notices, found), ocr_reason=verdict.reason)
    figures = raw.figures if verdict.reason == "asked" else ()
    return replace(
        raw,
        source="ocr" if scan.text else "empty",
        text=scan.text,
        char_boxes=scan.char_boxes,
        lines=scan.lines,
        figures=figures,
        ocr_confidence=scan.confidence,
        ocr_reason=verdict.reason,
        turned=scan.turned,
    )


def _picture(source: Source, raw: RawPage, dpi: float) -> NDArray[np.uint8]:
    """Draw a page for OCR, a black-and-white one so that its strokes hold together."""
    if image_share(raw.figures, raw.width, raw.height) > _COVERED:
        own = fax_dpi(source.black_and_white(raw.number), raw.figures, dpi)
        if own is not None:
            return softened(source.image(raw.number, own), own, dpi)
    return source.image(raw.number, dpi)


def _with_pictures(
    source: Source, raw: RawPage, verdict: Verdict, options: ReadOptions, engine: OcrEngine
) -> RawPage:
    """Add what OCR reads in pictures and drawn words on a page whose own text is good."""
    for region in (*verdict.regions, *verdict.drawn):
        try:
            image, area = _on_a_sheet(source.image(raw.number, options.ocr_dpi, region), region)
            scan = read_scan(engine, image, area, picture=True)
        except ModelMissing:
            return raw
        raw = _merged(raw, scan)
    return raw


def _without_glyphs(layer: Layer, drawn: Sequence[BBox]) -> Layer:
    """Leave out the outlines of letters, in which tables would be looked for."""
    rules = layer.rules
    for box in drawn:
        inside = (rules[:, 0] >= box.x0) & (rules[:, 2] <= box.x1)
        inside &= (rules[:, 1] >= box.top) & (rules[:, 3] <= box.bottom)
        rules = rules[~inside]
    return replace(layer, rules=rules)


def _on_a_sheet(image: NDArray[np.uint8], area: BBox) -> tuple[NDArray[np.uint8], BBox]:
    """Put an image on a blank sheet, and say what part of the page, and beside it, that shows.

    Detectors are blind to what touches an edge, and blow up what is small: that costs time, and
    takes the words of a line apart. Sheets come in few sizes, since a network prepares for each.
    """
    height, width = image.shape[:2]
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    sheet = np.empty((_side(height), _side(width), 3), np.uint8)
    sheet[:] = np.median(border, axis=0)
    sheet[_AIR : _AIR + height, _AIR : _AIR + width] = image
    across, down = (area.x1 - area.x0) / width, (area.bottom - area.top) / height
    left, top = area.x0 - _AIR * across, area.top - _AIR * down
    right, bottom = left + sheet.shape[1] * across, top + sheet.shape[0] * down
    return sheet, BBox(left, top, right, bottom)


def _side(pixels: int) -> int:
    return max(_SHEET, -(-(pixels + 2 * _AIR) // _STEP) * _STEP)


def _merged(raw: RawPage, scan: ScanText) -> RawPage:
    at = len(raw.text)
    blocks = 1 + max((line.block for line in raw.lines), default=0)
    lines = tuple(
        line._replace(
            start=line.start + at,
            end=line.end + at,
            block=line.block + blocks,
            marked="picture",
        )
        for line in scan.lines
    )
    return replace(
        raw,
        text=raw.text + scan.text,
        char_boxes=np.concatenate([raw.char_boxes, scan.char_boxes]),
        lines=(*raw.lines, *lines),
    )


def _without_text(raw: RawPage) -> RawPage:
    return replace(raw, source="empty", text="", char_boxes=np.zeros((0, 4), np.float32), lines=())


def _bounded(layer: Layer) -> Layer:
    if len(layer.text) <= MAX_CHARACTERS:
        return layer
    kept = tuple(line for line in layer.lines if line.end <= MAX_CHARACTERS)
    end = kept[-1].end if kept else 0
    notice = Notice(
        "page_too_long",
        f"the page holds {len(layer.text)} characters; those after {end} were left out",
        layer.number,
    )
    return replace(
        layer,
        text=layer.text[:end],
        char_boxes=layer.char_boxes[:end],
        lines=kept,
        notices=(*layer.notices, notice),
    )
