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
_CATEGORY = re.compile(r"/(Font|XObject|ExtGState|Pattern|Shading|ColorSpace|Properties) (\d+) 0 R")
_ENTRY = re.compile(r"/([^\s/<>\[\]()]+) \d+ 0 R")
_NAME = re.compile(rb"/([^\s/<>\[\]()]+)")
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
            page = self._document[number - 1]
            contents = page.read_contents() or b""
            digest.update(contents)
            digest.update(self._resources(page.xref, contents))
            digest.update(self._own(page.xref))
            for name in ("MediaBox", "CropBox", "Rotate"):
                digest.update(self._inherited(page.xref, name))
        except Exception as error:  # noqa: BLE001 - a broken object: MuPDF's errors share no base
            digest.update(f"{type(error).__name__} on page {number}".encode())
            digest.update(str(self._document.page_count).encode())
        return digest.hexdigest()

    def _own(self, xref: int) -> bytes:
        """Hash what stands on the page besides its contents: fields and notes."""
        kind, value = self._document.xref_get_key(xref, "Annots")
        return self._expanded(value, (xref,)) if kind != "null" else b""

    def _resources(self, xref: int, contents: bytes) -> bytes:
        """Hash the resources that the contents name: pages often share one dictionary of all."""
        source = self._found(xref, "Resources")
        for match in _CATEGORY.finditer(source):
            shared = self._document.xref_object(int(match[2]), compressed=True)
            source = source.replace(match[0], f"/{match[1]}{shared}")
        names = set(_NAME.findall(contents))
        kept = _ENTRY.sub(lambda m: m[0] if m[1].encode() in names else "", source)
        return self._expanded(kept, (xref,))

    def _found(self, xref: int, name: str) -> str:
        """Return the source of an attribute that the page or one of its parents has."""
        for _ in range(_DEEPEST):
            kind, value = self._document.xref_get_key(xref, name)
            if kind == "xref":
                return str(self._document.xref_object(int(value.split()[0]), compressed=True))
            if kind != "null":
                return str(value)
            kind, value = self._document.xref_get_key(xref, "Parent")
            if kind != "xref":
                break
            xref = int(value.split()[0])
        return ""

    def _inherited(self, xref: int, name: str) -> bytes:
        return f"{name}={self._found(xref, name)}".encode()

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
