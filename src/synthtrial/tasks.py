"""The downstream task of a study: its models segment, or they classify."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from synthtrial.errors import ConfigError


class Task(NamedTuple):
    """What one kind of study calls its parts.

    Attributes:
        stage: the DVC stage that trains and judges the models of an arm, and the folder of its results.
        group: the group of params.yaml that holds the models.
        model: the word for one of them; a column of its tables.
    """

    stage: str
    group: str
    model: str

    @property
    def names(self) -> str:
        """The key of params.yaml that lists the models' names."""
        return f"{self.model}_names"


SEGMENT = Task("segment", "segmenters", "segmenter")
CLASSIFY = Task("classify", "classifiers", "classifier")
TASKS = {task.stage: task for task in (SEGMENT, CLASSIFY)}


def task_of(params: Mapping[str, Any]) -> Task:
    """The task of a study, by which group of models it has.

    Raises:
        ConfigError: when it has models of both kinds, or none.
    """
    chosen = [task for task in TASKS.values() if params.get(task.group)]
    if len(chosen) != 1:
        has = "segmenters and classifiers" if chosen else "neither segmenters nor classifiers"
        raise ConfigError(
            f"the study has {has}; it needs one kind: choose with `- /segmenter@segmenters.unet: unet` or "
            "`- /classifier@classifiers.cnn: cnn` in its defaults"
        )
    return chosen[0]
