"""The original files, content-addressed, on any storage that fsspec knows."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ragqa.errors import NotFound, StoreError, TooLarge, WrongSettings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from ragqa.types import CollectionId

PIECE = 1 << 20
_SCRATCH = ".incoming-"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Bytes that lie in storage: their hash is their name."""

    sha256: str
    bytes: int


class Files:
    """Files of collections: ``<root>/<collection>/<first two of the hash>/<hash>``.

    Each collection keeps its own copy, so deleting a document never has to ask another collection.
    """

    def __init__(self, root: str) -> None:
        """Use ``root``: a folder, or a URL such as ``s3://bucket/prefix``.

        Raises:
            WrongSettings: If nothing installed here knows such URLs.
        """
        self._given = root
        self._local = "://" not in root and "::" not in root
        if self._local:
            self._root = str(Path(root).expanduser().absolute())
            return
        from fsspec.implementations.local import LocalFileSystem

        self._local = isinstance(self._fs, LocalFileSystem)
        self._root = self._storage[1].rstrip("/")

    @functools.cached_property
    def _storage(self) -> tuple[Any, str]:
        """What reaches the files, and the path there; imported when asked: a folder seldom is."""
        import fsspec

        try:
            # Remembered listings would not know what other machines stored and deleted since.
            storage, path = fsspec.core.url_to_fs(self._given, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise WrongSettings(
                f"RAGQA_FILES is {self._given}: a folder or a URL that fsspec knows was expected"
                f" ({error})"
            ) from error
        return storage, str(path)

    @property
    def _fs(self) -> Any:
        return self._storage[0]

    def put(
        self, collection_id: CollectionId, source: BinaryIO, *, limit: int | None = None
    ) -> StoredFile:
        """Stream ``source`` into storage; on return its bytes are on disk.

        Raises:
            TooLarge: If there are more than ``limit`` bytes; nothing is kept.
            StoreError: If the storage is full or refuses; nothing is kept.
        """
        folder = f"{self._root}/{collection_id}"
        with _translate_errors(), self._scratch(folder) as scratch:
            digest, size = hashlib.sha256(), 0
            with scratch.open("wb") as target:
                while piece := source.read(PIECE):
                    size += len(piece)
                    if limit is not None and size > limit:
                        raise TooLarge(
                            f"the file has more than {limit} bytes, the most that is taken "
                            "(RAGQA_MAX_UPLOAD_BYTES)"
                        )
                    digest.update(piece)
                    target.write(piece)
                target.flush()
                os.fsync(target.fileno())
            stored = StoredFile(digest.hexdigest(), size)
            self._place(scratch, self._path(collection_id, stored.sha256))
        return stored

    @contextmanager
    def local(self, collection_id: CollectionId, sha256: str) -> Iterator[Path]:
        """Give the file as a local path, checked against its hash.

        Raises:
            NotFound: If it is not there.
            StoreError: If its bytes are no longer those that were stored.
        """
        path = self._path(collection_id, sha256)
        if not self._fs.exists(path):
            raise NotFound(f"the original file {sha256[:12]}… is no longer stored")
        if self._local:
            _check(Path(path), sha256)
            yield Path(path)
            return
        with tempfile.TemporaryDirectory(prefix="ragqa-") as folder:
            copy = Path(folder) / sha256
            with _translate_errors():
                self._fs.get_file(path, str(copy))
            _check(copy, sha256)
            yield copy

    def open(self, collection_id: CollectionId, sha256: str) -> BinaryIO:
        """Open the file for reading.

        Raises:
            NotFound: If it is not there.
        """
        try:
            return cast("BinaryIO", self._fs.open(self._path(collection_id, sha256), "rb"))
        except FileNotFoundError as error:
            raise NotFound(f"the original file {sha256[:12]}… is no longer stored") from error

    def delete(self, collection_id: CollectionId, sha256: str) -> None:
        """Remove the file; nothing happens when it is not there."""
        with contextlib.suppress(FileNotFoundError), _translate_errors():
            self._fs.rm_file(self._path(collection_id, sha256))

    def delete_collection(self, collection_id: CollectionId) -> None:
        """Remove every file of a collection."""
        with contextlib.suppress(FileNotFoundError), _translate_errors():
            self._fs.rm(f"{self._root}/{collection_id}", recursive=True)

    def stored(self, collection_id: CollectionId) -> list[str]:
        """Return the hashes of all files of a collection."""
        if self._local:
            found = [
                path for _, _, names in os.walk(f"{self._root}/{collection_id}") for path in names
            ]
        else:
            found = self._fs.find(f"{self._root}/{collection_id}")
        return sorted(name for path in found if len(name := path.rsplit("/", 1)[-1]) == 64)

    def has(self, collection_id: CollectionId, sha256: str) -> bool:
        """Return whether the file is there."""
        return bool(self._fs.exists(self._path(collection_id, sha256)))

    def age(self, collection_id: CollectionId, sha256: str) -> float:
        """Return how many seconds ago the file was stored; 0 when it is not there."""
        with contextlib.suppress(FileNotFoundError), _translate_errors():
            stored: dt.datetime = self._fs.modified(self._path(collection_id, sha256))
            return time.time() - stored.timestamp()
        return 0.0

    def sweep_scratch(self, collection_id: CollectionId, *, seconds: float) -> None:
        """Remove what killed processes left half-written, if it is older than ``seconds``."""
        if not self._local:
            return
        for path in Path(f"{self._root}/{collection_id}").glob(f"{_SCRATCH}*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime >= seconds:
                    path.unlink()

    def _path(self, collection_id: CollectionId, sha256: str) -> str:
        return f"{self._root}/{collection_id}/{sha256[:2]}/{sha256}"

    @contextmanager
    def _scratch(self, folder: str) -> Iterator[Path]:
        # On local storage the scratch file lies beside its place, so that placing it is a rename.
        if self._local:
            Path(folder).mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_SCRATCH, dir=folder if self._local else None)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _place(self, scratch: Path, path: str) -> None:
        if not self._local:
            self._fs.put_file(str(scratch), path)
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch.replace(target)
        for folder in (target.parent, target.parent.parent):
            entry = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(entry)
            finally:
                os.close(entry)


def hash_file(path: Path) -> StoredFile:
    """Return hash and size of a local file."""
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256")
        return StoredFile(digest.hexdigest(), source.tell())


def _check(path: Path, sha256: str) -> None:
    found = hash_file(path).sha256
    if found != sha256:
        raise StoreError(
            f"the stored file {sha256[:12]}… was changed on disk"
            f" (now {found[:12]}…): upload it again",
            code="file_damaged",
        )


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError("the disk is full: nothing was stored", code="disk_full") from error
        raise StoreError(f"the files storage refused: {error}", code="files_unavailable") from error
