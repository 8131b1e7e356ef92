"""Files of cases are opened once per process, and never show what a file no longer holds."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synthtrial.cohorts import opened as opened_module
from synthtrial.cohorts.opened import MOST_FILES, opened


class Reader:
    """Read an array, and count how often."""

    def __init__(self, mmap_mode: str | None = "r") -> None:
        self.mmap_mode, self.times = mmap_mode, 0

    def __call__(self, path: Path) -> np.ndarray:
        self.times += 1
        return np.load(path, mmap_mode=self.mmap_mode)


@pytest.fixture
def write(tmp_path):
    def make(name: str = "a", value: int = 1, shape: tuple[int, ...] = (4,)) -> Path:
        np.save(tmp_path / f"{name}.new.npy", np.full(shape, value, np.int16))
        return (tmp_path / f"{name}.new.npy").replace(tmp_path / f"{name}.npy")

    return make


def test_a_file_is_read_once(write):
    path, read = write(), Reader()
    assert opened(path, read) is opened(path, read) and read.times == 1


def test_a_file_written_anew_is_read_anew(write):
    read = Reader()
    assert opened(write(value=1), read)[0] == 1
    assert opened(write(value=2), read)[0] == 2


def test_what_all_share_cannot_be_changed(write):
    with pytest.raises(ValueError, match="read-only"):
        opened(write(), Reader(mmap_mode=None))[0] = 5


def test_no_more_than_so_many_files_are_kept_and_the_latest_are(write):
    read = Reader()
    paths = [write(str(number)) for number in range(MOST_FILES + 1)]
    for path in paths:
        opened(path, read)
    assert len(opened_module._kept) == MOST_FILES
    opened(paths[-1], read)
    assert read.times == MOST_FILES + 1
    opened(paths[0], read)
    assert read.times == MOST_FILES + 2


def test_large_decoded_arrays_are_not_kept(write):
    path, decode, map_file = write(shape=(2**18,)), Reader(mmap_mode=None), Reader()
    for _ in range(2):
        opened(path, decode)
        opened(path, map_file)
    assert (decode.times, map_file.times) == (2, 1)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "none.npy", Reader())


def test_a_cohort_with_open_files_goes_into_another_process(make_cohort, tmp_path):
    cohort = make_cohort()
    image = cohort.image("case03")
    assert np.shares_memory(cohort.mask("case03"), cohort.mask("case03"))
    (tmp_path / "cohort.pickle").write_bytes(pickle.dumps(cohort))
    assert (tmp_path / "cohort.pickle").stat().st_size < 100_000
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).image('case03').sum(dtype='float64'))"
    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "cohort.pickle")], capture_output=True, text=True, check=True
    )
    assert float(told.stdout) == image.sum(dtype="float64")


def test_images_handed_out_are_the_callers_own(make_cohort):
    cohort = make_cohort()
    first = cohort.image("case03")
    first += 1
    assert not np.array_equal(first, cohort.image("case03"))


@pytest.mark.parametrize(("allowed", "kept"), [(256, 128), (1200, 512)])
def test_half_of_the_files_that_a_process_may_open_stay_free(allowed: int, kept: int) -> None:
    code = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({allowed}, {allowed}))\n"
    code += "from synthtrial.cohorts.opened import MOST_FILES; print(MOST_FILES)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == kept
