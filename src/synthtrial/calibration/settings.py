"""The settings of a calibration, checked when they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.processes import processes_of
from synthtrial.setting_types import check_type

Truth = Literal["same", "not better", "better"]
"""What is known of an arm: it does not differ from the reference; it can't be better; it is better."""


@dataclass(frozen=True, kw_only=True)
class CalibrationSettings:
    """How a calibration is done, as `conf/study/calibration.yaml` says it under `calibration:`.

    Attributes:
        trials: number of small trials, each with another phantom.
        truth: what is known of each arm but the reference.
        copier: the draw whose cases are copies, which the audit must catch.
        power: share of the trials in which an arm that is better must be found so.
    """

    trials: int
    truth: Mapping[str, Truth]
    copier: str
    power: float

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ConfigError(f"calibration.trials is {self.trials}; it must be at least 1")
        if not 0 < self.power <= 1:
            raise ConfigError(f"calibration.power is {self.power}; it must be above 0 and at most 1")
        known = get_args(Truth)
        for arm, word in self.truth.items():
            if word not in known:
                raise ConfigError(f"calibration.truth.{arm} is {word!r}; there are: {', '.join(known)}")

    def arms_that_are(self, *words: Truth) -> list[str]:
        """Names of the arms of which one of these is known."""
        return [arm for arm, word in self.truth.items() if word in words]


def read_calibration(settings: Mapping[str, Any], study: Mapping[str, Any]) -> CalibrationSettings:
    """Check the `calibration:` of a study against its other parts.

    Args:
        settings: the subtree.
        study: all parameters of the study.

    Raises:
        ConfigError: for a key or value that can't be, and for names that the study does not have.
    """
    from synthtrial.segmentation.metrics import larger_is_better

    check_type(settings, dict, "calibration")
    checked = construct(CalibrationSettings, settings, "calibration")
    reference = study["protocol"]["reference"]
    compared = [arm for arm in study["arms"] if arm != reference]
    if sorted(checked.truth) != sorted(compared):
        raise ConfigError(
            f"calibration.truth must say what is known of each arm but {reference!r}: {', '.join(compared)}; it names "
            f"{', '.join(checked.truth) or 'none'}"
        )
    if checked.copier not in study["draws"]:
        known = ", ".join(study["draws"]) or "none"
        raise ConfigError(f"calibration.copier is {checked.copier!r}; there are the draws: {known}")
    if not larger_is_better(study["protocol"]["metric"]):
        raise ConfigError(
            f"protocol.metric is {study['protocol']['metric']!r}, of which less is better; a calibration takes one of "
            "which more is better, such as dice"
        )
    if (processes := processes_of(study["trainer"])) > 1:
        raise ConfigError(
            f"a calibration trains many small models side by side, each in one process, and trainer.devices x "
            f"trainer.nodes is {processes}: set both to 1"
        )
    if len(study["segmenters"]) != 1:
        raise ConfigError(f"a calibration takes one segmenter, and this study has {len(study['segmenters'])}")
    return checked
