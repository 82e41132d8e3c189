"""A line corrected once stays corrected: in new versions, after restores, in other documents."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from ingest.worker import run_worker
from ragqa.errors import Conflict, NotFound
from ragqa.store import intake, rereading, versions
from ragqa.store.collections import find_collection
from ragqa.store.documents import find_document
from ragqa.store.pages import read_page
from ragqa.store.recognition import list_pieces, read_recognition
from ragqa.store.rereading import Change
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Callable

    from ragqa.types import Document, DocumentId

    MakePdf = Callable[..., bytes]

FIRST = "设备概述\n本设备用于实验室的样品存放。\n外形尺寸为六百毫米。"
MISREAD = "保修条款\n整机保修其为三午，自验收之日起计算。\n耗材不在保修范围之内。"
TRUE = "整机保修期为三年，自验收之日起计算。"


def take(services: Services, name: str, data: bytes, collection: str = "papers") -> Document:
    with services.database.transaction() as conn:
        found = find_collection(conn, collection)
    added = intake.take_in(services.database, services.files, found, name, io.BytesIO(data))
    run_worker(services, until_idle=True)
    return added.document


def correct(
    services: Services, document_id: DocumentId, page: int, line: int, text: str, **more: Any
) -> None:
    with services.database.transaction() as conn:
        rereading.correct_lines(conn, document_id, page, [Change(line, text, **more)], by="me")
    run_worker(services, until_idle=True)


def text_of(services: Services, document_id: DocumentId, page: int) -> str:
    with services.database.transaction() as conn:
        return read_page(conn, document_id, page).text


def found(services: Services, query: str, collection: str = "papers") -> list[str]:
    hits = services.retriever("hashing").retrieve(query, collection, limit=5)
    return [hit.chunk.text for hit in hits]


@pytest.fixture
def document(services: Services, make_pdf: MakePdf) -> Document:
    services.create_collection("papers")
    return take(services, "manual.pdf", make_pdf(FIRST, MISREAD))


def test_a_corrected_line_is_shown_found_and_marked_where_it_stands(
    services: Services, document: Document
) -> None:
    before = boxes_of_page(services, document.id)
    correct(services, document.id, 2, 1, TRUE, before="整机保修其为三午，自验收之日起计算。")
    assert TRUE in text_of(services, document.id, 2)
    assert "三午" not in text_of(services, document.id, 2)
    assert any(TRUE in text for text in found(services, "保修期为三年"))
    with services.database.transaction() as conn:
        page = read_page(conn, document.id, 2)
        rows = conn.execute(
            "SELECT text, span_start, span_end FROM chunks WHERE page_number = 2"
        ).fetchall()
        recognised = read_recognition(conn, document.id, 2)
    assert rows
    assert all(row["text"] == page.text[row["span_start"] : row["span_end"]] for row in rows)
    assert boxes_of_page(services, document.id) == before  # no line became longer
    line = recognised.lines[1]
    assert (line.text, line.correction and line.correction.text) == (
        "整机保修其为三午，自验收之日起计算。",
        TRUE,
    )


def boxes_of_page(services: Services, document_id: DocumentId) -> list[Any]:
    with services.database.transaction() as conn:
        return [piece.boxes for piece in list_pieces(conn, document_id, 2)]


def test_only_the_passages_it_touches_are_embedded_again(
    services: Services, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.create_collection("papers")
    many = [f"第{n}章 概述\n" + f"第{n}章的说明文字，编号{n}。" * 3 for n in range(12)]
    document = take(services, "long.pdf", make_pdf(*many, MISREAD))
    made: list[bytes] = []
    read: list[Any] = []

    def keep(conn: Any, document_id: Any, model: str, vectors: Any) -> None:
        made.extend(vectors)
        write(conn, document_id, model, vectors)

    from ragqa.store.reads import write_embeddings as write

    monkeypatch.setattr("ingest.embedding.write_embeddings", keep)
    monkeypatch.setattr("ingest.pipeline.write_reads", lambda *given: read.append(given))
    with services.database.transaction() as conn:
        pieces = len(list_pieces(conn, document.id, 13))
    correct(services, document.id, 13, 1, TRUE)
    assert 1 <= len(made) <= pieces
    assert read == []


def test_it_survives_new_versions_that_have_the_page_and_restores(
    services: Services, make_pdf: MakePdf, document: Document
) -> None:
    correct(services, document.id, 2, 1, TRUE)
    # A new version in which the page is another one's neighbour now.
    take(services, "manual.pdf", make_pdf("封面\n第二版", FIRST, MISREAD))
    assert TRUE in text_of(services, document.id, 3)
    with services.database.transaction() as conn:
        kept = [(one.version, one.pages) for one in versions.list_versions(conn, document.id)]
    # The uncorrected reading of the first content is nothing to go back to; the content itself is.
    assert kept == [(3, 3), (2, 2)]
    intake.restore_version(services.database, document.id, 2)
    run_worker(services, until_idle=True)
    assert TRUE in text_of(services, document.id, 2)


def test_other_documents_of_the_collection_with_the_page_have_it_too(
    services: Services, make_pdf: MakePdf, document: Document
) -> None:
    other = take(services, "copy.pdf", make_pdf(MISREAD))
    services.create_collection("elsewhere")
    foreign = take(services, "copy.pdf", make_pdf(MISREAD), "elsewhere")
    correct(services, document.id, 2, 1, TRUE)
    later = take(services, "later.pdf", make_pdf(FIRST, FIRST, MISREAD))
    assert TRUE in text_of(services, other.id, 1)
    assert TRUE in text_of(services, later.id, 3)
    assert TRUE not in text_of(services, foreign.id, 1)


def test_pages_that_are_read_in_another_way_keep_their_corrections(
    services: Services, document: Document
) -> None:
    def keys() -> set[str]:
        with services.database.transaction() as conn:
            rows = conn.execute(
                "SELECT page_key FROM pages JOIN documents d USING (collection_id, document_id)"
                " WHERE version = d.current_version"
            ).fetchall()
        return {row["page_key"] for row in rows}

    correct(services, document.id, 2, 1, TRUE)
    before = keys()
    settings = services.settings.model_copy(update={"ocr_dpi": 200})
    other = Services(settings, services.database, services.files)
    correct(other, document.id, 1, 2, "外形尺寸为七百毫米。")
    assert not before & keys(), "every page was read anew"
    assert TRUE in text_of(services, document.id, 2)
    assert "七百毫米" in text_of(services, document.id, 1)


def test_an_undone_correction_leaves_the_reading_as_it_was(
    services: Services, document: Document
) -> None:
    before = text_of(services, document.id, 2)
    correct(services, document.id, 2, 1, TRUE)
    correct(services, document.id, 2, 2, "耗材不保修。")
    with services.database.transaction() as conn:
        rereading.undo_corrections(conn, document.id, 2, 2)
    run_worker(services, until_idle=True)
    assert text_of(services, document.id, 2) == before.replace(MISREAD.split("\n")[1], TRUE)
    correct(services, document.id, 2, 1, MISREAD.split("\n")[1])  # as it was read: no correction
    assert text_of(services, document.id, 2) == before
    with services.database.transaction() as conn:
        assert rereading.list_corrections(conn, document.id) == []
        assert conn.execute("SELECT FROM corrections").rowcount == 0
        with pytest.raises(NotFound, match="has no correction"):
            rereading.undo_corrections(conn, document.id, 2, 1)


def test_what_changes_nothing_makes_no_version_and_what_waits_takes_more_along(
    services: Services, document: Document
) -> None:
    def version() -> int:
        with services.database.transaction() as conn:
            return find_document(conn, document.id).version

    correct(services, document.id, 2, 1, MISREAD.split("\n")[1])
    assert version() == 1
    with services.database.transaction() as conn:
        rereading.correct_lines(conn, document.id, 2, [Change(1, TRUE)], by="me")
        rereading.correct_lines(conn, document.id, 1, [Change(2, "外形尺寸为七百毫米。")], by="you")
    assert version() == 2
    run_worker(services, until_idle=True)
    assert TRUE in text_of(services, document.id, 2)
    assert "七百毫米" in text_of(services, document.id, 1)
    with services.database.transaction() as conn:
        listed = rereading.list_corrections(conn, document.id)
    assert [(one.page, one.line, one.correction.by) for one in listed] == [
        (1, 2, "you"),
        (2, 1, "me"),
    ]


def test_a_correction_made_while_the_version_is_read_is_in_it(
    services: Services, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest import pipeline

    swap = pipeline._swap
    late: list[int] = []

    def correct_first(*given: Any) -> Any:
        if not late:
            late.append(1)
            with services.database.transaction() as conn:
                rereading.correct_lines(
                    conn, document.id, 1, [Change(2, "外形尺寸为七百毫米。")], by="me"
                )
                conn.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
        return swap(*given)

    monkeypatch.setattr("ingest.pipeline._swap", correct_first)
    correct(services, document.id, 2, 1, TRUE)
    assert late
    assert TRUE in text_of(services, document.id, 2)
    assert "七百毫米" in text_of(services, document.id, 1)


def test_a_wrong_line_or_one_that_changed_is_refused_and_nothing_is_kept(
    services: Services, document: Document
) -> None:
    with pytest.raises(NotFound, match="there is no line 3"):
        correct(services, document.id, 2, 3, "x")
    with pytest.raises(Conflict, match="look again"):
        correct(services, document.id, 2, 1, "x", before="something else")
    with services.database.transaction() as conn:
        assert conn.execute("SELECT FROM corrections").rowcount == 0
        assert find_document(conn, document.id).version == 1


def test_deleting_the_last_document_with_the_page_deletes_its_corrections(
    services: Services, make_pdf: MakePdf, document: Document
) -> None:
    def count() -> int:
        with services.database.transaction() as conn:
            return conn.execute("SELECT FROM corrections").rowcount

    other = take(services, "copy.pdf", make_pdf(MISREAD))
    correct(services, document.id, 2, 1, TRUE)
    intake.delete_document(services.database, services.files, document.id)
    assert count() == 1
    assert TRUE in text_of(services, other.id, 1)
    intake.delete_document(services.database, services.files, other.id)
    assert count() == 0


def test_a_page_that_no_kept_version_has_any_more_leaves_no_correction(
    services: Services, make_pdf: MakePdf, document: Document
) -> None:
    correct(services, document.id, 2, 1, TRUE)
    take(services, "manual.pdf", make_pdf(FIRST))
    with services.database.transaction() as conn:
        assert conn.execute("SELECT FROM corrections").rowcount == 1  # the older version has it
    take(services, "manual.pdf", make_pdf(FIRST, FIRST))
    with services.database.transaction() as conn:
        assert conn.execute("SELECT FROM corrections").rowcount == 0
