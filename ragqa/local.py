"""The Python door without a service: the calls of ``ragqa.Client``, in this process.

    import ragqa

    with ragqa.Local(home="~/manuals") as local:
        local.create_collection("manuals")
        local.upload("manuals", "washing-machine.pdf")
        print(local.ask("保修期多久？", "manuals")["text"])

What comes back is what the API would send. The settings are those of every command, changed by
what is given here; the home may be that of a running service.
"""

# Longer than 300 lines: every call of the client once more, to be read beside it.

from __future__ import annotations

import uuid
from contextlib import ExitStack, closing
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from pydantic import ValidationError

from ragqa.answering.answerer import Evidence, Finished
from ragqa.api.schemas import Feedback, NewDetails, Question, Request, SearchQuery
from ragqa.errors import InvalidInput
from ragqa.keeper import Keeper
from ragqa.settings import load_settings
from ragqa.shapes import (
    answer_to_json,
    collection_to_json,
    document_to_json,
    hits_to_json,
    page_to_json,
)
from ragqa.store import answers, collections, documents, highlights, intake
from ragqa.store.metadata import set_metadata
from ragqa.store.pages import read_page
from ragqa.store.rendering import render_png
from ragqa.types import AnswerId, ChunkId, DocumentId, Id, Token
from ragqa.waiting import wait_for_all, wait_until_read
from ragqa.wiring import open_services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ragqa.records import Answer, Collection, Document, Filter, Hit, Page
    from ragqa.types import Status

Given = TypeVar("Given", bound=Request)


class Local:
    """Holds the database and the models; one may be used from several threads."""

    def __init__(self, *, worker: bool = True, **settings: Any) -> None:
        """Open the home; models are loaded when they are first needed.

        Args:
            worker: Start a process that reads what is uploaded, at the first upload. False: a
                service or ``ragqa worker`` does.
            settings: In lower case, without the prefix: ``home``, ``embedding_model`` …

        Raises:
            WrongSettings: If one cannot be used.
            StoreError: If the database cannot be reached or started.
        """
        self._settings = load_settings(**settings)
        self._stack = ExitStack()
        self._services = self._stack.enter_context(open_services(self._settings))
        self._database = self._services.database
        self._worker: Keeper | None = None
        self._wants_worker = worker

    def close(self) -> None:
        """Stop the worker, give the memory of the models back, let go of the database."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
        self._services.forget_models()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def collections(self) -> list[Collection]:
        """Return all collections by name."""
        with self._database.transaction() as conn:
            found = collections.list_collections(conn)
        return [cast("Collection", collection_to_json(one)) for one in found]

    def create_collection(self, name: str) -> Collection:
        """Make an empty collection.

        Raises:
            Conflict: If there is one of that name.
        """
        return cast("Collection", collection_to_json(self._services.create_collection(name)))

    def delete_collection(self, name: str) -> None:
        """Delete a collection with everything in it."""
        intake.delete_collection(self._database, self._services.files, name)

    def upload(
        self,
        collection: str,
        *paths: str | Path,
        password: str | None = None,
        metadata: Mapping[str, str | float] | None = None,
        wait: float | None = 3600.0,
        progress: Callable[[Document], None] | None = None,
    ) -> list[Document]:
        """Take files in; the same bytes again change nothing but the metadata.

        Args:
            collection: Name of the collection.
            paths: Files.
            password: For encrypted files.
            metadata: What filters may ask for, of each of the files; None leaves what they have.
            wait: Seconds to wait until they are read; None: return at once.
            progress: Called with each document as it goes on.

        Raises:
            InvalidInput: If a file is refused; the files before it are in.
            TimeoutError: If they are not read in time.
        """
        given = None if metadata is None else _checked(NewDetails, {"metadata": metadata}).metadata
        with self._database.transaction() as conn:
            found = collections.find_collection(conn, collection)
        taken: list[Document] = []
        for path in map(Path, paths):
            with path.open("rb") as file:
                added = intake.take_in(
                    self._database,
                    self._services.files,
                    found,
                    path.name,
                    file,
                    limit=self._settings.max_upload_bytes,
                    password=password,
                    metadata=given,
                )
            taken.append(cast("Document", document_to_json(added.document)))
        if self._wants_worker and self._worker is None:
            self._worker = Keeper(self._settings)
        return wait_for_all(self, taken, wait, progress)

    def wait(
        self,
        document_id: str,
        *,
        timeout: float = 3600.0,
        progress: Callable[[Document], None] | None = None,
    ) -> Document:
        """Return a document once it is ready or failed.

        Raises:
            TimeoutError: If it is neither after ``timeout`` seconds.
            NotFound: If it is deleted meanwhile.
        """
        return wait_until_read(
            lambda: self.document(document_id), timeout=timeout, progress=progress
        )

    def documents(self, collection: str, *, status: Status | None = None) -> Iterator[Document]:
        """Yield the documents of a collection in the order they came."""
        cursor: str | None = None
        while True:
            with self._database.transaction() as conn:
                found = collections.find_collection(conn, collection)
                listed, cursor = documents.list_documents(
                    conn, found.id, status=status, cursor=cursor
                )
            for one in listed:
                yield cast("Document", document_to_json(one))
            if cursor is None:
                return

    def document(self, document_id: str) -> Document:
        """Return a document."""
        with self._database.transaction() as conn:
            found = documents.find_document(conn, _document(document_id))
        return cast("Document", document_to_json(found))

    def set_metadata(self, document_id: str, metadata: Mapping[str, str | float]) -> Document:
        """Replace the metadata of a document; searches that filter see it at once."""
        given = _checked(NewDetails, {"metadata": metadata}).metadata
        with self._database.transaction() as conn:
            changed = document_to_json(set_metadata(conn, _document(document_id), given))
        return cast("Document", changed)

    def delete_document(self, document_id: str) -> None:
        """Delete a document; when this returns, nothing of it is left."""
        intake.delete_document(self._database, self._services.files, _document(document_id))

    def page(self, document_id: str, number: int) -> Page:
        """Return what was read on a page; ``number`` counts from 1."""
        with self._database.transaction() as conn:
            return cast("Page", page_to_json(read_page(conn, _document(document_id), number)))

    def page_image(
        self, document_id: str, number: int, *, dpi: int = 110, chunk: str | None = None
    ) -> bytes:
        """Return a page as PNG, the boxes of a chunk highlighted."""
        key = _document(document_id)
        with self._database.transaction() as conn:
            named = ChunkId(Id.parse(chunk, "chunk")) if chunk else None
            boxes = highlights.chunk_boxes(conn, key, named) if named else []
            name, sha256 = documents.served_file(conn, key)
        shown = [box.bbox for box in boxes if box.page == number]
        with self._services.files.local(key.collection_id, sha256) as path:
            return render_png(path, number, dpi, boxes=shown, suffix=PurePath(name).suffix)

    def search(
        self,
        query: str,
        collection: str,
        *,
        top_k: int = 10,
        filter: Filter | None = None,  # noqa: A002  (the API's word)
    ) -> list[Hit]:
        """Return the passages that may answer a query, best first."""
        asked = _checked(
            SearchQuery,
            {"query": query, "collection": collection, "top_k": top_k, "filter": filter},
        )
        only = asked.filter.to_filter() if asked.filter else None
        hits = self._services.retrieve(asked.query, collection, limit=asked.top_k, only=only)
        return cast("list[Hit]", hits_to_json(hits))

    def ask(
        self,
        question: str,
        collection: str,
        *,
        top_k: int = 10,
        conversation_id: str | None = None,
        filter: Filter | None = None,  # noqa: A002  (the API's word)
        evidence: Callable[[Answer], None] | None = None,
        token: Callable[[str], None] | None = None,
    ) -> Answer:
        """Answer a question.

        Args:
            question: In Chinese or English.
            collection: Name of the collection to ask.
            top_k: Most passages to look at.
            conversation_id: The same for the questions of one conversation.
            filter: Which passages to look at.
            evidence: Called with the extractive answer, about a second after the question.
            token: Called with each piece of text as it is generated, before it is verified.
        """
        asked = _checked(
            Question,
            {
                "question": question,
                "collection": collection,
                "top_k": top_k,
                "conversation_id": conversation_id or uuid.uuid4().hex,
                "filter": filter,
            },
        )
        events = self._services.ask(
            asked.question,
            asked.collection,
            limit=asked.top_k,
            only=asked.filter.to_filter() if asked.filter else None,
            conversation_id=asked.conversation_id,
        )
        with closing(events):
            for event in events:
                if isinstance(event, Finished):
                    return cast("Answer", answer_to_json(event.answer))
                if isinstance(event, Evidence) and evidence is not None:
                    evidence(cast("Answer", answer_to_json(event.answer)))
                if isinstance(event, Token) and token is not None and event.text:
                    token(event.text)
        raise AssertionError("the last event is the answer")

    def rate(self, answer_id: str, rating: Literal[1, -1], comment: str | None = None) -> None:
        """Say whether an answer was good."""
        given = _checked(Feedback, {"rating": rating, "comment": comment})
        with self._database.transaction() as conn:
            key = AnswerId(Id.parse(answer_id, "answer"))
            answers.insert_feedback(conn, key, given.rating, given.comment)


def _document(document_id: str) -> DocumentId:
    return DocumentId(Id.parse(document_id, "document"))


def _checked(shape: type[Given], fields: dict[str, Any]) -> Given:
    """Hold what was given to the limits of the API.

    Raises:
        InvalidInput: If it exceeds one.
    """
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        told = [f"`{'.'.join(map(str, one['loc']))}`: {one['msg']}" for one in error.errors()]
        raise InvalidInput("; ".join(told)) from error
