"""Original files elsewhere than in a folder of this machine."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import fsspec
import pytest

from ingest.worker import run_worker
from ragqa.errors import StoreError, TooLarge, WrongSettings
from ragqa.store.documents import find_document
from ragqa.store.files import Files
from ragqa.store.intake import delete_document, take_in
from ragqa.store.removal import collect_orphans
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MakePdf = Callable[..., bytes]


@pytest.fixture
def remote(services: Services) -> Iterator[Services]:
    """Services whose files lie where only fsspec can reach them, as in a bucket."""
    root = "memory://ragqa-test"
    yield Services(services.settings, services.database, Files(root))
    fsspec.filesystem("memory").rm("/ragqa-test", recursive=True)


def stored() -> list[str]:
    return [path.rsplit("/", 1)[-1] for path in fsspec.filesystem("memory").find("/ragqa-test")]


def test_files_that_are_no_local_ones_are_kept_read_checked_and_removed(
    remote: Services, make_pdf: MakePdf
) -> None:
    collection = remote.create_collection("papers")
    data = make_pdf("The well is deep.")
    added = take_in(remote.database, remote.files, collection, "a.pdf", io.BytesIO(data))
    sha256 = added.document.sha256
    run_worker(remote, until_idle=True)

    with remote.database.transaction() as conn:
        assert find_document(conn, added.document.id).status == "ready"
    assert stored() == [sha256]
    with remote.files.open(collection.id, sha256) as source:
        assert source.read() == data
    with pytest.raises(TooLarge):
        remote.files.put(collection.id, io.BytesIO(b"x" * 100), limit=99)
    assert stored() == [sha256]

    path = f"/ragqa-test/{collection.id}/{sha256[:2]}/{sha256}"
    fsspec.filesystem("memory").pipe_file(path, data[:-1] + b"!")
    with (
        pytest.raises(StoreError, match="changed on disk"),
        remote.files.local(collection.id, sha256),
    ):
        pass

    orphan = remote.files.put(collection.id, io.BytesIO(b"nobody's"))
    assert collect_orphans(remote.database, remote.files, collection.id) == 0
    assert collect_orphans(remote.database, remote.files, collection.id, seconds=0) == 1
    assert not remote.files.has(collection.id, orphan.sha256)
    delete_document(remote.database, remote.files, added.document.id)
    assert stored() == []


def test_a_storage_that_nothing_here_knows_is_named() -> None:
    with pytest.raises(WrongSettings, match=r"RAGQA_FILES is nonsense://bucket"):
        Files("nonsense://bucket")
