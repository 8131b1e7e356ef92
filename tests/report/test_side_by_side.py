"""Two studies beside each other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthtrial.errors import SynthtrialError
from synthtrial.report.side_by_side import in_markdown, side_by_side


def write_cases(folder: Path, mean: float, metric: str) -> None:
    """Scores of three folds and ten patients; those of another mean have another luck, too."""
    rng = np.random.default_rng(round(1000 * mean))
    places = [(fold, case) for fold in ("0", "1", "2", "ensemble") for case in range(10)]
    rows = [
        {"fold": fold, "repeat": 0, "case_id": f"c{case}", "patient_id": f"p{case}", "site": "a"}
        | {metric: mean + 0.01 * case + rng.normal(0, 0.004)}
        for fold, case in places
    ]
    folder.mkdir(parents=True)
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)


def write_verdict(folder: Path, protocol: str, effect: float, metric: str = "dice", arm: str = "mixed") -> Path:
    """A study of a reference and one arm that differs from it by `effect`."""
    entry = {"mean": 0.7 + effect, "difference": effect, "ci_low": effect - 0.01, "ci_high": effect + 0.01}
    arms = {"real": {"mean": 0.7}, arm: entry | {"verdict": "helps"}}
    (folder / "report").mkdir(parents=True)
    content = {"protocol": protocol, "metric": metric, "alpha": 0.05, "reference": "real"}
    content["models"] = {"unet": {"arms": arms}}
    for name, entry in arms.items():
        write_cases(folder / "segment" / name / "unet", entry["mean"], metric)
    (folder / "report/verdict.json").write_text(json.dumps(content))
    return folder


def test_the_change_is_what_the_second_study_adds(tmp_path: Path) -> None:
    clean = write_verdict(tmp_path / "clean", "holdout", 0.01)
    leaky = write_verdict(tmp_path / "leaky", "pooled", 0.08)
    table = side_by_side(clean, leaky).set_index("arm")
    assert table.loc["mixed", "change"] == pytest.approx(0.07)
    assert table.loc["real", ["change", "difference_1"]].isna().all()
    assert 0.05 < table.loc["mixed", "change_low"] < 0.07 < table.loc["mixed", "change_high"] < 0.09
    page = in_markdown(table.reset_index(), clean, leaky)
    assert "leaky (LEAKY)" in page and "clean (LEAKY)" not in page and "+0.070" in page


def test_other_patients_leave_the_change_without_an_interval(tmp_path: Path) -> None:
    clean = write_verdict(tmp_path / "clean", "holdout", 0.01)
    other = write_verdict(tmp_path / "other", "pooled", 0.08)
    for path in other.glob("segment/*/unet/cases.csv"):
        pd.read_csv(path).replace({"patient_id": {"p0": "somebody else"}}).to_csv(path, index=False)
    table = side_by_side(clean, other).set_index("arm")
    assert table.loc["mixed", "change"] == pytest.approx(0.07) and table["change_low"].isna().all()
    assert "+0.070 |" in in_markdown(table.reset_index(), clean, other)


def test_studies_that_can_not_be_compared_are_refused(tmp_path: Path) -> None:
    dice = write_verdict(tmp_path / "dice", "holdout", 0.01)
    with pytest.raises(SynthtrialError, match="make study STUDY=gone"):
        side_by_side(dice, tmp_path / "gone")
    with pytest.raises(SynthtrialError, match="different metrics"):
        side_by_side(dice, write_verdict(tmp_path / "hd95", "holdout", 0.01, metric="hd95_mm"))
    other = write_verdict(tmp_path / "other", "holdout", 0.01, arm="else")
    assert list(side_by_side(dice, other)["arm"]) == ["real"]
