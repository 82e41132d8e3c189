"""Files, questions and rivals for the retrieval benchmarks."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from answers_data import is_kept_back

from ragqa.evaluation.datasets import Place, Question, read_lines
from ragqa.ports import PairReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ragqa.ports import Embedder
    from ragqa.types import Adapter, ReadPair

PASSAGES: dict[str, tuple[str, ...]] = {
    "zh": ("cmrc2018", "drcd", "xquad-zh"),
    "en": ("squad2", "pubmedqa"),
    "tatqa": ("tatqa",),
    "rgb-zh-fact": ("rgb-zh-fact",),
    "rgb-en-fact": ("rgb-en-fact",),
}
FILES = (
    "qa-pdf",
    "qa-pdf-drawn",
    "qa-pdf-scanned",
    "qa-pdf-scanned-as-typed",
    "financebench",
)
"""Sets of PDFs. Scans are of other documents than the born-digital pages: ``-as-typed`` is the text
that was scanned, a file a page, and ``-drawn`` are the born-digital pages as pictures, with the
same questions. What is lost between one and the other is lost by recognition."""
DRAWN_DPI, DRAWN_QUALITY = 150, 60
HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ragqa", "benchmarks")
"""Where what was ingested is kept between runs, and so are vectors: they are most of the time."""
CACHE = HOME / "vectors.db"


@dataclass(frozen=True, slots=True)
class Task:
    """Files to search and questions whose places are among them."""

    name: str
    folder: Path
    questions: list[Question]


def data_folder() -> Path:
    """Return the folder with the evaluation data, from ``RAGQA_EVAL_DATA``."""
    folder = os.environ.get("RAGQA_EVAL_DATA", "")
    if not folder or not Path(folder, "questions.jsonl").is_file():
        raise SystemExit("RAGQA_EVAL_DATA names no folder with questions.jsonl: nothing to measure")
    return Path(folder)


def make_task(name: str, folder: Path, *, size: int, passages: int = 0, pages: int = 0) -> Task:
    """Lay the files of a set in ``folder``: a ``.txt`` a passage, or links to its PDFs.

    Args:
        name: A key of ``PASSAGES`` or one of ``FILES``.
        folder: Where to put them.
        size: Most questions, drawn by a fixed seed.
        passages: Passages to draw, those that are asked about first; 0: all.
        pages: Most pages of PDFs, the shortest files first; 0: all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if name.endswith("-drawn"):
        questions = _draw_pages(name.removesuffix("-drawn"), folder)
    elif name.endswith("-as-typed"):
        questions = _write_pages(name.removesuffix("-as-typed"), folder)
    elif name in FILES:
        questions = _link_files(name, folder, pages)
    else:
        questions = _write_passages(PASSAGES[name], folder, passages)
    random.Random(name.removesuffix("-drawn")).shuffle(questions)
    return Task(name, folder, questions[:size])


def _write_passages(sets: Sequence[str], folder: Path, most: int) -> list[Question]:
    data = data_folder()
    texts = [line for line in read_lines(data / "passages.jsonl") if line["set"] in sets]
    random.Random(1).shuffle(texts)
    kept = {line["id"]: _file_name(line["id"]) for line in (texts[:most] if most else texts)}
    for line in texts:
        if line["id"] in kept:
            (folder / kept[line["id"]]).write_text(line["text"], "utf-8")
    return [
        Question(
            line["id"],
            line["question"],
            tuple(line["answers"]),
            tuple(Place(kept[passage]) for passage in line["passages"] if passage in kept),
        )
        for line in read_lines(data / "questions.jsonl")
        if line["set"] in sets and line["answerable"] and line["passages"]
        if any(passage in kept for passage in line["passages"])
    ]


def keep_back(questions: Sequence[Question]) -> list[Question]:
    """Return the questions that the reader of short answers was not fitted on, nor on their texts.

    ``benchmarks/answers_spans.py`` leaves out what is typeset as PDF, and every tenth passage.
    """
    lines = {line["id"]: line for line in read_lines(data_folder() / "questions.jsonl")}
    typeset = {p for line in lines.values() if line["set"] == "qa-pdf" for p in line["passages"]}
    fitted = ("cmrc2018", "drcd", "squad2", "xquad-zh")
    return [
        question
        for question in questions
        if (line := lines[question.id])["set"] not in fitted
        or line["passages"][0] in typeset
        or is_kept_back(line["passages"][0])
    ]


def _file_name(passage: str) -> str:
    return passage.replace("/", "_") + ".txt"


def _link_files(name: str, folder: Path, most: int) -> list[Question]:
    data = data_folder()
    chosen, kind = name.removesuffix("-scanned"), "scanned" if "scanned" in name else "born-digital"
    files: dict[str, Path] = {}
    pages = 0
    for line in sorted(read_lines(data / "documents.jsonl"), key=lambda d: d.get("pages") or 0):
        if line["set"] == chosen and line["kind"] == kind:
            pages += line["pages"]
            if not most or pages <= most:
                files[line["id"]] = Path(line["file"])
    for path in files.values():
        link = folder / path.name
        if not link.exists():
            link.symlink_to((data / path).resolve())
    return _questions_about(chosen, files)


def _questions_about(name: str, files: Mapping[str, Path]) -> list[Question]:
    return [
        Question(
            line["id"],
            line["question"],
            tuple(line["answers"]),
            tuple(Place(files[line["document"]].name, page) for page in _pages(line)),
        )
        for line in read_lines(data_folder() / "questions.jsonl")
        if line["set"] == name and line["answerable"] and line["document"] in files
    ]


def _draw_pages(name: str, folder: Path) -> list[Question]:
    """Make a picture of every page: grey, of a scanner's resolution, as JPEG."""
    import pymupdf

    data = data_folder()
    files = {
        line["id"]: Path(line["file"])
        for line in read_lines(data / "documents.jsonl")
        if (line["set"], line["kind"]) == (name, "born-digital")
    }
    for file in files.values():
        drawn = folder / file.name
        if drawn.exists():
            continue
        with pymupdf.open(data / file) as typed, pymupdf.open() as scan:
            for page in typed:
                picture = page.get_pixmap(dpi=DRAWN_DPI, colorspace=pymupdf.csGRAY)
                place = scan.new_page(width=page.rect.width, height=page.rect.height)
                place.insert_image(place.rect, stream=picture.tobytes("jpeg", DRAWN_QUALITY))
            scan.save(drawn)
    return _questions_about(name, files)


def _write_pages(name: str, folder: Path) -> list[Question]:
    """Write the true text of every page into a file of its own."""
    data = data_folder()
    chosen = name.removesuffix("-scanned")
    documents = {
        line["id"]: data / line["text_gt"]
        for line in read_lines(data / "documents.jsonl")
        if line["set"] == chosen and line["kind"] == "scanned"
    }
    for truth in documents.values():
        for page in read_lines(truth):
            (folder / f"{truth.stem} {page['page']}.txt").write_text(page["text"], "utf-8")
    return [
        Question(
            line["id"],
            line["question"],
            tuple(line["answers"]),
            tuple(Place(f"{documents[line['document']].stem} {n}.txt") for n in _pages(line)),
        )
        for line in read_lines(data / "questions.jsonl")
        if line["set"] == chosen and line["answerable"] and line["document"] in documents
    ]


def _pages(line: dict[str, Any]) -> list[int]:
    return line.get("pages") or [line["page"]]


class CachedEmbedder:
    """Any embedder, with its vectors kept in a file: experiments cost the new texts only."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self._embedder = embedder
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as cache:
            cache.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB)")
        self.name = embedder.name
        self.dimension = embedder.dimension
        self.max_tokens = embedder.max_tokens

    def count_tokens(self, text: str) -> int:
        """Return how many tokens ``text`` has."""
        return self._embedder.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages. Shape: ``(len(texts), dimension)``."""
        keys = [self._key("passage", text) for text in texts]
        known = self._look_up(keys)
        missing = [n for n, key in enumerate(keys) if key not in known]
        if missing:
            vectors = self._embedder.embed_passages([texts[n] for n in missing])
            known |= self._keep([keys[n] for n in missing], vectors)
        return np.stack([known[key] for key in keys])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed one query. Shape: ``(dimension,)``."""
        key = self._key("query", text)
        known = self._look_up([key])
        if key not in known:
            known = self._keep([key], self._embedder.embed_query(text)[None])
        return known[key]

    def read_pairs(self, question: str, texts: Sequence[str], adapter: Adapter) -> list[ReadPair]:
        """Read each text after the question."""
        assert isinstance(self._embedder, PairReader)
        return self._embedder.read_pairs(question, texts, adapter)

    def _key(self, kind: str, text: str) -> bytes:
        return hashlib.sha256(f"{self.name}\0{kind}\0{text}".encode()).digest()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=60)

    def _look_up(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        found: dict[bytes, NDArray[np.float32]] = {}
        with self._open() as cache:
            for key in keys:
                row = cache.execute("SELECT vector FROM vectors WHERE key = ?", [key]).fetchone()
                if row is not None:
                    found[key] = np.frombuffer(row[0], np.float32)
        return found

    def _keep(
        self, keys: Sequence[bytes], vectors: NDArray[np.float32]
    ) -> dict[bytes, NDArray[np.float32]]:
        rows = [(key, v.astype(np.float32).tobytes()) for key, v in zip(keys, vectors, strict=True)]
        with self._open() as cache:
            cache.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
        return {key: np.frombuffer(vector, np.float32) for key, vector in rows}


def read_plainly(files: Sequence[Path]) -> Iterator[tuple[str, int, str]]:
    """Yield file, page and text as a plain reader gives them."""
    import pymupdf

    for path in files:
        if path.suffix == ".txt":
            yield path.name, 1, path.read_text("utf-8")
        else:
            with pymupdf.open(path) as document:
                for page in document:
                    yield path.name, page.number + 1, page.get_text()


def write_results(name: str, results: dict[str, Any]) -> Path:
    """Write a benchmark's result as JSON beside the others."""
    path = Path(__file__).parent / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path
