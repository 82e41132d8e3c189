"""What the queue promises: whose turn it is, and how far one is."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from ingest.worker import attend, run_worker
from ragqa.models.hashing import HashingEmbedder
from ragqa.store.documents import find_document
from ragqa.store.intake import take_in
from ragqa.store.jobs import BATCH, UPLOAD
from ragqa.store.versions import Claim, claim_version, fail_version, record_progress, standing
from ragqa.types import Failure, Progress
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ragqa.ports import Embedder

    MakePdf = Callable[..., bytes]


def test_an_upload_is_read_before_a_batch_that_came_first(services: Services) -> None:
    collection = services.create_collection("papers")
    for name, priority in (("night-1", BATCH), ("night-2", BATCH), ("upload", UPLOAD)):
        data = io.BytesIO(f"{name} says this.".encode())
        take_in(
            services.database,
            services.files,
            collection,
            f"{name}.txt",
            data,
            priority=priority,
        )
    run_worker(services, until_idle=True)
    with services.database.transaction() as conn:
        rows = conn.execute(
            "SELECT name FROM documents d JOIN versions v USING (collection_id, document_id)"
            " ORDER BY v.updated_at"
        ).fetchall()
    assert [row["name"] for row in rows] == ["upload.txt", "night-1.txt", "night-2.txt"]


def test_progress_knows_its_rate_and_the_time_that_is_left(services: Services) -> None:
    collection = services.create_collection("papers")
    data = io.BytesIO(b"Twelve pages, say.")
    document = take_in(services.database, services.files, collection, "a.txt", data).document

    with services.database.transaction() as conn:
        claim = claim_version(conn, document.id, 1)
    assert claim is not None

    def record(progress: Progress, claim: Claim = claim) -> None:
        with services.database.transaction() as conn:
            assert record_progress(conn, claim, progress)

    record(Progress("read", 2, 12))  # two were kept from an earlier attempt
    begun = time.monotonic()
    time.sleep(0.5)
    record(Progress("read", 7, 12))
    took = time.monotonic() - begun

    with services.database.transaction() as conn:
        progress = find_document(conn, document.id).progress
    assert (progress.stage, progress.done, progress.total) == ("read", 7, 12)
    assert progress.rate == pytest.approx(5 / took, rel=0.3)
    assert progress.seconds_left == pytest.approx(took, rel=0.3)
    record(Progress("embed", 0, 30))
    with services.database.transaction() as conn:
        assert find_document(conn, document.id).progress.seconds_left is None


def test_a_worker_that_seemed_dead_writes_nothing_once_another_has_taken_over(
    services: Services, make_pdf: MakePdf
) -> None:
    collection = services.create_collection("papers")
    data = io.BytesIO(make_pdf(*(f"Page {number} speaks." for number in range(1, 4))))
    document = take_in(services.database, services.files, collection, "a.pdf", data).document

    class Overtaken(Services):
        """Another worker comes and finishes the document while this one embeds it."""

        @override
        def embedder(self, model: str | None = None) -> Embedder:
            return Late()

    class Late(HashingEmbedder):
        @override
        def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            attend(services, document.id, 1)
            with services.database.transaction() as conn:
                assert find_document(conn, document.id).status == "ready"
            return super().embed_passages(texts)

    attend(Overtaken(services.settings, services.database, services.files), document.id, 1)

    with services.database.transaction() as conn:
        found = find_document(conn, document.id)
        rows = conn.execute("SELECT text FROM chunks ORDER BY ordinal").fetchall()
        pages = conn.execute("SELECT count(*) AS pages FROM pages").fetchone()
    assert (found.status, found.error) == ("ready", None)
    assert [row["text"] for row in rows] == [f"Page {number} speaks." for number in range(1, 4)]
    assert pages == {"pages": 3}


def test_a_worker_that_seemed_dead_fails_nothing_that_another_has_taken_over(
    services: Services,
) -> None:
    collection = services.create_collection("papers")
    data = io.BytesIO(b"A note.")
    document = take_in(services.database, services.files, collection, "a.txt", data).document
    with services.database.transaction() as conn:
        stale, fresh = (claim_version(conn, document.id, 1) for _ in range(2))
        assert stale is not None
        assert fresh is not None
        fail_version(conn, stale, Failure("internal", "not mine to say"))
        assert not record_progress(conn, stale, Progress("read", 1, 1))
        assert standing(conn, stale) == "taken over"
        assert find_document(conn, document.id).status == "processing"
        assert record_progress(conn, fresh, Progress("read", 1, 1))
