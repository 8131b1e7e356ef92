"""Are synthetic cases copies of real ones: the memorisation audit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from synthtrial.report.blocks import Block, Column, Heading, Picture, Section, Table, Text, Words
from synthtrial.report.results import Results
from synthtrial.report.sections.fidelity import title, who
from synthtrial.report.synthesis import Synthesis

PICTURES = {
    "nearest_distances": "Distance to the nearest training case: of synthetic cases, of real training cases to other "
    "patients, and, where there are any, of real cases that the generator has not seen. At the right, the same as a "
    "share of what is usual around both cases. Synthetic cases below the limit there are suspicious.",
    "closest_pairs": "The accepted cases that are closest to a training case, for what is usual around it. Look at "
    "the difference: a copy leaves noise, another patient leaves anatomy.",
}
"""The fidelity stage's figures that belong here, and what they show."""


def section(results: Results) -> Section:
    """One table for all generators, what it means, and the closest pairs of each."""
    heading = "Is it a copy?"
    if not results.syntheses:
        return Section("copies", heading, [Text("This study has no generator.")])
    blocks: list[Block] = [Words(sentences(results)), copy_table(results)]
    if others := results.where_others_are("fidelity"):
        blocks.append(Text(others))
    for synthesis in results.pictured:
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
                    "generator": synthesis.draw,
                    "split": synthesis.split,
                    "space": space,
                    "drawn": facts["n_drawn"],
                    "rejected": facts["n_copies_rejected"],
                    "looked": synthesis.cohort.facts["copies"]["rate"] is not None,
                    "translates": synthesis.cohort.facts["conditions_on"] == "source",
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
                    "without_membership": facts["audit"]["without_membership"],
                }
            )
    return with_words(pd.DataFrame(rows))


def with_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Add what the page shows of numbers that belong together, as text."""
    rows = frame.to_dict("records")
    return frame.assign(
        rejected_of=[f"{row['rejected']} of {row['drawn']}" if row["looked"] else None for row in rows],
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
            *who(results),
            Column("space", "Compared by", number=False),
            Column("rejected_of", "Copies rejected, of drawn"),
            Column("suspicious_of", "Suspicious, of accepted"),
            Column("held_out_share", "Unseen patients flagged", percent),
            Column("stated_rate", "Rate allowed", percent),
            Column("membership", "Membership AUC (95 %)"),
        ],
        caption="Copies rejected: cases that were drawn but never reached an arm; what is rejected by pixels can't be "
        "suspicious by pixels any more. Suspicious: accepted cases that are much closer to a training case than is "
        "usual, in pixels (mirrored and shifted, too) or in features. Unseen real patients flagged: how often the same "
        "rule calls a real patient a copy whom the generator can't have copied. "
        "Membership AUC: how well someone who has only the synthetic cases can tell who was in the training set; 0.5 "
        "is guessing.",
    )


def sentences(results: Results) -> list[str]:
    """What a reader should take away: one sentence on all, then one per generator."""
    rows = copy_frame(results).query("space == 'pixels'").to_dict("records")
    looked = [row for row in rows if row["looked"]]
    drawn, rejected = (sum(row[key] for row in looked) for key in ("drawn", "rejected"))
    checked, suspicious = (sum(row[key] for row in rows) for key in ("checked", "suspicious"))
    gate = f"{rejected} of {drawn} drawn cases" if looked else "drawn cases were not looked at (synthesis.copy_rate)"
    some = " that were looked at" if 0 < len(looked) < len(rows) else ""
    total = f"Rejected as copies: {gate}{some}. Suspicious by pixels: {suspicious} of {checked} accepted cases."
    return [total, *(sentence(results, row) for row in rows)]


def sentence(results: Results, row: dict[str, Any]) -> str:
    """What was found of one generator.

    Args:
        results: the study.
        row: of `copy_frame`, for pixels.
    """
    parts = [f"{row['suspicious']} of {row['checked']} accepted cases are suspiciously close to training cases"]
    if row["suspicious"]:
        parts = [f"{parts[0]}: see the pairs below"]
    elif not row["looked"]:
        parts.append(f"of all that it draws at most {percent(row['share_high'])} are (95 %)")
    if row["looked"]:
        parts.append(f"{row['rejected']} of {row['drawn']} drawn cases were rejected as copies")
    if row["translates"]:
        parts.append(
            "each is the translation of a training case and made to keep its anatomy, which counts here, while drawing "
            "compares it with other patients only"
        )
    if row["without_membership"]:
        parts.append(row["without_membership"])
    elif row["auc_low"] > 0.5:
        parts.append(
            f"its cases give away who was in the training set (AUC {row['membership_auc']:.2f}): don't share them as "
            "if they were anonymous"
        )
    return f"{results.place(row['generator'], row['split'])}: {'; '.join(parts)}."


def pictures(synthesis: Synthesis) -> list[Picture]:
    """The audit's figures of one generator."""
    by_name = {path.stem: path for path in synthesis.fidelity_figures}
    return [
        Picture(
            name=f"{name}_{synthesis.draw}_{synthesis.split}",
            content=by_name[name],
            caption=caption,
            alt=f"{name.replace('_', ' ')} of generator {synthesis.draw}.",
        )
        for name, caption in PICTURES.items()
        if name in by_name
    ]


def percent(share: float) -> str:
    """A share, such as `4.1 %`."""
    return f"{100 * share:.3g} %"
