from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.turing.choosing import Shown
from synthtrial.fidelity.turing.key import Key
from synthtrial.fidelity.turing.ratings import COLUMNS, Answer, Ratings, escaped, read_all, read_ratings
from synthtrial.fidelity.turing.results import evaluate
from synthtrial.fidelity.turing.telling import (
    auc,
    auc_interval,
    auc_variance,
    guessing_p,
    mean_interval,
    midpoint_accuracy,
    smallest_auc,
)
from synthtrial.fidelity.turing.together import agreement, krippendorff_alpha, pooled_auc
from synthtrial.fidelity.turing.words import sentences
from synthtrial.fidelity.turing.writing import write_results

FORM = "f00d"
IDS = ["AAA", "BBB", "CCC", "DDD"]


# ---- The files ----


def lines(**other: str) -> list[dict[str, str]]:
    usual = {"form_id": FORM, "rater": "Ann", "experience": "10 years", "seconds": "3.5", "comment": ""}
    return [usual | {"blinded_id": name, "score": str(2 * k)} | other for k, name in enumerate(IDS)]


def write(path: Path, rows: list[dict[str, str]], delimiter: str = ",", encoding: str = "utf-8-sig") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        table = csv.DictWriter(file, COLUMNS, delimiter=delimiter)
        table.writeheader()
        table.writerows(rows)
    return path


def test_ratings_are_read_back(tmp_path: Path) -> None:
    ratings = read_ratings(write(tmp_path / "a.csv", lines(comment='too "smooth", no vessels')), FORM, IDS)
    assert (ratings.rater, ratings.experience) == ("Ann", "10 years")
    assert ratings.answers["CCC"] == Answer(4, 3.5, 'too "smooth", no vessels')


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "'quoted", "plain", "it's", ""])
def test_no_text_is_a_formula_and_every_text_comes_back(tmp_path: Path, text: str) -> None:
    assert escaped(text)[:1] not in ("=", "+", "-", "@")
    ratings = read_ratings(write(tmp_path / "a.csv", lines(comment=escaped(text))), FORM, IDS)
    assert ratings.answers["AAA"].comment == text


def test_a_spreadsheet_may_have_saved_the_file_with_semicolons(tmp_path: Path) -> None:
    plain = read_ratings(write(tmp_path / "a.csv", lines(comment="a, b")), FORM, IDS)
    saved = read_ratings(write(tmp_path / "b.csv", lines(comment="a, b", seconds="3,5"), ";"), FORM, IDS)
    assert saved.answers == plain.answers


def changed(index: int, **other: str) -> list[dict[str, str]]:
    rows = lines()
    rows[index] |= other
    return rows


BAD_ROWS: dict[str, tuple[list[dict[str, str]], str]] = {
    "another form": (lines(form_id="beef"), r"a.csv, line 2: this is of form 'beef', but the key is of form 'f00d'"),
    "unknown case": (changed(1, blinded_id="XXX"), r"a.csv, line 3: form f00d has no case 'XXX'"),
    "case twice": (changed(3, blinded_id="AAA"), r"a.csv, line 5: case AAA is rated a second time"),
    "case missing": (lines()[:-1], r"a.csv: 1 of 4 cases have no rating \(DDD\)"),
    "score too high": (
        changed(2, score="11"),
        r"a.csv, line 4: score is 11, but scores are whole numbers from 0 to 10",
    ),
    "score below 0": (changed(2, score="-1"), r"a.csv, line 4: score is -1"),
    "half a score": (changed(2, score="2.5"), r"a.csv, line 4: score is 2.5"),
    "no score": (changed(2, score=""), r"a.csv, line 4: score is '', not a number"),
    "not finite": (changed(2, score="nan"), r"a.csv, line 4: score is 'nan', not a number"),
    "time is a word": (changed(0, seconds="long"), r"a.csv, line 2: seconds is 'long', not a number"),
    "negative time": (changed(0, seconds="-3"), r"a.csv, line 2: seconds is -3"),
    "two raters": (changed(2, rater="Bob"), r"a.csv, line 4: rater 'Bob', above 'Ann'; give one file per rater"),
    "no rater": (lines(rater=""), r"a.csv, line 2: the rater's name is missing"),
    "no rows": ([], r"a.csv: there is a head, but no ratings"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_ratings_that_can_not_be_are_refused_with_file_and_line(tmp_path: Path, name: str) -> None:
    rows, message = BAD_ROWS[name]
    with pytest.raises(SynthtrialError, match=message):
        read_ratings(write(tmp_path / "a.csv", rows), FORM, IDS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a.csv is empty"),
        (b"\xef\xbb\xbf\r\n", r"a.csv is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", r"a.csv: not a CSV file in UTF-8"),
        (b"hello\nworld\n", r"a.csv, line 1: no column form_id, rater"),
        (b"form_id,rater,experience,blinded_id,score,seconds,comment\nf00d,Ann\n", r"a.csv, line 2: 2 values, but"),
    ],
)
def test_files_that_are_no_ratings_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SynthtrialError, match=message):
        read_ratings(tmp_path / "a.csv", FORM, IDS)


def test_a_missing_file_and_a_rater_in_two_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SynthtrialError, match="a.csv can't be read: No such file"):
        read_ratings(tmp_path / "a.csv", FORM, IDS)
    files = [write(tmp_path / "a.csv", lines()), write(tmp_path / "b.csv", lines(rater="ann"))]
    with pytest.raises(SynthtrialError, match="b.csv: rater 'ann' is in .*a.csv, too"):
        read_all(files, FORM, IDS)


# ---- One rater ----


def test_auc_counts_pairs_and_ties_half() -> None:
    assert auc(np.array([1, 2]), np.array([2, 3])) == (1 + 1 + 0.5 + 1) / 4
    assert auc(np.array([0, 1]), np.array([2, 3])) == 1
    assert auc(np.array([[0, 1], [2, 3]]), np.array([[2, 3], [0, 1]])) == 0.5


def test_the_interval_of_auc_solves_its_equation_and_has_length_at_the_ends() -> None:
    low, high = auc_interval(0.7, 12, 15)
    for limit in (low, high):
        assert abs(0.7 - limit) == pytest.approx(1.959964 * np.sqrt(auc_variance(limit, 12, 15)))
    assert auc_interval(1.0, 5, 5)[1] == 1.0 and 0.5 < auc_interval(1.0, 5, 5)[0] < 0.8
    np.testing.assert_allclose(auc_interval(0.0, 5, 5), 1 - np.array(auc_interval(1.0, 5, 5))[::-1])


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_the_interval_of_auc_holds_the_truth_as_often_as_it_says(shift: float) -> None:
    rng = np.random.default_rng(1)

    def scores(n: int, kind: float) -> np.ndarray:
        return np.clip(np.round(rng.normal(5 + 2 * kind, 2, n)), 0, 10)

    truth = auc(scores(3000, 0), scores(3000, shift))
    intervals = [auc_interval(auc(scores(15, 0), scores(15, shift)), 15, 15) for _ in range(400)]
    assert np.mean([low <= truth <= high for low, high in intervals]) > 0.92


def test_p_is_that_of_all_permutations_and_is_rarely_small_when_guessing() -> None:
    rng = np.random.default_rng(0)
    # The 252 ways of telling 5 from 5, of which two are as extreme.
    assert guessing_p(np.arange(5), np.arange(5, 10), rng) == pytest.approx(2 / 252)
    assert guessing_p(np.full(6, 4), np.full(6, 4), rng) == 1


def test_accuracy_at_the_median() -> None:
    assert midpoint_accuracy(np.array([0, 1]), np.array([8, 9])) == 1
    assert midpoint_accuracy(np.array([8, 9]), np.array([0, 1])) == 0
    assert midpoint_accuracy(np.array([5, 5, 5]), np.array([5])) == 0.5
    assert midpoint_accuracy(np.array([0, 5]), np.array([5, 9])) == 0.75


def test_more_cases_find_smaller_effects() -> None:
    found = [smallest_auc(n, n) for n in (2, 5, 20, 100)]
    assert found == sorted(found, reverse=True) and found[0] == 1
    rng = np.random.default_rng(0)
    # Shift of two normal distributions that have the AUC which 20 and 20 cases should find in four of five tries.
    from scipy.stats import mannwhitneyu, norm

    shift = np.sqrt(2) * norm.ppf(found[2])
    draws = rng.normal(size=(600, 2, 20)) + [[0], [shift]]
    assert 0.74 < np.mean([mannwhitneyu(*draw).pvalue < 0.05 for draw in draws]) < 0.88


def test_the_interval_of_a_mean_score_stays_on_the_scale() -> None:
    mean, low, high = mean_interval(np.array([0, 0, 1, 9]))
    assert (mean, low) == (2.5, 0) and 2.5 < high <= 10


# ---- Several raters ----


def by_pairs(scores: np.ndarray) -> float:
    """Krippendorff's alpha as defined: observed over expected disagreement, pair by pair."""
    raters, cases = scores.shape
    observed = np.mean([(a - b) ** 2 for case in scores.T for a, b in itertools.permutations(case, 2)])
    expected = np.mean([(a - b) ** 2 for a, b in itertools.permutations(scores.ravel(), 2)])
    return 1 - observed / expected


def test_krippendorffs_alpha() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 11, (3, 8))
    assert krippendorff_alpha(scores) == pytest.approx(by_pairs(scores))
    assert krippendorff_alpha(np.tile(scores[0], (3, 1))) == 1
    assert krippendorff_alpha(np.full((2, 4), 5)) is None
    assert abs(krippendorff_alpha(rng.integers(0, 11, (3, 3000)))) < 0.05


def test_the_interval_of_agreement_holds_its_value() -> None:
    case = np.random.default_rng(0).normal(5, 2, 40)
    scores = case + np.random.default_rng(1).normal(0, 2, (3, 40))
    found = agreement(scores, np.random.default_rng(0))
    assert found.low < 0.5 < found.high and found.low < found.value < found.high


def test_raters_who_differ_widen_the_pooled_interval() -> None:
    rng = np.random.default_rng(0)
    real, same = rng.normal(0, 1, (3, 30)), rng.normal(1, 1, (3, 30))
    differing = same + np.array([[-1.5], [0], [1.5]])
    narrow, wide = (pooled_auc(real, made, np.random.default_rng(0)).auc for made in (same, differing))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_guessing_raters_are_rarely_found_to_tell() -> None:
    rng = np.random.default_rng(0)
    p = [pooled_auc(*rng.integers(0, 11, (2, 3, 12)), rng).p for _ in range(40)]
    assert np.mean(np.array(p) < 0.05) <= 0.1


def test_raters_who_tell_all_have_an_interval_that_other_cases_could_shorten() -> None:
    found = pooled_auc(np.zeros((3, 6)), np.ones((3, 6)), np.random.default_rng(0)).auc
    assert (found.value, found.high) == (1, 1) and found.low == pytest.approx(auc_interval(1.0, 6, 6)[0])


def test_what_several_raters_could_have_found_does_not_hang_on_what_they_did_find() -> None:
    rng = np.random.default_rng(0)
    noise, case = rng.normal(size=(2, 3, 20)), rng.normal(size=(2, 1, 20))
    found = [
        pooled_auc(case[0] + noise[0], case[1] + noise[1] + shift, np.random.default_rng(0)) for shift in (0, 3, 99)
    ]
    assert found[0].auc.value < 0.65 < 0.85 < found[1].auc.value < found[2].auc.value == 1
    assert found[1].smallest == pytest.approx(found[0].smallest, abs=0.05)
    assert found[2].smallest == smallest_auc(20, 20)


# ---- The whole ----


def made_up(shift: float, raters: int, cases: int = 12) -> tuple[Key, list[Ratings]]:
    """A form's key and made-up ratings, with synthetic cases so many points above real ones."""
    rng = np.random.default_rng(3)
    shown = [
        Shown(f"ID{k:02d}", "synthetic" if k % 2 else "real", f"c{k}", "gan" if k % 2 else "", k + 1)
        for k in range(2 * cases)
    ]
    key = Key({"form_id": FORM, "n_real": cases, "n_synthetic": cases}, shown)
    case = rng.normal(0, 1, 2 * cases)
    ratings = [
        Ratings(
            f"=rater {j}",
            "some",
            {
                one.blinded_id: Answer(int(np.clip(rng.normal(4 + case[k] + shift * (k % 2), 1), 0, 10)), 2.0, "")
                for k, one in enumerate(shown)
            },
            Path(f"{j}.csv"),
        )
        for j in range(raters)
    ]
    return key, ratings


@pytest.mark.parametrize(
    ("shift", "raters", "verdict"),
    [
        (4, 3, "3 raters together can tell"),
        (0, 3, "3 raters together: no evidence"),
        (-4, 2, "2 raters together took synthetic cases for real"),
        (4, 1, "The rater can tell"),
        (0, 1, "The rater: no evidence"),
    ],
)
def test_results_are_written_and_said(tmp_path: Path, shift: float, raters: int, verdict: str) -> None:
    results = evaluate(*made_up(shift, raters))
    write_results(results, tmp_path / "results")
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["turing.csv", "turing.json", "turing.png"]
    found = json.loads((tmp_path / "results" / "turing.json").read_text())
    assert found["words"][0].startswith(verdict)
    assert "12 real and 12 synthetic cases" in found["words"][1]
    assert (found["pooled"] is None) == (found["krippendorff_alpha"] is None) == (raters == 1)
    assert ("Agreement: none" in found["words"][2]) == (raters == 1)
    assert [case["kind"] for case in found["cases"]] == ["real", "synthetic"] * 12
    with (tmp_path / "results" / "turing.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rater"] for row in rows] == [f"'=rater {j}" for j in range(raters)]
    assert float(rows[0]["auc"]) == pytest.approx(found["raters"][0]["auc"]["value"])


def test_results_are_the_same_each_time() -> None:
    key, ratings = made_up(1, 3)
    first, second = evaluate(key, ratings), evaluate(key, ratings)
    assert first == second and sentences(first) == sentences(second)


def test_scores_are_matched_to_kinds_by_the_key_alone() -> None:
    key, ratings = made_up(4, 1)
    kinds: Callable[[Shown], str] = lambda case: "real" if case.kind == "synthetic" else "synthetic"  # noqa: E731
    swapped = Key(key.facts, [Shown(case.blinded_id, kinds(case), *"cg", case.order) for case in key.shown])
    assert evaluate(swapped, ratings).raters[0].auc.value == pytest.approx(
        1 - evaluate(key, ratings).raters[0].auc.value
    )
