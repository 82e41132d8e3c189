"""How good are answers over the whole chain: typeset PDFs read, stored, searched, asked?

    RAGQA_EVAL_DATA=... python benchmarks/answers.py [--size 60] [--withheld 20]
        [--llm PRESET ...] [--models FOLDER] [--home FOLDER] [--out NAME] [--records FILE]

Questions about typeset Chinese and English documents, as many in each language, and questions
whose passage was kept out of them. With ``--home`` the documents are read once and kept. Several
``--llm`` are measured beside each other on the same questions.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answers_data import DATA, lines

from ingest.worker import run_worker
from ragqa.answering.answerer import Evidence, Finished
from ragqa.evaluation.answers import curve_of, judge_answer, judged_to_json
from ragqa.evaluation.datasets import read_questions
from ragqa.evaluation.metrics import estimate
from ragqa.settings import load_settings
from ragqa.store.collections import list_collections
from ragqa.store.intake import take_in
from ragqa.types import Token
from ragqa.wiring import open_services

if TYPE_CHECKING:
    from ragqa.evaluation.datasets import Question
    from ragqa.wiring import Services

COLLECTION = "qa"
RESULTS = Path(__file__).parent / "results"


def take_documents(services: Services, language: str = "") -> None:
    """Read the typeset documents into the collection, unless they are there."""
    with services.database.transaction() as conn:
        if any(collection.name == COLLECTION for collection in list_collections(conn)):
            return
    collection = services.create_collection(COLLECTION)
    for document in lines("documents.jsonl"):
        wanted = document["set"] == "qa-pdf" and document["kind"] == "born-digital"
        if wanted and document["language"].startswith(language):
            path = DATA / document["file"]
            with path.open("rb") as file:
                take_in(services.database, services.files, collection, path.name, file)
    run_worker(services, until_idle=True)


def choose_questions(
    size: int, withheld: int, kind: str = "gold_withheld", seed: int = 11
) -> list[Question]:
    """Return ``size`` answerable questions, half of them Chinese, and ``withheld`` others."""
    names = {one["id"]: Path(one["file"]).name for one in lines("documents.jsonl")}
    of: dict[str, list[dict[str, Any]]] = {"zh": [], "en": [], "none": []}
    for line in lines("questions.jsonl"):
        if line["set"] != "qa-pdf" or line.get("scanned"):
            continue
        if line["answerable"]:
            of[line["language"][:2]].append(line | {"document": names[line["document"]]})
        elif line["kind"] == kind:
            of["none"].append(line | {"document": None})
    rng = random.Random(seed)
    chosen: list[dict[str, Any]] = []
    for key, count in (("zh", size - size // 2), ("en", size // 2), ("none", withheld)):
        rng.shuffle(of[key])
        chosen += of[key][:count]
    return read_questions(chosen)


def ask_all(services: Services, questions: list[Question], records: str) -> list[dict[str, Any]]:
    """Ask every question once, judge each answer, and append to the file of records if named."""
    judged = []
    list(services.ask(questions[0].text, COLLECTION))  # loads the models: not part of any time
    for question in questions:
        draft = ""
        extractive = answer = None
        for event in services.ask(question.text, COLLECTION):
            if isinstance(event, Evidence):
                extractive = event.answer
            elif isinstance(event, Token):
                draft += event.text
            elif isinstance(event, Finished):
                answer = event.answer
        assert answer is not None
        one = judged_to_json(question, answer, judge_answer(question, answer, extractive))
        judged.append(one)
        if records:
            more = {
                "draft": draft,
                "extractive": extractive.text if extractive else None,
                "sentences": [[s.text, s.supported, s.reasons] for s in answer.sentences],
                "prompt": (answer.prompt or "")[-1500:],
            }
            with Path(records).open("a", encoding="utf-8") as file:
                file.write(json.dumps(one | more, ensure_ascii=False) + "\n")
    return judged


def summarize(judged: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return mean, 95 % interval and median of every measure."""
    summary: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for one in judged for name in one["measures"]):
        values = [one["measures"][name] for one in judged if name in one["measures"]]
        found = estimate(values)
        summary[name] = {
            "mean": round(found.mean, 4),
            "low": round(found.low, 4),
            "high": round(found.high, 4),
            "n": found.n,
            "median": round(statistics.median(values), 3),
            "p95": round(sorted(values)[max(0, round(0.95 * len(values)) - 1)], 3),
        }
    return summary


def main() -> None:
    """Print a table a model and write all of it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=60)
    parser.add_argument("--withheld", type=int, default=20)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--llm", nargs="*", default=[load_settings(folder=None).llm_model])
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--records", default="")
    parser.add_argument("--out", default="answers")
    options = parser.parse_args()
    questions = choose_questions(options.size, options.withheld, seed=options.seed)
    result: dict[str, Any] = {"questions": len(questions), "seed": options.seed}
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        home.chmod(0o755)
        given = load_settings(folder=None).model_copy(update={"home": home.absolute()})
        settings = given.model_copy(
            update={"models": (options.models or given.models_folder).absolute(), "offline": True}
        )
        with open_services(settings) as services:
            take_documents(services)
            for llm in options.llm:
                services.settings = settings.model_copy(update={"llm_model": llm})
                services.forget_models()
                judged = ask_all(services, questions, options.records)
                for language in ("zh", "en", ""):
                    part = [
                        one
                        for one, question in zip(judged, questions, strict=True)
                        if not language or language == _language(question)
                    ]
                    result[f"{llm} {language}".strip()] = summarize(part)
                result[f"{llm} risk by coverage"] = curve_of(judged)
    for name, summary in result.items():
        if isinstance(summary, dict):
            print(name)
            for measure, value in summary.items():
                columns = " ".join(f"{key} {amount:<8}" for key, amount in value.items())
                print(f"  {measure:20} {columns}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{options.out}.json").write_text(json.dumps(result, indent=1) + "\n")


def _language(question: Question) -> str:
    return "zh" if any("\u4e00" <= c <= "\u9fff" for c in question.text) else "en"


if __name__ == "__main__":
    main()
