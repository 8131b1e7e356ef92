"""Costs counted on shapes agree with those counted by hand."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import torch

from synthtrial.costing.amounts import arm_cases, cohort_size
from synthtrial.costing.step_cost import StepCost, StepCounter, model_cost
from synthtrial.costing.study_cost import Training
from synthtrial.errors import ConfigError
from synthtrial.trial.arm import Arm

SCRIPT = Path(__file__).resolve().parents[2] / "pipelines" / "cost.py"


def study(**prepare) -> dict:
    return {"prepare": {"folds": 5, "test_fraction": 0.2, **prepare}, "arms": {"real": {}}}


def test_a_convolution_costs_what_its_sums_do() -> None:
    cost = model_cost(torch.nn.Conv2d(1, 1, 3, padding=1, bias=False), 1, (8, 8))
    forward = 2 * 9 * 64  # a multiplication and an addition per weight and pixel; the image itself gets no gradient
    assert cost.flops == 2 * forward
    assert cost.parameters == 9 and cost.weight_bytes == 16 * 9
    assert cost.activation_bytes == 64 * 4  # the image, which the gradient of the weights needs


def test_a_gradient_penalty_is_counted() -> None:
    layer = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False).to("meta")
    images = torch.zeros(2, 1, 8, 8, device="meta", requires_grad=True)

    def penalty() -> torch.Tensor:
        (slope,) = torch.autograd.grad((layer(images) ** 2).sum(), images, create_graph=True)
        return (slope**2).sum()

    plain, twice = StepCounter(), StepCounter()
    plain.count(lambda: layer(images).sum())
    twice.count(penalty)
    assert twice.flops > plain.flops > 0
    rarely = StepCounter()
    rarely.count(penalty, every=4)
    assert rarely.flops == twice.flops / 4


def test_operations_and_memory_of_a_training_grow_with_its_images() -> None:
    step = StepCost(flops=3.0, activation_bytes=2**30, weight_bytes=2**30, parameters=1)
    row = Training("x", "model", models=2, steps=10, batch=4, step=step)
    assert row.images == 40 and row.flops == 120.0 and row.memory_gib == 5.0


def test_parts_of_a_cohort() -> None:
    size = cohort_size(study(), 500, None)
    assert (size.development, size.training) == (400, 320)
    assert [size.in_split(name) for name in ("pooled", "holdout", "nested")] == [500, 400, 320]
    assert cohort_size(study(test_cases={"a": 50, "b": 50}), 500, None).development == 400
    dealt = study(test_cases={"a": 50, "b": 50}) | {"arms": {"more": {"of": "a"}}}
    assert cohort_size(dealt, 500, 150).share == (150 - 50) / 400


@pytest.mark.parametrize(
    ("arm", "cases"),
    [
        (Arm("real"), (320, 0)),
        (Arm("synthetic", real=0.0, synthetic={"x": 2.0}), (0, 640)),
        (Arm("of", synthetic={"x": 1.0}, of="malignant"), (320, 32)),
        (Arm("twice", duplicated=1.0), (640, 0)),
        (Arm("balanced", balance="oversampling"), (576, 0)),
    ],
)
def test_cases_of_an_arm(arm: Arm, cases: tuple[float, float]) -> None:
    assert arm_cases(arm, cohort_size(study(), 500, 50)) == pytest.approx(cases)


def test_the_class_that_arms_add_to_must_be_counted() -> None:
    params = study() | {"arms": {"more": {"of": "malignant"}}}
    with pytest.raises(ConfigError, match="--of-class"):
        cohort_size(params, 500, None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--images-per-second", "dcgan"], "expected NAME=RATE"),
        (["--tflops", "0"], "must be above 0"),
    ],
)
def test_a_wrong_rate_is_one_message(words: list[str], message: str, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["cost.py", "study=smoke", "--cases", "40", *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert end.value.code == 1 and message in capsys.readouterr().err
