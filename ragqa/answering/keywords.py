"""What a question names: the words that a passage must have to answer it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragqa.answering.terms import HAN, stem
from ragqa.answering.wordlists import ASKING, ENGLISH_STOP
from ragqa.retrieval.folding import fold, simplify

_QUOTED = re.compile(r"[《“\"「『〈](.{2,40}?)[》”\"」』〉]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f][A-Za-z\u00c0-\u024f0-9'’.&-]*|\d[\d,.]*")
CODE = re.compile(r"[a-z]-?\d|\d[a-z]")
CODE_COUNTS = 4.0
"""How many words a code of a question counts for (E07, LX-260): it can mean nothing else."""
_NAME_TAGS = ("nr", "ns", "nt", "nz", "eng", "nrt", "nrfg")


@dataclass(frozen=True, slots=True)
class Keywords:
    """Words of a question, folded; ``names`` are those that name one thing."""

    words: tuple[str, ...]
    names: tuple[str, ...]


def keywords(question: str) -> Keywords:
    """Return what ``question`` is about."""
    words: dict[str, None] = {}
    names: dict[str, None] = {}
    for match in _QUOTED.finditer(question):
        names[fold(match.group(1))] = None
    if HAN.search(question):
        import rjieba

        for word, tag in rjieba.tag(simplify(question)):
            folded = fold(word)
            if (len(word) < 2 and not word.isdigit()) or folded in ASKING or tag[0] in "xurcpyo":
                continue
            words[folded] = None
            if tag in _NAME_TAGS:
                names[folded] = None
    else:
        for number, match in enumerate(_LATIN.finditer(question)):
            word = match.group().rstrip(".")
            folded = fold(word)
            if folded in ENGLISH_STOP:
                continue
            words[folded] = None
            if number and (word[0].isupper() or word[0].isdigit()):
                names[folded] = None
    return Keywords(tuple(words), tuple(names))


def own_words(text: str) -> tuple[str, ...]:
    """Return every word of ``text`` that says something, folded; numbers are words too."""
    folded = fold(text)
    found = [
        word for word in re.findall(r"[a-z\u00c0-\u024f]+|\d+", folded) if word not in ENGLISH_STOP
    ]
    if HAN.search(folded):
        import rjieba

        found.extend(word for word in rjieba.cut(folded) if HAN.search(word) and word not in ASKING)
    return tuple(found)


def presence(word: str, text: str, stems: frozenset[str]) -> float:
    """Return how much of ``word`` is in a text, 0 to 1.

    Args:
        word: Folded.
        text: Folded.
        stems: The stems of the text's Latin words.
    """
    if word in text:
        return 1.0
    if not HAN.search(word):
        parts = re.findall(r"[a-z0-9\u00c0-\u024f]+", word)
        return sum(stem(part) in stems for part in parts) / max(1, len(parts))
    pairs = [word[i : i + 2] for i in range(len(word) - 1)]
    return sum(pair in text for pair in pairs) / len(pairs) if len(pairs) > 1 else 0.0


def stems_of(folded: str) -> frozenset[str]:
    """Return the stems of the Latin words of a folded text."""
    return frozenset(stem(word) for word in re.findall(r"[a-z0-9\u00c0-\u024f]+", folded))
