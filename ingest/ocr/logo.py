"""The logo of LaTeX, whose small raised A no engine that reads lines makes out.

Much that is printed in mathematics and computing names it on every page, and it comes out as ITEX,
LTEX, IATEX or ATEX, differently each time: then a question about LaTeX finds nothing. What tells it
from a word in capitals is its E, which hangs below the line: where it does, the name is LATEX, the
letters that a text layer has for it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ingest.ocr.marks import is_level, strip_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingest.ocr.marks import Strip
    from ingest.ports import Recognized

_MISREAD = re.compile(r"(?<![A-Z])([IL1l|][AEI]?|A)TEX(?![A-Z])")
"""What stands for its first two letters, before those that are read rightly."""
_NAME = "LA"
_HANGS = 0.1
"""Least depth of the E below the letters beside it, in heights of the line; .12 to .2 in print."""


def with_logos(image: NDArray[np.uint8], found: Sequence[Recognized]) -> list[Recognized]:
    """Return the lines of an image with the logos on them written out.

    Args:
        image: BGR, ``(height, width, 3)``.
        found: What an engine read on it.
    """
    lines = []
    for line in found:
        if "TEX" in line.text and is_level(line):
            line = _written_out(image[:, :, 1], line)
        lines.append(line)
    return lines


def _written_out(grey: NDArray[np.uint8], line: Recognized) -> Recognized:
    length = float(np.linalg.norm(line.corners[1] - line.corners[0]))
    strip = strip_of(grey, line, 0.0, length)
    # From the right, so that places further left stay what they are.
    for match in reversed(list(_MISREAD.finditer(line.text))):
        begin, end = match.span(1)
        if match[1] != _NAME and _hangs(strip, line.edges[end : end + 3] * length):
            borders = np.linspace(line.edges[begin, 0], line.edges[end - 1, 1], 3)
            places = np.stack([borders[:-1], borders[1:]], axis=1).astype(np.float32)
            line = replace(
                line,
                text=line.text[:begin] + _NAME + line.text[end:],
                edges=np.concatenate([line.edges[:begin], places, line.edges[end:]]),
                sure=(*line.sure[:begin], *(min(line.sure[begin:end]),) * 2, *line.sure[end:])
                if line.sure
                else (),
            )
    return line


def _hangs(strip: Strip, places: NDArray[np.float32]) -> bool:
    """Tell whether the middle of three letters, T E X, reaches below the others.

    Args:
        strip: The line.
        places: Where the letters begin and end, in pixels along it, shape (3, 2).
    """
    (stem, hanging, _), wide = places.mean(axis=1), places[:, 1] - places[:, 0]
    # The legs of the X stand at its sides; what follows may be another letter's.
    beside = _lowest(strip, places[2].mean(), places[2].mean() + 0.4 * wide[2])
    if beside is None:
        beside = _lowest(strip, stem - wide[0] / 4, stem + wide[0] / 4)
    lowest = _lowest(strip, hanging - wide[1] / 4, hanging + wide[1] / 4)
    if beside is None or lowest is None:
        return False
    return lowest - beside >= _HANGS * strip.em


def _lowest(strip: Strip, begin: float, end: float) -> int | None:
    rows = np.flatnonzero(strip.ink[:, max(0, round(begin)) : max(1, round(end))].any(axis=1))
    return int(rows[-1]) if len(rows) else None
