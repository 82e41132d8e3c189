"""Routes of documents: taken in, watched, cancelled, deleted."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import anyio
from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from ragqa.api.access import Given, Guard, Visitor, only
from ragqa.api.caching import ASK_AGAIN, NOT_MODIFIED, has_already, not_modified
from ragqa.api.once import IdempotencyKey, digest_of, do_once
from ragqa.api.schemas import NewDetails, read_metadata
from ragqa.api.streams import EVENT_STREAM, attachment, event
from ragqa.errors import InvalidInput, RagqaError
from ragqa.shapes import document_to_json
from ragqa.store import collections, documents, intake, versions
from ragqa.store.idempotency import Claim
from ragqa.store.metadata import set_metadata
from ragqa.types import DocumentId, Id, Status

if TYPE_CHECKING:
    from ragqa.types import Collection, Document
    from ragqa.wiring import Services

router = APIRouter(tags=["documents"])

Password = Annotated[
    # No NUL: no reader of PDFs takes it, and the database does not hold it.
    str | None, Form(description="For encrypted files.", max_length=1000, pattern=r"^[^\x00]*$")
]

Metadata = Annotated[
    str | None,
    Form(
        description="JSON object that searches may filter by; it is each of the files'.",
        examples=['{"year": "2024", "department": "法务"}'],
        max_length=20_000,
    ),
]

POLL_SECONDS = 0.3
KEEPALIVE_SECONDS = 10.0
PIECE = 1 << 18


def parse_id(text: str) -> DocumentId:
    """Read a document id.

    Raises:
        NotFound: If it cannot be one.
    """
    return DocumentId(Id.parse(text, "document"))


@router.post(
    "/collections/{collection}/documents", status_code=HTTPStatus.ACCEPTED, **only("writer")
)
def upload(
    collection: str,
    services: Given,
    files: Annotated[list[UploadFile], File(description="One file or more.")],
    warden: Guard,
    caller: Visitor,
    response: Response,
    password: Password = None,
    metadata: Metadata = None,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Take files in; their reading is queued. A file that is refused stops no other."""
    given = read_metadata(metadata)
    with services.database.transaction() as conn:
        found = collections.find_collection(conn, collection)

    def take() -> dict[str, Any]:
        warden.spend(caller, upload_bytes=sum(file.size or 0 for file in files))
        return _take_in(services, found, files, password, given)

    if idempotency_key is None:
        return take()
    digest = digest_of(files, password, given)
    claimed = Claim(found.id, caller.key_id or "", idempotency_key, digest)
    return do_once(services, claimed, response, take)


def _take_in(
    services: Services,
    found: Collection,
    files: list[UploadFile],
    password: str | None,
    metadata: dict[str, str] | None,
) -> dict[str, Any]:
    taken: list[Document] = []
    rejected: list[tuple[str, RagqaError]] = []
    for file in files:
        try:
            added = intake.take_in(
                services.database,
                services.files,
                found,
                file.filename or "",
                file.file,
                limit=services.settings.max_upload_bytes,
                password=password,
                metadata=metadata,
            )
            taken.append(added.document)
        except InvalidInput as error:
            rejected.append((file.filename or "", error))
    if rejected and not taken:
        raise rejected[0][1]
    return {
        "documents": [document_to_json(document) for document in taken],
        "rejected": [
            {"filename": name, "code": error.code, "message": str(error)}
            for name, error in rejected
        ],
    }


@router.get("/collections/{collection}/documents")
def list_some(
    collection: str,
    services: Given,
    status: Annotated[Status | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> dict[str, Any]:
    """List documents in the order they came, a page at a time."""
    with services.database.transaction() as conn:
        found = collections.find_collection(conn, collection)
        listed, following = documents.list_documents(
            conn, found.id, status=status, limit=limit, cursor=cursor
        )
    return {"documents": [document_to_json(one) for one in listed], "next": following}


@router.get("/documents/{document_id}")
def show(document_id: str, services: Given) -> dict[str, Any]:
    """Show one document."""
    return document_to_json(_find(services, parse_id(document_id)))


@router.patch("/documents/{document_id}", **only("writer"))
def describe(document_id: str, body: NewDetails, services: Given) -> dict[str, Any]:
    """Replace the metadata of a document; searches that filter see it at once."""
    key = parse_id(document_id)
    with services.database.transaction() as conn:
        return document_to_json(set_metadata(conn, key, body.metadata))


@router.delete("/documents/{document_id}", status_code=HTTPStatus.NO_CONTENT, **only("writer"))
def delete(document_id: str, services: Given) -> Response:
    """Delete a document; when this returns, nothing of it is left."""
    intake.delete_document(services.database, services.files, parse_id(document_id))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/documents/{document_id}/events", response_class=StreamingResponse)
async def watch(document_id: str, services: Given) -> StreamingResponse:
    """Stream the document's progress until it is ready or failed."""
    key = parse_id(document_id)
    first = await run_in_threadpool(_find, services, key)
    return StreamingResponse(_events(services, key, first), media_type=EVENT_STREAM)


async def _events(
    services: Services, document_id: DocumentId, first: Document
) -> AsyncIterator[str]:
    # Asynchronous, as a watcher mostly sleeps: a hundred of them must not hold a hundred threads.
    document, sent, sent_at = first, "", time.monotonic()
    while True:
        record = document_to_json(document)
        body = json.dumps(record, ensure_ascii=False)
        if body != sent:
            yield event("progress", record)
            sent, sent_at = body, time.monotonic()
        elif time.monotonic() - sent_at > KEEPALIVE_SECONDS:
            yield ": still here\n\n"
            sent_at = time.monotonic()
        if document.status in {"ready", "failed"}:
            return
        await anyio.sleep(POLL_SECONDS)
        try:
            document = await run_in_threadpool(_find, services, document_id)
        except RagqaError as error:
            yield event("error", {"code": error.code, "detail": str(error)})
            return


@router.post("/documents/{document_id}/cancel", status_code=HTTPStatus.ACCEPTED, **only("writer"))
def cancel(document_id: str, services: Given) -> dict[str, Any]:
    """Stop reading the newest version; what is served stays served."""
    key = parse_id(document_id)
    with services.database.transaction() as conn:
        documents.find_document(conn, key)
        versions.request_cancel(conn, key)
        return document_to_json(documents.find_document(conn, key))


@router.post("/documents/{document_id}/retry", status_code=HTTPStatus.ACCEPTED, **only("writer"))
def retry(
    document_id: str,
    services: Given,
    password: Password = None,
) -> dict[str, Any]:
    """Read a failed document again."""
    return document_to_json(
        intake.retry(services.database, parse_id(document_id), password=password)
    )


@router.get(
    "/documents/{document_id}/file", response_class=StreamingResponse, responses=NOT_MODIFIED
)
def download(request: Request, document_id: str, services: Given) -> Response:
    """Give the original bytes."""
    key = parse_id(document_id)
    with services.database.transaction() as conn:
        name, sha256 = documents.served_file(conn, key)
    headers = attachment(name, sha256)
    if has_already(request, headers["ETag"]):
        return not_modified(headers["ETag"], ASK_AGAIN)
    source = services.files.open(key.collection_id, sha256)

    def pieces() -> Iterator[bytes]:
        with source:
            while piece := source.read(PIECE):
                yield piece

    # Never shown inline: a document is not a page of this site.
    return StreamingResponse(
        pieces(),
        media_type="application/octet-stream",
        headers={**headers, "Cache-Control": ASK_AGAIN},
    )


def _find(services: Services, document_id: DocumentId) -> Document:
    with services.database.transaction() as conn:
        return documents.find_document(conn, document_id)
