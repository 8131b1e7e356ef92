"""Training a network to tell two classes apart: it learns, repeats, resumes, balances, and says what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from labelled_cases import CHANGED, CLASSES, CPU, labelled, labels, network

from synthtrial.classification.training import fit
from synthtrial.errors import CohortError, ConfigError, TrainingError
from synthtrial.supervised.case import TrainingCase


def run(cases, validation_cases=(), *, seed=0, channels=1, spatial_dims=2, trainer=CPU, settings=None, **kwargs):
    changes = {key: kwargs.pop(key) for key in ("steps", "epochs", "lr", "augmentation", "dropout") if key in kwargs}
    return fit(
        cases,
        validation_cases,
        classes=CLASSES,
        channels=channels,
        spatial_dims=spatial_dims,
        settings=settings or network(**changes),
        trainer=trainer,
        seed=seed,
        **kwargs,
    )


def weights(fitted) -> torch.Tensor:
    return torch.cat([value.ravel() for value in fitted.model.network.state_dict().values()])


def same(a, b) -> bool:
    return torch.equal(weights(a), weights(b))


@pytest.mark.parametrize("balance", ["none", "class_weights", "focal"])
def test_it_learns_to_tell_the_classes_apart(balance):
    fitted = run(labelled(16), labelled(4), steps=120, lr=0.01, balance=balance)
    unseen = labelled(20, start=100)
    probabilities = fitted.probabilities(unseen)
    assert probabilities.dtype == np.float64 and ((probabilities > 0) & (probabilities < 1)).all()
    assert ((probabilities > 0.5) == labels(unseen)).all()
    assert fitted.convergence == "" and fitted.final_loss == fitted.curve[-1]["loss"] < fitted.curve[0]["loss"]


def steps_into(told):
    """Keep the steps of which a loss is told."""
    return lambda metrics, step: told.append(step) if "loss" in metrics else None


def test_the_curve_has_the_validation_loss_where_it_was_measured():
    curve = run(labelled(8), labelled(4, start=50)).curve
    assert [row["step"] for row in curve if row["validation_loss"] is not None] == [3, 6]
    assert list(curve[0]) == ["step", "loss", "validation_loss"]


@pytest.mark.parametrize("balance", ["none", "class_weights", "focal"])
def test_the_validation_loss_is_plain_cross_entropy_for_every_balance(balance):
    left_out = labelled(6, start=50)
    fitted = run(labelled(9), left_out, balance=balance)
    answers, truth = fitted.probabilities(left_out), labels(left_out)
    plain = -np.log(np.where(truth == 1, answers, 1 - answers)).mean()
    assert fitted.curve[-1]["validation_loss"] == pytest.approx(plain, rel=1e-4)


def test_the_seed_alone_decides_the_weights():
    changed = {"augmentation": CHANGED, "dropout": 0.5}
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = run(labelled(8), labelled(4), **changed)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert same(first, run(labelled(8), **changed))  # watching validation cases changes nothing
    assert same(first, run(labelled(8), trainer=CPU | {"loader_workers": 2}, **changed))
    assert not same(first, run(labelled(8), seed=1, **changed))


def test_an_answer_does_not_depend_on_the_other_cases():
    fitted, cases = run(labelled(8)), labelled(6, start=20)
    together = fitted.probabilities(cases)
    assert together.tolist() == [fitted.probabilities([case])[0] for case in cases]
    assert fitted.probabilities([]).shape == (0,)


@pytest.mark.parametrize("shape", [(16, 16), (17, 20), (16, 16, 16)])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_train_in_2d_and_3d(shape, channels):
    cases = labelled(4, shape, channels)
    fitted = run(cases, cases[:2], channels=channels, spatial_dims=len(shape), steps=2, augmentation=CHANGED)
    assert fitted.probabilities(cases).shape == (4,)


def test_a_finished_model_is_read_back(tmp_path):
    cases = labelled(8)
    first = run(cases, labelled(2), checkpoint=tmp_path / "fold0")
    again = run(cases, labelled(2), checkpoint=tmp_path / "fold0", steps=10_000_000)
    assert same(first, again) and first.probabilities(cases).tolist() == again.probabilities(cases).tolist()
    for fact in ("curve", "final_loss", "seconds", "steps", "convergence", "remark", "chosen"):
        assert getattr(again, fact) == getattr(first, fact)
    assert sorted(file.name for file in (tmp_path / "fold0").iterdir()) == ["fitted.json", "weights.safetensors"]


def test_class_weights_and_focal_loss_change_what_is_learned_and_oversampling_is_the_arms_work():
    cases = labelled(8, share=0.25)
    plain, weighted, focal = (run(cases, balance=balance) for balance in ("none", "class_weights", "focal"))
    assert not same(plain, weighted) and not same(plain, focal) and not same(weighted, focal)
    assert same(plain, run(cases, balance="oversampling"))


def test_class_weights_raise_the_answers_where_positives_are_rare():
    cases = labelled(16, share=1 / 16)
    plain, weighted = (run(cases, steps=20, balance=balance) for balance in ("none", "class_weights"))
    assert weighted.probabilities(cases).mean() > plain.probabilities(cases).mean()


def test_pretraining_shares_the_steps_and_passes_on_what_it_learned():
    plain, other, told = labelled(8), labelled(8, start=30), []
    fitted = run(
        plain,
        plain[:2],
        pretrain_cases=other,
        pretrain=0.5,
        log=steps_into(told),
    )
    assert fitted.steps == 6 and told == [row["step"] for row in fitted.curve] == list(range(1, 7))
    assert same(fitted, run(plain, pretrain_cases=other, pretrain=0.5))
    assert not same(fitted, run(plain, pretrain_cases=plain, pretrain=0.5))
    assert not same(fitted, run(plain, steps=3))


def test_a_budget_in_epochs_grows_with_the_cases():
    assert run(labelled(5), steps=None, epochs=3).steps == 6
    assert run(labelled(8), pretrain_cases=labelled(8), pretrain=0.5, steps=None, epochs=2).steps == 8


def test_what_a_sample_has_beside_image_and_label_changes_nothing():
    def bare(case):
        return TrainingCase(case.case_id, case.source, lambda: {k: case.loader()[k] for k in ("image", "label")})

    cases = labelled(8)
    assert same(run(cases), run([bare(case) if place % 2 else case for place, case in enumerate(cases)]))


def test_a_network_that_learned_nothing_is_named():
    assert "one answer for all cases" in run(labelled(8), lr=1e-30, steps=10).convergence


def test_an_empty_training_set_is_refused():
    with pytest.raises(ConfigError, match="empty"):
        run([])


@pytest.mark.parametrize(("share", "missing"), [(0.0, "malignant"), (1.0, "benign")])
def test_a_training_set_of_one_class_is_refused_and_the_missing_one_named(share, missing):
    with pytest.raises(ConfigError, match=f"the training set has 4 cases and none of class '{missing}'"):
        run(labelled(4, share=share))
    with pytest.raises(ConfigError, match=f"of the pretraining has 4 cases and none of class '{missing}'"):
        run(labelled(4), pretrain_cases=labelled(4, share=share), pretrain=0.5)


def test_a_class_beyond_two_is_refused():
    case = TrainingCase("odd", "real", lambda: labelled(1)[0].loader() | {"label": np.array(2)})
    with pytest.raises(CohortError, match="case odd is of class number 2"):
        run([*labelled(4), case])


@pytest.mark.parametrize(("found", "declared"), [(3, 1), (1, 3)])
def test_colour_where_grey_was_declared_is_refused_and_the_reverse(found, declared):
    with pytest.raises(ConfigError, match=rf"the images have {found} channels.*declares {declared}"):
        run(labelled(4, channels=found), channels=declared)


def test_an_axis_that_is_not_there_is_not_mirrored():
    with pytest.raises(ConfigError, match=r"train\.augmentation\.flip_axes: there is no axis 2"):
        run(labelled(4), augmentation=CHANGED | {"flip_axes": [2]})


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path):
    case = labelled(1)[0]
    broken = TrainingCase("nan", "real", lambda: case.loader() | {"image": np.full((1, 16, 16), np.nan, np.float32)})
    with pytest.raises(TrainingError, match="classifier's loss is not finite at step 1"):
        run([broken, *labelled(3, share=0)], checkpoint=tmp_path / "model")
    assert not list(tmp_path.iterdir())
