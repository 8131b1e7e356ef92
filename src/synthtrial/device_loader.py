"""A loader whose next batch is on its way to the GPU while one is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

Batch = dict[str, Any]


class DeviceLoader(DataLoader[Any]):
    """A DataLoader that keeps one batch ahead on the GPU; without `ahead` it is a DataLoader like any other.

    A batch goes through pinned memory by a stream of its own, so that neither the processor nor the GPU waits for the
    copy. Order and values are those of a plain loader.

    Args:
        ahead: whether to copy ahead; needs a GPU.
        **settings: as for a DataLoader.
    """

    def __init__(self, *args: Any, ahead: bool, **settings: Any) -> None:
        super().__init__(*args, **settings | ({"pin_memory": True} if ahead else {}))
        self.ahead = ahead

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Batches, on the process's GPU where they are copied ahead."""
        batches: Iterator[Any] = super().__iter__()
        return copied_ahead(batches, torch.device("cuda", torch.cuda.current_device())) if self.ahead else batches


def copied_ahead(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The same batches on a GPU, each copied before the one in front of it is handed out."""
    copies = torch.cuda.Stream(device)

    def start_copy(batch: Batch) -> Batch:
        with torch.cuda.stream(copies):
            return {key: value.to(device, non_blocking=True) for key, value in batch.items()}

    def finished(batch: Batch) -> Batch:
        worker = torch.cuda.current_stream(device)
        worker.wait_stream(copies)
        for value in batch.values():
            value.record_stream(worker)  # else its memory may be taken for the next copy while it is still read
        return batch

    coming: Batch | None = None
    for batch in batches:
        ready, coming = coming, start_copy(batch)
        if ready is not None:
            yield finished(ready)
    if coming is not None:
        yield finished(coming)
