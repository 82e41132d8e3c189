"""Ask documents through LangChain's expression language. Runs on its own, without any weights.

    python examples/langchain_qa.py

The chat model is LangChain's own fake one, so that the example runs anywhere: put any other in its
place, such as ``ChatOpenAI(base_url=…)``. The retriever here searches one page; the collections of
a service are searched the same way, with ``RagqaRetriever(retriever=services.retriever(model),
collection="manuals")``.
"""

from __future__ import annotations

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import FakeListChatModel
from typing_extensions import override

from ragqa.langchain import LangChainEmbedder, RagqaRetriever, build_chain
from ragqa.models.hashing import HashingEmbedder
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Filter, Hit, Id, Span

PAGE = "滤芯每六个月更换一次。水箱容量为1.8升。保修期为两年，自购买之日起计算。"
SPANS = [Span(0, 11), Span(11, 21), Span(21, len(PAGE))]


class HashedEmbeddings(Embeddings):
    """What any LangChain user has: some ``Embeddings``. These need no weights."""

    model = "hashing"

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(x) for x in row] for row in HashingEmbedder().embed_passages(texts)]

    @override
    def embed_query(self, text: str) -> list[float]:
        return [float(x) for x in HashingEmbedder().embed_query(text)]


class SentencesOfOnePage:
    """The smallest retriever: compares the question with every sentence of one page."""

    def __init__(self, embedder: LangChainEmbedder) -> None:
        self.embedder = embedder
        self.vectors = embedder.embed_passages([span.of(PAGE) for span in SPANS])

    def retrieve(
        self, question: str, collection: str, *, limit: int, only: Filter | None = None
    ) -> list[Hit]:
        """Return the sentences nearest to the question."""
        del collection, only
        scores = self.vectors @ self.embedder.embed_query(question)
        hits = [
            Hit(
                chunk_id=ChunkId(Id(CollectionId(1), number)),
                document_id=DocumentId(Id(CollectionId(1), 1)),
                filename="净水器说明书.pdf",
                chunk=Chunk(1, span, span.of(PAGE)),
                source="text",
                score=float(scores[number]),
            )
            for number, span in enumerate(SPANS)
        ]
        return sorted(hits, key=lambda hit: hit.score, reverse=True)[:limit]


def main() -> None:
    """Ask one question and print the answer with the passages it was given."""
    retriever = RagqaRetriever(
        retriever=SentencesOfOnePage(LangChainEmbedder(HashedEmbeddings())),
        collection="demo",
        limit=2,
    )
    chain = build_chain(retriever, FakeListChatModel(responses=["每六个月更换一次 [1]。"]))

    result = chain.invoke("滤芯多久更换一次？")

    print(result["answer"])
    for number, document in enumerate(result["documents"], start=1):
        place = document.metadata
        print(f"[{number}] {place['filename']}, p. {place['page']}: {document.page_content}")


if __name__ == "__main__":
    main()
