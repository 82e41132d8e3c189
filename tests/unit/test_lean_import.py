"""sentence-transformers is imported without what only its training uses, and loses nothing."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    """Run Python in a process of its own, where nothing is imported yet; its output."""
    begin = "from ragqa.models.lean_import import import_sentence_transformers as load\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_it_leaves_training_packages_unloaded() -> None:
    code = "import sys; load(); print([m for m in ('sklearn', 'pandas') if m in sys.modules])"
    assert run(code) == "[]"


def test_a_function_that_was_stood_in_for_is_the_real_one_when_called() -> None:
    code = (
        "load()\n"
        "from sentence_transformers.sentence_transformer.evaluation import binary_classification\n"
        "print(float(binary_classification.average_precision_score([0, 1], [0.1, 0.9])))\n"
        "from sklearn.metrics import f1_score\n"
        "print(float(f1_score([1, 0], [1, 1])))\n"
        "import scipy.stats\n"
        "print(round(float(scipy.stats.pearsonr([1, 2, 3], [1, 2, 3])[0]), 6))\n"
        "from transformers.loss import loss_for_object_detection\n"
        "rows, _ = loss_for_object_detection.linear_sum_assignment([[4, 1], [2, 3]])\n"
        "print(rows.tolist())"
    )
    assert run(code).split() == ["1.0", "0.6666666666666666", "1.0", "[0,", "1]"]


def test_the_compiler_of_pytorch_is_left_out_where_that_was_asked_for_until_others_need_it() -> (
    None
):
    code = (
        "import sys\n"
        "from ragqa.models.lean_import import import_torch, leave_out_compiler\n"
        "leave_out_compiler()\n"
        "torch = import_torch()\n"
        "print('torch._meta_registrations' in sys.modules)\n"
        "print((torch.ones(2, 2) @ torch.ones(2)).tolist())\n"
        "load()\n"
        "print('torch._meta_registrations' in sys.modules)\n"
        "print(torch.compile(lambda x: x + 1, backend='eager')(torch.ones(1)).item())"
    )
    assert run(code).split("\n") == ["False", "[2.0, 2.0]", "True", "2.0"]


def test_modules_loaded_before_stay_as_they_are() -> None:
    code = "import sklearn.metrics as a; load(); import sklearn.metrics as b; print(a is b)"
    assert run(code) == "True"
