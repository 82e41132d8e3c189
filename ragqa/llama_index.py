"""LlamaIndex at the seams: the passages of a collection as a LlamaIndex retriever.

    from ragqa.llama_index import RagqaRetriever

    retriever = RagqaRetriever(ragqa.Client(), "manuals")
    engine = RetrieverQueryEngine.from_args(retriever, llm=…)

Needs ``llama-index-core``, which ragqa does not install.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from typing_extensions import override

try:
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import (
        NodeRelationship,
        NodeWithScore,
        QueryBundle,
        RelatedNodeInfo,
        TextNode,
    )
except ImportError as error:
    raise ImportError("ragqa.llama_index needs LlamaIndex: pip install llama-index-core") from error

if TYPE_CHECKING:
    from ragqa.records import Filter, Hit

FOR_THE_MODEL = ("filename", "page")
"""What of a passage's metadata a prompt shows; the rest is for programs."""


class Searches(Protocol):
    """Either Python door: ``ragqa.Client`` or ``ragqa.Local``."""

    def search(
        self,
        query: str,
        collection: str,
        *,
        top_k: int = 10,
        filter: Filter | None = None,  # noqa: A002  (the API's word)
    ) -> list[Hit]:
        """Return passages, best first."""
        ...


class RagqaRetriever(BaseRetriever):  # type: ignore[misc]  # LlamaIndex is not checked
    """Passages of one collection, best first, as nodes that know their place."""

    def __init__(
        self,
        door: Searches,
        collection: str,
        *,
        limit: int = 10,
        only: Filter | None = None,
    ) -> None:
        """Search through ``door``, which stays the caller's to close.

        Args:
            door: ``ragqa.Client`` or ``ragqa.Local``.
            collection: Name of the collection.
            limit: Most passages.
            only: Which passages may be found.
        """
        super().__init__()
        self._door = door
        self._collection = collection
        self._limit = limit
        self._only = only

    @override
    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._door.search(
            query_bundle.query_str, self._collection, top_k=self._limit, filter=self._only
        )
        return [node_from_hit(hit) for hit in hits]


def node_from_hit(hit: Hit) -> NodeWithScore:
    """Return a passage as a node: its text as it stands on the page, its place beside it."""
    metadata = {
        "filename": hit["filename"],
        "page": hit["page"],
        "chunk_id": hit["chunk_id"],
        "document_id": hit["document_id"],
        "span": hit["span"],
        "boxes": hit["boxes"],
    }
    hidden = [name for name in metadata if name not in FOR_THE_MODEL]
    node = TextNode(
        id_=hit["chunk_id"],
        text=hit["text"],
        metadata=metadata,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=list(metadata),
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=hit["document_id"])},
    )
    return NodeWithScore(node=node, score=hit["score"])
