"""The verdict: calls, corrections and sentences."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from synthtrial.errors import ConfigError
from synthtrial.trial.verdict import in_words, verdict


def cases(effects: dict[str, float], n_models=5, n_patients=20, cases_per_patient=1, segmenter="unet") -> pd.DataFrame:
    """`cases.csv` of arms whose Dice lies `effect` above a common patient level, with little noise."""
    rng = np.random.default_rng(0)
    level = rng.uniform(0.6, 0.9, n_patients)
    rows = [
        {
            "arm": arm,
            "segmenter": segmenter,
            "fold": fold,
            "case_id": f"p{patient}-{case}",
            "patient_id": f"p{patient}",
            "dice": level[patient] + effect + rng.normal(0, 0.01),
        }
        for arm, effect in effects.items()
        for fold in [*range(n_models), "ensemble"]
        for patient in range(n_patients)
        for case in range(cases_per_patient)
    ]
    return pd.DataFrame(rows)


def test_helps_harms_and_no_evidence():
    result = verdict(cases({"real": 0, "better": 0.05, "worse": -0.05, "same": 0}), study="s")
    arms = result["models"]["unet"]["arms"]
    assert {arm: entry.get("verdict") for arm, entry in arms.items()} == {
        "real": None,
        "better": "helps",
        "worse": "harms",
        "same": "no evidence",
    }
    better = arms["better"]
    assert better["difference"] == pytest.approx(better["mean"] - arms["real"]["mean"])
    assert better["ci_low"] < better["difference"] < better["ci_high"]
    assert (better["n_models"], better["n_patients"]) == (5, 20)
    assert all(entry["p_adjusted"] >= entry["p"] for arm, entry in arms.items() if arm != "real")
    json.dumps(result, allow_nan=False)


def test_the_arms_of_each_segmenter_are_compared_within_it():
    both = pd.concat([cases({"real": 0, "x": 0.05}), cases({"real": 0.1, "x": 0.05}, segmenter="segresnet")])
    models = verdict(both)["models"]
    assert [models[name]["arms"]["x"]["verdict"] for name in ("unet", "segresnet")] == ["helps", "harms"]
    assert in_words(verdict(both))[1].startswith("unet, x: helps: +0.0")


def test_a_patient_with_many_cases_counts_once():
    few = cases({"real": 0, "x": 0.02})
    copies = few[few["patient_id"] == "p0"].assign(case_id="p0-copy")
    many = pd.concat([few, *[copies.assign(case_id=f"p0-{index}") for index in range(1, 9)]])
    before, after = (verdict(table)["models"]["unet"]["arms"]["x"] for table in (few, many))
    assert after["difference"] == pytest.approx(before["difference"]) and after["n_patients"] == 20


def test_the_order_of_rows_and_the_type_of_folds_change_nothing(tmp_path):
    table = cases({"real": 0, "x": 0.02})
    table.to_csv(tmp_path / "cases.csv", index=False)
    shuffled = pd.read_csv(tmp_path / "cases.csv").sample(frac=1, random_state=1)
    before, after = (verdict(t)["models"]["unet"]["arms"]["x"] for t in (table, shuffled))
    assert before["p"] == pytest.approx(after["p"])


def test_an_arm_equal_to_the_reference_is_no_evidence():
    same = cases({"real": 0})
    entry = verdict(pd.concat([same, same.assign(arm="again")]))["models"]["unet"]["arms"]["again"]
    assert (entry["p"], entry["p_wilcoxon_patients"], entry["verdict"]) == (1.0, 1.0, "no evidence")


def test_sentences_are_plain():
    words = in_words(verdict(cases({"real": 0, "real+hagan": 0.0, "synthetic": -0.1})))
    assert words[0].startswith("real: reference, mean Dice 0.")
    assert words[1].startswith("real+hagan: no evidence of a difference: ")
    assert words[1].endswith("over 20 patients and 5 fold models")
    assert words[2].startswith("synthetic: harms: -0.1") and "95 % interval" in words[2]


def test_a_missing_reference_metric_or_score_is_named():
    table = cases({"real": 0, "x": 0})
    with pytest.raises(ConfigError, match="'oracle', which is no arm of the study: real, x"):
        verdict(table, reference="oracle")
    with pytest.raises(ConfigError, match="'hd95'"):
        verdict(table, metric="hd95")
    lost = (table["arm"] == "x") & (table["patient_id"] == "p3") & (table["fold"] == 2)
    with pytest.raises(ConfigError, match="arm 'x' was not judged"):
        verdict(table[~lost])
