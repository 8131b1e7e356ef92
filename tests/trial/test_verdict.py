"""The verdict: calls, corrections and sentences."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from synthtrial.errors import ConfigError
from synthtrial.trial.verdict import verdict
from synthtrial.trial.words import in_short, in_words


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
    assert words[0].endswith("over 20 patients and 5 fold models")
    assert "); this trial could have seen an effect of 0.0" in words[1]
    assert words[2].startswith("synthetic: harms: -0.1") and "95 % interval" in words[2]


def test_of_several_models_the_arms_without_a_finding_share_a_sentence():
    one = cases({"real": 0, "same": 0.0, "again": 0.0, "worse": -0.1})
    words = in_short(verdict(pd.concat([one, one.assign(segmenter="segresnet")])))
    assert len(words) == 6 and [word.split(",")[0].split(":")[0] for word in words] == 3 * ["unet"] + 3 * ["segresnet"]
    assert words[1].startswith("unet, worse: harms: -0.1")
    assert words[2].startswith(
        "unet: no evidence of a difference for same, again; this trial could have seen an effect"
    )
    assert words[2].endswith(", by arm")
    leaky = in_short(verdict(one, protocol="pooled"))
    assert leaky[1].startswith("unet, worse: LEAKY, harms") and leaky[2].startswith("unet: LEAKY, no evidence")


def test_what_only_holms_correction_took_keeps_its_own_sentence():
    found = verdict(cases({"real": 0, "x": 0.0, "y": 0.0}))
    found["models"]["unet"]["arms"]["y"]["p"] = 0.04
    words = in_short(found)
    assert "not after Holm's correction over 2 arms" in words[1] and words[1].startswith("unet, y: ")
    assert words[2].startswith("unet: no evidence of a difference for x; ") and not words[2].endswith("by arm")


def test_a_missing_reference_metric_or_score_is_named():
    table = cases({"real": 0, "x": 0})
    with pytest.raises(ConfigError, match="'oracle', which is no arm of the study: real, x"):
        verdict(table, reference="oracle")
    with pytest.raises(ConfigError, match="'hd95_mm'"):
        verdict(table, metric="hd95_mm")
    lost = (table["arm"] == "x") & (table["patient_id"] == "p3") & (table["fold"] == 2)
    with pytest.raises(ConfigError, match="arm 'x' was not judged"):
        verdict(table[~lost])


def trials(effects, folds=5, repeats=2, sizes=(20,), seed=0):
    """`cases.csv` with seeds, folds and sites; site k has `sizes[k]` patients and lies higher than the one before."""
    rng = np.random.default_rng(seed)
    patients = [f"s{site}p{index}" for site, size in enumerate(sizes) for index in range(size)]
    level = {patient: 0.5 + 0.1 * int(patient[1]) + rng.normal(0, 0.02) for patient in patients}
    rows = []
    for arm, effect in effects.items():
        for fold in range(folds):
            of_fold = rng.normal(0, 0.005)
            for repeat in range(repeats):
                of_seed = rng.normal(0, 0.005)
                rows += [
                    (arm, "unet", str(fold), repeat, patient, patient, patient[:2], value)
                    for patient in patients
                    for value in [level[patient] + effect + of_fold + of_seed + rng.normal(0, 0.01)]
                ]
        rows += [
            (arm, "unet", "ensemble", 0, patient, patient, patient[:2], level[patient] + effect) for patient in level
        ]
    return pd.DataFrame(rows, columns=["arm", "segmenter", "fold", "repeat", "case_id", "patient_id", "site", "dice"])


def site_out(table: pd.DataFrame) -> pd.DataFrame:
    """Of every fold only the patients of its own site."""
    return table[(table["fold"] == table["site"].str[1:]) | (table["fold"] == "ensemble")]


def entry_of(table: pd.DataFrame, arm="x", **settings) -> dict:
    return verdict(table, **settings)["models"]["unet"]["arms"][arm]


def test_a_smaller_distance_helps():
    table = trials({"real": 0, "x": 0.1}).rename(columns={"dice": "hd95_mm"})
    result = verdict(table, metric="hd95_mm")
    assert result["models"]["unet"]["arms"]["x"]["verdict"] == "harms" and not result["larger_is_better"]
    shorter = table.assign(hd95_mm=-table["hd95_mm"])
    assert entry_of(shorter, metric="hd95_mm")["verdict"] == "helps"
    assert "smaller is better" in in_words(verdict(shorter, metric="hd95_mm"))[1]


def test_repeats_are_averaged_and_tell_seeds_from_folds():
    table = trials({"real": 0, "x": 0.01})
    entry = entry_of(table)
    averaged = table.groupby([*table.columns[:3], *table.columns[4:7]], as_index=False)["dice"].mean()
    once = entry_of(averaged)
    assert entry["p"] == pytest.approx(once["p"]) and (entry["n_models"], entry["n_repeats"]) == (5, 2)
    assert entry["variance"]["seed"] is not None and once["variance"]["seed"] is None
    assert "protocol.repeats=2" in once["halving"] or "no number of repeats" in once["halving"]
    assert "5 folds with 2 trainings each" in in_words(verdict(table))[0]


def test_sites_are_strata():
    """What an arm does for one site more than for another is no noise between patients."""
    table = trials({"real": 0, "x": 0.01}, sizes=(10, 10))
    shift = np.where(table["site"] == "s0", 0.2, -0.2) * (table["arm"] == "x")
    differing = table.assign(dice=table["dice"] + shift)
    assert entry_of(differing)["standard_error"] == pytest.approx(entry_of(table)["standard_error"])
    assert entry_of(differing.drop(columns="site"))["standard_error"] > 0.04


def test_left_out_sites_are_one_observation_each():
    table = site_out(trials({"real": 0, "x": 0.05}, folds=4, sizes=(30, 3, 4, 5)))
    entry = entry_of(table, protocol="site_out")
    models = table[table["fold"] != "ensemble"]
    of_site = models.groupby(["arm", "site"])["dice"].mean().unstack("arm")
    differences = of_site["x"] - of_site["real"]
    assert (
        entry["difference"]
        == pytest.approx(differences.mean())
        == pytest.approx(entry["mean"] - verdict(table, protocol="site_out")["models"]["unet"]["arms"]["real"]["mean"])
    )
    assert entry["df"] == 3 and entry["standard_error"] == pytest.approx(differences.std(ddof=1) / 2)
    assert entry["bootstrap"] is None and entry["verdict"] == "helps" and entry["n_patients"] == 42
    assert "over 4 sites with 42 patients, 2 trainings each" in in_words(verdict(table, protocol="site_out"))[0]
    json.dumps(verdict(table, protocol="site_out"), allow_nan=False)


def test_two_sites_have_no_verdict_and_blocks_are_no_crossed_trial():
    with pytest.raises(ConfigError, match="at least 3"):
        verdict(site_out(trials({"real": 0, "x": 0}, folds=2, sizes=(5, 5))), protocol="site_out")
    with pytest.raises(ConfigError, match="same patients"):
        verdict(site_out(trials({"real": 0, "x": 0}, folds=3, sizes=(5, 6, 7))), protocol="holdout")
    with pytest.raises(ConfigError, match="same patients"):
        verdict(site_out(trials({"real": 0, "x": 0}, folds=3, sizes=(5, 5, 5))), protocol="holdout")


def test_what_the_trial_could_have_seen_follows_from_the_number_of_arms():
    one = entry_of(trials({"real": 0, "x": 0}))
    three = entry_of(trials({"real": 0, "x": 0, "y": 0, "z": 0}))
    assert one["difference"] == pytest.approx(three["difference"])
    assert one["smallest_detectable"] < three["smallest_detectable"]


def test_shares_of_variance_name_the_patients():
    shares = verdict(trials({"real": 0, "x": 0}, sizes=(5, 5, 5)))["models"]["unet"]["variance_shares"]
    assert sum(shares.values()) == pytest.approx(1) and shares["patient"] > 0.8
    assert verdict(trials({"real": 0}))["models"]["unet"]["variance_shares"] is None
