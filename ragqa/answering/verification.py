"""Does a quote bear out a sentence? Decided without a model, so that anyone can check the check.

A sentence is supported when every number, date, unit, code and name in it occurs in the quotes
after normalisation, nothing in it takes the place of something else in the quote, and enough of
its other words are there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.answering.alignment import displaced
from ragqa.answering.coverage import coverage, foreign_runs
from ragqa.answering.mentions import (
    Mentions,
    find_mentions,
    missing_codes,
    missing_dates,
    missing_names,
    missing_numbers,
)
from ragqa.answering.sentences import split_sentences
from ragqa.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ENOUGH = 0.5
"""Share of a sentence's content that the quotes must have for it to be supported."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether quotes bear out a sentence, how much of it they cover (0..1), and what they lack."""

    supported: bool
    support: float
    reasons: tuple[str, ...] = ()


def verify(sentence: str, quotes: Sequence[str]) -> Verdict:
    """Check ``sentence`` against the quotes it cites, taken together.

    Args:
        sentence: A sentence of an answer, without markers.
        quotes: Text cut from stored pages.
    """
    if not any(quote.strip() for quote in quotes):
        return Verdict(False, 0.0, ("no quote",))
    claim = find_mentions(sentence)
    source = find_mentions("\n".join(quotes))
    reasons = [
        *_lacking_figures(claim, source),
        *(f"name not in the quotes: {what}" for what in missing_names(claim, source)),
        *(f"words not in the quotes: {what}" for what in foreign_runs(claim, source)),
    ]
    if not reasons:
        reasons.extend(
            f"the quote has {there} where the sentence has {here}"
            for here, there in _displaced(sentence, quotes)
        )
    support = 1.0 if _stands_in(claim.text, source.text) else coverage(claim, source)
    if support < ENOUGH:
        reasons.append(f"only {support:.0%} of the sentence is in the quotes")
    return Verdict(not reasons, support, tuple(reasons))


def lacking_figures(sentence: str, quote: str) -> tuple[str, ...]:
    """Say which numbers, dates and codes of ``sentence`` are not in ``quote``; empty when none."""
    return tuple(_lacking_figures(find_mentions(sentence), find_mentions(quote)))


def _lacking_figures(claim: Mentions, source: Mentions) -> list[str]:
    return [
        *(f"number not in the quotes: {what}" for what in missing_numbers(claim, source)),
        *(f"date not in the quotes: {what}" for what in missing_dates(claim, source)),
        *(f"code not in the quotes: {what}" for what in missing_codes(claim, source)),
    ]


def _stands_in(sentence: str, quotes: str) -> bool:
    """Say whether a sentence stands in the quotes as it is, from word to word."""
    words = sentence.strip()
    return (
        bool(words)
        and re.search(rf"(?<![A-Za-z0-9]){re.escape(words)}(?![A-Za-z0-9])", quotes) is not None
    )


def _displaced(sentence: str, quotes: Sequence[str]) -> list[tuple[str, str]]:
    quoted = [find_mentions(span.of(quote)) for quote in quotes for span in split_sentences(quote)]
    claims = [find_mentions(span.of(sentence)) for span in split_sentences(sentence)]
    return [difference for claim in claims for difference in displaced(claim, quoted)]


def verify_claims(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Check records ``{id, sentence, quotes}``; return ``{id, supported, reasons}`` for each.

    Raises:
        InvalidInput: If a record lacks one of the fields or has it in another form.
    """
    results: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        sentence, quotes = line.get("sentence"), line.get("quotes")
        if "id" not in line or not isinstance(sentence, str) or not _are_texts(quotes):
            raise InvalidInput(
                f'line {number}: expected {{"id", "sentence": text, "quotes": [text, ..]}}, '
                f"got {dict(line)!r}"
            )
        assert quotes is not None
        verdict = verify(sentence, quotes)
        results.append(
            {"id": line["id"], "supported": verdict.supported, "reasons": list(verdict.reasons)}
        )
    return results


def _are_texts(quotes: object) -> bool:
    return isinstance(quotes, list | tuple) and all(isinstance(quote, str) for quote in quotes)


__all__ = ["Mentions", "Verdict", "lacking_figures", "verify", "verify_claims"]
