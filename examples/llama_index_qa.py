"""Search a collection through LlamaIndex; needs `pip install llama-index-core`.

    ragqa serve --demo samples &
    python examples/llama_index_qa.py "滤芯多久更换一次？" [--url http://127.0.0.1:8000]

Any query engine takes the retriever: RetrieverQueryEngine.from_args(retriever, llm=…).
"""

from __future__ import annotations

import argparse

import ragqa
from ragqa.llama_index import RagqaRetriever


def main() -> None:
    """Print the passages that LlamaIndex is given for a question."""
    parser = argparse.ArgumentParser()
    parser.add_argument("question")
    parser.add_argument("--collection", default="demo")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--key")
    given = parser.parse_args()

    with ragqa.Client(given.url, given.key) as client:
        for found in RagqaRetriever(client, given.collection, limit=3).retrieve(given.question):
            place = found.node.metadata
            print(f"{place['filename']}, p. {place['page']}: {found.node.get_content()}")


if __name__ == "__main__":
    main()
