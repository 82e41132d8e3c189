"""PDF pages through PyMuPDF: the text layer with the place of every character, and rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.readers.stext import BOLD, FILLED, STROKED, Glyphs, read_glyphs
from ingest.types import Layer, Line
from ragqa.errors import PasswordRequired, UnreadableFile
from ragqa.types import BBox, Notice

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ingest.types import FileKind

MAX_PIXELS = 40_000_000
"""A page is never rendered larger: 200 dpi of A1."""
_WHITE = 0xF8


def open_document(
    path: Path, kind: FileKind = "pdf", password: str | None = None
) -> tuple[Any, tuple[Notice, ...]]:
    """Open a file as a ``pymupdf.Document``; pictures become one-page PDFs.

    Returns:
        The document, and what a reader of it should know.

    Raises:
        UnreadableFile: If no page can be found in it.
        PasswordRequired: If it is encrypted and the password is missing or wrong.
    """
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        if kind == "pdf":
            document = pymupdf.open(path, filetype="pdf")
        else:
            with pymupdf.open(path) as source:
                document = pymupdf.open(stream=source.convert_to_pdf(), filetype="pdf")
        locked = bool(document.needs_pass) and not document.authenticate(password or "")
        pages = 0 if locked else document.page_count
    except Exception as error:  # noqa: BLE001 - MuPDF's exceptions share no base
        return _repaired(path, password, error)
    if locked:
        raise PasswordRequired(
            f"{path.name} is encrypted and the password given does not open it: "
            "give the right password"
            if password
            else f"{path.name} is encrypted: give its password"
        )
    if pages == 0:
        return _repaired(path, password, None)
    notices = []
    if document.is_repaired:
        notices.append(
            Notice("repaired", "the file is damaged and was repaired; some of it may be missing")
        )
    return document, tuple(notices)


def _repaired(
    path: Path, password: str | None, error: Exception | None
) -> tuple[Any, tuple[Notice, ...]]:
    """Let another reader rebuild the file where MuPDF gives up."""
    import io

    import pikepdf
    import pymupdf

    try:
        with pikepdf.open(path, password=password or "") as second:
            rebuilt = io.BytesIO()
            second.save(rebuilt)
        document = pymupdf.open(stream=rebuilt.getvalue(), filetype="pdf")
        if document.page_count:
            return document, (
                Notice("repaired", "the file is damaged and was rebuilt; some may be missing"),
            )
    except pikepdf.PasswordError as locked:
        raise PasswordRequired(f"{path.name} is encrypted: give its password") from locked
    except Exception as second_error:  # noqa: BLE001 - neither reader's exceptions share a base
        error = error or second_error
    raise UnreadableFile(
        f"{path.name} cannot be read as a PDF, it is damaged beyond repair: "
        "save or download it again"
    ) from error


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
    notices: tuple[Notice, ...] = ()
    if count := int(hidden.sum()):
        notices = (
            Notice(
                "hidden_text",
                f"{count} characters that a reader of the page cannot see were left out "
                "(outside the page, or white on white)",
                number,
            ),
        )
    return Layer(
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
        notices=notices,
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


def outline(document: Any) -> dict[int, list[tuple[int, str]]]:
    """Return the file's outline by page: (level, title) in order."""
    entries: dict[int, list[tuple[int, str]]] = {}
    for level, title, page in document.get_toc(simple=True):
        if page > 0 and title.strip():
            entries.setdefault(page, []).append((int(level), " ".join(title.split())))
    return entries


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
    solid = keep & ~_is_space(codes)
    pieces: list[NDArray[np.intp]] = []
    places: list[tuple[int, int, int, bool]] = []
    at = 0
    for first, end, block, vertical, (dx, _) in glyphs.lines:
        inked = np.flatnonzero(solid[first:end])
        if not len(inked):
            continue
        start, stop = first + int(inked[0]), first + int(inked[-1]) + 1
        chosen = np.flatnonzero(keep[start:stop]) + start
        pieces.append(chosen)
        places.append((at, at + len(chosen), block, vertical or abs(dx) < 0.7))
        at += len(chosen)
    if not pieces:
        return "", np.zeros((0, 4), np.float32), ()
    order = np.concatenate(pieces)
    text = codes[order].astype("<u4").tobytes().decode("utf-32-le")
    kept = np.ascontiguousarray(boxes[order], np.float32)
    starts = np.array([place[0] for place in places])
    tops = np.minimum.reduceat(kept, starts, axis=0)
    ends = np.maximum.reduceat(kept, starts, axis=0)
    flags = glyphs.chars["flags"][order]
    bold = np.add.reduceat(((flags & BOLD) != 0).astype(np.int32), starts)
    sizes = np.maximum.reduceat(glyphs.chars["size"][order], starts)
    lines = tuple(
        Line(
            start,
            end,
            BBox(float(low[0]), float(low[1]), float(high[2]), float(high[3])),
            float(size),
            bold=2 * int(heavy) > end - start,
            block=block,
            vertical=vertical,
        )
        for (start, end, block, vertical), low, high, heavy, size in zip(
            places, tops, ends, bold, sizes, strict=True
        )
    )
    return text, kept, lines


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
