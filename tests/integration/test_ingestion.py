"""A file becomes a version: whole, once, and whatever happens in between."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from ingest import pipeline
from ingest.types import PackedPage, RawPage
from ingest.worker import run_worker
from ragqa.errors import InvalidInput, NotFound, TooLarge
from ragqa.store import documents, intake, versions
from ragqa.store import reads as reads_kept
from ragqa.store.pages import read_page
from ragqa.types import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from ragqa.types import Collection, Document
    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]

TABLES = ("documents", "versions", "pages", "page_reads", "chunks", "term_stats", "page_texts")


@pytest.fixture
def collection(services: Services) -> Collection:
    return services.create_collection("papers")


def take(services: Services, collection: Collection, name: str, data: bytes) -> documents.Added:
    return intake.take_in(services.database, services.files, collection, name, io.BytesIO(data))


def find(services: Services, document: Document) -> Document:
    with services.database.transaction() as conn:
        return documents.find_document(conn, document.id)


def search(services: Services, collection: Collection, query: str) -> list[str]:
    hits = services.retriever("hashing").retrieve(query, collection.name, limit=5)
    return [hit.chunk.text for hit in hits]


def count_rows(services: Services, table: str) -> int:
    with services.database.transaction() as conn:
        row: dict[str, Any] | None = conn.execute(
            f"SELECT count(*) AS rows FROM {table}"
        ).fetchone()
    assert row is not None
    return int(row["rows"])


def test_a_pdf_is_read_and_found(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    added = take(
        services, collection, "说明书.pdf", make_pdf("本产品保修期为三十六个月。", "Second page.")
    )

    assert added.queued
    assert added.document.status == "queued"
    run_worker(services, until_idle=True)
    document = find(services, added.document)

    assert (document.status, document.pages, document.ocr_pages) == ("ready", 2, 0)
    assert document.chunks >= 2
    assert document.progress.stage == "ready"
    assert "三十六个月" in search(services, collection, "保修期多久")[0]


def test_stored_chunks_are_slices_of_stored_pages(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    added = take(
        services, collection, "a.pdf", make_pdf("第一页的内容在这里。", "Another page here.")
    )
    run_worker(services, until_idle=True)

    hits = services.retriever("hashing").retrieve("内容 page", collection.name, limit=10)
    assert hits
    for hit in hits:
        with services.database.transaction() as conn:
            page = read_page(conn, added.document.id, hit.chunk.page_number)
        assert hit.chunk.span.of(page.text) == hit.chunk.text
        assert page.char_boxes.shape == (len(page.text), 4)
        assert hit.boxes


def test_the_same_bytes_are_taken_once(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    data = make_pdf("Once is enough.")
    first = take(services, collection, "a.pdf", data)
    run_worker(services, until_idle=True)
    again = take(services, collection, "a.pdf", data)

    assert again.document.id == first.document.id
    assert not again.queued
    assert again.document.version == 1


def test_a_new_version_replaces_the_old_one_and_nothing_of_it_is_found(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    first = take(services, collection, "a.pdf", make_pdf("The price is 100 dollars."))
    run_worker(services, until_idle=True)
    second = take(services, collection, "a.pdf", make_pdf("The price is 250 dollars."))

    assert second.replaced
    assert "100" in search(services, collection, "price")[0]
    run_worker(services, until_idle=True)

    found = search(services, collection, "price")
    assert "250" in found[0]
    assert not any("100" in text for text in found)
    assert find(services, first.document).version == 2


def test_only_changed_pages_are_read_again(
    services: Services,
    collection: Collection,
    make_pdf: MakePdf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = [f"This is page number {number}." for number in range(1, 6)]
    take(services, collection, "manual.pdf", make_pdf(*pages))
    run_worker(services, until_idle=True)
    reads: list[str] = []
    write_reads = reads_kept.write_reads

    def note(conn: Any, document_id: Any, kept: Any) -> None:
        reads.extend(page_key for page_key, *_ in kept)
        write_reads(conn, document_id, kept)

    monkeypatch.setattr("ingest.pipeline.write_reads", note)
    pages[2] = "This page was changed."
    take(services, collection, "manual.pdf", make_pdf(*pages))
    run_worker(services, until_idle=True)

    assert len(reads) == 1
    assert "changed" in search(services, collection, "changed page")[0]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.pdf", b"this is no PDF at all", "unreadable_file"),
        ("b.pdf", b"<html><body>not found</body></html>", "unreadable_file"),
        ("c.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "unreadable_file"),
    ],
)
def test_a_file_that_cannot_be_read_fails_with_a_sentence_and_stops_no_other(
    services: Services,
    collection: Collection,
    make_pdf: MakePdf,
    name: str,
    data: bytes,
    code: str,
) -> None:
    bad = take(services, collection, name, data).document
    good = take(services, collection, "good.pdf", make_pdf("All is well here.")).document
    run_worker(services, until_idle=True)

    failed = find(services, bad)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == code
    assert len(failed.error.message) > 20
    assert find(services, good).status == "ready"


def test_an_empty_or_too_large_file_is_refused_and_nothing_is_kept(
    services: Services, collection: Collection
) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        take(services, collection, "a.pdf", b"")
    with pytest.raises(TooLarge, match="more than 10 bytes"):
        intake.take_in(
            services.database, services.files, collection, "a.pdf", io.BytesIO(b"x" * 11), limit=10
        )

    assert services.files.stored(collection.id) == []
    assert count_rows(services, "documents") == 0


def test_a_deleted_document_leaves_nothing(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    before = {table: count_rows(services, table) for table in TABLES}
    document = take(services, collection, "a.pdf", make_pdf("Forget me, please.")).document
    run_worker(services, until_idle=True)
    assert services.files.stored(collection.id) == [document.sha256]

    intake.delete_document(services.database, services.files, document.id)

    assert {table: count_rows(services, table) for table in TABLES} == before
    assert services.files.stored(collection.id) == []
    assert search(services, collection, "forget") == []
    with pytest.raises(NotFound):
        find(services, document)


def test_a_deletion_before_the_worker_comes_makes_the_job_do_nothing(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    document = take(services, collection, "a.pdf", make_pdf("Too late.")).document
    intake.delete_document(services.database, services.files, document.id)

    run_worker(services, until_idle=True)

    assert count_rows(services, "versions") == 0


def test_a_cancelled_version_leaves_the_old_one_serving_and_can_be_retried(
    services: Services, collection: Collection, make_pdf: MakePdf
) -> None:
    take(services, collection, "a.pdf", make_pdf("The old text serves."))
    run_worker(services, until_idle=True)
    document = take(services, collection, "a.pdf", make_pdf("The new text comes.")).document
    with services.database.transaction() as conn:
        versions.request_cancel(conn, document.id)
    run_worker(services, until_idle=True)

    cancelled = find(services, document)
    assert cancelled.error is not None
    assert cancelled.error.code == "cancelled"
    assert "old" in search(services, collection, "text")[0]

    intake.retry(services.database, document.id)
    run_worker(services, until_idle=True)

    assert find(services, document).status == "ready"
    assert "new" in search(services, collection, "text")[0]


def test_ingesting_changed_files_gives_the_same_rows_as_ingesting_from_scratch(
    services: Services, make_pdf: MakePdf
) -> None:
    def rows(collection: Collection) -> list[Any]:
        with services.database.transaction() as conn:
            chunks = conn.execute(
                "SELECT ordinal, page_number, span_start, span_end, kind, headings, text,"
                " embedded_hash, terms FROM chunks WHERE collection_id = %s ORDER BY ordinal",
                [collection.id],
            ).fetchall()
            pages = conn.execute(
                "SELECT page_number, source, text, blocks, char_boxes FROM pages"
                " JOIN documents USING (collection_id, document_id)"
                " WHERE collection_id = %s AND version = current_version ORDER BY page_number",
                [collection.id],
            ).fetchall()
            stats = conn.execute(
                "SELECT term, df FROM term_stats WHERE collection_id = %s ORDER BY term",
                [collection.id],
            ).fetchall()
        return [chunks, pages, stats]

    final = make_pdf("Page one.", "A page put in.", "Page three, changed.")
    edited, fresh = services.create_collection("edited"), services.create_collection("fresh")
    for data in (make_pdf("Page one.", "Page two.", "Page three."), make_pdf("Page two."), final):
        take(services, edited, "a.pdf", data)
        run_worker(services, until_idle=True)
    take(services, fresh, "a.pdf", final)
    run_worker(services, until_idle=True)

    assert rows(edited) == rows(fresh)


def test_a_page_that_was_given_up_is_read_again_when_the_document_is_retried(
    services: Services, collection: Collection, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = RawPage(
        number=1,
        width=595.0,
        height=842.0,
        source="empty",
        notices=(Notice("unreadable_page", "page 1 could not be read: it takes too long", 1),),
    )
    with monkeypatch.context() as slow:
        packed = PackedPage.of(given_up)
        slow.setattr(pipeline, "read_packed", lambda *_, **__: iter([packed]))
        document = take(services, collection, "a.pdf", make_pdf("It costs 100 dollars.")).document
        run_worker(services, until_idle=True)
    assert find(services, document).status == "failed"

    intake.retry(services.database, document.id)
    run_worker(services, until_idle=True)

    assert find(services, document).status == "ready"
