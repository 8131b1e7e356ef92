"""What other procedures would have said, beside the verdict."""

from __future__ import annotations

import pandas as pd

from synthtrial.report import numbers
from synthtrial.report.blocks import Column, Table
from synthtrial.report.results import Results
from synthtrial.report.wilcoxon_rate import measured_rate


def comparison_table(results: Results, model: str, compared: pd.DataFrame) -> list[Table]:
    """What other procedures would have said, beside the interval of the verdict; nothing without an arm."""
    if not len(compared):
        return []
    drawn = [
        Column("bootstrap_low", "Bootstrap from", numbers.difference),
        Column("bootstrap_high", "to", numbers.difference),
        Column("bootstrap_p", "Bootstrap p", numbers.p_value),
    ]
    has_bootstrap = bool(compared["bootstrap_low"].notna().any())
    alone, what_alone = patients_alone(results)
    columns = [
        Column("arm", "Arm", number=False),
        Column("ci_low", f"{results.level} from", numbers.difference),
        Column("ci_high", "to", numbers.difference),
        *(drawn if has_bootstrap else []),
        alone,
    ]
    resampled = "Bootstrap: models and patients drawn again, each on its own. " if has_bootstrap else ""
    return [
        Table(
            name=f"comparison_{model}",
            frame=compared[[column.name for column in columns]],
            columns=columns,
            caption="For comparison only: what other procedures would say, beside the verdict's interval. "
            f"{resampled}{what_alone}",
            cases="test",
        )
    ]


def patients_alone(results: Results) -> tuple[Column, str]:
    """The usual test, which takes patients as the only source of chance: its column and what it is."""
    if results.task == "segment":
        return (
            Column("p_wilcoxon_patients", "Wilcoxon p", numbers.p_value),
            f"Wilcoxon: the usual test over patients, on the ensembles; {measured_rate()}.",
        )
    named = ", here the test of DeLong in all but name" if results.params["protocol"]["metric"] == "auroc" else ""
    return (
        Column("p_patients_alone", "p of patients alone", numbers.p_value),
        f"Patients alone: a paired t-test over patients, on the ensembles{named}. It takes the luck of one training "
        "for an effect.",
    )
