"""LangChain at the seams: our retrieval as a LangChain retriever, LangChain models as our ports.

* ``RagqaRetriever`` gives any chain our hits, with their place in the document;
  ``DoorRetriever`` gets them through ``ragqa.Client`` or ``ragqa.Local``.
* ``LangChainEmbedder`` and ``LangChainGenerator`` fill our ports with any LangChain model.
* ``build_chain`` is a whole question-answering chain in LangChain's expression language.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel, RunnablePassthrough
from pydantic import Field
from typing_extensions import override

from ragqa.errors import DimensionMismatch, GenerationFailed
from ragqa.types import Token, Usage

if TYPE_CHECKING:
    from collections.abc import Generator as Stream
    from collections.abc import Sequence

    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel
    from langchain_core.prompt_values import PromptValue
    from numpy.typing import NDArray

    from ragqa import records
    from ragqa.types import Hit, Message

MESSAGES: dict[str, type[BaseMessage]] = {
    "system": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}

PROMPT = ChatPromptTemplate.from_messages(
    [
        (
            "system",
            "Answer from the numbered passages only, in the language of the question, and put the "
            "number of the passage after each sentence, like [1]. If they do not say, answer that "
            "the documents do not say.\n"
            "只根据编号的资料回答，用提问的语言，每句后面注明资料编号，如 [1]；"
            "资料里没有，就说资料中没有。",
        ),
        ("user", "{passages}\n\n{question}"),
    ]
)


def document_from_hit(hit: Hit) -> Document:
    """Return a hit as a LangChain document: the passage's text, its place and score beside it."""
    chunk = hit.chunk
    return Document(
        id=str(hit.chunk_id),
        page_content=chunk.text,
        metadata={
            "chunk_id": str(hit.chunk_id),
            "document_id": str(hit.document_id),
            "filename": hit.filename,
            "page": chunk.page_number,
            "span": [chunk.span.start, chunk.span.end],
            "score": hit.score,
        },
    )


class RagqaRetriever(BaseRetriever):
    """Hits of one collection, best first, as LangChain documents.

    ``retriever`` is anything that fills our ``Retriever`` port.
    """

    retriever: Any
    collection: str
    limit: int = Field(default=10, ge=1)

    @override
    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        hits = self.retriever.retrieve(query, self.collection, limit=self.limit)
        return [document_from_hit(hit) for hit in hits]


class DoorRetriever(BaseRetriever):
    """Hits of one collection through a Python door: ``ragqa.Client`` or ``ragqa.Local``.

    The door stays the caller's to close. ``only`` is a filter as the API takes it.
    """

    door: Any
    collection: str
    limit: int = Field(default=10, ge=1)
    only: dict[str, Any] | None = None

    @override
    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        hits: list[records.Hit] = self.door.search(
            query, self.collection, top_k=self.limit, filter=self.only
        )
        return [
            Document(
                id=hit["chunk_id"],
                page_content=hit["text"],
                metadata={
                    name: hit[name]
                    for name in ("chunk_id", "document_id", "filename", "page", "span", "score")
                },
            )
            for hit in hits
        ]


class LangChainEmbedder:
    """Any LangChain ``Embeddings`` as our ``Embedder``; its vectors are brought to length 1."""

    def __init__(self, embeddings: Embeddings, *, name: str = "", max_tokens: int = 512) -> None:
        """Wrap ``embeddings``; they are first asked when something is embedded.

        Args:
            embeddings: LangChain's object.
            name: Name stored with a collection; the class and its model when empty.
            max_tokens: Tokens the model reads of one text, which LangChain does not tell.
        """
        self._embeddings = embeddings
        model = getattr(embeddings, "model_name", "") or getattr(embeddings, "model", "")
        self._name = name or ":".join(
            part for part in (type(embeddings).__name__, str(model)) if part
        )
        self._max_tokens = max_tokens
        self._dimension: int | None = None

    @property
    def name(self) -> str:
        """Name stored with the collection."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of every vector, learnt by embedding a word."""
        if self._dimension is None:
            self._dimension = len(self._embeddings.embed_query("dimension"))
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Tokens the model reads of one text, as configured."""
        return self._max_tokens

    def count_tokens(self, text: str) -> int:
        """Return an estimate on the high side: three bytes of UTF-8 a token."""
        return estimate_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages. Shape: ``(len(texts), dimension)``, unit rows."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return self._unit(self._embeddings.embed_documents(list(texts)))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed one query. Shape: ``(dimension,)``, L2 norm 1."""
        vector: NDArray[np.float32] = self._unit([self._embeddings.embed_query(text)])[0]
        return vector

    def _unit(self, rows: list[list[float]]) -> NDArray[np.float32]:
        vectors = np.asarray(rows, dtype=np.float32)
        if vectors.shape[1] != self.dimension:
            raise DimensionMismatch(expected=self.dimension, actual=vectors.shape[1])
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[norms[:, 0] == 0, 0] = 1  # no direction at all: any fixed one will do
        unit: NDArray[np.float32] = vectors / np.where(norms == 0, np.float32(1), norms)
        return unit


class LangChainGenerator:
    """Any LangChain chat model as our ``Generator``; it decides itself how to sample.

    ``max_tokens`` and ``stop`` are kept by closing its stream, because chat models disagree about
    the names of such options: set them on the model as well to save its work.
    """

    def __init__(self, model: BaseChatModel, *, name: str = "", context_tokens: int = 4096) -> None:
        """Wrap ``model``; it is first asked when something is generated."""
        self._model = model
        known = getattr(model, "model_name", "") or getattr(model, "model", "")
        self._name = name or str(known) or type(model).__name__
        self._context_tokens = context_tokens

    @property
    def name(self) -> str:
        """Model name, written into answers."""
        return self._name

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and completion may have together, as configured."""
        return self._context_tokens

    def count_tokens(self, text: str) -> int:
        """Return an estimate on the high side: three bytes of UTF-8 a token."""
        return estimate_tokens(text)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Stream[Token, None, Usage]:
        """Yield the completion piece by piece; the generator's return value is the usage.

        The usage is the model's own where it reports one, an estimate elsewhere.

        Raises:
            GenerationFailed: If the model breaks.
        """
        turns = [MESSAGES[message.role](content=message.content) for message in messages]
        said, reported = "", None
        with closing(self._stream(turns)) as pieces:
            for text, usage in pieces:
                reported = usage or reported
                fresh, ended = _until_stop(said, text, stop)
                said += fresh
                if fresh:
                    yield Token(fresh)
                if ended or self.count_tokens(said) >= max_tokens:
                    break
        return reported or Usage(
            prompt_tokens=sum(self.count_tokens(message.content) for message in messages),
            completion_tokens=self.count_tokens(said),
        )

    def _stream(self, turns: list[BaseMessage]) -> Stream[tuple[str, Usage | None], None, None]:
        try:
            for chunk in self._model.stream(turns):
                counted = getattr(chunk, "usage_metadata", None)
                usage = counted and Usage(counted["input_tokens"], counted["output_tokens"])
                yield str(chunk.text), usage or None
        except Exception as error:
            # Chat models raise whatever their client raises; there is no common class.
            raise GenerationFailed(f"{self._name} failed: {error}") from error


def estimate_tokens(text: str) -> int:
    """Return about how many tokens ``text`` has, rather too many: three bytes of UTF-8 each."""
    return -(-len(text.encode("utf-8", "replace")) // 3)


def _until_stop(said: str, text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """Return what of ``text`` comes before a stop string that ends in it, and whether one does."""
    whole = said + text
    places = [place for word in stop if word and (place := whole.find(word)) >= 0]
    return (whole[len(said) : min(places)], True) if places else (text, False)


def number_passages(documents: Sequence[Document]) -> str:
    """Write documents as numbered passages with their place, as the prompt shows them."""
    return "\n\n".join(
        f"[{number}] ({document.metadata.get('filename', '')}, "
        f"p. {document.metadata.get('page', '?')})\n{document.page_content}"
        for number, document in enumerate(documents, start=1)
    )


def build_chain(
    retriever: BaseRetriever,
    model: BaseChatModel,
    *,
    prompt: Runnable[dict[str, str], PromptValue] = PROMPT,
) -> Runnable[str, dict[str, Any]]:
    """Return a chain from a question to ``{"question", "documents", "answer"}``.

    ``prompt`` is given ``{"question", "passages"}``.

    ``documents`` are in the order of the numbers in the prompt, so ``[1]`` in the answer is
    ``documents[0]``. Nothing checks the answer against them: ``ragqa.answering`` does that.
    """
    find: Runnable[str, dict[str, Any]] = RunnableParallel(
        question=RunnablePassthrough(), documents=retriever
    )
    write = RunnableLambda(_fill_in)
    return find | RunnablePassthrough.assign(answer=write | prompt | model | StrOutputParser())


def _fill_in(found: dict[str, Any]) -> dict[str, str]:
    return {"question": found["question"], "passages": number_passages(found["documents"])}
