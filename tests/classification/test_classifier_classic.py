"""Classic models: they learn, repeat without a pickle, tune on their own patients, and balance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from labelled_cases import CLASSES, CPU, labelled, labels
from sklearn.svm import SVC

from synthtrial.classification.inner_folds import inner_folds
from synthtrial.classification.platt import PlattScaled
from synthtrial.classification.training import fit
from synthtrial.errors import ConfigError

CONF = Path(__file__).resolve().parents[2] / "conf" / "classifier"
NAMES = ("logistic", "svm", "forest", "logistic_tuned", "svm_tuned", "forest_tuned", "size_only", "brightness_only")


def settings(name: str) -> dict:
    """A file of conf, with fewer trees."""
    content = yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))
    return content | {"model": content["model"] | ({"n_estimators": 10} if "forest" in name else {})}


def run(name, cases, validation_cases=(), *, seed=0, changes=None, **kwargs):
    return fit(
        cases,
        validation_cases,
        classes=CLASSES,
        channels=1,
        spatial_dims=2,
        settings=settings(name) | (changes or {}),
        trainer=CPU,
        seed=seed,
        **kwargs,
    )


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_to_tell_the_classes_apart_and_is_fitted_again_from_its_checkpoint(name, tmp_path):
    cases, unseen = labelled(24), labelled(20, start=100)
    first = run(name, cases, labelled(4, start=50), checkpoint=tmp_path / "model")
    probabilities = first.probabilities(unseen)
    assert ((probabilities > 0.5) == labels(unseen)).mean() >= 0.9
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert [file.name for file in (tmp_path / "model").iterdir()] == ["fitted.json"]
    again = run(name, cases, labelled(4, start=50), checkpoint=tmp_path / "model")
    assert again.probabilities(unseen).tolist() == probabilities.tolist()
    assert (again.curve, again.chosen, again.seconds) == (first.curve, first.chosen, first.seconds)


def test_a_finished_model_is_not_chosen_again(tmp_path):
    cases, folder = labelled(16), tmp_path / "model"
    run("logistic_tuned", cases, checkpoint=folder)
    facts = json.loads((folder / "fitted.json").read_text())
    assert facts["chosen"]["C"] in settings("logistic_tuned")["tune"]["grid"]["C"]
    facts["chosen"] = {"C": 1e-9}  # hardly learns: all answers are near one half
    (folder / "fitted.json").write_text(json.dumps(facts))
    assert np.ptp(run("logistic_tuned", cases, checkpoint=folder).probabilities(cases)) < 0.01


@pytest.mark.parametrize("name", ["svm", "forest", "forest_tuned"])
def test_the_seed_decides(name):
    cases, unseen = labelled(16), labelled(8, start=60)

    def answers(seed):
        return run(name, cases, seed=seed).probabilities(unseen).tolist()

    assert answers(2**40) == answers(2**40) != answers(1)


@pytest.mark.parametrize("name", ["logistic", "svm", "forest"])
def test_class_weights_raise_the_answers_where_positives_are_rare(name):
    cases = labelled(40, share=0.2)
    changes = {
        "features": "brightness",
        "model": settings(name)["model"] | ({"max_depth": 1} if name == "forest" else {}),
    }
    # Half of the cases show the other class's picture, so that no answer is certain.
    mixed = [
        type(a)(a.case_id, "real", lambda a=a, b=b: b.loader() | {"label": a.loader()["label"]})
        for a, b in zip(cases, cases[::2] + cases[1::2], strict=True)
    ]
    plain, weighted = (
        run(name, mixed, changes=changes, balance=b).probabilities(mixed).mean() for b in ("none", "class_weights")
    )
    assert weighted > plain + 0.1


def test_inner_folds_keep_patients_together_and_have_both_classes():
    truth = np.array([0, 0, 1, 1] * 6)
    groups = [f"p{index // 2}" for index in range(24)]
    splits = inner_folds(truth, groups, 5, 0, CLASSES)
    assert len(splits) == 5
    for kept, left in splits:
        assert not {groups[i] for i in kept} & {groups[i] for i in left}
        assert set(truth[kept]) == set(truth[left]) == {0, 1}
    assert sorted(np.concatenate([left for _, left in splits])) == list(range(24))


def test_inner_folds_judge_on_real_cases_where_both_classes_have_some():
    truth, groups = np.tile([0, 1], 12), [f"p{k}" for k in range(24)]
    real = np.arange(24) < 12
    everything = inner_folds(truth, groups, 3, 0, CLASSES)
    chosen = inner_folds(truth, groups, 3, 0, CLASSES, real)
    for (kept, left), (same, judged) in zip(everything, chosen, strict=True):
        assert (kept == same).all()
        expected = left[real[left]]
        assert set(judged) == set(expected if len(set(truth[expected])) == 2 else left)
    assert sum(len(judged) for _, judged in chosen) < 24
    only_negative = (truth == 0) & real
    assert [list(left) for _, left in inner_folds(truth, groups, 3, 0, CLASSES, only_negative)] == [
        list(left) for _, left in everything
    ]


def test_there_are_fewer_inner_folds_where_a_class_has_few_patients():
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    groups = ["a", "a", "b", "b", *"cdefgh"]
    assert len(inner_folds(truth, groups, 5, 0, CLASSES)) == 2


def test_too_few_patients_for_inner_folds_are_named():
    cases = labelled(12)
    groups = ["one" if index < 6 else f"p{index}" for index in range(12)]
    with pytest.raises(ConfigError, match=r"too few patients \(6 of benign, 1 of malignant\)"):
        run("svm", cases, groups=groups)
    run("logistic", cases, groups=groups)  # needs none


def test_tuning_goes_by_patients():
    """Noise that a patient's two cases share can be learned by heart, which pays only when patients are split."""
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.permutation([0, 1] * 15), 2)
    images = np.repeat(rng.normal(size=(30, 1, 8, 8)), 2, axis=0).astype(np.float32)
    cases = [
        type(labelled(1)[0])(f"c{i}", "real", lambda i=i: {"image": images[i], "label": np.array(truth[i])})
        for i in range(60)
    ]
    tune = {"grid": {"n_neighbors": [25, 1]}, "folds": 5, "metric": "roc_auc"}
    changes = {"model": {"_target_": "sklearn.neighbors.KNeighborsClassifier"}, "scale": "none", "tune": tune}

    def chosen(groups):
        return run("logistic", cases, changes=changes, groups=groups).chosen["n_neighbors"]

    assert chosen(None) == 1  # each case its own patient: its twin gives it away
    assert chosen([f"p{i // 2}" for i in range(60)]) == 25


def test_platt_scaling_keeps_the_order_of_the_decision_values():
    """Left out of even classes, a case finds its own class the rarer one, and looks the other way round."""
    truth = np.array([0, 1] * 10)
    values = np.where(truth == 1, 1.0, -1.0)[:, None] * 1e-3  # hardly anything to go by
    splits = [(np.delete(np.arange(20), place), np.array([place])) for place in range(20)]
    scaled = PlattScaled(SVC(C=0.1, gamma=1.0), splits).fit(values, truth)
    held_out = [
        SVC(C=0.1, gamma=1.0).fit(values[kept], truth[kept]).decision_function(values[left])[0] for kept, left in splits
    ]
    assert np.corrcoef(held_out, truth)[0, 1] < 0
    answers = scaled.predict_proba(values)
    assert answers[truth == 1, 1].min() > answers[truth == 0, 1].max()
    assert np.allclose(answers.sum(axis=1), 1)


def test_the_sigmoid_is_fitted_to_the_cases_that_inner_folds_judge():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 2)) + np.repeat([[0.0], [1.5]], 20, axis=0)
    truth = np.repeat([0, 1], 20)
    order = rng.permutation(40)
    splits = [(np.setdiff1d(order, part), part) for part in np.array_split(order, 4)]
    some = [(kept, left[:5]) for kept, left in splits]
    full, part = (PlattScaled(SVC(C=0.1), chosen).fit(values, truth) for chosen in (splits, some))
    assert np.isfinite([part.slope, part.offset]).all() and (part.slope, part.offset) != (full.slope, full.offset)


def test_a_solver_that_stopped_early_is_remarked():
    stops = run("logistic", labelled(12), changes={"model": settings("logistic")["model"] | {"max_iter": 1}})
    assert "before it had converged" in stops.remark and stops.convergence == "" and stops.steps == 0
    assert run("logistic", labelled(12)).remark == ""


def test_what_classic_models_cannot_do_is_refused():
    with pytest.raises(ConfigError, match="no focal loss"):
        run("logistic", labelled(4), balance="focal")
    with pytest.raises(ConfigError, match="can't be pretrained"):
        run("logistic", labelled(4), pretrain_cases=labelled(4), pretrain=0.5)
    with pytest.raises(ConfigError, match="none of class 'malignant'"):
        run("logistic", labelled(4, share=0))
    with pytest.raises(ConfigError, match="the classic model can't be fitted: .*C"):
        run("logistic", labelled(4), changes={"model": settings("logistic")["model"] | {"C": -1.0}})
