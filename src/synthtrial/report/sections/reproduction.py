"""What is needed to make this report again, and what it cost."""

from __future__ import annotations

import pandas as pd
import yaml

from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Details, Heading, Section, Table, Text
from synthtrial.report.results import Results


def section(results: Results) -> Section:
    """The last section of the page."""
    blocks: list[Block] = [facts_table(results)]
    if len(results.stages):
        blocks += [Heading("Cost"), stage_table(results), Text(training_share(results.stages))]
        if results.stages["git_revision"].nunique() > 1:
            blocks.append(
                Text("The stages were run at different revisions of the code; the table of stages says which.")
            )
    parameters = results.provenance.get("params", results.params)
    text = yaml.safe_dump(parameters, sort_keys=False, allow_unicode=True, width=100)
    blocks.append(Details("All parameters of the study (params.yaml)", text))
    return Section("reproduction", "How to reproduce this", blocks)


def facts_table(results: Results) -> Table:
    """Command, code, data, parameters and versions."""
    known = results.provenance
    facts = {
        "Command": known.get("command", f"make study STUDY={results.study}"),
        "Code, git revision": known["git_revision"],
        "Parameters, hash": known["params_hash"],
        "Prepared data, hash": known["data_hash"],
        "Versions": ", ".join(f"{package} {version}" for package, version in known["versions"].items()),
        "Machine": " · ".join(machines(results.stages)) or "not recorded",
    }
    frame = pd.DataFrame({"fact": list(facts), "value": list(facts.values())})
    return Table(
        name="provenance",
        frame=frame,
        columns=[Column("fact", "", number=False), Column("value", "", number=False)],
        caption="The same command at the same revision, with the same data, gives the same report on the same machine. "
        "Other hardware rounds differently, and training makes small differences larger.",
    )


def machines(stages: pd.DataFrame) -> list[str]:
    """The machines that stages ran on, each once."""
    described = []
    for machine in stages["machine"]:
        text = ", ".join(f"{name} {value}" for name, value in machine.items() if name != "system")
        described.append(f"{machine.get('system', '')} ({text})".strip())
    return list(dict.fromkeys(described))


def stage_table(results: Results) -> Table:
    """Wall time, time of training and peak memory of every stage run, and their total."""
    frame = results.stages[["stage", "item", "started", "wall_s", "training_s", "peak_rss_mb", "git_revision"]].copy()
    frame["item"] = frame["item"].map(place)
    frame["started"] = frame["started"].str.slice(0, 16).str.replace("T", " ")
    total = {"stage": "all", "item": "", "peak_rss_mb": frame["peak_rss_mb"].max()}
    total |= {name: frame[name].sum() for name in ("wall_s", "training_s")}
    return Table(
        name="stages",
        frame=pd.concat([frame, pd.DataFrame([total])], ignore_index=True),
        columns=[
            Column("stage", "Stage", number=False),
            Column("item", "Of", number=False),
            Column("started", "Started (UTC)", number=False),
            Column("wall_s", "Wall time", numbers.duration),
            Column("training_s", "Of it, training", numbers.duration),
            Column("peak_rss_mb", "Peak memory", numbers.memory),
            Column("git_revision", "Revision", number=False),
        ],
        caption="Last run of each stage before this report, from the start of its process on. Training: from the first "
        "to the last step of each training, with the validations in between; where trainings ran side by side, time "
        "counts once. Peak memory is that of the largest process; for all stages together, times are added and the "
        "largest memory is given.",
    )


def training_share(stages: pd.DataFrame) -> str:
    """The share of all wall time in which training steps were run, in words."""
    if stages["training_s"].isna().any():
        return "How much of the wall time was training was not recorded by all stages."
    wall, training = stages["wall_s"].sum(), stages["training_s"].sum()
    return (
        f"Training steps were run in {numbers.duration(training)} of {numbers.duration(wall)}, "
        f"{numbers.percent(training / wall)} of the wall time of all stages. The rest went into starting Python, "
        "preparing and reading cases, drawing, judging and writing."
    )


def place(item: object) -> str:
    """A stage's place in the matrix in words: the values of `item`."""
    return " / ".join(str(value) for value in item.values()) if isinstance(item, dict) else str(item or "")
