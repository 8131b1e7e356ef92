"""The calibration: what its parts say about tables whose answer is known, and a whole one at its smallest size."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthtrial.calibration import trials
from synthtrial.calibration.datasheet import SHIPPED, datasheet, read_datasheet
from synthtrial.calibration.doc import END, START, with_datasheet
from synthtrial.calibration.power import power_curve, smallest_found
from synthtrial.calibration.procedures import PROCEDURES, rows_of_trial
from synthtrial.calibration.publishing import publish
from synthtrial.calibration.requirements import shortcomings
from synthtrial.calibration.settings import CalibrationSettings, read_calibration
from synthtrial.calibration.shares import share
from synthtrial.calibration.wording import rate_table, sentences
from synthtrial.code_hash import code_hash
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.report.calibration_page import write_page
from synthtrial.trial.verdict import verdict

REPOSITORY = Path(__file__).resolve().parents[2]
TRUTH = {"again": "same", "copies": "not better", "oracle": "better"}
SETTINGS = CalibrationSettings(trials=20, truth=TRUTH, copier="memoriser", power=0.8)


def cases_of_trial(rng: np.random.Generator, effect: float, n_folds: int = 5, n_patients: int = 20) -> pd.DataFrame:
    """Scores of a trial: arms differ from `real` by the luck of trainings, and `oracle` by `effect` more."""
    patients = rng.normal(0.6, 0.1, n_patients)
    rows = []
    for arm in ("real", *TRUTH):
        scores = patients + rng.normal(0, 0.03, (n_folds, 1)) + rng.normal(0, 0.03, (n_folds, n_patients))
        scores += effect * (arm == "oracle")
        for fold, row in [*enumerate(scores), ("ensemble", scores.mean(0))]:
            for patient, dice in enumerate(row):
                place = {"fold": fold, "repeat": 0, "case_id": f"c{patient}", "patient_id": f"p{patient}", "site": "a"}
                rows.append({"arm": arm, "segmenter": "unet", **place, "dice": dice})
    return pd.DataFrame(rows)


def trial_results(effect: float, trials: int = 20) -> list[dict]:
    """Results of trials as `run_trial` gives them, from simulated scores."""
    rng, results = np.random.default_rng(3), []
    for number in range(trials):
        cases = cases_of_trial(rng, effect)
        audit = {"flagged": {"memoriser": 1.0}, "held_out_flagged": 0.1, "stated_rate": 0.2, "caught": True}
        rows = rows_of_trial(cases, verdict(cases)).to_dict("records")
        results.append({"trial": number, "reference_mean": 0.6, "rows": rows, "audit": audit, "seconds": 1.0})
    return results


def sheet_and_table(effect: float) -> tuple[dict, pd.DataFrame]:
    """A data sheet of simulated trials, and their rows."""
    results = trial_results(effect)
    table = pd.DataFrame([{"trial": result["trial"], **row} for result in results for row in result["rows"]])
    design = {
        "cohort": "balls",
        "shape": [8, 8],
        "real_cases": 10,
        "folds": 5,
        "test_patients": 20,
        "segmenter": "unet",
    }
    design |= {"steps": 10, "batch_size": 2, "repeats": 1, "protocol": "holdout", "metric": "dice"}
    provenance = {"wall_s": 1.0, "kept_trials": 0, "machine": {"system": "x", "processes": 1}, "git_revision": "abc"}
    provenance["command"] = "make study"
    return datasheet(results, table, SETTINGS, alpha=0.05, design=design, provenance=provenance), table


def test_the_crossed_test_holds_its_rate_where_wilcoxon_takes_luck_for_an_effect() -> None:
    sheet, _ = sheet_and_table(effect=0.15)
    wrong = {name: sheet["procedures"][name]["arms"]["again"]["alone"]["share"] for name in PROCEDURES}
    assert wrong["crossed"] <= 0.1 < 0.3 < wrong["wilcoxon"]
    assert wrong["wilcoxon_single"] > 0.5
    assert sheet["procedures"]["crossed"]["arms"]["oracle"]["verdict"]["share"] > 0.8
    assert shortcomings({**sheet, "trials": 70, "alpha": 0.2}) == []  # 20 trials scatter about the stated rate
    assert any("20 trials are too few" in line for line in shortcomings(sheet))


def test_what_is_not_found_or_wrong_is_named() -> None:
    sheet, _ = sheet_and_table(effect=0.0)
    assert any("oracle was found to help" in line for line in shortcomings(sheet))
    sheet["procedures"]["crossed"]["arms"]["again"]["verdict"] = share([True] * 3 + [False] * 17)
    sheet["procedures"]["crossed"]["any_wrong"] = share([True] * 3 + [False] * 17)
    sheet["audit"]["caught"] = share([True] * 19 + [False])
    words = " ".join(shortcomings(sheet))
    assert "again got a wrong verdict in 3 of 20" in words
    assert "any verdict was wrong in 3 of 20" in words
    assert "memoriser in 19 of 20" in words
    assert sum(line.startswith("Not met") for line in sentences({**sheet, "trials": 70})) == 4


def test_harm_is_an_error_for_the_same_data_alone() -> None:
    results = trial_results(0.15)
    for result in results:
        for row in result["rows"]:
            if row["arm"] in ("again", "copies"):
                row |= {"alone": "harms", "verdict": "harms"}
    table = pd.DataFrame([{"trial": result["trial"], **row} for result in results for row in result["rows"]])
    sheet = datasheet(results, table, SETTINGS, alpha=0.05, design={}, provenance={})
    shares = sheet["procedures"]["crossed"]["arms"]
    assert (shares["again"]["verdict"]["share"], shares["copies"]["verdict"]["share"]) == (1, 0)
    assert sheet["procedures"]["crossed"]["any_wrong"]["share"] == 1


def test_verdicts_of_the_first_procedure_are_those_of_the_trial() -> None:
    cases = cases_of_trial(np.random.default_rng(5), effect=0.1)
    found = verdict(cases)
    rows = rows_of_trial(cases, found)
    rows = rows[rows["procedure"] == "crossed"].set_index("arm")
    for arm, entry in found["models"]["unet"]["arms"].items():
        if arm != "real":
            assert rows.at[arm, "verdict"] == entry["verdict"]
            assert rows.at[arm, "p_adjusted"] == pytest.approx(entry["p_adjusted"])
    assert (rows_of_trial(cases, found).query("procedure == 'wilcoxon'").set_index("arm")["p"]).to_dict() == {
        arm: pytest.approx(found["models"]["unet"]["arms"][arm]["p_wilcoxon_patients"]) for arm in TRUTH
    }


def test_power_grows_with_the_effect_and_is_the_rejection_rate_at_none() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"difference": rng.normal(0, 0.02, 4000), "standard_error": 0.02, "df": 1e6})
    curve = power_curve(rows, 0.05, np.array([0.0, 0.02, 0.056, 0.1]))
    assert curve["power"].is_monotonic_increasing
    assert curve["power"].iloc[0] == pytest.approx(0.025, abs=0.01)  # one of the two sides
    assert curve["power"].iloc[2] == pytest.approx(0.8, abs=0.03)  # 2.8 standard errors
    assert smallest_found(curve, 0.75) == 0.056
    assert smallest_found(curve.head(2), 0.8) is None


def test_a_calibration_must_fit_its_study() -> None:
    study = {
        "protocol": {"reference": "real", "metric": "dice"},
        "arms": dict.fromkeys(["real", *TRUTH]),
        "draws": {"memoriser": {}},
    }
    study["segmenters"], study["trainer"] = {"unet": {}}, {"devices": 1, "nodes": 1}
    good = {"trials": 3, "truth": TRUTH, "copier": "memoriser", "power": 0.8}
    assert read_calibration(good, study).arms_that_are("same", "not better") == ["again", "copies"]
    bad = {"truth": {"again": "same"}, "copier": "oracle", "trials": 0, "power": 1.5}
    for key, value in bad.items():
        with pytest.raises(ConfigError, match=f"calibration.{key}"):
            read_calibration({**good, key: value}, study)
    with pytest.raises(ConfigError, match="worse"):
        read_calibration({**good, "truth": {**TRUTH, "again": "worse"}}, study)
    with pytest.raises(ConfigError, match="more is better"):
        read_calibration(good, {**study, "protocol": {"reference": "real", "metric": "hd95_mm"}})
    with pytest.raises(ConfigError, match="one segmenter"):
        read_calibration(good, {**study, "segmenters": {"a": {}, "b": {}}})
    with pytest.raises(ConfigError, match="trainer.devices x trainer.nodes is 4: set both to 1"):
        read_calibration(good, {**study, "trainer": {"devices": 2, "nodes": 2}})


def test_trials_of_other_code_are_not_taken_for_these(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "trial.py").write_text("alpha = 0.05\n")
    before = code_hash(tmp_path)
    (tmp_path / "report" / "page.py").write_text("no trial runs this\n")
    assert code_hash(tmp_path) == before
    (tmp_path / "trial.py").write_text("alpha = 0.06\n")
    assert code_hash(tmp_path) != before


def test_kept_trials_belong_to_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    params = dict.fromkeys(trials.DEPENDS_ON, {}) | {"calibration": {"copier": "memoriser"}}
    before = trials.trials_key(params)
    assert trials.trials_key(params) == before
    monkeypatch.setattr(trials, "code_hash", lambda: "other")
    assert trials.trials_key(params) != before


def test_publishing_writes_the_package_and_the_page(tmp_path: Path) -> None:
    sheet, table = sheet_and_table(effect=0.15)
    (tmp_path / "datasheet.json").write_text(json.dumps(sheet))
    write_page(table, sheet, tmp_path / "report", title="Calibration", dpi=40)
    html = (tmp_path / "report/report.html").read_text()
    assert all(sentence.split(",")[0] in html for sentence in sentences(sheet)[:2])
    docs, shipped = tmp_path / "docs", tmp_path / "package.json"
    docs.mkdir()
    (docs / "calibration.md").write_text(f"before\n{START}\nearlier figures\n{END}\nafter\n")
    publish(tmp_path / "datasheet.json", tmp_path / "report", docs, shipped)
    page = (docs / "calibration.md").read_text()
    assert read_datasheet(shipped) == sheet
    assert page.startswith("before\n") and page.endswith("after\n") and "earlier" not in page
    assert rate_table(sheet, "verdict")["oracle"].iloc[0] in page
    assert (docs / "images/calibration/error_rates.png").is_file()
    with pytest.raises(SynthtrialError, match="no finished calibration"):
        publish(tmp_path / "none/datasheet.json", tmp_path / "report", docs, shipped)


def test_the_documentation_has_the_shipped_figures() -> None:
    page = (REPOSITORY / "docs/calibration.md").read_text(encoding="utf-8")
    assert page == with_datasheet(page, read_datasheet(SHIPPED))


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(SynthtrialError, match="must have the lines"):
        with_datasheet("no marks", None)


def script(name: str, *words: str) -> int:
    """Run a pipeline script of the working directory in this process; return its exit code."""
    argv, sys.argv = sys.argv, [name, *words]
    try:
        runpy.run_path(str(REPOSITORY / f"pipelines/{name}.py"), run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = argv
    return 0


SMALL = (
    "study=calibration",
    "tracking=off",
    "calibration.trials=2",
    "cohort.n_patients=14",
    "prepare.test_fraction=0.3",
    "prepare.folds=2",
    "prepare.shape=[16,16]",
    "prepare.spacing_mm=[6.0,6.0]",
    "synthesis.min_lesion_voxels=1",
    "segmenters.unet.network.channels=[4,8]",
    "segmenters.unet.network.strides=[2]",
    "segmenters.unet.train.steps=3",
    "runtime.workers=1",
    "report.dpi=40",
)


@pytest.mark.slow
def test_a_whole_calibration_and_one_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("conf", "dvc.yaml"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    monkeypatch.chdir(tmp_path)
    assert script("compose", *SMALL) == 0
    assert script("calibrate") == 0
    out = tmp_path / "out/calibration"
    first, sheet = pd.read_csv(out / "trials.csv"), json.loads((out / "datasheet.json").read_text())
    assert len(first) == 2 * 5 * len(PROCEDURES)
    assert sheet["trials"] == sheet["procedures"]["crossed"]["arms"]["real_again"]["verdict"]["trials"] == 2
    assert sheet["audit"]["flagged"]["memoriser"] > sheet["audit"]["flagged"]["noise"]
    assert "Calibration of the trial" in (out / "report/report.html").read_text()
    kept = sorted((out / "checkpoints/calibrate").glob("*/*.json"))
    assert [path.stem for path in kept] == ["0000", "0001"]

    kept[1].unlink()
    capsys.readouterr()
    assert script("calibrate") == 0
    pd.testing.assert_frame_equal(first, pd.read_csv(out / "trials.csv"))
    assert json.loads((out / "datasheet.json").read_text())["kept_trials"] == 1
