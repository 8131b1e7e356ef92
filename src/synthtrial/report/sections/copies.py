"""Are synthetic cases copies of real ones: the memorisation audit."""

from __future__ import annotations

import pandas as pd

from synthtrial.report.blocks import Block, Column, Heading, Picture, Section, Table, Text, Words
from synthtrial.report.results import Results, Synthesis
from synthtrial.report.sections.fidelity import title

PICTURES = {
    "nearest_distances": "Distance to the nearest training case: of synthetic cases, of real training cases to other "
    "patients, and of real cases that the generator has not seen. Synthetic cases far to the left of both real "
    "curves are copies.",
    "closest_pairs": "The synthetic cases that are closest to a training case, for what is usual around it. Look at "
    "the difference: a copy leaves noise, another patient leaves anatomy.",
}
"""The fidelity stage's figures that belong here, and what they show."""


def section(results: Results) -> Section:
    """One table for all generators, what it means, and the closest pairs of each."""
    heading = "Is it a copy?"
    if not results.syntheses:
        return Section("copies", heading, [Text("This study has no generator.")])
    blocks: list[Block] = [Words(sentences(results)), copy_table(results)]
    for synthesis in results.syntheses:
        blocks += [Heading(title(results, synthesis)), *pictures(synthesis)]
    return Section("copies", heading, blocks)


def copy_frame(results: Results) -> pd.DataFrame:
    """One row per generator and space: how many synthetic cases are suspicious, and what an attacker can learn."""
    rows = []
    for synthesis in results.syntheses:
        facts = synthesis.fidelity
        for space, found in facts["audit"]["spaces"].items():
            suffix = f"/{space}_n{facts['n_synthetic']}"
            low, high = facts["interval"][f"copies{suffix}"]
            auc_low, auc_high = facts["interval"].get(f"membership_auc{suffix}", (None, None))
            rows.append(
                {
                    "generator": synthesis.generator,
                    "split": synthesis.split,
                    "space": space,
                    "drawn": facts["n_drawn"],
                    "rejected": facts["n_copies_rejected"],
                    "checked": facts["n_synthetic"],
                    "suspicious": len(found["flagged"]),
                    "share": facts["metrics"][f"copies{suffix}"],
                    "share_low": low,
                    "share_high": high,
                    "held_out_share": found["held_out_flagged"],
                    "stated_rate": found["stated_rate"],
                    "membership_auc": facts["metrics"].get(f"membership_auc{suffix}"),
                    "auc_low": auc_low,
                    "auc_high": auc_high,
                }
            )
    return with_words(pd.DataFrame(rows))


def with_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Add what the page shows of numbers that belong together, as text."""
    rows = frame.to_dict("records")
    return frame.assign(
        rejected_of=[f"{row['rejected']} of {row['drawn']}" for row in rows],
        suspicious_of=[f"{row['suspicious']} of {row['checked']}" for row in rows],
        membership=[
            None
            if pd.isna(row["membership_auc"])
            else f"{row['membership_auc']:.2f} ({row['auc_low']:.2f} to {row['auc_high']:.2f})"
            for row in rows
        ],
    )


def copy_table(results: Results) -> Table:
    """The audit in numbers."""
    return Table(
        name="copies",
        frame=copy_frame(results),
        columns=[
            Column("generator", "Generator", number=False),
            Column("space", "Compared by", number=False),
            Column("rejected_of", "Copies rejected, of drawn"),
            Column("suspicious_of", "Suspicious, of accepted"),
            Column("held_out_share", "Unseen patients flagged", percent),
            Column("stated_rate", "Rate allowed", percent),
            Column("membership", "Membership AUC (95 %)"),
        ],
        caption="Copies rejected: cases that were drawn but never reached an arm. Suspicious: accepted cases that are "
        "closer to a training case than is usual, in pixels (mirrored and shifted, too) and in features. Unseen real "
        "patients flagged: how often the same rule calls a real patient a copy whom the generator can't have copied. "
        "Membership AUC: how well someone who has only the synthetic cases can tell who was in the training set; 0.5 "
        "is guessing.",
    )


def sentences(results: Results) -> list[str]:
    """What a reader should take away: one sentence on all, then one per generator."""
    rows = copy_frame(results).query("space == 'pixels'").to_dict("records")
    suspicious, rejected = (sum(row[key] for row in rows) for key in ("suspicious", "rejected"))
    drawn = f"{rejected} drawn cases were copies and rejected" if rejected else "No drawn case was rejected as a copy"
    kept = f"{suspicious} accepted ones are suspicious" if suspicious else "no accepted one is suspicious"
    lines = [f"{drawn}; {kept}."]
    for row in rows:
        found, checked = row["suspicious"], row["checked"]
        if found == 0:
            text = (
                f"none of {checked} accepted cases is a copy by pixels; at most {percent(row['share_high'])} are (95 %)"
            )
        else:
            text = f"{found} of {checked} accepted cases are suspiciously close to training cases: see the pairs below"
        if row["rejected"]:
            text += f"; {row['rejected']} copies were rejected before"
        if row["auc_low"] is not None and row["auc_low"] > 0.5:
            text += (
                f"; its cases give away who was in the training set (AUC {row['membership_auc']:.2f}): "
                "don't share them as if they were anonymous"
            )
        lines.append(f"{row['generator']}: {text}.")
    return lines


def pictures(synthesis: Synthesis) -> list[Picture]:
    """The audit's figures of one generator."""
    by_name = {path.stem: path for path in synthesis.fidelity_figures}
    return [
        Picture(
            name=f"{name}_{synthesis.generator}_{synthesis.split}",
            content=by_name[name],
            caption=caption,
            alt=f"{name.replace('_', ' ')} of generator {synthesis.generator}.",
        )
        for name, caption in PICTURES.items()
        if name in by_name
    ]


def percent(share: float) -> str:
    """A share, such as `4.1 %`."""
    return f"{100 * share:.3g} %"
