"""Any file we read, behind one face: pages with a text layer, and pictures of them."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, Any, Protocol

from ingest.readers.kind import kind_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ingest.types import FileKind, Layer
    from ragqa.types import BBox, Notice


class Source(Protocol):
    """An open file. Page numbers count from 1."""

    kind: FileKind
    notices: tuple[Notice, ...]

    @property
    def pages(self) -> int:
        """How many pages it has."""
        ...

    def content_key(self, number: int) -> str:
        """Return a hash of what the page shows, the same wherever in a file it stands."""
        ...

    def layer(self, number: int) -> Layer:
        """Return the text layer."""
        ...

    def image(self, number: int, dpi: float, clip: BBox | None = None) -> NDArray[np.uint8]:
        """Draw the page or a part of it, BGR."""
        ...

    def black_and_white(self, number: int) -> int:
        """Return how many pixels the page's pictures have, if all are black and white; else 0."""
        ...

    def outline(self, number: int) -> tuple[tuple[int, str], ...]:
        """Return the entries of the file's outline that point to the page."""
        ...

    def pictured(self) -> int:
        """Return about how many pages OCR may have to read."""
        ...


def open_source(path: Path, password: str | None = None) -> Source:
    """Open a file by what it is, not by what it is called.

    Raises:
        UnreadableFile: If it is none of the kinds we read, or damaged beyond repair.
        PasswordRequired: If it is encrypted and the password is missing or wrong.
    """
    kind = kind_of(path)
    if kind in ("plain", "docx"):
        return _Plain(path, kind)
    return _Pdf(path, kind, password)


class _Pdf:
    def __init__(self, path: Path, kind: FileKind, password: str | None) -> None:
        from ingest.readers.opening import open_document

        self.kind = kind
        self._document, self.notices = open_document(path, kind, password)

    @property
    def pages(self) -> int:
        return int(self._document.page_count)

    @functools.cached_property
    def _keys(self) -> Any:
        from ingest.readers.fingerprint import Fingerprints

        return Fingerprints(self._document)

    def content_key(self, number: int) -> str:
        return str(self._keys.of_page(number))

    def layer(self, number: int) -> Layer:
        from ingest.readers.pymupdf import read_layer

        return read_layer(self._document, number)

    def image(self, number: int, dpi: float, clip: BBox | None = None) -> NDArray[np.uint8]:
        from ingest.readers.pymupdf import render

        return render(self._document, number, dpi, clip)

    def black_and_white(self, number: int) -> int:
        from ingest.readers.pymupdf import black_and_white

        return black_and_white(self._document, number)

    @functools.cached_property
    def _outline(self) -> dict[int, list[tuple[int, str]]]:
        from ingest.readers.opening import outline

        return outline(self._document)

    def outline(self, number: int) -> tuple[tuple[int, str], ...]:
        return tuple(self._outline.get(number, ()))

    def pictured(self) -> int:
        from ingest.readers.pymupdf import is_pictured

        pages = range(1, self.pages + 1)
        return sum(is_pictured(self._document, number) for number in pages)


class _Plain:
    notices: tuple[Notice, ...] = ()

    def __init__(self, path: Path, kind: FileKind) -> None:
        from ragqa.store.plaintext import lay_out, read_text
        from ragqa.store.word import read_docx

        self.kind: FileKind = kind
        self._pages = lay_out(read_docx(path) if kind == "docx" else read_text(path))

    @property
    def pages(self) -> int:
        return len(self._pages)

    def content_key(self, number: int) -> str:
        digest = hashlib.sha256()
        first = self._pages[number - 1][0].paragraph if self._pages[number - 1] else 0
        for line in self._pages[number - 1]:
            digest.update(f"{line.top}|{line.paragraph - first}|{line.text}\n".encode())
        return digest.hexdigest()

    def layer(self, number: int) -> Layer:
        from ingest.readers.plain import plain_layer

        return plain_layer(number, self._pages[number - 1])

    def image(self, number: int, dpi: float, clip: BBox | None = None) -> NDArray[np.uint8]:
        raise NotImplementedError(f"page {number} of a text file is never given to OCR")

    def black_and_white(self, number: int) -> int:
        del number
        return 0

    def outline(self, number: int) -> tuple[tuple[int, str], ...]:
        del number
        return ()

    def pictured(self) -> int:
        return 0
