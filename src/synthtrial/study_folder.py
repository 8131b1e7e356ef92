"""Where each stage of a study reads and writes: `out/<study>/...`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StudyFolder:
    """The folder tree of one study, relative to the working directory.

    Args:
        name: the study's name.
    """

    name: str

    @property
    def root(self) -> Path:
        """Everything of the study."""
        return Path("out") / self.name

    @property
    def prepared(self) -> Path:
        """The prepared cohort."""
        return self.root / "prepared"

    def model(self, generator: str, split: str) -> Path:
        """Weights and losses of a generator trained on a split."""
        return self.root / "models" / generator / split

    def synthetic(self, draw: str, split: str) -> Path:
        """Cases drawn from the generator of a split, the way that `draws.<draw>` says."""
        return self.root / "synthetic" / draw / split

    def fidelity(self, draw: str, split: str) -> Path:
        """Fidelity of those cases."""
        return self.root / "fidelity" / draw / split

    @property
    def arms(self) -> Path:
        """Training lists, one CSV per arm."""
        return self.root / "arms"

    def segment(self, arm: str, segmenter: str) -> Path:
        """Results of one segmenter trained on one arm."""
        return self.root / "segment" / arm / segmenter

    def classify(self, arm: str, classifier: str) -> Path:
        """Results of one classifier trained on one arm."""
        return self.root / "classify" / arm / classifier

    @property
    def report(self) -> Path:
        """The report."""
        return self.root / "report"

    @property
    def metrics(self) -> Path:
        """The figures for `dvc metrics`."""
        return self.root / "metrics.json"

    @property
    def trials(self) -> Path:
        """Of a calibration: what every procedure said about every arm of every trial."""
        return self.root / "trials.csv"

    @property
    def datasheet(self) -> Path:
        """Of a calibration: how often the verdict was wrong."""
        return self.root / "datasheet.json"

    def checkpoints(self, *stage: str) -> Path:
        """Where a killed stage goes on from; not one of DVC's outs, which it deletes before a stage runs."""
        return self.root / "checkpoints" / "-".join(stage)

    @property
    def stages(self) -> Path:
        """One JSON per stage run: time, memory, versions."""
        return self.root / "stages"
