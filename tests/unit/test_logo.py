"""The logo of LaTeX is told from words in capitals by its E, which hangs below the line."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pymupdf
import pytest

from ingest.ocr.logo import with_logos
from ingest.ocr.rapid import edges_between
from ingest.ports import Recognized

SCALE = 150 / 72
SIZE = 11


def read(prefix: str, *, drop: float, as_read: str, tilt: float = 0.0) -> Recognized:
    """Draw a line in which T, E and X follow each other, the E lower by ``drop`` points.

    Args:
        prefix: What is drawn before them.
        drop: How far the E hangs below.
        as_read: What the engine made of the letters before them.
        tilt: Of the page, in degrees.
    """
    page = pymupdf.open().new_page(width=300, height=80)
    x, middles = 40.0, []
    drawn = [(char, 0.0) for char in f"see {prefix}T"] + [("E", drop)]
    for char, lower in [*drawn, *((char, 0.0) for char in "X here")]:
        page.insert_text((x, 40 + lower), char, fontsize=SIZE, fontname="tiro")
        wide = pymupdf.get_text_length(char, fontname="tiro", fontsize=SIZE)
        middles.append(x + wide / 2)
        x += wide
    place = pymupdf.Matrix(SCALE, SCALE).prerotate(tilt)
    pixmap = page.get_pixmap(matrix=place)
    image = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
    box = [(39.0, 30.5), (x + 1, 30.5), (x + 1, 44.0), (39.0, 44.0)]
    corners = [tuple(pymupdf.Point(*p) * place - (pixmap.x, pixmap.y)) for p in box]
    text = f"see {as_read}TEX here"
    before = len("see ") + len(prefix)
    kept = [*range(4), *(4 for _ in as_read), *range(before, len(middles))]
    centres = np.array([middles[index] for index in kept])
    centres[4 : 4 + len(as_read)] = np.linspace(middles[4], middles[before - 1], len(as_read))
    edges = edges_between((centres - 39.0) / (x - 38.0))
    found = Recognized(text, np.array(corners, np.float32), 0.9, edges, (0.9,) * len(text))
    (line,) = with_logos(image, [found])
    assert len(line.text) == len(line.edges) == len(line.sure)
    assert all(a[0] <= b[0] + 1e-4 for a, b in pairwise(line.edges))
    assert np.allclose(line.edges[-8:], found.edges[-8:]), "what follows stays where it was"
    return line


@pytest.mark.parametrize("as_read", ["I", "L", "A", "IA", "IE", "LA"])
@pytest.mark.parametrize("tilt", [0, 1.5])
def test_however_its_first_letters_are_read_the_logo_is_one_name(as_read: str, tilt: float) -> None:
    assert read("LA", drop=2.4, as_read=as_read, tilt=tilt).text == "see LATEX here"


@pytest.mark.parametrize("word", ["I", "L", "A", "IA"])
def test_a_word_in_capitals_stays_what_it_is(word: str) -> None:
    assert read(word, drop=0, as_read=word).text == f"see {word}TEX here"


@pytest.mark.parametrize("name", ["MiK", "C", "te", ""])
def test_names_that_end_like_the_logo_stay_what_they_are(name: str) -> None:
    assert read(name, drop=2.4, as_read=name).text == f"see {name}TEX here"
