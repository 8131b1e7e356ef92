"""Write the report of the study in params.yaml: `python pipelines/report.py [key=value ...]`."""

from __future__ import annotations

import json

from synthtrial.command_line import stage_words
from synthtrial.errors import run_script


def main() -> None:
    """Gather all results, decide the verdict, and write `out/<study>/report/` and `metrics.json`."""
    _, overrides = stage_words(__doc__)

    from synthtrial.params import load_params, params_hash, plain, read_header, stage_params

    params = stage_params("report", overrides)

    from synthtrial.report.building import build, write_metrics
    from synthtrial.study_folder import StudyFolder
    from synthtrial.tracking import data_hash, git_revision, stage_run, versions

    study = StudyFolder(params.study.name)
    whole = load_params(overrides)
    provenance = {
        "git_revision": git_revision(),
        "params_hash": params_hash(whole),
        "data_hash": data_hash(study),
        "versions": versions(),
        "command": f"{read_header()[0]} && dvc repro",
        "params": plain(whole),
    }
    with stage_run("report", params) as run:
        build(study.root, plain(params), study.report, provenance=provenance)
        write_metrics(study.report, study.metrics)
        run.log_metrics(json.loads(study.metrics.read_text(encoding="utf-8")))
        run.log_artifact(study.report)
    print(f"report: {study.report / 'report.html'}")


if __name__ == "__main__":
    run_script(main)
