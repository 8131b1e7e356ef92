"""A killed prepare goes on with the cases that were finished, and ends with the bytes of one that was not killed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from nifti_files import write_pair

from synthtrial.cohorts.nifti_pairs import NiftiPairs
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import SynthtrialError
from synthtrial.unfinished import Unfinished

COPIES = {"copies": 2, "beyond": "border", "resample": {"coarsest": [2, 2, 2]}}


class Stopped(BaseException):
    """What ends a prepare in the middle, like a kill that no clean-up sees."""


class Stopping(NiftiPairs):
    """Reads so many cases, then stops; writes down which it reads."""

    most: int
    log: Path

    def read(self, ref):
        with self.log.open("a") as file:
            file.write(f"{ref.case_id}\n")
        if len(self.log.read_text().split()) > self.most:
            raise Stopped
        return super().read(ref)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    for k in range(6):
        write_pair(tmp_path / "raw", f"c{k}", shape=(9 + k, 10, 7), affine=np.diag([-1.0, -1.0, 2.0, 1.0]))
    return tmp_path / "raw"


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run(raw: Path, *, most: int = 99, whole: str = "prepared", made_from: dict | None = None, **changed) -> list[str]:
    """Prepare into `<whole>`, stop after so many cases; return those that were read."""
    log = raw.parent / "log"
    log.unlink(missing_ok=True)
    log.touch()
    known = {"image": "images/{case}.nii.gz", "mask": "labels/{case}.nii.gz", "labels": {"lesion": 1}}
    reader = Stopping(name="test", root=str(raw), **known)
    reader.most, reader.log = most, log
    window = {"low": -500, "high": 500}
    settings = PrepareSettings(**{"shape": [8] * 3, "window": window, "folds": 3, **changed})
    unfinished = Unfinished(raw.parent / "checkpoints/prepare", made_from or {})
    try:
        prepare(reader, raw.parent / whole, settings=settings, seed=1, workers=1, unfinished=unfinished)
    except Stopped:
        assert not (raw.parent / whole).exists()
    return log.read_text().split()


def test_goes_on_with_the_same_bytes(raw: Path) -> None:
    assert len(run(raw, whole="at_once")) == 6
    assert run(raw, most=3) == ["c0", "c1", "c2", "c3"]
    place = raw.parent / "checkpoints/prepare"
    with (place / "finished.jsonl").open("a") as file:
        file.write('{"name": "case c3", "ke')  # cut off in the middle
    (place / "files/images/c3.npy").write_bytes(b"half")
    (place / "files/images/stranger.npy").write_bytes(b"of another time")
    assert run(raw) == ["c3", "c4", "c5"]
    assert hashes(raw.parent / "prepared") == hashes(raw.parent / "at_once")
    assert not place.exists()


def test_a_changed_case_is_prepared_again(raw: Path) -> None:
    run(raw, most=3)
    os.utime(raw / "images/c1.nii.gz", ns=(1, 1))
    (raw.parent / "checkpoints/prepare/files/masks/c2.npy").write_bytes(b"torn")
    assert run(raw) == ["c1", "c2", "c3", "c4", "c5"]


@pytest.mark.parametrize("changed", [{"shape": [8, 8, 7]}, {"made_from": {"other": 1}}], ids=["settings", "cohort"])
def test_other_settings_start_over(raw: Path, changed: dict) -> None:
    run(raw, most=3)
    assert len(run(raw, **changed)) == 6


def test_augmented_copies_are_kept_too(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthtrial.cohorts import augmenting

    made, honest = [], augmenting.augment_case

    def counted(source, **known):
        made.append(source["case_id"])
        if len(made) == 3:
            raise Stopped
        return honest(source, **known)

    run(raw, whole="at_once", augment=COPIES)
    monkeypatch.setattr(augmenting, "augment_case", counted)
    run(raw, augment=COPIES)
    assert len(made) == 3
    assert run(raw, augment=COPIES) == []
    assert made[3] == made[2] and len(made) == len(set(made)) + 1
    assert hashes(raw.parent / "prepared") == hashes(raw.parent / "at_once")


def test_two_at_one_place_are_refused(tmp_path: Path) -> None:
    with Unfinished(tmp_path / "place", {}), pytest.raises(SynthtrialError, match="another process"):
        Unfinished(tmp_path / "place", {}).__enter__()
