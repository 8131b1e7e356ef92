"""Equal pictures where patients are known: told, and left as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from synthtrial.cohorts.image_folder import ImageFolder
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings


def test_known_patients_are_believed_and_the_contradiction_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for k in range(8):
        path = tmp_path / "raw" / "ab"[k % 2] / f"p{k}" / "1.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 255, (9, 9)).astype(np.uint8)).save(path)
    (path.parents[1] / "p8").mkdir()
    (path.parents[1] / "p8/1.png").write_bytes(path.read_bytes())
    (path.parent / "2.png").write_bytes(path.read_bytes())
    reader = ImageFolder(name="test", root=str(tmp_path / "raw"), image="{class}/{patient}/{case}")
    settings = PrepareSettings(shape=[8, 8], window={"low": 0, "high": 255}, fit="resize", folds=2)
    prepare(reader, tmp_path / "out", settings=settings, seed=0, workers=1)
    profile = json.loads((tmp_path / "out/profile.json").read_text())
    assert profile["equal_images"] == [["b_p7_1", "b_p7_2", "b_p8_1"]]
    (warning,) = profile["warnings"]
    assert "1 image(s) stand more than once in the cohort, under different patients" in warning
    assert PreparedCohort(tmp_path / "out").patients(profile["equal_images"][0]) == {"p7", "p8"}
