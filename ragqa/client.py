"""The Python door: a small typed client of the HTTP API.

    import ragqa

    with ragqa.Client("http://127.0.0.1:8000", "KEY") as client:
        client.upload("manuals", "washing-machine.pdf")
        print(client.ask("保修期多久？", "manuals")["text"])

What comes back is the JSON of the API as it is, typed. Errors are those of ``ragqa.errors``, with
the ``code`` that the service gave. One client may be used from several threads.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

import httpx

from ragqa.errors import (
    Busy,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RagqaError,
    StoreError,
    TooLarge,
    Unauthorized,
)
from ragqa.waiting import wait_for_all, wait_until_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ragqa.records import Answer, Collection, Document, Filter, Hit, Page

BY_STATUS: dict[int, type[RagqaError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: InvalidInput,
    503: Busy,
}


class Client:
    """Talks to one service."""

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        api_key: str | None = None,
        *,
        timeout: float = 120.0,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            base_url: Address of the service, without ``/v1``.
            api_key: Needed where the service has one.
            timeout: Seconds to wait for the next byte of an answer.
        """
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(
            base_url=base_url, headers=headers, timeout=httpx.Timeout(timeout, connect=10)
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def collections(self) -> list[Collection]:
        """Return all collections by name."""
        found: list[Collection] = self._send("GET", "/v1/collections")["collections"]
        return found

    def create_collection(self, name: str) -> Collection:
        """Make an empty collection.

        Raises:
            Conflict: If there is one of that name.
        """
        made: Collection = self._send("POST", "/v1/collections", json={"name": name})
        return made

    def delete_collection(self, name: str) -> None:
        """Delete a collection with everything in it."""
        self._send("DELETE", f"/v1/collections/{_part(name)}")

    def upload(
        self,
        collection: str,
        *paths: str | Path,
        password: str | None = None,
        metadata: Mapping[str, str | float] | None = None,
        wait: float | None = 3600.0,
        progress: Callable[[Document], None] | None = None,
    ) -> list[Document]:
        """Upload files; the same bytes again change nothing but the metadata.

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
        fields = {"password": password} if password else {}
        if metadata is not None:
            fields["metadata"] = json.dumps(dict(metadata))
        taken: list[Document] = []
        for path in map(Path, paths):
            with path.open("rb") as file:
                sent = self._send(
                    "POST",
                    f"/v1/collections/{_part(collection)}/documents",
                    files={"files": (path.name, file, "application/octet-stream")},
                    data=fields,
                )
            taken += sent["documents"]
        return wait_for_all(self, taken, wait, progress)

    def wait(
        self,
        document_id: str,
        *,
        timeout: float = 3600.0,
        progress: Callable[[Document], None] | None = None,
    ) -> Document:
        """Return a document once it is ready or failed; a service that restarts is waited for.

        Raises:
            TimeoutError: If it is neither after ``timeout`` seconds.
            NotFound: If it is deleted meanwhile.
        """
        return wait_until_read(
            lambda: self.document(document_id),
            timeout=timeout,
            progress=progress,
            passing=(httpx.TransportError,),
        )

    def documents(self, collection: str, *, status: str | None = None) -> Iterator[Document]:
        """Yield the documents of a collection in the order they came."""
        query: dict[str, Any] = {"status": status} if status else {}
        while True:
            route = f"/v1/collections/{_part(collection)}/documents"
            listed = self._send("GET", route, params=query)
            yield from listed["documents"]
            if listed["next"] is None:
                return
            query["cursor"] = listed["next"]

    def document(self, document_id: str) -> Document:
        """Return a document."""
        found: Document = self._send("GET", f"/v1/documents/{_part(document_id)}")
        return found

    def set_metadata(self, document_id: str, metadata: Mapping[str, str | float]) -> Document:
        """Replace the metadata of a document; searches that filter see it at once."""
        route = f"/v1/documents/{_part(document_id)}"
        changed: Document = self._send("PATCH", route, json={"metadata": dict(metadata)})
        return changed

    def delete_document(self, document_id: str) -> None:
        """Delete a document; when this returns, nothing of it is left."""
        self._send("DELETE", f"/v1/documents/{_part(document_id)}")

    def page(self, document_id: str, number: int) -> Page:
        """Return what was read on a page; ``number`` counts from 1."""
        shown: Page = self._send("GET", f"/v1/documents/{_part(document_id)}/pages/{number}")
        return shown

    def page_image(
        self, document_id: str, number: int, *, dpi: int = 110, chunk: str | None = None
    ) -> bytes:
        """Return a page as PNG, the boxes of a chunk highlighted."""
        query = {"dpi": dpi} | ({"chunk": chunk} if chunk else {})
        route = f"/v1/documents/{_part(document_id)}/pages/{number}/image"
        return _checked(self._http.get(route, params=query)).content

    def search(
        self,
        query: str,
        collection: str,
        *,
        top_k: int = 10,
        filter: Filter | None = None,  # noqa: A002  (the API's word)
    ) -> list[Hit]:
        """Return the passages that may answer a query, best first."""
        body = {"query": query, "collection": collection, "top_k": top_k, "filter": filter}
        hits: list[Hit] = self._send("POST", "/v1/search", json=body)["hits"]
        return hits

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
        body = {
            "question": question,
            "collection": collection,
            "top_k": top_k,
            "conversation_id": conversation_id,
            "filter": filter,
        }
        if evidence is None and token is None:
            whole: Answer = self._send("POST", "/v1/ask", json=body)
            return whole
        for name, data in self._events(body):
            if name == "evidence" and evidence is not None:
                evidence(data["answer"])
            elif name == "token" and token is not None:
                token(data["text"])
            elif name == "answer":
                answer: Answer = data
                return answer
            elif name == "error":
                raise _error(data)
        raise RagqaError("the stream ended before the answer came: ask again")

    def rate(self, answer_id: str, rating: Literal[1, -1], comment: str | None = None) -> None:
        """Say whether an answer was good."""
        body = {"rating": rating, "comment": comment}
        self._send("POST", f"/v1/answers/{_part(answer_id)}/feedback", json=body)

    def _events(self, body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        headers = {"Accept": "text/event-stream"}
        with self._http.stream("POST", "/v1/ask", json=body, headers=headers) as response:
            if response.is_error:
                response.read()
            name = ""
            for line in _checked(response).iter_lines():
                if line.startswith("event: "):
                    name = line[len("event: ") :]
                elif line.startswith("data: "):
                    yield name, json.loads(line[len("data: ") :])

    def _send(self, method: str, route: str, **sent: Any) -> Any:
        response = _checked(self._http.request(method, route, **sent))
        return response.json() if response.content else None


def _part(text: str) -> str:
    return quote(text, safe="")


def _checked(response: httpx.Response) -> httpx.Response:
    if not response.is_error:
        return response
    try:
        document = response.json()
    except ValueError:
        document = {}
    if not isinstance(document, dict) or "code" not in document:
        # A proxy answered, not the service.
        document = {"status": response.status_code, "code": "http", "detail": response.text[:200]}
    raise _error(document)


def _error(document: dict[str, Any]) -> RagqaError:
    status, code = int(document.get("status", 500)), str(document.get("code", "internal"))
    kind = StoreError if code == StoreError.code else BY_STATUS.get(status, RagqaError)
    return kind(f"{document.get('detail', 'no detail')} ({status} {code})", code=code)
