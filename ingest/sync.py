"""Folders to versions: what the nightly batch does with every file it meets.

A file whose size and time are as before costs a stat; another costs a hash; only other bytes are
read. The names of documents are paths relative to the folder that was given.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from ingest.findings import SETTLED_SECONDS, Batch, Found, settled, walk
from ingest.readers.kind import SUFFIXES
from ragqa.errors import Conflict, InvalidInput, NotFound, RagqaError, UnreadableFile
from ragqa.store.files import hash_file
from ragqa.store.sources import Source, list_sources, move_source, write_source
from ragqa.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ragqa.ports import Embedder
    from ragqa.store.db import Database
    from ragqa.store.files import Files
    from ragqa.types import Collection

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sync:
    """What a run works with."""

    database: Database
    files: Files
    collection: Collection
    embedder: Callable[[], Embedder]
    limit: int
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def take(self, paths: Sequence[Path], *, prune: bool = False, force: bool = False) -> Batch:
        """Take in every new or changed file under ``paths`` and queue its reading.

        Raises:
            InvalidInput: If a path is not there.
            Conflict: If pruning would delete more than half of a folder's documents, unforced.
        """
        batch = Batch()
        for path in paths:
            if not path.exists():
                raise InvalidInput(f"{path} is not there: a file or folder was expected")
        for path in paths:
            if path.is_dir():
                self._take_folder(path.resolve(), batch, prune=prune, force=force)
            else:
                self._take_single(path.resolve(), batch)
        return batch

    def _take_single(self, file: Path, batch: Batch) -> None:
        found = list(self._look([file.name], file.parent, batch))
        with self.database.transaction() as conn:
            known = list_sources(conn, self.collection.id, str(file.parent))
        for one in found:
            self._take_file(one, known.get(one.path), batch)

    def _take_folder(self, root: Path, batch: Batch, *, prune: bool, force: bool) -> None:
        with self.database.transaction() as conn:
            known = list_sources(conn, self.collection.id, str(root))
        found = {one.path: one for one in self._look(walk(root, batch), root, batch)}
        vanished = {
            path: source
            for path, source in known.items()
            if path not in found and not os.path.lexists(root / path)
        }
        self._follow_renames(found, known, vanished, batch)
        for path in sorted(found):
            self._take_file(found[path], known.get(path), batch)
        if prune and vanished:
            self._prune(root, known, vanished, batch, force=force)

    def _look(self, paths: Iterable[str], root: Path, batch: Batch) -> Iterator[Found]:
        # Strings, not Paths: of thousands of files most are as they were, and that is all there is
        # to a night.
        top = str(root)
        recent: list[Found] = []
        for path in paths:
            if not self._chosen(path):
                continue
            suffix = os.path.splitext(path)[1]  # noqa: PTH122
            if suffix.casefold() not in SUFFIXES:
                batch.skip(path, f"{suffix or 'no extension'} is not a kind of file that is read")
                continue
            file = f"{top}/{path}"
            try:
                status = os.stat(file)  # noqa: PTH116
            except OSError as error:
                batch.fail(path, Failure("unreadable_file", f"{file}: {error.strerror}"))
                continue
            if not stat.S_ISREG(status.st_mode):
                batch.skip(path, "not a regular file")
            elif time.time() - status.st_mtime < SETTLED_SECONDS:
                recent.append(Found(top, path, status.st_size, status.st_mtime_ns))
            else:
                yield Found(top, path, status.st_size, status.st_mtime_ns)
        yield from settled(recent, batch)

    def _chosen(self, path: str) -> bool:
        if path.startswith(".") or "/." in path:
            return False
        if self.include and not any(fnmatch(path, pattern) for pattern in self.include):
            return False
        return not any(fnmatch(path, pattern) for pattern in self.exclude)

    def _follow_renames(
        self,
        found: dict[str, Found],
        known: dict[str, Source],
        vanished: dict[str, Source],
        batch: Batch,
    ) -> None:
        sizes = {source.bytes for source in vanished.values()}
        for path, one in found.items():
            if path in known or one.bytes not in sizes:
                continue
            sha256 = _hash(one, batch)
            source = next((s for s in vanished.values() if s.sha256 == sha256), None)
            if source is None:
                continue
            moved = replace(source, bytes=one.bytes, mtime_ns=one.mtime_ns)
            if not self._rename(one, moved):
                continue
            known[path] = replace(moved, path=path)
            del vanished[source.path]
            known.pop(source.path, None)
            batch.renamed += 1

    def _rename(self, one: Found, moved: Source) -> bool:
        """Let a document follow its file; False when another one has the name."""
        from ingest.renaming import rename

        try:
            rename(
                self.database,
                self.embedder,
                moved.document_id,
                one.path,
                lambda conn: move_source(conn, one.root, moved, one.path),
            )
        except (Conflict, NotFound):
            return False
        return True

    def _take_file(self, one: Found, source: Source | None, batch: Batch) -> None:
        try:
            if source is not None and self._is_unchanged(one, source):
                batch.unchanged += 1
                return
            # Here and below: a night in which nothing changed need not wait for it to be loaded.
            from ragqa.store.intake import take_in
            from ragqa.store.jobs import BATCH

            with one.file.open("rb") as stream:
                added = take_in(
                    self.database,
                    self.files,
                    self.collection,
                    one.path,
                    stream,
                    limit=self.limit,
                    priority=BATCH,
                )
            document = added.document
            remembered = Source(one.path, document.id, one.bytes, one.mtime_ns, document.sha256)
            with self.database.transaction() as conn:
                write_source(conn, one.root, remembered)
        except OSError as error:
            batch.fail(one.path, Failure(UnreadableFile.code, f"{one.file}: {error.strerror}"))
        except RagqaError as error:
            batch.fail(one.path, Failure(error.code, str(error)))
        else:
            if not added.queued:
                batch.unchanged += 1
            elif added.replaced:
                batch.updated += 1
            else:
                batch.added += 1
            if added.queued or document.status in {"queued", "processing"}:
                batch.documents[document.id] = one.path

    def _is_unchanged(self, one: Found, source: Source) -> bool:
        """Tell by size and time, or else by the bytes; new times are remembered."""
        if not source.settled or one.bytes != source.bytes:
            return False
        if one.mtime_ns == source.mtime_ns:
            return True
        if hash_file(one.file).sha256 != source.sha256:
            return False
        with self.database.transaction() as conn:
            write_source(conn, one.root, replace(source, mtime_ns=one.mtime_ns))
        return True

    def _prune(
        self,
        root: Path,
        known: dict[str, Source],
        vanished: dict[str, Source],
        batch: Batch,
        *,
        force: bool,
    ) -> None:
        if len(vanished) * 2 > len(known) and len(known) > 1 and not force:
            raise Conflict(
                f"{len(vanished)} of {len(known)} documents of {root} would be deleted, more than "
                "half: is the folder mounted? Use --force to delete them all the same"
            )
        from ragqa.store.intake import delete_document

        for source in vanished.values():
            delete_document(self.database, self.files, source.document_id)
            batch.deleted += 1


def _hash(one: Found, batch: Batch) -> str | None:
    try:
        return hash_file(one.file).sha256
    except OSError as error:
        batch.fail(one.path, Failure(UnreadableFile.code, f"{one.file}: {error.strerror}"))
        return None
