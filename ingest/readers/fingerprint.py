"""A hash of what a PDF page shows: content, resources, boxes, rotation; never object numbers.

An editor that inserts a page renumbers every object of the file. The hash follows references and
hashes what they lead to, so an unchanged page keeps its hash.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

_REFERENCE = re.compile(r"\b(\d+) 0 R\b")
_SKIPPED = re.compile(
    r"/(?:Parent|P|StructParents?|Dest|A|PieceInfo|LastModified|B|Popup|IRT|AF|Metadata|ID|OC)"
    r"(?:\s+\d+ \d+ R|\s*\[[^\[\]]*\]|\s+\d+|\s*/[^\s/<>\[\]]+|\s*\([^()]*\)|(?=<<))"
)
_INHERITED = ("Resources", "MediaBox", "CropBox", "Rotate")
_DEEPEST = 24


class Fingerprints:
    """Hashes of a document's pages; objects that pages share are hashed once."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._known: dict[int, bytes] = {}

    def of_page(self, number: int) -> str:
        """Return the hash of page ``number``, counted from 1."""
        digest = hashlib.sha256()
        try:
            xref = self._document.page_xref(number - 1)
            digest.update(self._object(xref, ()))
            for name in _INHERITED:
                digest.update(self._inherited(xref, name))
        except Exception as error:  # noqa: BLE001 - a broken object: MuPDF's errors share no base
            digest.update(f"{type(error).__name__} on page {number}".encode())
            digest.update(str(self._document.page_count).encode())
        return digest.hexdigest()

    def _inherited(self, xref: int, name: str) -> bytes:
        for _ in range(_DEEPEST):
            kind, value = self._document.xref_get_key(xref, name)
            if kind != "null":
                return f"{name}={self._expanded(value, (xref,)).hex()}".encode()
            kind, value = self._document.xref_get_key(xref, "Parent")
            if kind != "xref":
                break
            xref = int(value.split()[0])
        return b""

    def _object(self, xref: int, above: tuple[int, ...]) -> bytes:
        if xref in self._known:
            return self._known[xref]
        if xref in above or len(above) > _DEEPEST or xref <= 0:
            return b"cycle"
        digest = hashlib.sha256()
        source = self._document.xref_object(xref, compressed=True)
        digest.update(self._expanded(source, (*above, xref)))
        if self._document.xref_is_stream(xref):
            digest.update(self._document.xref_stream_raw(xref) or b"")
        self._known[xref] = digest.digest()
        return self._known[xref]

    def _expanded(self, source: str, above: tuple[int, ...]) -> bytes:
        """Return the source of an object with its references replaced by what they lead to."""
        clean = _SKIPPED.sub("", source)
        digest = hashlib.sha256(_REFERENCE.sub("R", clean).encode("utf-8", "replace"))
        for match in _REFERENCE.finditer(clean):
            digest.update(self._object(int(match[1]), above))
        return digest.digest()
