"""Features of an encoder that is trained on the study's own real cases: no download, and it knows their anatomy."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synthtrial.atomic import atomic_file
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.cases import Cases

if TYPE_CHECKING:
    import torch

    from synthtrial.fidelity.features.encoder_network import Autoencoder

LEAST_CASES = 8
"""Fewer can't teach an encoder what their anatomy has in common."""

VERSION = 1
"""Part of the name of cached weights: raise it when the same settings are to give other weights."""


class StudyEncoder:
    """Pooled activations of an autoencoder's encoder, trained without labels on the real cases of a study.

    Learning by rebuilding the input through a bottleneck is that of Hinton & Salakhutdinov 2006 (doi
    10.1126/science.1127647), here with convolutions (Masci et al. 2011, doi 10.1007/978-3-642-21735-7_7). Each channel
    of a view goes through the encoder as a grey image of its own, so one encoder serves image, mask and pair. A
    channel has `2 * width * (2^levels - 1)` features, 240 as set by default: the mean and the standard deviation
    over space of each channel of each level.

    Costs are bounded. Training sees a fixed number of patches of a fixed size. An image of more than `largest` voxels
    is averaged over 2, 4, ... voxels per axis until it has no more, in training and in use: of a larger image, blur
    and noise finer than that are seen only as far as averaging leaves them.

    The training cases are part of the definition: distances are comparable within one study only, at the same number
    of cases.

    Args:
        spatial_dims: 2 or 3.
        seed: of initial weights, patches and batches.
        width: channels of the first level; each further level has twice as many.
        levels: each further level halves the grid.
        steps: optimizer steps of the training.
        batch_size: patches per step.
        learning_rate: its highest value.
        patches: about how many patches are drawn for the training.
        patch_2d: edge of a patch of 2D images, pixels.
        patch_3d: edge of a patch of volumes, voxels.
        largest: voxels of an image above which it is averaged first.

    Raises:
        ConfigError: for a setting out of range.
    """

    def __init__(
        self,
        *,
        spatial_dims: int,
        seed: int = 0,
        width: int = 8,
        levels: int = 4,
        steps: int = 300,
        batch_size: int = 8,
        learning_rate: float = 0.002,
        patches: int = 512,
        patch_2d: int = 64,
        patch_3d: int = 32,
        largest: int = 262144,
    ) -> None:
        counts = {"width": width, "levels": levels, "steps": steps, "batch_size": batch_size, "patches": patches}
        counts |= {"patch_2d": patch_2d, "patch_3d": patch_3d, "largest": largest}
        for key, value in counts.items():
            if value < 1:
                raise ConfigError(f"StudyEncoder: {key} is {value}, but must be at least 1")
        if seed < 0 or learning_rate <= 0:
            raise ConfigError(
                f"StudyEncoder takes a seed of at least 0 and a learning_rate above 0, not {seed} and {learning_rate}"
            )
        self.name = "study_encoder"
        self.spatial_dims = spatial_dims
        self.seed, self.learning_rate = seed, learning_rate
        self.width, self.levels = width, levels
        self.steps, self.batch_size = steps, batch_size
        self.patches, self.patch = patches, patch_2d if spatial_dims == 2 else patch_3d
        self.largest = largest
        self.network: Autoencoder | None = None

    def learn(self, real: Cases, cache: Path) -> None:
        """Train on the real cases, or read what an equal training left in `cache`.

        Args:
            real: the only cases that training sees.
            cache: folder of weights; files are named after a hash of the settings and of every image and mask.

        Raises:
            SynthtrialError: for too few cases, images of other dimensions, NaN in an image, or broken weights.
        """
        from filelock import FileLock
        from safetensors import SafetensorError
        from safetensors.torch import load_file, save_file

        self._check_cases(real)
        path = Path(cache) / f"{self._key(real)}.safetensors"
        # Points of a sweep need it at the same time: one of them trains it, and the others wait.
        with FileLock(Path(tempfile.gettempdir()) / f"synthtrial-{path.stem}.lock"):
            if not path.is_file():
                network = self._trained(real)
                with atomic_file(path) as partial:
                    save_file(network.state_dict(), partial)
        network = self._untrained()
        try:
            network.load_state_dict(load_file(path))
        except (SafetensorError, RuntimeError) as error:
            raise SynthtrialError(f"{path} holds no weights of study_encoder: delete it, it is made again") from error
        self.network = network.eval().requires_grad_(False)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features `(n, C * d)` float64 of images `(n, C, *spatial)` in [-1, 1], one channel at a time.

        Raises:
            SynthtrialError: before `learn`.
        """
        import torch

        if self.network is None:
            raise SynthtrialError(
                "study_encoder has not learned yet: call learn(real, cache) with the real cases first"
            )
        return torch.stack([self._features(torch.from_numpy(image), self.network) for image in images]).double().numpy()

    def _features(self, image: torch.Tensor, network: Autoencoder) -> torch.Tensor:
        """Features `(C * d,)` of one image `(C, *spatial)`."""
        import torch

        from synthtrial.fidelity.features.encoder_network import reduced

        small = reduced(image[None].float(), self.spatial_dims, self._factor(image.shape[1:]))[0]
        return torch.cat([network.features(channel[None, None])[0] for channel in small])

    def _factor(self, shape: tuple[int, ...]) -> int:
        """Voxels per axis to average over, so that an image has at most `largest`."""
        factor = 1
        while np.prod([-(-length // factor) for length in shape]) > self.largest:
            factor *= 2
        return factor

    def _untrained(self) -> Autoencoder:
        import torch

        from synthtrial.fidelity.features.encoder_network import Autoencoder

        return Autoencoder(self.spatial_dims, self.width, self.levels, torch.Generator().manual_seed(self.seed))

    def _trained(self, real: Cases) -> Autoencoder:
        from synthtrial.fidelity.features.encoder_training import draw_patches, train

        network, factor = self._untrained(), self._factor(real.source.shape)
        rng = np.random.default_rng(self.seed)
        patches = draw_patches(real, edge=self.patch, count=self.patches, factor=factor, rng=rng)
        train(
            network,
            patches,
            steps=self.steps,
            batch_size=self.batch_size,
            rate=self.learning_rate,
            seed=self.seed,
        )
        return network

    def _key(self, real: Cases) -> str:
        """Hash of the settings, the case ids, and the bytes of every image and mask."""
        settings = {key: value for key, value in vars(self).items() if key != "network"}
        digest = hashlib.sha256(json.dumps([VERSION, settings, real.source.labels], sort_keys=True).encode())
        for case_id, image, mask in zip(real.case_ids, real.images(), real.masks(), strict=True):
            digest.update(json.dumps([case_id, image.shape]).encode())
            digest.update(np.ascontiguousarray(image, np.float32).data)
            digest.update(np.ascontiguousarray(mask).data)
        return digest.hexdigest()[:32]

    def _check_cases(self, real: Cases) -> None:
        if len(real) < LEAST_CASES:
            raise SynthtrialError(
                f"study_encoder learns from at least {LEAST_CASES} real cases, here are {len(real)}: "
                "add cases, or leave it out (fidelity.features.study_encoder=null); random_conv needs no training"
            )
        if len(real.source.shape) != self.spatial_dims:
            raise SynthtrialError(
                f"study_encoder was built for {self.spatial_dims}D images, but the cases have the shape "
                f"{real.source.shape}: build it with spatial_dims={len(real.source.shape)}"
            )
