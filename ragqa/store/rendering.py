"""Pictures of stored pages, with the boxes of a citation marked."""

from __future__ import annotations

import atexit
import resource
import threading
from concurrent.futures import TimeoutError as Overdue
from typing import TYPE_CHECKING, Any

from pebble import ProcessExpired, ProcessPool

from ragqa.children import ChildContext, leave_stdout_alone
from ragqa.errors import NotFound, PasswordRequired, RagqaError, UnreadableFile
from ragqa.store.plaintext import HEIGHT, LEADING, SIZE, WIDTH, lay_out, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ragqa.types import BBox

MAX_PIXELS = 12_000_000
LEAST_DPI, MOST_DPI = 20, 400
_YELLOW = (1.0, 0.86, 0.1)
_BORDER = (0.85, 0.55, 0.0)
SECONDS = 20.0
MEMORY_BYTES = 3 << 30
PICTURES_A_CHILD = 500
_making = threading.Lock()
_pool: ProcessPool | None = None


def render_png(
    path: Path,
    page: int,
    dpi: float = 110,
    *,
    boxes: Sequence[BBox] = (),
    password: str | None = None,
    suffix: str | None = None,
) -> bytes:
    """Draw page ``page`` (from 1) of a file as PNG, its boxes translucent yellow with a border.

    Args:
        path: The file.
        page: Page number from 1.
        dpi: Dots an inch, brought into 20 to 400, and lower where the picture would pass
            ``MAX_PIXELS``.
        boxes: In points on the page as displayed.
        password: For an encrypted file.
        suffix: The ending of the name the file was uploaded under, when ``path`` has none.

    Raises:
        NotFound: If there is no such page.
        PasswordRequired: If the file is encrypted and the password does not open it.
        UnreadableFile: If it cannot be drawn, or not within 20 seconds.
    """
    kind = (suffix or path.suffix).casefold()
    work = _child().schedule(
        _render, (path, page, dpi, list(boxes), password, kind), timeout=SECONDS
    )
    try:
        drawn = work.result()
    except (Overdue, ProcessExpired) as error:
        raise UnreadableFile(f"page {page} of this file cannot be drawn: {error}") from error
    if isinstance(drawn, RagqaError):
        raise drawn
    picture: bytes = drawn
    return picture


def _child() -> ProcessPool:
    """Return the process that draws: a page that crashes it costs that picture only."""
    global _pool
    with _making:
        if _pool is None or not _pool.active:
            _pool = ProcessPool(
                1, max_tasks=PICTURES_A_CHILD, context=ChildContext(), initializer=_confine
            )
            atexit.register(_pool.stop)
        return _pool


def _confine() -> None:
    leave_stdout_alone()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _render(
    path: Path, page: int, dpi: float, boxes: list[BBox], password: str | None, suffix: str
) -> bytes | RagqaError:
    """Draw, in the child; errors are returned, since MuPDF's do not travel."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        with _open(path, suffix) as document:
            if document.needs_pass and not document.authenticate(password or ""):
                return PasswordRequired("the file is encrypted: its password is needed")
            if not 1 <= page <= document.page_count:
                return NotFound(
                    f"page {page}: the file has {document.page_count} pages", code="page_not_found"
                )
            return _draw(document[page - 1], dpi, boxes)
    except RagqaError as error:
        return error
    except Exception as error:  # noqa: BLE001  (whatever a broken file makes MuPDF raise)
        return UnreadableFile(f"page {page} of this file cannot be drawn: {error}")


def _open(path: Path, suffix: str) -> Any:
    import pymupdf

    with path.open("rb") as file:
        head = file.read(1024)
    if b"%PDF-" in head or suffix == ".pdf":
        return pymupdf.open(path, filetype="pdf")
    if head[:4] == b"PK\x03\x04":
        from ragqa.store.word import read_docx

        return _typeset(read_docx(path))
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM", b"GIF8", b"RIFF")):
        with pymupdf.open(stream=path.read_bytes()) as picture:
            return pymupdf.open(stream=picture.convert_to_pdf(), filetype="pdf")
    return _typeset(read_text(path))


def _typeset(text: str) -> Any:
    """Print a text on the virtual pages it is cited by."""
    import pymupdf

    font = pymupdf.Font("cjk")
    document = pymupdf.open()
    for lines in lay_out(text):
        page = document.new_page(width=WIDTH, height=HEIGHT)
        writer = pymupdf.TextWriter(page.rect)
        for line in lines:
            baseline = line.top + LEADING * 0.78
            for char, x in zip(line.text, line.edges, strict=False):
                if not char.isspace():
                    writer.append((x, baseline), char, font=font, fontsize=SIZE)
        writer.write_text(page)
    return document


def _draw(page: Any, dpi: float, boxes: Sequence[BBox]) -> bytes:
    import pymupdf

    dpi = min(max(dpi, LEAST_DPI), MOST_DPI)
    area = max(1.0, page.rect.width * page.rect.height)
    scale = min(dpi / 72, (MAX_PIXELS / area) ** 0.5)
    if boxes:
        # Shapes are placed in unrotated coordinates, boxes are those of the page as displayed.
        shape = page.new_shape()
        for box in boxes:
            rect = pymupdf.Rect(box.x0 - 1.5, box.top - 1, box.x1 + 1.5, box.bottom + 1)
            shape.draw_rect((rect & page.rect) * page.derotation_matrix)
        shape.finish(color=_BORDER, fill=_YELLOW, fill_opacity=0.32, stroke_opacity=0.9, width=0.9)
        shape.commit()
    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), alpha=False)
    return bytes(pixmap.tobytes("png"))
