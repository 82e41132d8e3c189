"""MuPDF's structured text of a page as arrays, read straight from its memory.

PyMuPDF gives the box of every character only through ``rawdict``, a Python dictionary a character,
which costs more than the interpretation of the page itself. MuPDF keeps the same facts in linked
lists of fixed-size structures; most characters of a line lie side by side, so a few copies a line
and one ``numpy`` view give all of them. The layout of the structures belongs to the pinned
version; it is checked once a process against ``rawdict`` on a page made here, and ``rawdict`` is
used when it does not hold.

Source: mupdf/fitz/structured-text.h and font.h of MuPDF 1.28, which the PyMuPDF wheel carries.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import logging
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

BOLD, SYNTHETIC, FILLED, STROKED = 8, 4, 16, 32
PRESERVE_WHITESPACE, PRESERVE_IMAGES, VECTORS = 2, 4, 1024
TEXT_BLOCK, IMAGE_BLOCK, STRUCT_BLOCK, VECTOR_BLOCK = 0, 1, 2, 3

CHAR = np.dtype(
    {
        "names": ["code", "bidi", "flags", "argb", "origin", "quad", "size", "font", "next"],
        "formats": ["<i4", "<u2", "<u2", "<u4", "(2,)<f4", "(8,)<f4", "<f4", "<u8", "<u8"],
        "offsets": [0, 4, 6, 8, 12, 20, 52, 56, 64],
        "itemsize": 72,
    }
)
_BLOCK = struct.Struct("<ii4fQQQQQQ")  # type, id, bbox, union (32 bytes), prev, next
_LINE = struct.Struct("<BBxx2f4f4xQQQQ")  # wmode, flags, dir, bbox, first, last, prev, next
_WORD = 8
_PAGE = 4096 // _WORD
"""Words of a page of memory: no system has smaller ones."""
_WORDS, _NEXT = CHAR.itemsize // _WORD, 64 // _WORD
"""Words of a character, and where among them the place of the next one is."""
_MAX_DEPTH = 64


@dataclass(slots=True, eq=False)
class Glyphs:
    """A page's characters, one row each, in MuPDF's order; and what else it draws."""

    chars: NDArray[np.void]
    """Shape (n,), dtype ``CHAR``."""
    lines: list[tuple[int, int, int, bool, tuple[float, float]]] = field(default_factory=list)
    """(first character, one past the last, block, vertical, direction) of each line."""
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    """Shape (m, 4): boxes of drawn paths."""
    vector_colors: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    images: list[tuple[float, float, float, float]] = field(default_factory=list)

    @property
    def boxes(self) -> NDArray[np.float32]:
        """Shape (n, 4): x0, top, x1, bottom of each character."""
        quads = np.ascontiguousarray(self.chars["quad"].T)
        xs, ys = quads[0::2], quads[1::2]
        return np.stack([xs.min(axis=0), ys.min(axis=0), xs.max(axis=0), ys.max(axis=0)], axis=1)


Layer = Literal["contents", "annots", "widgets"]


def read_glyphs(page: Any, what: Layer = "contents") -> Glyphs:
    """Run a ``pymupdf.Page`` once and return what it shows, on the page as displayed.

    Args:
        page: The page.
        what: Its contents, its annotations, or the fields of its form.
    """
    from pymupdf import mupdf

    if not _layout_holds():  # pragma: no cover - only with another MuPDF
        return _from_rawdict(page) if what == "contents" else Glyphs(np.zeros(0, CHAR))
    run = {
        "contents": mupdf.fz_run_page_contents,
        "annots": mupdf.fz_run_page_annots,
        "widgets": mupdf.fz_run_page_widgets,
    }[what]
    text_page = mupdf.FzStextPage(mupdf.fz_bound_page(page.this))
    options = mupdf.FzStextOptions(PRESERVE_WHITESPACE | PRESERVE_IMAGES | VECTORS)
    device = mupdf.fz_new_stext_device(text_page, options)
    run(page.this, device, mupdf.FzMatrix(), mupdf.FzCookie())
    mupdf.fz_close_device(device)
    first = text_page.m_internal.first_block
    return _walk(int(first.this)) if first else Glyphs(np.zeros(0, CHAR))


def _walk(first_block: int) -> Glyphs:
    ends: list[tuple[int, int]] = []
    heads: list[tuple[int, bool, tuple[float, float]]] = []
    vectors: list[tuple[float, ...]] = []
    colors: list[int] = []
    images: list[Any] = []
    number = 0
    stack = [first_block]
    while stack:
        block = stack.pop()
        while block:
            fields = _BLOCK.unpack(ctypes.string_at(block, _BLOCK.size))
            kind, following = fields[0], fields[11]
            if kind == TEXT_BLOCK:
                line = fields[6]
                while line:
                    wmode, _, dx, dy, _, _, _, _, first, last, _, after = _LINE.unpack(
                        ctypes.string_at(line, _LINE.size)
                    )
                    if first:
                        ends.append((first, last))
                        heads.append((number, bool(wmode), (dx, dy)))
                    line = after
                number += 1
            elif kind == IMAGE_BLOCK:
                images.append(fields[2:6])
            elif kind == VECTOR_BLOCK:
                vectors.append(fields[2:6])
                colors.append(fields[6] >> 32)
            elif kind == STRUCT_BLOCK and len(stack) < _MAX_DEPTH and fields[6]:
                stack.append(following)
                # fz_stext_struct: up, parent, first_block
                (following,) = struct.unpack("<Q", ctypes.string_at(fields[6] + 16, 8))
            block = following
    chars, lengths = _copy_lines(ends)
    borders = [0, *itertools.accumulate(lengths)]
    lines = [
        (start, end, *head)
        for (start, end), head in zip(itertools.pairwise(borders), heads, strict=True)
    ]
    return Glyphs(
        chars,
        lines,
        np.array(vectors, np.float32).reshape(-1, 4),
        np.array(colors, np.uint32),
        images,
    )


def _copy_lines(ends: list[tuple[int, int]]) -> tuple[NDArray[np.void], list[int]]:
    """Copy the characters of lines, each given by the places of its first and last character.

    Characters mostly lie side by side, with a jump where MuPDF took another piece of memory. So
    all lines are followed together, from jump to jump: memory is looked at up to the end of the
    system's page, which is surely there, and what follows a jump is left for the next round.

    Returns:
        The characters, and how many of them each line has.
    """
    if not ends:
        return np.zeros(0, CHAR), []
    memory = _memory()
    here, last = np.array(ends, np.int64).T // _WORD - _PAGE
    line = np.arange(len(ends))
    pieces: list[tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]] = []
    while len(here):
        counts = np.maximum(1, (_PAGE - here % _PAGE) // _WORDS)
        counts = np.where(last >= here, np.minimum(counts, (last - here) // _WORDS + 1), counts)
        starts = np.cumsum(counts) - counts
        chars = np.arange(starts[-1] + counts[-1]) * _WORDS
        chars += np.repeat(here - starts * _WORDS, counts)
        after = (memory[chars + _NEXT] // _WORD).view(np.int64) - _PAGE
        jumps = (after != chars + _WORDS) | (chars == np.repeat(last, counts))
        jumps[starts + counts - 1] = True
        where = np.flatnonzero(jumps)
        ends_at = where[np.searchsorted(where, starts)]
        pieces.append((line, here, ends_at - starts + 1))
        going = (chars[ends_at] != last) & (after[ends_at] > 0)
        here, last, line = after[ends_at][going], last[going], line[going]
    of, begin, count = map(np.concatenate, zip(*pieces, strict=True))
    order = np.argsort(of, kind="stable")
    begin, count = begin[order], count[order]
    starts = np.cumsum(count) - count
    chars = np.arange(starts[-1] + count[-1]) * _WORDS + np.repeat(begin - starts * _WORDS, count)
    copied = memory[chars[:, None] + np.arange(_WORDS)]
    lengths = np.bincount(of[order], count, len(ends)).astype(np.intp)
    return copied.view(CHAR)[:, 0], lengths.tolist()


@functools.cache
def _memory() -> NDArray[np.uint64]:
    """Look at this process's memory as words, from its second page on: the first is never there."""
    words = (1 << 47) // _WORD - _PAGE
    every = (ctypes.c_uint64 * words).from_address(_PAGE * _WORD)
    return np.ctypeslib.as_array(every)


@functools.cache
def _layout_holds() -> bool:
    """Read a page made here both ways and compare."""
    import pymupdf
    from pymupdf import mupdf

    document = pymupdf.open()
    page = document.new_page(width=300, height=200)
    page.insert_text((20, 40), "Layout of MuPDF's memory", fontname="tiro", fontsize=11)
    page.insert_text((20, 80), "holds: 0123456789", fontname="cobo", fontsize=17)
    page.draw_rect((10, 100, 200, 150), color=(1, 0, 0))
    text_page = mupdf.FzStextPage(page.this, mupdf.FzStextOptions(PRESERVE_WHITESPACE | VECTORS))
    glyphs = _walk(int(text_page.m_internal.first_block.this))
    fonts = {
        int(font): ctypes.string_at(int(font) + 4, 32).split(b"\0")[0].decode("latin-1")
        for font in np.unique(glyphs.chars["font"])
    }
    expected = [
        (char["c"], span["size"], span["font"], char["origin"])
        for block in page.get_text("rawdict")["blocks"]
        for line in block.get("lines", ())
        for span in line["spans"]
        for char in span["chars"]
    ]
    got = [
        (chr(char["code"]), char["size"], fonts.get(int(char["font"])), char["origin"])
        for char in glyphs.chars
    ]
    holds = (
        len(glyphs.vectors) > 0
        and [row[:3] for row in got] == [row[:3] for row in expected]
        and np.allclose([row[3] for row in got], [row[3] for row in expected], atol=0.01)
    )
    if not holds:
        log.warning("MuPDF's memory has another layout than expected: reading through rawdict")
    return bool(holds)


def _from_rawdict(page: Any) -> Glyphs:
    """Read the same facts through PyMuPDF's dictionaries, several times slower."""
    matrix = page.rotation_matrix
    rows: list[tuple[Any, ...]] = []
    lines: list[tuple[int, int, int, bool, tuple[float, float]]] = []
    images: list[Any] = []
    fonts: dict[str, int] = {}
    for number, block in enumerate(page.get_text("rawdict")["blocks"]):
        if block["type"] == IMAGE_BLOCK:
            images.append(tuple(page.rect & type(page.rect)(block["bbox"]) * matrix))
        for line in block.get("lines", ()):
            start = len(rows)
            for span in line["spans"]:
                font = fonts.setdefault(span["font"], len(fonts) + 1)
                argb = 0xFF000000 | span["color"]
                flags = FILLED | (BOLD if span["flags"] & 16 else 0)
                for char in span["chars"]:
                    box = type(page.rect)(char["bbox"]) * matrix
                    quad = (box.x0, box.y0, box.x1, box.y0, box.x0, box.y1, box.x1, box.y1)
                    code = ord(char["c"][:1] or "\ufffd")
                    rows.append((code, 0, flags, argb, char["origin"], quad, span["size"], font, 0))
            lines.append((start, len(rows), number, bool(line["wmode"]), line["dir"]))
    drawn = [tuple(drawing["rect"] * matrix) for drawing in page.get_drawings()]
    return Glyphs(
        np.array(rows, CHAR),
        lines,
        np.array(drawn, np.float32).reshape(-1, 4),
        np.full(len(drawn), 0xFF000000, np.uint32),
        images,
    )
