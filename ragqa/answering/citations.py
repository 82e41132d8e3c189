"""From the sentences of a draft to citations: which stored sentences carry each claim."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ragqa.answering.sentences import split_sentences
from ragqa.answering.verification import Verdict, lacking_figures, verify
from ragqa.types import Citation, Span, TableCell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate
    from ragqa.ports import QuoteCutter
    from ragqa.types import Hit

MARKER = re.compile(r"\s?\[(\d{1,3})\]")
TRIED = 16
"""Stored sentences that a claim is compared with: the likeliest answers to the question."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of a draft without its markers, and the markers the model gave it."""

    text: str
    markers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The place in a hit's chunk that bears a claim out, and the verdict on it."""

    hit: int
    """Index into the hits, from 0."""
    span: Span
    """In the chunk's text."""
    verdict: Verdict
    likelihood: float
    """Score of the sentence as an answer to the question; comparable within one ranking."""


def read_draft(text: str) -> list[Claim]:
    """Split a generated text into claims; markers are taken out and kept."""
    claims: list[Claim] = []
    for span in split_sentences(text):
        sentence = span.of(text)
        bare = MARKER.sub("", sentence).strip()
        if bare:
            markers = tuple(dict.fromkeys(int(number) for number in MARKER.findall(sentence)))
            claims.append(Claim(bare, markers))
    return claims


def find_evidence(
    claim: Claim, hits: Sequence[Hit], ranked: Sequence[Candidate]
) -> Evidence | Verdict:
    """Find the smallest stored text that bears out ``claim``.

    One sentence if one does, else two neighbours; there the headings above may supply words and
    names, but numbers, dates and codes must stand in the quote itself. Among several, the likelier
    answer to the question wins, and a passage that the model itself named is preferred a little.

    Args:
        claim: What the draft says.
        hits: The passages.
        ranked: Their sentences, likeliest answer first.

    Returns:
        The evidence, or the verdict of the best place tried when none bears the claim out.
    """
    best: tuple[float, Evidence] | None = None
    failed = Verdict(False, 0.0, ("no passage",))
    top = ranked[0].score if ranked else 0.0
    for candidate in ranked[:TRIED]:
        for cost, span in enumerate(_grown(hits[candidate.hit], candidate.span)):
            quote = span.of(hits[candidate.hit].chunk.text)
            beside = quote.replace(candidate.text, " ")
            if cost and verify(claim.text, [beside]).supported:
                continue  # the neighbour alone bears it out, and has its own place in the ranking
            verdict = verify(
                claim.text, [quote, *hits[candidate.hit].chunk.headings] if cost else [quote]
            )
            if cost and verdict.supported and (lacking := lacking_figures(claim.text, quote)):
                verdict = replace(verdict, supported=False, reasons=lacking)
            if not verdict.supported:
                failed = max(failed, verdict, key=lambda v: v.support)
                continue
            value = candidate.score - top + 2 * verdict.support - 0.5 * cost
            value += 0.5 * (candidate.hit + 1 in claim.markers)
            if best is None or value > best[0]:
                best = value, Evidence(candidate.hit, span, verdict, candidate.score)
            break
    return best[1] if best is not None else failed


def _grown(hit: Hit, span: Span) -> list[Span]:
    """Return a sentence, then it with its neighbour before, then with the one after."""
    spans = split_sentences(hit.chunk.text, hit.chunk.kind)
    at = next((n for n, other in enumerate(spans) if other.start == span.start), None)
    grown = [span]
    if at is not None and at > 0:
        grown.append(Span(spans[at - 1].start, span.end))
    if at is not None and at + 1 < len(spans):
        grown.append(Span(span.start, spans[at + 1].end))
    return grown


class Citer:
    """Numbers citations in order of first use and cuts their quotes out of stored text."""

    def __init__(self, hits: Sequence[Hit], cutter: QuoteCutter) -> None:
        self._hits = hits
        self._cutter = cutter
        self._markers: dict[tuple[int, Span], int] = {}
        self.citations: list[Citation] = []

    def cite(self, hit_index: int, span: Span, cell: tuple[Span, str, str] | None = None) -> int:
        """Return the marker of a span of a hit's chunk; the same span keeps its marker.

        Args:
            hit_index: Index into the hits, from 0.
            span: In the chunk's text.
            cell: The cell of a table that is meant: its span, and the heads of its row and column.
        """
        key = (hit_index, span)
        if key in self._markers:
            return self._markers[key]
        hit = self._hits[hit_index]
        offset = hit.chunk.span.start
        on_page = Span(offset + span.start, offset + span.end)
        quote, boxes = self._cutter.cut(hit, on_page)
        meant: TableCell | None = None
        if cell is not None:
            inside = Span(offset + cell[0].start, offset + cell[0].end)
            boxed = self._cutter.cut(hit, inside)[1]
            meant = TableCell(cell[0].of(hit.chunk.text), cell[1], cell[2], boxed)
        marker = len(self.citations) + 1
        self._markers[key] = marker
        self.citations.append(
            Citation(
                marker,
                hit.chunk_id,
                hit.document_id,
                hit.filename,
                hit.chunk.page_number,
                on_page,
                quote,
                boxes,
                meant,
            )
        )
        return marker
