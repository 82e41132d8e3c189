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

from ragqa.evaluation.datasets import Place, Question, read_lines
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ragqa.ports import Embedder

PASSAGES: dict[str, tuple[str, ...]] = {
    "zh": ("cmrc2018", "drcd", "xquad-zh"),
    "en": ("squad2", "pubmedqa"),
    "tatqa": ("tatqa",),
    "rgb-zh-fact": ("rgb-zh-fact",),
    "rgb-en-fact": ("rgb-en-fact",),
}
FILES = ("qa-pdf", "qa-pdf-scanned", "financebench")


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


def make_task(name: str, folder: Path, *, size: int, passages: int = 0) -> Task:
    """Lay the files of a set in ``folder``: a ``.txt`` a passage, or links to its PDFs.

    Args:
        name: A key of ``PASSAGES`` or one of ``FILES``.
        folder: Where to put them.
        size: Most questions, drawn by a fixed seed.
        passages: Passages to draw, those that are asked about first; 0: all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if name in FILES:
        questions = _link_files(name, folder)
    else:
        questions = _write_passages(PASSAGES[name], folder, passages)
    random.Random(name).shuffle(questions)
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


def _file_name(passage: str) -> str:
    return passage.replace("/", "_") + ".txt"


def _link_files(name: str, folder: Path) -> list[Question]:
    data = data_folder()
    chosen, kind = name.removesuffix("-scanned"), "scanned" if "scanned" in name else "born-digital"
    files = {
        line["id"]: Path(line["file"])
        for line in read_lines(data / "documents.jsonl")
        if line["set"] == chosen and line["kind"] == kind
    }
    for path in files.values():
        link = folder / path.name
        if not link.exists():
            link.symlink_to((data / path).resolve())
    return [
        Question(
            line["id"],
            line["question"],
            tuple(line["answers"]),
            tuple(Place(files[line["document"]].name, page) for page in _pages(line)),
        )
        for line in read_lines(data / "questions.jsonl")
        if line["set"] == chosen and line["answerable"] and line["document"] in files
    ]


def _pages(line: dict[str, Any]) -> list[int]:
    return line.get("pages") or [line["page"]]


class CachedEmbedder:
    """Any embedder, with its vectors kept in a file: experiments cost the new texts only."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self._embedder = embedder
        self._path = path
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


class DenseRival:
    """What LangChain's documentation wires together: PyMuPDF text, 1,000-character chunks, cosine.

    The same embedding model, with the prefixes that it wants.
    """

    def __init__(self, task: Task, embedder: Embedder) -> None:
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        self._embedder = embedder
        self._chunks = [
            (file, page, piece)
            for file, page, text in read_plainly(task.folder)
            for piece in splitter.split_text(text)
        ]
        texts = [piece for _, _, piece in self._chunks]
        vectors = [embedder.embed_passages(texts[n : n + 64]) for n in range(0, len(texts), 64)]
        self._vectors = np.concatenate(vectors) if vectors else np.zeros((0, embedder.dimension))

    def retrieve(self, question: str, limit: int = 10) -> list[Hit]:
        """Return the chunks of the nearest vectors."""
        if not self._chunks:
            return []
        scores = self._vectors @ self._embedder.embed_query(question)
        return [self._hit(row, float(scores[row])) for row in np.argsort(-scores)[:limit].tolist()]

    def _hit(self, row: int, score: float) -> Hit:
        file, page, text = self._chunks[row]
        number = Id(CollectionId(0), row)
        chunk = Chunk(page, Span(0, len(text)), text)
        return Hit(ChunkId(number), DocumentId(number), file, chunk, "text", score)


def read_plainly(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Yield file, page and text as a plain reader gives them."""
    import pymupdf

    for path in sorted(folder.iterdir()):
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
