"""What a generator is told beside its noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from small_gans import tiny_dcgan

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.representations.building import build_representation
from synthtrial.gans.conditions import Conditions, FixedSamples
from synthtrial.gans.dataset import RealCases
from synthtrial.gans.model import build
from synthtrial.gans.roles import roles_of

DOMAINS = {"column": "label", "source": "benign", "target": "malignant"}


@pytest.fixture
def cohort(make_cohort: Callable[..., PreparedCohort]) -> PreparedCohort:
    return make_cohort(classes=("benign", "malignant", "malignant"))


def cases_of(cohort: PreparedCohort, **config: object) -> RealCases:
    settings = {
        "_target_": "synthtrial.cohorts.representations.channels.Channels",
        "labels": cohort.labels,
        "image_channels": 1,
        "shape": cohort.shape,
        "padded_shape": cohort.shape,
    }
    return RealCases(cohort, roles_of(config, cohort, cohort.development), build_representation(settings), seed=0)


def test_classes_come_in_the_proportions_of_the_real_cases(cohort: PreparedCohort) -> None:
    cases = cases_of(cohort, classes=["benign", "malignant"])
    told = [Conditions("label", cases)(index) for index in range(12)]
    assert Counter(condition.label for condition in told) == {"benign": 4, "malignant": 8}
    for condition in told:
        assert condition.value is not None
        assert condition.label == ["benign", "malignant"][int(condition.value)]


def test_every_source_is_translated_once_before_any_is_twice(cohort: PreparedCohort) -> None:
    cases = cases_of(cohort, domains=DOMAINS)
    told = [Conditions("source", cases)(index) for index in range(4)]
    assert sorted(condition.source_case for condition in told) == sorted(cases.roles.source)
    for condition in told:
        assert condition.value is not None
        assert torch.equal(condition.value[0], cases.encoded(condition.source_case))


def test_a_mask_is_told_in_its_channels(cohort: PreparedCohort) -> None:
    condition = Conditions("mask", cases_of(cohort))(3)
    assert condition.value is not None
    expected = np.where(cohort.mask(condition.source_case) > 0, 1, -1)
    assert np.array_equal(condition.value[0, 0].numpy(), expected)


def test_items_tell_real_class_and_source(cohort: PreparedCohort) -> None:
    cases = cases_of(cohort, domains=DOMAINS)
    item = cases[0]
    assert set(item) == {"real", "label", "source"}
    assert item["label"] == -1
    assert torch.equal(item["source"], cases.encoded(cases.source_at(0)))


def test_fixed_samples_are_the_same_at_any_time(cohort: PreparedCohort) -> None:
    gan = build(tiny_dcgan())
    samples = FixedSamples(Conditions("", cases_of(cohort)), n=2, seed=1)
    first = samples(gan)
    torch.rand(7)
    assert torch.equal(first, samples(gan))
    assert samples.sources() is None
