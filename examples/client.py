"""Talk to a running service: upload, search, ask with a stream, see where an answer stands.

ragqa serve &
python examples/client.py manual.pdf "保修期多久？" [--url http://127.0.0.1:8000] [--key KEY]
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress

import ragqa
from ragqa.errors import Conflict


def main() -> None:
    """Upload a file, ask one question, print answer and quotes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("question")
    parser.add_argument("--collection", default="examples")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--key")
    given = parser.parse_args()

    with ragqa.Client(given.url, given.key) as client:
        with suppress(Conflict):
            client.create_collection(given.collection)
        (document,) = client.upload(given.collection, given.file)
        if document["error"]:
            sys.exit(document["error"]["message"])
        print(f"{document['filename']}: {document['pages']} pages, {document['chunks']} passages")

        answer = client.ask(
            given.question,
            given.collection,
            evidence=lambda first: print(f"at once: {first['text']}"),
        )
        print(answer["text"] if answer["answered"] else answer["refusal"])
        for citation in answer["citations"]:
            place = f"[{citation['marker']}] {citation['filename']}, p. {citation['page']}"
            print(f"{place}: {citation['quote']}")


if __name__ == "__main__":
    main()
