"""A sweep, opened: checked, composed, and with its study in the storage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthtrial.composing import compose
from synthtrial.errors import ConfigError
from synthtrial.params import hash_files
from synthtrial.tuning.aims import check_aims, check_generator
from synthtrial.tuning.ledger import Ledger
from synthtrial.tuning.point_folder import UNTRACKED
from synthtrial.tuning.pruning import check_images
from synthtrial.tuning.sampling import build_sampler
from synthtrial.tuning.settings import SweepSettings, read_sweep
from synthtrial.tuning.space import Axis, grid_points, read_space, words_of
from synthtrial.tuning.storage import one_sentence, open_storage, storage_url
from synthtrial.tuning.version import version_of

if TYPE_CHECKING:
    from optuna import Study


@dataclass(frozen=True)
class Sweep:
    """What a worker needs.

    Attributes:
        settings: of conf/sweep.
        words: of the study.
        conf, pipelines, root: folders: of configuration files, of stage scripts, and the working directory.
        params: that all points share.
        files, files_hash: the configuration files that these came from, and their hash.
        axes: of the space.
        points: id to parameters, or to None where a sampler chooses them.
        version: see `version_of`.
        url: of the storage.
    """

    settings: SweepSettings
    words: list[str]
    conf: Path
    pipelines: Path
    root: Path
    params: dict[str, Any]
    files: list[Path]
    files_hash: str
    axes: dict[str, Axis]
    points: dict[str, dict[str, Any] | None]
    version: str
    url: str

    @property
    def folder(self) -> Path:
        """Of everything that the sweep makes."""
        return self.root / "out" / self.params["study"]["name"] / "sweeps" / self.settings.name

    @property
    def family(self) -> str:
        """What the names of all versions of this sweep begin with."""
        return f"{self.params['study']['name']}/{self.settings.name}/"

    def open(self) -> tuple[Study, Ledger]:
        """The sweep's study in the storage, made when missing, and its ledger.

        Raises:
            ConfigError: when the storage does not answer, or workers of another version are at work.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        storage = open_storage(self.url)
        with one_sentence(self.url):
            study = optuna.create_study(
                study_name=self.family + self.version,
                storage=storage,
                directions=[aim.direction for aim in self.settings.aims],
                sampler=build_sampler(self.settings.choice, self.axes, 0),
                load_if_exists=True,
            )
        points = self.folder / "points" / self.version
        return study, Ledger(study, self.points, points, self.settings.retries)

    def check_unchanged(self) -> None:
        """Raise a ConfigError when conf/ has changed since the sweep was opened."""
        if hash_files(self.files) != self.files_hash:
            raise ConfigError(
                "conf/ has changed while the sweep ran: start the same command again, with the new settings"
            )


def load_sweep(name: str, words: list[str], *, conf: Path, pipelines: Path, root: Path, trusted: bool = False) -> Sweep:
    """Read and check a sweep; nothing is run or written.

    Args:
        name: of a file of conf/sweep.
        words: of the study, and `sweep.key=value` words for the sweep itself.
        conf: the folder of configuration files.
        pipelines: the folder of stage scripts.
        root: the working directory.
        trusted: whether the leading process has checked the ends of the space already.

    Raises:
        ConfigError: for whatever can't be.
    """
    own = [word.removeprefix("sweep.") for word in words if word.startswith("sweep.")]
    of_study = [word for word in words if not word.startswith("sweep.")]
    settings = read_sweep(name, own, conf)
    params, files = compose(of_study, conf)
    check_generator(settings, params)
    axes = read_space(settings.space, params)
    check_aims(settings, params)
    check_images(settings.rule, settings.generator, params)
    build_sampler(settings.choice, axes, 0)
    points: dict[str, dict[str, Any] | None]
    if settings.choice.kind == "grid":
        grid = grid_points(axes)
        points = {f"{index:0{len(str(len(grid)))}d}": point for index, point in enumerate(grid, 1)}
    else:
        count = settings.trials or 0
        points = {f"{index:03d}": None for index in range(1, count + 1)}
    if not trusted:
        check_ends(axes, of_study, conf)
    folder = root / "out" / params["study"]["name"] / "sweeps" / name
    url = storage_url(settings.storage, folder)
    version = version_of(settings, params)
    return Sweep(
        settings, of_study, conf, pipelines, root, params, files, hash_files(files), axes, points, version, url
    )


def check_ends(axes: dict[str, Axis], words: list[str], conf: Path) -> None:
    """Compose the study at both ends of every axis, so that a value that can't be is refused before anything runs."""
    for end in (0, -1):
        point = {key: axis.values[end] if axis.values else (axis.low, axis.high)[end] for key, axis in axes.items()}
        compose([*words, *words_of(point), *UNTRACKED], conf)
