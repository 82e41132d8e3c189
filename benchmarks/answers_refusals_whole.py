"""How often is there a refusal through the whole product: passages as files, asked as a user asks?

    RAGQA_EVAL_DATA=... python benchmarks/answers_refusals_whole.py [--set rgb-zh] [--hide]
        [--home FOLDER] [--records FILE]

rgb-zh: all its passages are files of one collection; only passages beside the point are there of
its negative questions. With ``--hide`` the passages that answer its answerable questions are left
out, and every question should be refused; so may those of rgb-zh-fact, rgb-zh-int and rgb-en-fact
be, with the passages that were falsified. With ``--home`` files are read once and kept, with
``--records`` what was asked is not asked again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answers_data import Records, contains, lines, questions

from ingest.batch import run_batch
from ragqa.answering.answerer import Finished
from ragqa.answering.citations import MARKER
from ragqa.settings import load_settings
from ragqa.wiring import open_services

if TYPE_CHECKING:
    from answers_data import Question

    from ragqa.wiring import Services

RESULTS = Path(__file__).parent / "results"


def write_files(folder: Path, name_of_set: str, hidden: frozenset[str]) -> None:
    """Write each passage of a set to a file of its own."""
    folder.mkdir(exist_ok=True)
    for line in lines("passages.jsonl"):
        if line["set"] == name_of_set and line["id"] not in hidden:
            name = line["id"].replace("/", "_")
            (folder / f"{name}.txt").write_text(line["text"], "utf-8")


def answering(q: Question) -> list[str]:
    """Return the passages that tell an answer to a question, be it a falsified one."""
    return [*q.passages, *q.raw.get("counterfactual_passages", ())]


def ask(services: Services, collection: str, q: Question, kind: str) -> dict[str, Any]:
    """Ask a question and return what came of it."""
    *_, last = services.ask(q.question, collection)
    assert isinstance(last, Finished)
    said = MARKER.sub("", last.answer.text)
    return {
        "kind": kind,
        "id": q.id,
        "question": q.question,
        "refused": not last.answer.answered,
        "right": last.answer.answered and contains(said, q.answers),
        "confidence": last.answer.confidence,
        "said": said,
        "seconds": last.answer.timings.total / 1000,
    }


def main() -> None:
    """Print shares of refusals and of right answers by kind, and write them as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", default="rgb-zh")
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--hide", action="store_true")
    parser.add_argument("--records", type=Path, default=None)
    options = parser.parse_args()
    asked = [q for q in questions(options.set) if q.answerable or not options.hide]
    hidden = frozenset(one for q in asked for one in answering(q)) if options.hide else frozenset()
    collection = f"{options.set}-{'hidden' if options.hide else 'all'}"
    records = Records(options.records)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        home.mkdir(exist_ok=True)
        home.chmod(0o755)
        write_files(home / collection, options.set, hidden)
        settings = load_settings(home=home / "home", offline=True, log_level="warning")
        with open_services(settings) as services:
            run_batch(services, [home / collection], collection)
            for q in asked:
                kind = "hidden" if options.hide else "answerable" if q.answerable else "negative"
                row = records.get(kind, q) or records.add(ask(services, collection, q, kind))
                rows.append(row)
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        of[row["kind"]].append(row)
    path = RESULTS / "answers_refusals_whole.json"
    result = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for kind, some in of.items():
        named = kind if options.set == "rgb-zh" else f"{options.set} {kind}"
        means = {name: sum(row[name] for row in some) / len(some) for name in ("refused", "right")}
        result[named] = {"n": len(some)} | {name: round(value, 3) for name, value in means.items()}
        print(f"{named:20}", result[named])
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
