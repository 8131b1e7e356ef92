"""How long a stage took, and how much of that was training."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from synthtrial.stage_clock import covered, process_start


def test_time_that_several_stretches_cover_counts_once():
    assert covered([]) == 0
    assert covered([(5, 8), (1, 3)]) == 5
    assert covered([(1, 6), (2, 4), (5, 9)]) == 8
    assert covered([(1, 2), (2, 3)]) == 2


def test_a_process_starts_before_its_imports():
    before = time.time()
    code = "import time; time.sleep(0.4); from synthtrial.stage_clock import process_start; print(process_start())"
    start = float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
    assert start == pytest.approx(before, abs=0.3)
    assert process_start() < before
