"""How close the synthetic images are to the real ones, beside what real against real gives."""

from __future__ import annotations

from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Picture, Section, Table, Text
from synthtrial.report.results import Results, Synthesis
from synthtrial.report.sections import samples
from synthtrial.report.tables import fidelity_frame


def section(results: Results) -> Section:
    """One table of all metrics, then the figures of each generator."""
    if not results.syntheses:
        return Section("fidelity", "Fidelity", [Text("This study has no generator.")])
    blocks: list[Block] = [metric_table(results)]
    for synthesis in results.syntheses:
        blocks += stage_pictures(synthesis)
    return Section("fidelity", "Fidelity", blocks)


def metric_table(results: Results) -> Table:
    """Every metric with its floor, its ceiling, and the number of images behind it."""
    frame = fidelity_frame(results)
    columns = [
        Column("generator", "Generator", number=False),
        Column("metric", "Metric", number=False),
        Column("floor", "Real against real", numbers.significant),
        Column("value", "Synthetic", numbers.significant),
        Column("spread", "±", numbers.significant),
        Column("ceiling", "Noise", numbers.significant),
        Column("n_real", "Real, n", numbers.count),
        Column("n_synthetic", "Synthetic, n", numbers.count),
    ]
    if frame["split"].nunique() > 1:
        columns.insert(1, Column("split", "Split", number=False))
    return Table(
        name="fidelity",
        frame=frame,
        columns=columns,
        caption="Distances between synthetic and real cases; smaller is closer. A value means something only beside "
        "its floor, the same distance between two halves of the real cases, and its ceiling, the distance of pure "
        "noise. The name of a metric says which features it was measured with and on how many cases (n); values with "
        "other features or another n can't be compared with it. ± is the standard deviation over random halves.",
    )


def stage_pictures(synthesis: Synthesis) -> list[Picture]:
    """The figures that the fidelity stage made."""
    return [
        Picture(
            name=f"fidelity_{synthesis.generator}_{synthesis.split}_{path.stem}",
            content=path,
            caption=CAPTIONS.get(path.stem, f"{path.stem.replace('_', ' ').capitalize()}: real against synthetic.")
            + f" Generator {synthesis.generator}.",
            alt=f"{path.stem.replace('_', ' ')} of real and synthetic cases.",
        )
        for path in synthesis.fidelity_figures
        if path.stem != samples.PAGE
    ]


CAPTIONS = {
    "intensities": "Share of voxels at each intensity: median and 90 % band over cases. Where the curves part, the "
    "synthetic images are brighter or darker than the real ones.",
    "lesion_volumes": "Share of cases up to each lesion size. A steeper synthetic curve means that the generator "
    "leaves out small or large lesions; the distance is that of Kolmogorov and Smirnov.",
}
"""What the fidelity stage's figures show, by file name."""
