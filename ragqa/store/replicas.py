"""A standby of the embedded server under a home of its own: a copy that follows, and only reads.

Postgres does it all: ``pg_basebackup`` copies the running cluster, and the copy's server then
streams what is committed to the original. It runs from the same programs.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ragqa.errors import Conflict, StoreError, WrongSettings
from ragqa.store.account import find_binaries, is_root, owner_of
from ragqa.store.cluster import last_lines, plan, write_private
from ragqa.store.db import translate_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ragqa.store.account import Account

SLOT_PREFIX = "ragqa_replica_"
LOST_SLOTS = """
SELECT slot_name FROM pg_replication_slots
 WHERE starts_with(slot_name, %s) AND NOT active AND wal_status = 'lost'
"""


def make_replica(original: str, home: Path, links: Mapping[str, Path]) -> None:
    """Copy the cluster of a running server below ``home``; start it like any other home's.

    Args:
        original: Conninfo of the server: one of ours, on this machine.
        home: Where to; what ``RAGQA_HOME`` is for those who use the copy.
        links: Folders that both homes share, by their names in ``home``.

    Raises:
        Conflict: If there is something in ``home`` already.
        WrongSettings: If ``home`` cannot be written.
        StoreError: If the copy fails; nothing is left of it then.
    """
    home = home.expanduser().absolute()
    folder = home / "postgres"
    if home.exists() and any(home.iterdir()):
        raise Conflict(f"{home} is not empty: choose a new folder for the replica")
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise WrongSettings(f"no replica can be kept in {home}: {error}") from error
    if is_root():
        folder.chmod(0o711)
    for name, target in links.items():
        (home / name).symlink_to(target)
    password = str(conninfo_to_dict(original)["password"])
    record = replace(plan(home), password=password)
    root = Path(record.elsewhere) if record.elsewhere else folder
    slot = SLOT_PREFIX + record.token
    with translate_errors(), closing(psycopg.connect(original, autocommit=True)) as conn:
        for row in conn.execute(LOST_SLOTS, [SLOT_PREFIX]).fetchall():
            conn.execute("SELECT pg_drop_replication_slot(%s)", [row[0]])
        source = conn.execute("SHOW data_directory").fetchone()
        assert source is not None
        try:
            _copy(original, root, slot, owner_of(Path(source[0])))
            write_private(folder / "cluster.json", json.dumps(asdict(record)))
            (folder / "made").touch()
        except BaseException:
            for path in (root, folder):
                shutil.rmtree(path, ignore_errors=True)
            conn.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE slot_name = %s",
                [slot],
            )
            raise


def _copy(original: str, root: Path, slot: str, account: Account) -> None:
    """Make ``root/data`` the standby of a server; complete or not at all."""
    given = conninfo_to_dict(original)
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    # Not in a command line, which everybody on this machine may read; the standby needs it later.
    secret = root / "original.password"
    write_private(secret, f"*:*:*:{given['user']}:{given['password']}\n")
    os.chown(secret, account.uid, account.gid)
    address = make_conninfo(
        host=given["host"], port=given["port"], user=given["user"], passfile=str(secret)
    )
    new = root / "new"
    account.own(new)
    try:
        done = account.run(
            find_binaries(account) / "pg_basebackup",
            f"--pgdata={new / 'data'}",
            f"--dbname={address}",
            "--checkpoint=fast",
            "--wal-method=stream",
            "--write-recovery-conf",
            "--create-slot",
            f"--slot={slot}",
            "--no-password",
        )
        if done.returncode:
            raise StoreError(f"the database could not be copied: {last_lines(done.stderr)}")
        for log in (new / "data").glob("server.log*"):  # what the original said
            log.unlink()
        (new / "data").rename(root / "data")
    finally:
        shutil.rmtree(new, ignore_errors=True)
