"""``ragqa``: one program, one subcommand for each thing one does."""

from __future__ import annotations

import gc
import sys

import typer

from ragqa.cli import distribution, doors, keys, lexicon, questions, upkeep
from ragqa.errors import RagqaError

app = typer.Typer(
    name="ragqa",
    help="Ask questions of your own PDFs; every sentence of an answer cites a place on a page.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
lexicon.mount(app)
questions.mount(app)
upkeep.mount(app)
distribution.mount(app)
doors.mount(app)
keys.mount(app)


def main() -> None:
    """Run the program: errors become one sentence on stderr and the exit code of their class."""
    from ingest.cli import mount

    mount(app)
    _leave_out_all_but(sys.argv[1:2])
    try:
        app()
    except RagqaError as error:
        sys.stderr.write(f"ragqa: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        # The process ends. Python would look through all that was loaded for cycles (.08 s).
        gc.freeze()


def _leave_out_all_but(called: list[str]) -> None:
    """Keep the command that is called, if there is one: to make all of them ready takes .05 s."""
    commands = [
        one
        for one in app.registered_commands
        if one.callback is not None and [one.name or one.callback.__name__] == called
    ]
    groups = [one for one in app.registered_groups if [one.name] == called]
    if commands or groups:
        app.registered_commands, app.registered_groups = commands, groups


@app.callback()
def prepare() -> None:
    """Ask questions of your own PDFs; every sentence of an answer cites a place on a page."""
