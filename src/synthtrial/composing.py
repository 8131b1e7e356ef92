"""Compose `conf/` once, with Hydra, into one frozen `params.yaml`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from omegaconf import OmegaConf

from synthtrial.atomic import atomic_file
from synthtrial.errors import ConfigError
from synthtrial.params import hash_files, missing_key
from synthtrial.setting_types import suggestion
from synthtrial.study_folder import StudyFolder
from synthtrial.study_keys import check_keys
from synthtrial.tasks import CLASSIFY, TASKS, task_of

if TYPE_CHECKING:
    from synthtrial.cohorts.case import Reader

ORDER = (
    "study",
    "task",
    "cohort",
    "prepare",
    "generators",
    "synthesis",
    "draws",
    "fidelity",
    "protocol",
    "arms",
    "learning_curve",
    "calibration",
    "segmenters",
    "classifiers",
    "trainer",
    "runtime",
    "launcher",
    "tracking",
    "report",
    "reproduces",
    "study_names",
    "calibration_names",
    "generator_names",
    "draw_names",
    "splits",
    "draw_places",
    "depends_on",
    "arm_names",
    "segmenter_names",
    "classifier_names",
    "classify_places",
)
"""Top-level keys of params.yaml, as a study reads."""


def compose(overrides: list[str], conf: Path) -> tuple[dict[str, Any], list[Path]]:
    """Compose a study.

    Args:
        overrides: Hydra words such as `study=demo` and `generators.hagan.train.images=4000`.
        conf: the folder of configuration files.

    Returns:
        The resolved parameters, and the configuration files that they came from.

    Raises:
        ConfigError: for an unknown study, option or key; the message says which exist.
    """
    check_study(overrides, conf)
    # Readers import numpy and nibabel: an unknown study is answered without them.
    from synthtrial.cohorts.case import build_reader
    from synthtrial.composing_checks import check_parts

    params, choices = compose_with_hydra(overrides, conf)
    check_keys(params)
    params["task"] = task_of(params).stage
    add_draws(params)
    add_learning_arms(params)
    check_reproduction(params)
    reader = build_reader(params["cohort"])
    check_parts(params, reader, overrides)
    derive(params, reader)
    unknown = sorted(set(params) - set(ORDER))
    if unknown:
        raise ConfigError(f"unknown top-level key {unknown[0]!r} in the study; there are {', '.join(ORDER)}")
    return {key: params[key] for key in ORDER if key in params}, used_files(choices, conf)


def compose_with_hydra(overrides: list[str], conf: Path) -> tuple[dict[str, Any], dict[str, str | None]]:
    """Resolved parameters, and the option that was chosen of each configuration group."""
    # Hydra takes a third of a second to import: an unknown study is answered without it.
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
            config = hydra_compose("config", overrides=overrides, return_hydra_config=True)
        choices = dict(config.hydra.runtime.choices)
        OmegaConf.set_struct(config, False)
        config.pop("hydra")
        return OmegaConf.to_container(config, resolve=True, throw_on_missing=True), choices  # type: ignore[return-value]
    # Hydra lets the errors of a YAML file through, and raises a ValueError for a defaults list that is none.
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError) as error:
        raise ConfigError(explain(error, overrides, conf)) from error


def add_draws(params: dict[str, Any]) -> None:
    """Complete `draws` in place. A generator's own `synthesis` moves there: changing it trains no generator again."""
    from synthtrial.trial.draw import complete_draws

    generators = params.get("generators") or {}
    params["draws"] = complete_draws(params.get("draws") or {}, generators, params["synthesis"])
    for generator in generators.values():
        generator.pop("synthesis", None)


def add_learning_arms(params: dict[str, Any]) -> None:
    """Add the arms of `learning_curve` in place."""
    from synthtrial.trial.learning_arms import with_learning_arms

    params["arms"] = with_learning_arms(params["arms"], params["learning_curve"], params["protocol"]["reference"])


def check_reproduction(params: dict[str, Any]) -> None:
    """Raise a ConfigError when `reproduces` can't be read, or names what the study does not have."""
    from synthtrial.trial.paper import check_paper, read_paper

    if paper := read_paper(params["reproduces"]):
        names = {kind: params[kind] for kind in ("arms", "segmenters", "classifiers", "draws")}
        check_paper(paper, **names, features=params["fidelity"]["features"])


def derive(params: dict[str, Any], reader: Reader) -> None:
    """Fill in place the keys that follow from others: names and places for DVC, and each generator's tensor size."""
    from synthtrial.gans.fitting import fitted
    from synthtrial.trial.draw import draw_places
    from synthtrial.trial.protocol import protocol_of

    names = [params["study"]["name"]]
    # The stages of a calibration vanish, all but one: it runs them by itself, once per trial.
    params["study_names"], params["calibration_names"] = ([], names) if params["calibration"] else (names, [])
    params["generator_names"] = list(params.get("generators") or {})
    params["draw_names"] = list(params["draws"])
    for task in TASKS.values():
        params[task.names] = list(params.get(task.group) or {})
    params["arm_names"] = list(params["arms"])
    params["classify_places"] = {} if params["calibration"] else classify_places(params)
    params["splits"] = protocol_of(params["protocol"]["name"]).splits(params["prepare"]["folds"])
    drawn = {} if params["calibration"] else params["draws"]
    params["draw_places"] = draw_places(params["study"]["name"], drawn, params["splits"])
    params["depends_on"] = generated_folders(params["study"]["name"], params["generator_names"])
    params["depends_on"]["judged"] = (StudyFolder(params["study"]["name"]).root / params["task"]).as_posix()
    shape = params["prepare"]["shape"]
    for name, generator in (params.get("generators") or {}).items():
        params["generators"][name] = fitted(generator, reader.labels, reader.channels, shape, f"generators.{name}")


def classify_places(params: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Every arm with every classifier that can be trained on it, by the name of its stage.

    A classic model knows no focal loss and no pretraining, and a baseline such as that of size alone learns from the
    reference alone.
    """
    if params["task"] != CLASSIFY.stage:
        return {}
    from synthtrial.classification.settings import can_take, read_classifier
    from synthtrial.trial.arm import read_arms

    places = {}
    for arm in read_arms(params["arms"]):
        for name, settings in params["classifiers"].items():
            kept = read_classifier(settings, f"classifiers.{name}").arms == "all"
            wanted = kept or arm.name == params["protocol"]["reference"]
            if wanted and not can_take(settings, balance=arm.balance, pretrain=arm.pretrain):
                places[f"{params['study']['name']}-{arm.name}-{name}"] = {"arm": arm.name, "classifier": name}
    return places


def generated_folders(study: str, generators: list[str]) -> dict[str, str]:
    """What the stages after the generators' depend on, by kind.

    A stage of DVC can't leave a dependency out, and a study without generators has none of these folders: tables of
    its prepared cohort stand in for them, which such a stage depends on anyway.
    """
    prepared = StudyFolder(study).prepared
    stand_in = {"models": "cohort.json", "synthetic": "cases.csv", "fidelity": "splits.json"}
    folders = {kind: prepared.parent / kind if generators else prepared / table for kind, table in stand_in.items()}
    return {kind: folder.as_posix() for kind, folder in folders.items()}


def study_names(conf: Path) -> list[str]:
    """Names of the studies that `conf/study/` holds."""
    return sorted(path.stem for path in (conf / "study").glob("*.yaml"))


def check_study(overrides: list[str], conf: Path) -> None:
    """Raise a ConfigError unless the words name an existing study."""
    names = study_names(conf)
    chosen = next((word.split("=", 1)[1] for word in overrides if word.startswith("study=")), None)
    if chosen is None:
        raise ConfigError(f"which study? Say study=NAME; there are: {', '.join(names)}")
    if chosen not in names:
        raise ConfigError(f"unknown study {chosen!r}; there are: {', '.join(names)}{suggestion(chosen, names)}")


def explain(error: Exception, overrides: list[str], conf: Path) -> str:
    """Turn Hydra's error into one line that says what exists."""
    for word in overrides:
        key, _, value = word.lstrip("+~").partition("=")
        group = conf / key.split("@")[0]
        if key and value and group.is_dir() and not (group / f"{value}.yaml").is_file():
            names = sorted(path.stem for path in group.glob("*.yaml"))
            return f"unknown {key} {value!r}; there are: {', '.join(names)}{suggestion(value, names)}"
    if unreadable := getattr(error, "override", None):
        return (
            f"{unreadable!r} can't be read: write key=value; a value with braces needs quotes, 'key=\"{{case}}.nii\"'"
        )
    for word in overrides:
        key = word.partition("=")[0]
        if f"'{key}'" in str(error):
            others = [other for other in overrides if other != word]
            return missing_key(compose(others, conf)[0], key) or " ".join(str(error).split())
    return " ".join(str(error).split())


def used_files(choices: dict[str, str | None], conf: Path) -> list[Path]:
    """Configuration files that a composition took, the root first."""
    files = {conf / "config.yaml"}
    for group, choice in choices.items():
        file = conf / group.split("@")[0] / f"{choice}.yaml"
        if not group.startswith("hydra") and file.is_file():
            files |= {file, *inherited_files(file)}
    return sorted(files, key=lambda file: (file.name != "config.yaml", file))


def inherited_files(file: Path) -> set[Path]:
    """Files of its own group that a configuration file starts from, such as `- default`: Hydra's choices lack them."""
    content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    names = [name for name in content.get("defaults", []) if isinstance(name, str) and name != "_self_"]
    parents = {file.parent / f"{name}.yaml" for name in names}
    return parents.union(*map(inherited_files, parents))


def write_params(overrides: list[str], conf: Path, path: Path) -> dict[str, Any]:
    """Compose a study and write it to `path`, headed by the command and the hash of the files it came from."""
    params, files = compose(overrides, conf)
    relative = [os.path.relpath(str(file), str(path.parent)) for file in files]
    header = [
        f"# python pipelines/compose.py {shlex.join(overrides)}",
        f"# composed from {' '.join(relative)}",
        f"# sha256 {hash_files(files)}",
        "# This file is the study: every stage reads it. Change conf/ or the command above and compose again.",
    ]
    with atomic_file(path) as partial:
        partial.write_text("\n".join(header) + "\n" + OmegaConf.to_yaml(OmegaConf.create(params)), encoding="utf-8")
    return params
