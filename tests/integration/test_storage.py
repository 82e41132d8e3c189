"""Original files elsewhere than in a folder of this machine."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import fsspec
import pytest
from moto.server import ThreadedMotoServer

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


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The URL of an empty bucket, served as S3 by a server on loopback."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    fsspec.config.conf["s3"] = {
        "key": "name",
        "secret": "word",
        "client_kwargs": {"endpoint_url": f"http://{host}:{port}"},
    }
    fsspec.filesystem("s3").mkdir("ragqa-test")
    yield "s3://ragqa-test/files"
    del fsspec.config.conf["s3"]
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def root(request: pytest.FixtureRequest) -> Iterator[str]:
    """A place where files lie that only fsspec can reach."""
    if request.param == "s3":
        yield request.getfixturevalue("bucket")
    else:
        yield "memory://ragqa-test/files"
        fsspec.filesystem("memory").rm("/ragqa-test", recursive=True)


@pytest.fixture
def remote(services: Services, root: str) -> Services:
    return Services(services.settings, services.database, Files(root))


def stored(root: str) -> list[str]:
    filesystem, path = fsspec.url_to_fs(root)
    filesystem.invalidate_cache()
    return [one.rsplit("/", 1)[-1] for one in filesystem.find(path)]


def test_files_that_are_no_local_ones_are_kept_read_checked_and_removed(
    remote: Services, root: str, make_pdf: MakePdf
) -> None:
    collection = remote.create_collection("papers")
    data = make_pdf("The well is deep.")
    added = take_in(remote.database, remote.files, collection, "a.pdf", io.BytesIO(data))
    sha256 = added.document.sha256
    run_worker(remote, until_idle=True)

    with remote.database.transaction() as conn:
        assert find_document(conn, added.document.id).status == "ready"
    assert stored(root) == [sha256]
    with remote.files.open(collection.id, sha256) as source:
        assert source.read() == data
    with pytest.raises(TooLarge):
        remote.files.put(collection.id, io.BytesIO(b"x" * 100), limit=99)
    assert stored(root) == [sha256]

    filesystem, path = fsspec.url_to_fs(f"{root}/{collection.id}/{sha256[:2]}/{sha256}")
    filesystem.pipe_file(path, data[:-1] + b"!")
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
    assert stored(root) == []


def test_a_storage_that_nothing_here_knows_is_named() -> None:
    with pytest.raises(WrongSettings, match=r"RAGQA_FILES is nonsense://bucket"):
        Files("nonsense://bucket")
