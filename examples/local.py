"""Ask a file without any service: database, models and worker belong to this program.

    python examples/local.py manual.pdf "保修期多久？"

The home is that of the other commands (`RAGQA_HOME`), so that a service sees the same collections.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress

import ragqa
from ragqa.errors import Conflict


def main() -> None:
    """Take a file in, search it, ask one question, print passages, answer and quotes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("question")
    parser.add_argument("--collection", default="examples")
    given = parser.parse_args()

    with ragqa.Local() as local:
        with suppress(Conflict):
            local.create_collection(given.collection)
        (document,) = local.upload(given.collection, given.file)
        if document["error"]:
            sys.exit(document["error"]["message"])

        for hit in local.search(given.question, given.collection, top_k=3):
            print(f"found on p. {hit['page']}: {hit['text']}")
        answer = local.ask(given.question, given.collection)
        print(answer["text"] if answer["answered"] else answer["refusal"])
        for citation in answer["citations"]:
            place = f"[{citation['marker']}] {citation['filename']}, p. {citation['page']}"
            print(f"{place}: {citation['quote']}")


if __name__ == "__main__":
    main()
