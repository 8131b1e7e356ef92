"""Tasks of the Medical Segmentation Decathlon, by their own dataset.json."""

from __future__ import annotations

import json
from pathlib import Path

from synthtrial.cohorts.case import CaseRef, RawCase, check_refs
from synthtrial.cohorts.layout import require_root
from synthtrial.cohorts.nifti import read_pair
from synthtrial.errors import CohortError, ConfigError
from synthtrial.setting_types import fits

DATASET = {"modality": dict[str, str], "labels": dict[str, str], "training": list[dict[str, str]]}
"""What we read of a dataset.json."""


class MSD:
    """One task of the Decathlon (Antonelli et al., Nature Communications 2022, 13:4128): its training part.

    Labels, channels and unit come from the task's `dataset.json`, so the reader downloads the task (on wish) and reads
    this file when it is made.

    Args:
        root: folder that holds the folder of the task.
        task: name of the task, such as `Task04_Hippocampus`.
        download: fetch and unpack the task through MONAI when it is not there yet.
        where_to_get, layout: told when the task is missing.
    """

    spatial_dims = 3
    patients_known = True

    def __init__(
        self, *, root: str, task: str, download: bool = False, where_to_get: str = "", layout: str = ""
    ) -> None:
        self.folder = Path(root) / task
        if download and not (self.folder / "dataset.json").is_file():
            download_task(Path(root), task)
        require_root(self.folder, where_to_get, layout)
        self.dataset = _load_dataset(self.folder / "dataset.json")
        self.name = str(self.dataset.get("name", task))
        modalities = list(self.dataset["modality"].values())
        self.channels = len(modalities)
        self.unit = "HU" if set(modalities) == {"CT"} else "MR"
        self.label_values = {
            name: int(value)
            for value, name in sorted(self.dataset["labels"].items(), key=lambda x: int(x[0]))
            if int(value)
        }
        self.labels = list(self.label_values)

    def find(self) -> list[CaseRef]:
        """List the training cases of dataset.json; raises a `CohortError` when one of their files is missing."""
        refs = []
        for entry in self.dataset["training"]:
            image, mask = self.folder / entry.get("image", ""), self.folder / entry.get("label", "")
            for path in (image, mask):
                if not path.is_file():
                    raise CohortError(
                        f"{path} is missing, but {self.folder / 'dataset.json'} lists it: unpack the task again"
                    )
            case_id = image.name.removesuffix(".gz").removesuffix(".nii")
            refs.append(CaseRef(case_id, case_id, "one", "", image, (mask,), str(image)))
        return check_refs(refs, f"the training list of {self.folder / 'dataset.json'}")

    def read(self, ref: CaseRef) -> RawCase:
        """Read one pair; see `read_pair`."""
        return read_pair(ref, self.label_values, self.channels)


def download_task(root: Path, task: str) -> None:
    """Download a task into `root`, check its md5 sum and unpack it."""
    from monai.apps import DecathlonDataset, download_and_extract

    if task not in DecathlonDataset.resource:
        raise ConfigError(
            f"cohort.task: {task!r} is not a Decathlon task; there are {', '.join(DecathlonDataset.resource)}"
        )
    try:
        download_and_extract(
            DecathlonDataset.resource[task],
            filepath=root / f"{task}.tar",
            output_dir=root,
            hash_val=DecathlonDataset.md5[task],
            hash_type="md5",
        )
    except (OSError, RuntimeError) as error:
        raise CohortError(
            f"{task} could not be downloaded from {DecathlonDataset.resource[task]} ({error}). "
            f"Fetch it by another way and unpack it into {root}"
        ) from error


def _load_dataset(path: Path) -> dict:
    try:
        dataset = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in ("modality", "labels", "training") if key not in dataset]
    except (OSError, ValueError) as error:
        raise CohortError(
            f"{path} can't be read ({error}): unpack the task again, or set cohort.download=true"
        ) from error
    if missing:
        raise CohortError(f"{path} lacks {', '.join(missing)}: it is not the dataset.json of a Decathlon task")
    whole = all(fits(dataset[key], hint) for key, hint in DATASET.items())
    if not whole or not all(value.isdigit() for value in dataset["labels"]):
        raise CohortError(
            f"{path}: expected `modality` and `labels` as number: name, and `training` as a list of image and label"
        )
    return dataset
