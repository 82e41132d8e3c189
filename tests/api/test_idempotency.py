"""An upload that is sent again under its key is done once, and answered the same."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from ragqa.errors import Conflict
from ragqa.store import idempotency
from ragqa.store.idempotency import KEPT, LEASE, Claim
from ragqa.types import CollectionId

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient
    from httpx2 import Response

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]

KEY = "5f1d7a1e-8b1c"


@pytest.fixture
def pdf(client: TestClient, make_pdf: MakePdf) -> bytes:
    """A file to send to the collection ``papers``."""
    client.post("/v1/collections", json={"name": "papers"}).raise_for_status()
    return make_pdf("The warranty lasts 36 months.")


def send(client: TestClient, body: bytes, *, key: str = KEY, **more: Any) -> Response:
    name = more.pop("name", "a.pdf")
    headers = {"Idempotency-Key": key, **more.pop("headers", {})}
    return client.post(
        "/v1/collections/papers/documents", files=[("files", (name, body))], headers=headers, **more
    )


def age(services: Services, how_long: dt.timedelta) -> None:
    with services.database.transaction() as conn:
        conn.execute("UPDATE idempotency_keys SET claimed_at = now() - %s", [how_long])


def count(services: Services) -> int:
    with services.database.transaction() as conn:
        row = conn.execute("SELECT count(*) AS n FROM idempotency_keys").fetchone()
    assert row is not None
    return int(row["n"])


def test_the_same_upload_under_the_same_key_gets_the_same_answer(
    client: TestClient, services: Services, pdf: bytes
) -> None:
    first = send(client, pdf)
    assert first.status_code == 202
    assert "idempotency-replayed" not in first.headers
    client.post(f"/v1/documents/{first.json()['documents'][0]['id']}/cancel").raise_for_status()
    again = send(client, pdf)
    assert again.status_code == 202
    assert again.headers["idempotency-replayed"] == "true"
    # What was answered then, not what has become of the document since.
    assert again.json() == first.json()
    now = client.get(f"/v1/documents/{first.json()['documents'][0]['id']}").json()
    assert now["status"] != again.json()["documents"][0]["status"]


@pytest.mark.parametrize(
    "other",
    [
        {"name": "b.pdf"},
        {"data": {"password": "x"}},
        {"data": {"metadata": '{"year": "2024"}'}},
        {"body": b"%PDF-1.4 another"},
    ],
)
def test_another_upload_under_the_same_key_is_refused_and_changes_nothing(
    client: TestClient, pdf: bytes, other: dict[str, Any]
) -> None:
    first = send(client, pdf, data={"metadata": '{"year": "2023"}'})
    body = other.pop("body", pdf)
    refused = send(client, body, **({"data": {"metadata": '{"year": "2023"}'}} | other))
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency_key_reused"
    assert "choose a new key" in refused.json()["detail"]
    listed = client.get("/v1/collections/papers/documents").json()["documents"]
    assert [one["version"] for one in listed] == [1]
    assert listed[0]["id"] == first.json()["documents"][0]["id"]


def test_a_key_is_free_again_after_a_day(
    client: TestClient, services: Services, pdf: bytes
) -> None:
    send(client, pdf).raise_for_status()
    age(services, KEPT - dt.timedelta(minutes=1))
    assert send(client, pdf, name="b.pdf").status_code == 422
    age(services, KEPT + dt.timedelta(minutes=1))
    fresh = send(client, pdf, name="b.pdf")
    assert fresh.status_code == 202
    assert "idempotency-replayed" not in fresh.headers
    assert count(services) == 1


def test_an_upload_that_was_refused_may_be_sent_again_mended(
    client: TestClient, services: Services, pdf: bytes
) -> None:
    assert send(client, b"").json()["code"] == "empty_file"
    assert count(services) == 0
    assert send(client, pdf).status_code == 202


def test_two_at_once_are_done_once(client: TestClient, services: Services, pdf: bytes) -> None:
    start = threading.Barrier(6)

    def one(_: int) -> Response:
        start.wait()
        return send(client, pdf)

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(one, range(6)))
    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {202, 409}
    fresh = [a for a in answers if a.status_code == 202 and "idempotency-replayed" not in a.headers]
    assert len(fresh) == 1
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"idempotency_key_in_use"}
    assert send(client, pdf).json() == fresh[0].json()


def test_what_a_killed_process_claimed_is_taken_over_after_a_while(
    client: TestClient, services: Services, pdf: bytes
) -> None:
    send(client, pdf).raise_for_status()
    with services.database.transaction() as conn:
        conn.execute("UPDATE idempotency_keys SET answer = NULL")
    waiting = send(client, pdf)
    assert (waiting.status_code, waiting.json()["code"]) == (409, "idempotency_key_in_use")
    age(services, LEASE + dt.timedelta(seconds=1))
    assert send(client, pdf).status_code == 202
    assert send(client, pdf).headers["idempotency-replayed"] == "true"


def test_an_answer_goes_with_the_document_it_tells(
    client: TestClient, services: Services, pdf: bytes
) -> None:
    first = send(client, pdf).json()["documents"][0]["id"]
    client.delete(f"/v1/documents/{first}").raise_for_status()
    assert count(services) == 0
    assert send(client, pdf).json()["documents"][0]["id"] != first


def test_an_answer_is_not_kept_when_its_document_went_meanwhile(
    client: TestClient, services: Services, pdf: bytes
) -> None:
    document = send(client, pdf, key="other").json()["documents"][0]["id"]
    number = CollectionId(int(document.split("-")[0]))
    claimed = Claim(number, "", KEY, b"x" * 32)
    with services.database.transaction() as conn:
        assert idempotency.claim(conn, claimed) is None
        with pytest.raises(Conflict, match="being worked on"):
            idempotency.claim(conn, claimed)
    shown = [_id(document)]
    client.delete(f"/v1/documents/{document}").raise_for_status()
    with services.database.transaction() as conn:
        idempotency.settle(conn, claimed, {"documents": []}, shown)
    assert count(services) == 0


def _id(text: str) -> Any:
    from ragqa.api.documents import parse_id

    return parse_id(text)


def test_keys_of_two_callers_and_two_collections_are_apart(
    client: TestClient, services: Services, pdf: bytes
) -> None:
    send(client, pdf).raise_for_status()
    client.post("/v1/collections", json={"name": "others"}).raise_for_status()
    other = client.post(
        "/v1/collections/others/documents",
        files=[("files", ("b.pdf", pdf))],
        headers={"Idempotency-Key": KEY},
    )
    assert other.status_code == 202
    made = client.post(
        "/v1/keys", json={"name": "w", "role": "writer", "collections": ["papers"]}
    ).json()
    bearer = {"Authorization": f"Bearer {made['key']}"}
    mine = send(client, pdf, name="mine.pdf", headers=bearer)
    assert mine.status_code == 202, mine.text
    assert "idempotency-replayed" not in mine.headers
    assert send(client, pdf, name="mine.pdf", headers=bearer).json() == mine.json()


def test_what_is_answered_again_is_not_counted_again(client: TestClient, pdf: bytes) -> None:
    made = client.post(
        "/v1/keys",
        json={
            "name": "w",
            "role": "writer",
            "collections": ["papers"],
            "upload_bytes_a_day": len(pdf),
        },
    ).json()
    bearer = {"Authorization": f"Bearer {made['key']}"}
    assert send(client, pdf, headers=bearer).status_code == 202
    assert send(client, pdf, headers=bearer).status_code == 202
    assert send(client, pdf, key="new", headers=bearer).json()["code"] == "quota_exceeded"


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
def test_a_key_that_can_be_none_is_refused(client: TestClient, pdf: bytes, key: str) -> None:
    refused = send(client, pdf, key=key)
    assert refused.status_code == 422
    assert (
        "Idempotency-Key" in refused.json()["detail"] or "idempotency" in refused.json()["detail"]
    )
