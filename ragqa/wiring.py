"""The composition root: the only module that knows which class fills which port."""

# Longer than 300 lines: what knows every class is one place, to be looked up.

from __future__ import annotations

import gc
import threading
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from typing_extensions import override

from ragqa.memory import give_back
from ragqa.shapes import filter_to_json
from ragqa.store import answers
from ragqa.store.collections import count_unread, create_collection, find_collection
from ragqa.store.db import Database
from ragqa.store.files import Files
from ragqa.store.migrations import migrate_original

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Generator as Stream

    from ragqa.answering.answerer import Answerer, Event
    from ragqa.ports import Embedder, Generator, Reranker, Retriever
    from ragqa.retrieval.closeness import CloseReader
    from ragqa.retrieval.explain import Stage
    from ragqa.retrieval.hybrid import HybridRetriever
    from ragqa.settings import Settings
    from ragqa.store.db import Reach
    from ragqa.types import Collection, Filter, Hit

HASHING = "hashing"
EXTRACTIVE = "extractive"


class Services:
    """Everything a command or a request may use; models are loaded once, when first needed."""

    def __init__(self, settings: Settings, database: Database, files: Files) -> None:
        self.settings = settings
        self.database = database
        self.files = files
        self._loading = threading.RLock()
        # Of its own, so that both models load at the same time.
        self._loading_generator = threading.Lock()
        self._embedders: dict[str, Embedder] = {}
        self._in_use: WeakValueDictionary[str, Embedder] = WeakValueDictionary()
        self._generator: Generator | None = None
        self._reranker: Reranker | None = None
        self._retrievers: dict[str, HybridRetriever] = {}
        self.note_stages: Callable[[Sequence[Stage]], None] | None = None
        """Told how long each stage of each search took."""

    def embedder(self, model: str | None = None) -> Embedder:
        """Return the embedder of a collection, or the one that the settings name.

        Raises:
            ModelMissing: If its weights are not on this machine.
        """
        name = model or self.settings.embedding_model
        with self._loading:
            if name not in self._embedders:
                # One that was forgotten while somebody used it is not loaded a second time.
                known = self._in_use.get(name)
                self._embedders[name] = known or build_embedder(name, self.settings)
                self._in_use[name] = self._embedders[name]
            return self._embedders[name]

    def forget_embedders(self) -> None:
        """Give the memory of embedding models back that nobody uses; who needs one loads it."""
        with self._loading:
            loaded = bool(self._in_use)
            self._embedders.clear()
            self._retrievers.clear()
        if loaded:
            gc.collect()
            give_back()

    def forget_models(self) -> None:
        """Give the memory of loaded models back; whoever needs one loads it again."""
        with self._loading, self._loading_generator:
            self._generator = self._reranker = None
        self.forget_embedders()

    def generator(self) -> Generator:
        """Return the generator that the settings name.

        Raises:
            ModelMissing: If its weights are not on this machine.
        """
        with self._loading_generator:
            if self._generator is None:
                self._generator = build_generator(self.settings)
            return self._generator

    def plain_generator(self) -> Generator:
        """Load the generator without what we fitted to it: this one also writes questions."""
        return build_generator(self.settings, adapted=False)

    def reranker(self) -> Reranker | None:
        """Return the reranker, or None when the settings name none."""
        with self._loading:
            if self._reranker is None and self.settings.reranker_model:
                self._reranker = build_reranker(self.settings)
            return self._reranker

    def retriever(self, model: str) -> HybridRetriever:
        """Return the retriever for collections that use this embedding model."""
        from ragqa.retrieval.hybrid import HybridRetriever
        from ragqa.store.search import StoredChunks

        with self._loading:
            if model not in self._retrievers:
                self._retrievers[model] = HybridRetriever(
                    StoredChunks(self.database),
                    self.embedder(model),
                    self.reranker(),
                    reader=build_close_reader(self.embedder(model), self.settings),
                    note=self.note_stages,
                )
            return self._retrievers[model]

    def retrieve(
        self, question: str, collection: str, *, limit: int, only: Filter | None = None
    ) -> list[Hit]:
        """Return at most ``limit`` hits of a collection, best first.

        Raises:
            NotFound: If there is no such collection.
        """
        with self.database.transaction() as conn:
            found = find_collection(conn, collection)
        return self.retriever(found.embedding_model).retrieve(
            question, found.name, limit=limit, only=only
        )

    def within(self, reach: Reach) -> Services:
        """Return the same services for somebody who may not see everything; models are shared."""
        return _Within(self, reach)

    def create_collection(self, name: str) -> Collection:
        """Make an empty collection bound to the embedding model that the settings name.

        The model is loaded only where its folder does not state how long its vectors are: what
        comes next is reading, and that needs the memory.

        Raises:
            ModelMissing: If its weights are not on this machine.
        """
        model = self.settings.embedding_model
        dimension = None if model in self._embedders else _stated_dimension(model, self.settings)
        if dimension is None:
            dimension = self.embedder().dimension
        with self.database.transaction() as conn:
            return create_collection(conn, name, embedding_model=model, dimension=dimension)

    def ask(
        self,
        question: str,
        collection: str,
        *,
        limit: int = 10,
        only: Filter | None = None,
        conversation_id: str | None = None,
        history: Sequence[tuple[str, str]] = (),
        use_llm: bool = True,
    ) -> Stream[Event, None, None]:
        """Answer a question: evidence first, then tokens, then the answer, stored and with an id.

        A replica stores none. Closing the stream stops the work. Who keeps the conversation gives
        its ``history``, questions and answers; else it is that of ``conversation_id``.

        Raises:
            NotFound: If there is no such collection.
            ModelMissing: If a model's weights are not on this machine.
        """
        from ragqa.answering.answerer import Finished
        from ragqa.answering.refusal import tell_unread

        with self.database.transaction() as conn:
            found = find_collection(conn, collection)
            if conversation_id and not history:
                history = answers.read_history(conn, found.id, conversation_id)
        answerer = self.answerer(
            found.embedding_model, use_llm=use_llm, threshold=found.answer_from
        )
        events = answerer.ask(question, found.name, limit=limit, only=only, history=history)
        asked = {"top_k": limit, "llm": use_llm, "filter": only and filter_to_json(only)}
        with closing(events):
            for event in events:
                if isinstance(event, Finished):
                    answer = replace(event.answer, conversation_id=conversation_id)
                    with self.database.transaction() as conn:
                        if answer.refusal is not None:
                            answer = tell_unread(answer, count_unread(conn, found.id))
                        if not self.database.read_only:
                            answer = answers.insert_answer(conn, found.id, answer, asked)
                    yield Finished(answer)
                else:
                    yield event

    def answerer(
        self,
        model: str,
        *,
        use_llm: bool = True,
        threshold: float | None = None,
        retriever: Retriever | None = None,
    ) -> Answerer:
        """Return what answers questions over collections that use this embedding model.

        Args:
            model: The embedding model.
            use_llm: False: nothing is generated.
            threshold: How sure the evidence must be; None: the default.
            retriever: What finds passages instead of ours.
        """
        from ragqa.answering.answerer import Answerer
        from ragqa.answering.calibration import CALIBRATION
        from ragqa.models.extractive import ExtractiveGenerator
        from ragqa.store.quotes import StoredQuotes

        fitted = CALIBRATION if threshold is None else replace(CALIBRATION, threshold=threshold)
        return Answerer(
            generator=self.generator() if use_llm else ExtractiveGenerator(),
            embedder=self.embedder(model),
            retriever=retriever or self.retriever(model),
            quotes=StoredQuotes(self.database),
            calibration=fitted,
        )


class _Within(Services):
    """Services over a restricted database."""

    def __init__(self, whole: Services, reach: Reach) -> None:
        super().__init__(whole.settings, whole.database.within(reach), whole.files)
        self._whole = whole
        self.note_stages = whole.note_stages

    @override
    def embedder(self, model: str | None = None) -> Embedder:
        return self._whole.embedder(model)

    @override
    def generator(self) -> Generator:
        return self._whole.generator()

    @override
    def reranker(self) -> Reranker | None:
        return self._whole.reranker()


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Reach (or start) the database, migrate it, and give the services; close them at the end.

    Raises:
        StoreError: If the database cannot be reached, started or migrated.
        WrongSettings: If the data folder cannot be used.
    """
    with ExitStack() as stack:
        conninfo = settings.database_url
        if not conninfo:
            from ragqa.store.embedded import start_or_attach

            server = stack.enter_context(start_or_attach(settings.home))
            stack.enter_context(server.guarded())
            conninfo = server.conninfo
        database = Database(conninfo, read_only=not migrate_original(conninfo))
        stack.callback(database.close)
        yield Services(settings, database, Files(settings.files or str(settings.files_folder)))


def build_embedder(model: str, settings: Settings) -> Embedder:
    """Return the embedder of that preset, hub id or folder.

    Raises:
        ModelMissing: If its weights are not on this machine.
    """
    if model == HASHING:
        from ragqa.models.hashing import HashingEmbedder

        return HashingEmbedder()
    from ragqa.models.resolve import resolve_embedding_model
    from ragqa.models.sentence_transformer import SentenceTransformerEmbedder

    located = resolve_embedding_model(model, settings.models_folder)
    return SentenceTransformerEmbedder(located, offline=settings.offline)


def import_embedder(settings: Settings) -> None:
    """Import what the embedder is loaded by, which takes most of a start, and load nothing yet.

    Raises:
        ImportError: If it is not installed.
        ModelMissing: If the weights are not on this machine.
    """
    if settings.embedding_model == HASHING:
        return
    from ragqa.models.resolve import resolve_embedding_model
    from ragqa.models.weights import import_loader

    import_loader(resolve_embedding_model(settings.embedding_model, settings.models_folder))


def _stated_dimension(model: str, settings: Settings) -> int | None:
    if model == HASHING:
        return None
    from ragqa.models.dimension import stated_dimension
    from ragqa.models.resolve import resolve_embedding_model

    return stated_dimension(resolve_embedding_model(model, settings.models_folder))


def build_close_reader(embedder: Embedder, settings: Settings) -> CloseReader | None:
    """Return what reads passages that come out nearly alike; None when the settings forbid it."""
    if not settings.close_reading_chunks:
        return None
    from ragqa.answering.reading import find_answers
    from ragqa.retrieval.closeness import CloseReader

    return CloseReader(
        lambda question, texts: find_answers(question, texts, embedder),
        settings.close_reading_chunks,
    )


def build_reranker(settings: Settings) -> Reranker:
    """Return the cross-encoder that the settings name."""
    from ragqa.models.cross_encoder import CrossEncoderReranker
    from ragqa.models.resolve import resolve_reranker_model

    located = resolve_reranker_model(settings.reranker_model, settings.models_folder)
    return CrossEncoderReranker(located, offline=settings.offline)


def build_generator(settings: Settings, *, adapted: bool = True) -> Generator:
    """Return the generator that the settings name: a server, a GGUF file, or none at all.

    Args:
        settings: Which one.
        adapted: With what we fitted to it, if anything: it answers questions and does nothing else.
    """
    if settings.llm_base_url:
        from ragqa.models.openai_server import OpenAiServerGenerator

        return OpenAiServerGenerator(settings.llm_base_url, api_key=settings.llm_api_key)
    if settings.llm_model == EXTRACTIVE:
        from ragqa.models.extractive import ExtractiveGenerator

        return ExtractiveGenerator()
    from ragqa.answering.prompt import NOT_FOUND
    from ragqa.models.adapters import adapter_of
    from ragqa.models.llama_cpp import LlamaCppGenerator
    from ragqa.models.merging import find_fitted
    from ragqa.models.resolve import resolve_llm_model

    located = resolve_llm_model(settings.llm_model, settings.models_folder)
    fitted = adapter_of(located.name) if adapted else None
    path, adapter = find_fitted(Path(located.source), fitted)
    return LlamaCppGenerator(
        path,
        context_tokens=settings.llm_context_tokens,
        gpu_layers=settings.llm_gpu_layers,
        threads=settings.llm_threads,
        chat_template=settings.llm_chat_template,
        adapter=adapter,
        refusals=tuple(NOT_FOUND.values()) if fitted else (),
    )
