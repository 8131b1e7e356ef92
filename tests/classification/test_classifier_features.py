"""What classic models see of a case."""

from __future__ import annotations

import math

import numpy as np
import pytest
from labelled_cases import labelled

from synthtrial.classification.features import features_from, read_features
from synthtrial.errors import CohortError, ConfigError
from synthtrial.fidelity.features.random_conv import RandomConv
from synthtrial.supervised.case import TrainingCase

RANDOM_CONV = {"_target_": "synthtrial.fidelity.features.random_conv.RandomConv", "filters": 4, "levels": 2}


def case(**sample) -> TrainingCase:
    whole = {"image": np.zeros((1, 16, 16), np.float32), "label": np.array(0)} | sample
    return TrainingCase("c", "synthetic", lambda: whole)


def test_pixels_are_all_values_in_order():
    image = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)
    values, labels = read_features([case(image=image, label=np.array(1))], features_from("pixels", 2))
    assert values.tolist() == [list(range(60))] and labels.tolist() == [1] and values.dtype == np.float32


def test_brightness_is_the_mean():
    values, _ = read_features([case(image=np.full((1, 4, 4), 0.25, np.float32))], features_from("brightness", 2))
    assert values.tolist() == [[0.25]]


def test_lesion_size_is_a_logarithm_that_a_case_without_a_lesion_has_too():
    size = features_from("lesion_size", 3)
    values, _ = read_features([case(lesion_ml=math.e), case(lesion_ml=math.e**2), case(lesion_ml=0.0)], size)
    assert values[:, 0] == pytest.approx([1, 2, math.log(1e-3)])


@pytest.mark.parametrize("sample", [{}, {"lesion_ml": math.nan}])
def test_a_case_whose_lesion_size_is_not_known_is_refused(sample):
    with pytest.raises(CohortError, match=r"case c \(synthetic\) has no lesion size"):
        read_features([case(**sample)], features_from("lesion_size", 2))


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 16)])
def test_an_extractor_looks_at_the_image(shape):
    cases = labelled(3, shape)
    values, _ = read_features(cases, features_from(RANDOM_CONV, len(shape)))
    images = np.stack([each.loader()["image"] for each in cases])
    assert np.allclose(values, RandomConv(spatial_dims=len(shape), filters=4, levels=2)(images))


def test_extractors_that_need_masks_or_a_training_are_refused():
    study_encoder = {"_target_": "synthtrial.fidelity.features.study_encoder.StudyEncoder"}
    radiomics = {"_target_": "synthtrial.fidelity.features.radiomics.Radiomics", "families": ["statistics"]}
    for extractor in (study_encoder, radiomics):
        with pytest.raises(ConfigError, match="looks at more than images"):
            features_from(extractor, 2)
