"""Checkpoints that a kill can't break, and that are never taken up by a training with other settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from synthtrial.atomic import atomic_file, write_json
from synthtrial.processes import leads

NAME = "last.ckpt"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write a checkpoint straight to disk under a temporary name, then rename.

    Lightning's own way builds the whole file in memory first, which doubles the memory of a large generator.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        with atomic_file(Path(path)) as partial:
            torch.save(checkpoint, partial)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        return torch.load(path, map_location="cpu", weights_only=True)


def resumable(folder: Path, origin: dict[str, Any]) -> Path | None:
    """The checkpoint to go on from, or None when there is none of this very training.

    A checkpoint of another training is removed, by the leading process; the others come to the same answer meanwhile.

    Args:
        folder: where the training's checkpoints lie.
        origin: all that the training follows from, as JSON.
    """
    path = folder / "training.json"
    if not path.is_file() or json.loads(path.read_text(encoding="utf-8")) != json.loads(json.dumps(origin)):
        if not leads():
            return None
        shutil.rmtree(folder, ignore_errors=True)
        write_json(path, origin)
    return folder / NAME if (folder / NAME).is_file() else None
