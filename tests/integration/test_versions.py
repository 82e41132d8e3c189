"""Versions brought back, documents renamed, and any history of edits ends as a fresh ingestion."""

# Longer than 300 lines: every history is held against the same picture of all rows.

from __future__ import annotations

import functools
import io
import os
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.batch import run_batch
from ingest.worker import run_worker
from ragqa.errors import Conflict, NotFound
from ragqa.store import intake, versions
from ragqa.store.collections import find_collection
from ragqa.store.documents import find_document, list_documents
from ragqa.store.reads import stream_reads
from ragqa.store.search import StoredChunks

if TYPE_CHECKING:
    from collections.abc import Callable

    from ragqa.types import Collection, Document
    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]


def take(services: Services, collection: Collection, name: str, data: bytes) -> Document:
    added = intake.take_in(services.database, services.files, collection, name, io.BytesIO(data))
    run_worker(services, until_idle=True)
    return added.document


def found(services: Services, query: str, collection: str = "papers") -> list[str]:
    hits = services.retriever("hashing").retrieve(query, collection, limit=5)
    return [hit.chunk.text for hit in hits]


def kept(services: Services, document: Document) -> list[tuple[int, bool]]:
    with services.database.transaction() as conn:
        return [(v.version, v.served) for v in versions.list_versions(conn, document.id)]


def test_an_older_version_is_brought_back_without_reading_it_again(
    services: Services, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = services.create_collection("papers")
    document = take(services, collection, "a.pdf", make_pdf("The price is 100 dollars."))
    take(services, collection, "a.pdf", make_pdf("The price is 250 dollars."))
    assert kept(services, document) == [(2, True), (1, False)]
    read: list[Any] = []
    monkeypatch.setattr("ingest.pipeline.write_reads", lambda *given: read.append(given))

    queued = intake.restore_version(services.database, document.id, 1)
    assert (queued.status, queued.version) == ("queued", 3)
    assert "250" in found(services, "price")[0]
    run_worker(services, until_idle=True)

    assert [text for text in found(services, "price") if "250" in text] == []
    assert "100" in found(services, "price")[0]
    assert read == []
    assert kept(services, document) == [(3, True), (2, False)]
    with services.database.transaction() as conn:
        assert find_document(conn, document.id).status == "ready"


def test_only_an_old_version_that_is_kept_is_brought_back(
    services: Services, make_pdf: MakePdf
) -> None:
    collection = services.create_collection("papers")
    taken = [take(services, collection, "a.pdf", make_pdf(t)) for t in ("One.", "Two.", "Three.")]
    document = taken[0]
    assert kept(services, document) == [(3, True), (2, False)]

    with pytest.raises(NotFound, match="only 2, 3"):
        intake.restore_version(services.database, document.id, 1)
    with pytest.raises(Conflict, match="is served"):
        intake.restore_version(services.database, document.id, 3)
    assert len(services.files.stored(collection.id)) == 2


# ---- renames and edits end as a fresh ingestion ----


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    # A time of the content's own: another content never looks like an untouched file.
    os.utime(path, (1_700_000_000, zlib.crc32(data)))


def rows(services: Services, collection: str) -> list[Any]:
    """All that a collection holds, numbers that were given out left out."""
    with services.database.transaction() as conn:
        number = find_collection(conn, collection).id
        table = conn.execute(
            "SELECT 'embeddings_' || table_key AS name FROM embedding_models"
        ).fetchone()
        assert table is not None
        chunks = conn.execute(
            "SELECT d.name, ordinal, page_number, span_start, span_end, kind, headings, text,"
            " embedded_hash, terms, bag, version = current_version AS current,"
            f" embedding::text AS vector FROM chunks JOIN {table['name']}"
            " USING (collection_id, chunk_id) JOIN documents d USING (collection_id, document_id)"
            " WHERE collection_id = %s ORDER BY d.name, ordinal",
            [number],
        ).fetchall()
        pages = conn.execute(
            "SELECT d.name, page_number, page_key, source, p.text, blocks, char_boxes, squeezed,"
            " leaves"
            " FROM pages p JOIN documents d USING (collection_id, document_id)"
            " JOIN page_texts USING (collection_id, document_id, page_number)"
            " WHERE collection_id = %s AND version = current_version ORDER BY d.name, page_number",
            [number],
        ).fetchall()
        newest = conn.execute(
            "SELECT d.name, sha256, bytes, status, pages, ocr_pages, tables, chunks, warnings"
            " FROM documents d JOIN versions v USING (collection_id, document_id)"
            " WHERE d.collection_id = %s AND version = newest_version"
            " AND newest_version = current_version ORDER BY d.name",
            [number],
        ).fetchall()
        terms = conn.execute(
            "SELECT term, df FROM term_stats WHERE collection_id = %s ORDER BY term", [number]
        ).fetchall()
        words = conn.execute(
            "SELECT word, chunks FROM words WHERE collection_id = %s ORDER BY word", [number]
        ).fetchall()
        totals = conn.execute(
            "SELECT chunks, terms FROM collection_stats WHERE collection_id = %s", [number]
        ).fetchall()
        sources = conn.execute(
            "SELECT path, bytes, sha256 FROM sources WHERE collection_id = %s ORDER BY path",
            [number],
        ).fetchall()
        leftovers = conn.execute(
            "SELECT count(*) AS left FROM passage_embeddings WHERE collection_id = %s", [number]
        ).fetchall()
    return [chunks, pages, newest, terms, words, totals, sources, leftovers]


def test_a_renamed_file_is_found_by_its_new_title_and_not_by_the_old(
    services: Services, make_pdf: MakePdf, tmp_path: Path
) -> None:
    root = tmp_path / "folder"
    write(root / "walrus report.pdf", make_pdf("The engine turns slowly.", "Second page."))
    run_batch(services, [root], "papers")
    assert len(found(services, "walrus")) == 2
    (root / "walrus report.pdf").rename(root / "penguin notes.pdf")

    report = run_batch(services, [root], "papers", prune=True)
    fresh = run_batch(services, [root], "fresh")

    assert (report["renamed"], report["deleted"], report["pages"]) == (1, 0, 0)
    assert fresh["added"] == 1
    assert len(found(services, "penguin")) == 2
    assert rows(services, "papers") == rows(services, "fresh")


def test_a_name_whose_words_others_have_too_is_taken_on_with_all_its_words(
    services: Services, make_pdf: MakePdf, tmp_path: Path
) -> None:
    root = tmp_path / "folder"
    write(root / "moved.pdf", make_pdf("The first page."))
    write(root / "walrus.pdf", make_pdf("The engine turns slowly.", "Second page.", "Third page."))
    run_batch(services, [root], "papers")
    (root / "walrus.pdf").rename(root / "moved walrus.pdf")

    assert run_batch(services, [root], "papers")["renamed"] == 1
    run_batch(services, [root], "fresh")
    assert rows(services, "papers") == rows(services, "fresh")


def test_chunks_that_an_edit_only_moves_keep_their_ids_and_vectors(
    services: Services, make_pdf: MakePdf, tmp_path: Path
) -> None:
    root = tmp_path / "folder"
    pages = [f"Chapter {n} is about pump {n}." for n in range(6)]
    write(root / "a.pdf", make_pdf(*pages))
    run_batch(services, [root], "papers")
    before = numbered(services)
    pages[1:3] = ["Quite another page.", "And one more.", pages[2]]
    write(root / "a.pdf", make_pdf(*pages))

    report = run_batch(services, [root], "papers")
    run_batch(services, [root], "fresh")

    assert report["updated"] == 1
    assert rows(services, "papers") == rows(services, "fresh")
    after = numbered(services)
    assert [text for text in before if before[text] == after.get(text)] == [
        text for text in before if text in after
    ]
    assert len(before.keys() & after.keys()) >= 4


def test_the_terms_of_a_page_are_in_the_order_of_its_text_after_an_edit(
    services: Services, tmp_path: Path
) -> None:
    root = tmp_path / "folder"
    parts = [f"{name} " * 100 + "end." for name in ("alder", "birch", "cedar")]
    write(root / "a.txt", "\n\n".join(parts).encode())
    run_batch(services, [root], "papers")
    before = numbered(services)
    write(root / "a.txt", "\n\n".join(["elder " * 100 + "end.", *parts]).encode())

    run_batch(services, [root], "papers")
    run_batch(services, [root], "fresh")

    assert len(before.items() & numbered(services).items()) >= 2  # moved, with their ids
    assert page_terms(services, "papers") == page_terms(services, "fresh")


def page_terms(services: Services, collection: str) -> list[list[int]]:
    with services.database.transaction() as conn:
        ids = [
            row["chunk_id"]
            for row in conn.execute(
                "SELECT chunk_id FROM chunks WHERE collection_id = %s",
                [find_collection(conn, collection).id],
            )
        ]
    with StoredChunks(services.database).open([collection], model="hashing") as (snapshot,):
        return [terms.tolist() for terms in snapshot.page_terms(ids).values()]


def test_terms_are_found_anew_only_where_text_or_analysis_changed(
    services: Services, make_pdf: MakePdf, tmp_path: Path
) -> None:
    root = tmp_path / "folder"
    write(root / "a.pdf", make_pdf("The pump turns.", "The valve closes."))
    run_batch(services, [root], "papers")
    with services.database.transaction() as conn:
        conn.execute("UPDATE chunks SET terms = '{7}', bag = '\\x00000007' WHERE ordinal = 0")
    write(root / "a.pdf", make_pdf("The pump turns.", "The valve opens."))
    run_batch(services, [root], "papers")
    assert terms(services)[0] == [7]
    assert len(terms(services)[1]) > 1

    with services.database.transaction() as conn:
        conn.execute("UPDATE versions SET analyzed_by = 'an older analysis'")
    write(root / "a.pdf", make_pdf("The pump turns.", "The valve leaks."))
    run_batch(services, [root], "papers")
    assert len(terms(services)[0]) > 1


def terms(services: Services) -> list[list[int]]:
    with services.database.transaction() as conn:
        return [row["terms"] for row in conn.execute("SELECT terms FROM chunks ORDER BY ordinal")]


def numbered(services: Services) -> dict[str, int]:
    with services.database.transaction() as conn:
        number = find_collection(conn, "papers").id
        found = conn.execute("SELECT text, chunk_id FROM chunks WHERE collection_id = %s", [number])
        return {row["text"]: row["chunk_id"] for row in found}


def test_a_file_that_only_moved_to_another_folder_costs_nothing(
    services: Services, make_pdf: MakePdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "folder"
    write(root / "a.pdf", make_pdf("The engine turns slowly."))
    run_batch(services, [root], "papers")
    (root / "deeper").mkdir()
    (root / "a.pdf").rename(root / "deeper" / "a.pdf")
    monkeypatch.setattr("ingest.renaming.swap_chunks", None)

    assert run_batch(services, [root], "papers")["renamed"] == 1
    with services.database.transaction() as conn:
        (document,), _ = list_documents(conn, find_collection(conn, "papers").id)
    assert document.filename == "deeper/a.pdf"


def test_a_document_renamed_while_it_is_read_carries_the_new_title(
    services: Services, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest import pipeline

    collection = services.create_collection("papers")
    write_pages = pipeline._write_pages
    renames = ["penguin.pdf"]

    def rename_meanwhile(*given: Any) -> Any:
        tally = write_pages(*given)
        while renames:
            with services.database.transaction() as conn:
                conn.execute("UPDATE documents SET name = %s", [renames.pop()])
        return tally

    monkeypatch.setattr(pipeline, "_write_pages", rename_meanwhile)
    take(services, collection, "walrus.pdf", make_pdf("The engine turns."))

    assert found(services, "penguin") == ["The engine turns."]
    with services.database.transaction() as conn:
        row = conn.execute("SELECT count(*) AS terms FROM term_stats").fetchone()
    take(
        services, services.create_collection("fresh"), "penguin.pdf", make_pdf("The engine turns.")
    )
    assert rows(services, "papers")[0] == rows(services, "fresh")[0]
    assert row is not None


WORDS = ["engine", "valve", "filter", "pump", "保修期三十六个月", "密封圈", "保养周期", "price 250"]
PAGE = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
NAMES = ["walrus.pdf", "penguin notes.pdf", "sub/海豹.pdf"]
EDIT = st.one_of(
    st.tuples(st.just("insert"), st.sampled_from(NAMES), st.integers(0, 5), PAGE),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.integers(0, 5)),
    st.tuples(st.just("move"), st.sampled_from(NAMES), st.integers(0, 5), st.integers(0, 5)),
    st.tuples(st.just("change"), st.sampled_from(NAMES), st.integers(0, 5), PAGE),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from([*NAMES, "otter.pdf"])),
    st.tuples(st.just("replace"), st.sampled_from(NAMES), st.lists(PAGE, min_size=1, max_size=3)),
    st.tuples(st.just("remove"), st.sampled_from(NAMES)),
)
SCRIPT = st.lists(st.lists(EDIT, min_size=1, max_size=4), min_size=1, max_size=3)


def edited(files: dict[str, list[str]], edit: tuple[Any, ...]) -> None:
    kind, name = edit[0], edit[1]
    if kind == "replace":
        files[name] = list(edit[2])
        return
    if name not in files:
        return
    pages = files[name]
    if kind == "insert":
        pages.insert(edit[2] % (len(pages) + 1), edit[3])
    elif kind == "change":
        pages[edit[2] % len(pages)] = edit[3]
    elif kind == "move":
        pages.insert(edit[3] % len(pages), pages.pop(edit[2] % len(pages)))
    elif kind == "delete" and len(pages) > 1:
        del pages[edit[2] % len(pages)]
    elif kind == "rename":
        files[edit[2]] = files.pop(name)
    elif kind == "remove" and len(files) > 1:
        del files[name]


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(SCRIPT)
def test_any_history_of_edits_ends_as_a_fresh_ingestion(
    services: Services, make_pdf: MakePdf, script: list[list[tuple[Any, ...]]]
) -> None:
    files = {"walrus.pdf": ["engine one", "valve two"], "penguin notes.pdf": ["pump three"]}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "folder"
        # Made once: every PDF gets an identifier of its own.
        made = functools.cache(lambda pages: make_pdf(*pages))

        def lay() -> None:
            shutil.rmtree(root, ignore_errors=True)
            for name, pages in files.items():
                write(root / name, made(tuple(pages)))

        lay()
        run_batch(services, [root], "edited")
        for night in script:
            for edit in night:
                edited(files, edit)
            lay()
            run_batch(services, [root], "edited", prune=True, force=True)
        run_batch(services, [root], "fresh")
        assert rows(services, "edited") == rows(services, "fresh")
    for name in ("edited", "fresh"):
        intake.delete_collection(services.database, services.files, name)


def test_pages_that_went_with_their_document_are_missed_in_a_sentence(
    services: Services, make_pdf: MakePdf
) -> None:
    document = take(services, services.create_collection("papers"), "a.pdf", make_pdf("One."))
    intake.delete_document(services.database, services.files, document.id)

    with (
        services.database.transaction() as conn,
        pytest.raises(NotFound, match="deleted, or had a newer version, while it was read"),
    ):
        list(stream_reads(conn, document.id, ["any-page"]))
