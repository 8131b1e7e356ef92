"""Blocks that a section has once per segmenter or classifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from synthtrial.report.blocks import Block, Heading
from synthtrial.report.results import Results


def per_model(results: Results, models: Sequence[str], blocks_of: Callable[[str], Iterable[Block]]) -> list[Block]:
    """The blocks of each model, under a heading with its name where there are several."""
    blocks: list[Block] = []
    for model in models:
        if len(models) > 1:
            blocks.append(Heading(results.called(model)))
        blocks += blocks_of(model)
    return blocks
