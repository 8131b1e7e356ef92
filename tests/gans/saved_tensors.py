"""How much autograd holds for backward passes to come."""

from __future__ import annotations

import weakref
from types import TracebackType

import torch
from torch import Tensor


class _Held:
    """A tensor that a graph holds."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class SavedTensors:
    """Count the tensors that autograd saves while the block runs, and forget them when their graphs are freed.

    Attributes:
        held: tensors held now.
        peak: the most that were held at a time.
    """

    def __init__(self) -> None:
        self.held = 0
        self.peak = 0

    def __enter__(self) -> SavedTensors:
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda held: held.tensor)
        self._hooks.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._hooks.__exit__(kind, error, traceback)

    def _pack(self, tensor: Tensor) -> _Held:
        held = _Held(tensor)
        weakref.finalize(held, self._release)
        self.held += 1
        self.peak = max(self.peak, self.held)
        return held

    def _release(self) -> None:
        self.held -= 1
