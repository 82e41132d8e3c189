"""Clusters that root keeps outside their home, because the server's account cannot enter it.

Each says whose it is, so that one whose home was deleted goes too: who removes ``RAGQA_HOME`` means
the data in the database as well.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from ragqa.store.account import SYSTEM_FOLDER
from ragqa.store.postmaster import end_postmaster, find_postmaster

_OWNER = "home.json"
_YOUNG = 60.0
"""Seconds."""


def choose_elsewhere(home: Path, token: str) -> Path:
    """Make a place for the cluster of ``home`` and return it."""
    sweep_elsewhere()
    root = SYSTEM_FOLDER / token
    root.mkdir(mode=0o755, parents=True)
    owner = {"home": str(home), "device": home.stat().st_dev}
    (root / _OWNER).write_text(json.dumps(owner))
    return root


def sweep_elsewhere() -> None:
    """Remove the clusters whose home is gone; one on a disk that is not mounted is not gone."""
    for path in SYSTEM_FOLDER.glob(f"*/{_OWNER}"):
        # A young one may be somebody's who is about to finish it.
        if time.time() - path.stat().st_mtime < _YOUNG or not _is_orphan(path):
            continue
        data = path.parent / "data"
        if (pid := find_postmaster(data)) is not None:
            end_postmaster(pid, data)
        shutil.rmtree(path.parent, ignore_errors=True)


def _is_orphan(path: Path) -> bool:
    """Return whether the home named in ``path`` keeps no cluster, on the very disk it was on."""
    try:
        owner = json.loads(path.read_text())
        home, device = Path(owner["home"]), int(owner["device"])
    except (ValueError, KeyError):
        return False
    if (home / "postgres" / "cluster.json").exists():
        return False
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    return there.stat().st_dev == device
