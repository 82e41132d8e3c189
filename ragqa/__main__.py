"""``python -m ragqa`` is ``ragqa``.

Kept bare: the processes that read pages import the module their parent was started by.
"""

from __future__ import annotations

import gc
import os


def main() -> None:
    """Run the program."""
    # We have no plugins for pydantic; looking for some reads what every installed package says.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # noqa: TID251  (not a setting)
    # NumPy multiplies little here: its other threads would wait at full speed for a tenth of a
    # second in each process, those that read pages included, which inherit this.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251  (not a setting)
    gc.disable()  # what is loaded stays: looking through it again and again finds nothing
    from ragqa.cli import main as run

    gc.freeze()  # nor does it later: once through all of it takes .008 s
    gc.enable()
    run()


if __name__ == "__main__":
    main()
