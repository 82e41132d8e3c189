"""What one would otherwise wire together: LangChain's and LlamaIndex's pipelines as they come.

Each takes files and an embedder, reads, splits, embeds and stores, and returns its ways to
retrieve. Splits, readers, stores and what is embedded with a passage are the libraries' defaults;
the number of hits is not (theirs are two and four: nothing could be said about the first ten).
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document as LangChainDocument
from langchain_core.embeddings import Embeddings
from retrieval_data import read_plainly

from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ragqa.models.sentence_transformer import SentenceTransformerEmbedder
    from ragqa.ports import Embedder

    Ways = dict[str, Callable[[str], Sequence[Hit]]]

LIMIT = 10
BATCH = 256
LLAMA_INDEX = (
    "llama_index.core",
    "llama_index.readers.file",
    "llama_index.embeddings.langchain",
    "llama_index.retrievers.bm25",
)


class GivenEmbeddings(Embeddings):
    """Our embedder, prefixes and all, as LangChain wants one."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages."""
        parts = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
        return [vector for part in parts for vector in self._embedder.embed_passages(part).tolist()]

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""
        return self._embedder.embed_query(text).tolist()


class PlainEmbeddings(Embeddings):
    """The same model as sentence-transformers loads and runs it when nothing is set.

    That is what ``HuggingFaceEmbeddings`` of langchain-huggingface does: float32, 32 texts a pass.
    """

    def __init__(self, folder: Path, embedder: SentenceTransformerEmbedder) -> None:
        """Load the model in ``folder``; the prefixes are those that ``embedder`` puts."""
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(folder), local_files_only=True)
        self._query_prefix, self._passage_prefix = embedder.prefixes

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages."""
        found: list[list[float]] = self._model.encode(
            [self._passage_prefix + text for text in texts]
        ).tolist()
        return found

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""
        found: list[float] = self._model.encode([self._query_prefix + text])[0].tolist()
        return found


def missing_packages() -> list[str]:
    """Return what LlamaIndex needs and is not there."""
    return [name for name in LLAMA_INDEX if not _is_there(name)]


def build_langchain(files: Sequence[Path], embedder: Embedder | Embeddings) -> Ways:
    """PyMuPDF's text of each page, 1,000 characters with 200 again, vectors in memory."""
    from langchain_core.vectorstores import InMemoryVectorStore
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    pages = [
        LangChainDocument(text, metadata={"file": file, "page": page})
        for file, page, text in read_plainly(files)
    ]
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    given = embedder if isinstance(embedder, Embeddings) else GivenEmbeddings(embedder)
    store = InMemoryVectorStore(given)
    store.add_documents(splitter.split_documents(pages))

    def dense(question: str) -> list[Hit]:
        found = store.similarity_search(question, k=LIMIT)
        return [_hit(d.metadata["file"], d.metadata["page"], d.page_content) for d in found]

    return {"dense": dense}


def build_llama_index(files: Sequence[Path], embedder: Embedder) -> Ways:
    """Read by pypdf, 1,024 tokens with 200 again, vectors in memory; also with BM25 by RRF.

    Nothing where LlamaIndex is not installed.
    """
    if missing_packages():
        return {}
    import llama_index.core

    # Its sentence splitter comes with the data that it would otherwise download.
    os.environ.setdefault("NLTK_DATA", str(Path(llama_index.core.__file__).parent))
    from llama_index.core import (
        SimpleDirectoryReader,
        VectorStoreIndex,
    )
    from llama_index.core.llms import MockLLM
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.retrievers import (
        QueryFusionRetriever,
    )
    from llama_index.embeddings.langchain import (
        LangchainEmbedding,
    )
    from llama_index.retrievers.bm25 import BM25Retriever

    pages = []
    for file in files:
        read = SimpleDirectoryReader(input_files=[str(file)]).load_data()
        for number, page in enumerate(read, start=1):
            page.metadata["number"] = number
            page.excluded_embed_metadata_keys.append("number")
        pages += read
    nodes = SentenceSplitter().get_nodes_from_documents(pages)
    if not nodes:
        return {"dense": lambda _: [], "dense, BM25, RRF": lambda _: []}
    index = VectorStoreIndex(nodes, embed_model=LangchainEmbedding(GivenEmbeddings(embedder)))
    by_meaning = index.as_retriever(similarity_top_k=LIMIT)
    fused = QueryFusionRetriever(
        [by_meaning, BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=LIMIT)],
        llm=MockLLM(),
        similarity_top_k=LIMIT,
        num_queries=1,
        mode="reciprocal_rerank",
        use_async=False,
    )

    def ask(retriever: Any) -> Callable[[str], list[Hit]]:
        return lambda question: [
            _hit(found.metadata["file_name"], found.metadata["number"], found.text)
            for found in retriever.retrieve(question)
        ]

    return {"dense": ask(by_meaning), "dense, BM25, RRF": ask(fused)}


RIVALS: dict[str, Callable[[Sequence[Path], Embedder], Ways]] = {
    "LangChain": build_langchain,
    "LlamaIndex": build_llama_index,
}


def _hit(file: str, page: int, text: str) -> Hit:
    number = Id(CollectionId(0), 0)
    text = text or " "  # some find pages without text
    chunk = Chunk(page, Span(0, len(text)), text)
    return Hit(ChunkId(number), DocumentId(number), file, chunk, "text", 0.0)


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
