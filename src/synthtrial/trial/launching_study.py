"""Launching a whole study: its pieces side by side, in the order in which they depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from synthtrial.errors import ConfigError
from synthtrial.launching.command import Command
from synthtrial.launching.dvc_stages import changed_stages, repro
from synthtrial.launching.launch import check_outcomes, launch_commands
from synthtrial.launching.launcher import Launcher, named_launcher, read_launcher
from synthtrial.params import load_params, plain
from synthtrial.study_folder import StudyFolder
from synthtrial.tracking import open_study
from synthtrial.trial.pieces import generator_pieces, model_pieces

STAGES = ("prepare", "train_gan", "synthesize", "fidelity", "assemble", "segment", "classify", "report")
"""The stages of a study, each after those that it depends on."""

ON_ARMS = ("segment", "classify", "report")


def launch_study(stages: Sequence[str], words: Sequence[str], conf: Path) -> None:
    """Run some stages of the study in params.yaml and all before them, with the trainings as jobs side by side.

    Args:
        stages: the stages; all where empty.
        words: `key=value` of the groups that change no result.
        conf: the folder of configuration files.

    Raises:
        ConfigError: for an unknown stage or key, or a key that changes results.
        JobError: when a job has failed; names its log.
    """
    params, kept = read_words(words, conf)
    if unknown := [stage for stage in stages if stage not in STAGES]:
        raise ConfigError(f"unknown stage {unknown[0]!r}; there are: {', '.join(STAGES)}")
    launcher = read_launcher(plain(params.launcher))
    logs = Path(launcher.logs).expanduser() if launcher.logs else StudyFolder(params.study.name).root / "jobs"
    if not changed_stages(*stages, before=True):
        print("nothing to do: all is up to date")
        return
    wanted = [] if params.calibration else list(stages or STAGES)
    if set(wanted) - {"prepare"}:
        _launch("prepare", [repro(("prepare",))] if changed_stages("prepare") else [], launcher, logs)
        open_study(params)  # now: jobs that start together would each make it
        _launch("train the generators", generator_pieces(params, kept), launcher, logs)
    if set(wanted) & set(ON_ARMS):
        missing = changed_stages("assemble", before=True)
        _launch("draw and assemble", [repro(("assemble",))] if missing else [], launcher, logs)
        _launch("train the models", model_pieces(params, kept), launcher, logs)
    _launch("what is left", [repro(tuple(stages))], launcher, logs)


def read_words(words: Sequence[str], conf: Path) -> tuple[DictConfig, list[str]]:
    """The study with `key=value` words on top, and those of them that its stages take.

    Raises:
        ConfigError: for a key that changes results: the stages of DVC would not see it.
    """
    named = [word.partition("=")[2] for word in words if word.startswith("launcher=")]
    others = [word for word in words if not word.startswith("launcher=")]
    for word in others:
        if word.split(".")[0] not in ("launcher", "runtime", "tracking"):
            raise ConfigError(
                f"{word!r} can't be set here: a launch runs params.yaml as it is, and takes launcher=NAME and keys of "
                "launcher, runtime and tracking; for others compose again (pipelines/compose.py)"
            )
    params = load_params(others, launcher=named_launcher(named[-1], conf) if named else None)
    return params, [word for word in others if not word.startswith("launcher.")]


def _launch(title: str, commands: list[Command], launcher: Launcher, logs: Path) -> None:
    if commands:
        check_outcomes(launch_commands(commands, launcher, logs, title))
