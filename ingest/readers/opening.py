"""Opening PDFs and pictures: passwords, repair, and a second reader where MuPDF gives up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.errors import PasswordRequired, UnreadableFile
from ragqa.types import Notice

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.types import FileKind


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
    if _goes_round(document):
        raise UnreadableFile(
            f"the list of pages in {path.name} leads back into itself, so which pages it has "
            "cannot be told: save or download it again"
        )
    from ingest.readers.beside import beside_pages

    notices = list(beside_pages(document))
    if document.is_repaired:
        notices.append(
            Notice("repaired", "the file is damaged and was repaired; some of it may be missing")
        )
    return document, tuple(notices)


def _goes_round(document: Any) -> bool:
    """Say whether the tree of pages has a branch that leads back to where it began."""
    try:
        document.load_page(document.page_count - 1)
    except Exception as error:  # noqa: BLE001 - MuPDF's exceptions share no base
        return "cycle in page tree" in str(error)
    return False


def _repaired(
    path: Path, password: str | None, error: Exception | None
) -> tuple[Any, tuple[Notice, ...]]:
    """Let another reader rebuild the file where MuPDF gives up; a blank file is no repair."""
    import io

    import pikepdf
    import pymupdf

    try:
        with pikepdf.open(path, password=password or "") as second:
            rebuilt = io.BytesIO()
            second.save(rebuilt)
        document = pymupdf.open(stream=rebuilt.getvalue(), filetype="pdf")
        if any(_says_something(document, page) for page in range(1, document.page_count + 1)):
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


def _says_something(document: Any, number: int) -> bool:
    """Tell whether a page of a rebuilt file has text, or a picture that OCR could read."""
    from ingest.quality import judge
    from ingest.readers.pymupdf import read_layer

    try:
        layer = read_layer(document, number)
    except Exception:  # noqa: BLE001 - one broken page does not speak for the others
        return False
    return bool(layer.text) or judge(layer).needs_ocr


def outline(document: Any) -> dict[int, list[tuple[int, str]]]:
    """Return the file's outline by page: (level, title) in order."""
    entries: dict[int, list[tuple[int, str]]] = {}
    for level, title, page in document.get_toc(simple=True):
        if page > 0 and title.strip():
            entries.setdefault(page, []).append((int(level), " ".join(title.split())))
    return entries
