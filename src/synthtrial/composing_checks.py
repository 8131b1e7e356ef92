"""Refuse what a later stage of a study would refuse, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.tasks import CLASSIFY

if TYPE_CHECKING:
    from synthtrial.cohorts.case import Reader
    from synthtrial.cohorts.settings import PrepareSettings
    from synthtrial.trial.arm import Arm


def check_parts(params: dict[str, Any], reader: Reader, words: list[str]) -> None:
    """Refuse what a later stage would refuse, before anything runs.

    Args:
        params: of the study.
        reader: of its cohort.
        words: what it is composed with, for the commands that messages give.

    Raises:
        ConfigError: when the cohort, the preparation, a training, an arm or the verdict's metric can't be as it is.
    """
    from synthtrial.calibration.settings import read_calibration
    from synthtrial.composing_classes import check_class_study
    from synthtrial.trial.arm import read_arms

    prepare = check_prepare(params, reader)
    check_draws(params, reader)
    arms = read_arms(params["arms"])
    check_arms_fill(params, arms, prepare, words)
    classify = params["task"] == CLASSIFY.stage
    if classify:
        check_class_study(params, arms, reader)
    else:
        check_segmenters(params, arms)
    if params["protocol"]["reference"] not in (names := [arm.name for arm in arms]):
        raise ConfigError(unknown("reference", params["protocol"]["reference"], names))
    check_metric(params, reader)
    if params["calibration"] is not None:
        read_calibration(params["calibration"], params)


def check_prepare(params: dict[str, Any], reader: Reader) -> PrepareSettings:
    """Check what becomes of the cohort, and that it suits the protocol."""
    from synthtrial.cohorts.settings import PrepareSettings
    from synthtrial.trial.protocol import protocol_of
    from synthtrial.trial.sites import check_sites

    prepare = construct(PrepareSettings, params["prepare"], "prepare")
    prepare.check_axes(reader.name, reader.spatial_dims)
    prepare.check_unit(reader.name, reader.unit)
    protocol = protocol_of(params["protocol"]["name"])
    protocol.check_split_by(prepare.split_by)
    if protocol.judged_on_folds:
        check_sites(prepare.folds)
    return prepare


def check_draws(params: dict[str, Any], reader: Reader) -> None:
    """Check the generators, what is drawn from them, and by what features they are measured."""
    from synthtrial.fidelity.features.building import build_extractors
    from synthtrial.gans.checking import check_kept, check_learning, check_snapshots
    from synthtrial.synthesis.distance_gate import GateSettings, image_extractor

    generators = params.get("generators") or {}
    for name, generator in generators.items():
        check_learning(generator, f"generators.{name}")
    check_kept(generators, params["draws"])
    check_snapshots(generators, params["draws"])
    if generators:
        build_extractors(params["fidelity"]["features"], reader.spatial_dims, "fidelity.features")
    for name, draw in params["draws"].items():
        if gate := draw["distance_gate"]:
            settings = construct(GateSettings, gate, f"draws.{name}.distance_gate")
            image_extractor(settings.features, reader.spatial_dims)


def check_arms_fill(params: dict[str, Any], arms: list[Arm], prepare: PrepareSettings, words: list[str]) -> None:
    """Check that there will be enough cases for every arm."""
    from synthtrial.trial.arm_checks import check_arms
    from synthtrial.trial.draw import Redraw
    from synthtrial.trial.protocol import protocol_of

    check_arms(
        arms,
        protocol=protocol_of(params["protocol"]["name"]),
        folds=prepare.folds,
        test_fraction=prepare.test_fraction,
        augmentation=prepare.augmentation,
        redraw=Redraw(words, params["draws"], params["synthesis"]["per_real"]),
    )


def check_segmenters(params: dict[str, Any], arms: list[Arm]) -> None:
    """Check how segmenters are trained, and that no arm asks for what only classifiers know."""
    from synthtrial.segmentation.settings import train_settings

    for name, segmenter in params["segmenters"].items():
        train_settings(segmenter["train"], f"segmenters.{name}.train")
    for arm in arms:
        if arm.balance != "none":
            raise ConfigError(
                f"arms.{arm.name}.balance is {arm.balance}, which balances the classes of a classifier; this study "
                "has segmenters: set it to none"
            )


def check_metric(params: dict[str, Any], reader: Reader) -> None:
    """Check that the verdict's metric is one of the task's."""
    metric = params["protocol"]["metric"]
    if params["task"] == CLASSIFY.stage:
        from synthtrial.classification.metrics import is_metric, metric_names

        if not is_metric(metric):
            names = metric_names([params["protocol"]["positive"], "OTHER"])
            raise ConfigError(unknown("metric", metric, names))
        return
    from synthtrial.segmentation.metrics import metric_names as segmentation_metrics

    if metric not in (names := segmentation_metrics(reader.labels)):
        raise ConfigError(unknown("metric", metric, names))


def unknown(key: str, value: str, names: list[str]) -> str:
    """What to say of a key of the protocol that names nothing."""
    return f"protocol.{key}: unknown {value!r}; there are: {', '.join(names)}"
