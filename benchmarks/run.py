"""Run every benchmark, one after the other; each prints its table and writes its JSON.

``make bench``; ``RAGQA_EVAL_DATA`` names the evaluation data, without it only what needs none runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
WITHOUT_DATA = ("retrieval_speed.py", "service.py")


def main() -> int:
    """Return 1 when a benchmark failed."""
    scripts = sorted(
        path
        for path in HERE.glob("*.py")
        if path.name != "run.py" and 'if __name__ == "__main__":' in path.read_text("utf-8")
    )
    failed = []
    for script in scripts:
        if script.name not in WITHOUT_DATA and not os.environ.get("RAGQA_EVAL_DATA"):
            print(f"{script.name}: left out, RAGQA_EVAL_DATA is empty", flush=True)
            continue
        print(f"\n== {script.name}", flush=True)
        started = time.monotonic()
        # As a module of the package: some benchmarks import their neighbours, some the package.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(HERE.parent), str(HERE)))}
        done = subprocess.run([sys.executable, str(script)], env=environment, check=False)
        print(f"== {script.name}: {time.monotonic() - started:.0f} s", flush=True)
        if done.returncode:
            failed.append(script.name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
