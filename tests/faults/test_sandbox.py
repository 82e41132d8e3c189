"""What a child does, costs that child's piece of work and nothing else."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ingest.lost import Limits, Lost
from ingest.sandbox import Sandbox, Stopped, allow_cpu, in_order

_KEPT: list[bytearray] = []


def work(pieces: list[str]) -> list[str]:
    done = []
    for piece in pieces:
        if piece == "crash":
            ctypes.string_at(1)
        elif piece == "hang":
            time.sleep(600)
        elif piece == "spin":
            allow_cpu(1)
            while True:
                pass
        elif piece == "eat":
            held = [bytearray(50 << 20) for _ in range(100)]
            del held
        elif piece == "flood":
            with tempfile.TemporaryFile() as file:
                file.write(bytes(80 << 20))
        elif piece == "keep":
            _KEPT.append(bytearray(450 << 20))
        elif piece == "need":
            held = [bytearray(250 << 20)]
            del held
        done.append(piece.upper())
    return done


def killed_work(pieces: list[str]) -> list[str]:
    """Be killed from outside until the file that is named holds as many marks as it says."""
    piece = Path(pieces[0])
    with piece.open("r+") as file:
        most, _, marks = file.read().partition(" ")
        if len(marks) < int(most):
            file.write("x")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    return ["read"]


def slow_work(pieces: list[str]) -> list[int]:
    """Do the first piece only: more would take too long."""
    if pieces[0] == "slow":
        time.sleep(0.6)
    return [os.getpid()]


def outcomes(pieces: list[str], *, seconds: float = 1) -> list[str]:
    with Sandbox(Limits(seconds, 600), processes=2) as box:
        return [str(result) for _, result in in_order(box, work, pieces, ahead=3)]


def test_a_crash_and_a_hang_cost_only_themselves() -> None:
    pieces = ["a", "b", "c", "crash", "d", "hang", "e"]
    results = outcomes(pieces)
    assert [r for r in results if len(r) == 1] == list("ABCDE")
    assert "crashed (SIGSEGV)" in results[3]
    assert "longer than 5 times the 1 s" in results[5]


def test_a_glutton_costs_only_itself() -> None:
    # With time enough: a machine without a moment to spare needs seconds to give 600 MB.
    results = outcomes(["a", "b", "eat", "c", "d"], seconds=60)
    assert [r for r in results if len(r) == 1] == list("ABCD")
    assert "600 MB" in results[2]


def test_no_process_idles_while_slow_pieces_wait() -> None:
    with Sandbox(Limits(30, 600), processes=2) as box:
        list(in_order(box, slow_work, ["a", "b"], ahead=4))
        begun = time.monotonic()
        processes = [pid for _, pid in in_order(box, slow_work, ["slow"] * 20, ahead=4)]
        seconds = time.monotonic() - begun
    assert len(set(processes)) == 2
    assert 10 * 0.6 <= seconds < 11 * 0.6, "half of them, one after the other"


def test_computing_without_end_is_stopped() -> None:
    spun, after = outcomes(["spin", "a"], seconds=30)
    assert "crashed (SIGXCPU)" in spun or "computing" in spun
    assert after == "A"


def test_a_stop_takes_effect_in_the_middle_of_a_piece() -> None:
    begun = time.monotonic()
    with Sandbox(Limits(60, 600)) as box, pytest.raises(Stopped):
        list(in_order(box, work, ["hang"], ahead=1, stop=lambda: time.monotonic() > begun + 1))
    assert time.monotonic() - begun < 5


def test_an_error_of_the_work_itself_reaches_the_caller() -> None:
    with Sandbox(Limits(10, 600)) as box:
        with pytest.raises(OSError, match="File too large"):
            box.wait(box.start(work, ["flood"]))
        with pytest.raises(Lost):
            box.wait(box.start(work, ["crash"]))
        assert box.wait(box.start(work, ["a"])) == ["A"]


def test_what_a_worn_process_has_no_memory_for_is_tried_in_a_new_one() -> None:
    with Sandbox(Limits(30, 600)) as box:
        assert [r for _, r in in_order(box, work, ["keep"], ahead=1)] == ["KEEP"]
        assert [r for _, r in in_order(box, work, ["need", "a"], ahead=1)] == ["NEED", "A"]


def test_a_process_that_ran_out_of_memory_is_replaced_by_one_that_holds_nothing() -> None:
    with Sandbox(Limits(30, 600)) as box:
        list(in_order(box, work, ["keep"], ahead=1))
        list(in_order(box, work, ["need"], ahead=1))
        assert box.wait(box.start(work, ["need"])) == ["NEED"]


def test_a_piece_whose_process_is_killed_from_outside_is_tried_again_and_again(
    tmp_path: Path,
) -> None:
    thrice, always = tmp_path / "thrice", tmp_path / "always"
    thrice.write_text("3 ")
    always.write_text("99 ")
    with Sandbox(Limits(30, 600)) as box:
        results = [r for _, r in in_order(box, killed_work, [str(thrice), str(always)], ahead=1)]
    assert results[0] == "read"
    assert "was killed" in str(results[1])
    assert always.read_text() == "99 xxxx"


def test_what_a_child_says_is_no_part_of_a_commands_output() -> None:
    talk = (
        "import os\nfrom ingest.lost import Limits\nfrom ingest.sandbox import Sandbox\n"
        "with Sandbox(Limits(5, 600)) as box:\n"
        "    box.wait(box.start(os.write, 1, b'unhandled font'))"
    )
    done = subprocess.run([sys.executable, "-c", talk], capture_output=True, check=True)
    assert done.stdout == b""
    assert b"unhandled font" in done.stderr
