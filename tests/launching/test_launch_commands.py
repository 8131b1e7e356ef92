"""Commands launched for real: order, kills, time limits, locks, and what is said of failures."""

from __future__ import annotations

import dataclasses
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from synthtrial.errors import JobError
from synthtrial.launching.command import Command
from synthtrial.launching.launch import check_outcomes, launch_commands
from synthtrial.launching.launcher import Launcher, named_launcher, read_launcher

CONF = Path(__file__).resolve().parents[2] / "conf"

COUNT = (
    "import os, signal, sys, time\nwith open('starts', 'a') as file: file.write('x')\nn = len(open('starts').read())\n"
)
"""Code that counts how often it was started, in its working directory."""


def launcher(name: str, **settings) -> Launcher:
    return dataclasses.replace(read_launcher(named_launcher(name, CONF)), **settings)


def python(folder: Path, name: str, code: str) -> Command:
    return Command(name, (sys.executable, "-c", code), folder)


@pytest.fixture(params=["none", "local"])
def executor(request: pytest.FixtureRequest) -> str:
    return request.param


def test_outcomes_come_in_order_with_codes_and_logs(executor: str, tmp_path: Path) -> None:
    codes = (0, 3, 0)
    commands = [
        python(tmp_path, f"job{n}", f"print('said {n}'); raise SystemExit({code})") for n, code in enumerate(codes)
    ]
    outcomes = launch_commands(commands, launcher(executor, at_once=3), tmp_path / "logs", "try")
    assert [outcome.code for outcome in outcomes] == list(codes)
    assert all(f"said {n}" in outcome.log.read_text() for n, outcome in enumerate(outcomes))
    with pytest.raises(JobError, match=r"(?s)1 of 3 jobs failed.*job1 failed \(exit code 3\); its log is .*said 1"):
        check_outcomes(outcomes)


def test_a_killed_command_is_started_again_and_a_failed_one_is_not(executor: str, tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    (tmp_path / "failed").mkdir()
    commands = [
        python(tmp_path / "killed", "killed", COUNT + "n > 1 or os.kill(os.getpid(), signal.SIGKILL)"),
        python(tmp_path / "failed", "failed", COUNT + "sys.exit(1)"),
    ]
    outcomes = launch_commands(commands, launcher(executor, requeues=2), tmp_path / "logs", "try")
    assert [outcome.code for outcome in outcomes] == [0, 1]
    assert [len((tmp_path / name / "starts").read_text()) for name in ("killed", "failed")] == [2, 1]


def test_a_command_that_is_always_killed_is_given_up(tmp_path: Path) -> None:
    command = python(tmp_path, "doomed", COUNT + "os.kill(os.getpid(), signal.SIGKILL)")
    (outcome,) = launch_commands([command], launcher("none", requeues=2), tmp_path / "logs", "try")
    assert outcome.failed
    assert "killed by signal 9" in str(outcome)
    assert len((tmp_path / "starts").read_text()) == 3


def test_a_job_whose_time_is_up_is_queued_again_and_given_up_at_last(tmp_path: Path) -> None:
    for name in ("patient", "endless"):
        (tmp_path / name).mkdir()
    commands = [
        python(tmp_path / "patient", "patient", COUNT + "time.sleep(60 if n == 1 else 0)"),
        python(tmp_path / "endless", "endless", COUNT + "time.sleep(60)"),
    ]
    short = launcher("local", timeout_min=0.1, warning_s=2, requeues=1, at_once=2)
    patient, endless = launch_commands(commands, short, tmp_path / "logs", "try")
    assert patient.code == 0
    assert "minutes were up 2 times: raise launcher.timeout_min" in endless.reason
    assert [len((tmp_path / name / "starts").read_text()) for name in ("patient", "endless")] == [2, 2]


def test_no_more_than_asked_for_run_at_a_time(executor: str, tmp_path: Path) -> None:
    code = (
        "import os, time; own = str(os.getpid()); open(own, 'w').close(); n = len(os.listdir()); time.sleep(0.5); "
        "os.remove(own); raise SystemExit(n > 2)"
    )
    (tmp_path / "here").mkdir()
    commands = [python(tmp_path / "here", f"job{n}", code) for n in range(5)]
    outcomes = launch_commands(commands, launcher(executor, at_once=2), tmp_path / "logs", "try")
    assert not any(outcome.failed for outcome in outcomes)


def test_two_launches_of_one_command_never_run_it_at_the_same_time(executor: str, tmp_path: Path) -> None:
    code = "import os, time; os.mkdir('busy'); time.sleep(1.5); os.rmdir('busy')"
    ours = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); here = Path(sys.argv[2])\n"
        "from test_launch_commands import launch_commands, launcher, python\n"
        f"command = python(here, 'job', {code!r})\n"
        f"sys.exit(launch_commands([command], launcher({executor!r}), here / 'logs', 'try')[0].code)"
    )
    words = [sys.executable, "-c", ours, str(Path(__file__).parent), str(tmp_path)]
    launches = [subprocess.Popen(words), subprocess.Popen(words)]
    assert [launch.wait(timeout=60) for launch in launches] == [0, 0]


def test_launches_that_start_together_submit_a_job_once(tmp_path: Path) -> None:
    command = python(tmp_path, "job", "import time; time.sleep(2)")
    launch_commands([python(tmp_path, "first", "")], launcher("local"), tmp_path / "logs", "try")  # imports, once
    with multiprocessing.get_context("fork").Pool(4) as pool:
        launches = [([command], launcher("local"), tmp_path / "logs", "try")] * 4
        outcomes = pool.starmap(launch_commands, launches, chunksize=1)
    assert [outcome.code for (outcome,) in outcomes] == [0] * 4
    assert len(list((tmp_path / "logs/job").glob("*_submitted.pkl"))) == 1


def test_a_job_does_not_take_itself_for_a_task_of_a_cluster(
    executor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "2")
    code = "import os, sys; sys.exit(any(name.startswith(('SLURM_', 'SUBMITIT_')) for name in os.environ))"
    (outcome,) = launch_commands([python(tmp_path, "job", code)], launcher(executor), tmp_path / "logs", "try")
    assert outcome.code == 0


@pytest.mark.parametrize(("gpus", "sees"), [(None, "[None]"), (0, "['']")])
def test_gpus_are_hidden_from_a_job_that_asks_for_none_only(
    executor: str, gpus: int | None, sees: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    command = python(tmp_path, "job", "import os; print([os.environ.get('CUDA_VISIBLE_DEVICES')])")
    (outcome,) = launch_commands([command], launcher(executor, gpus=gpus), tmp_path / "logs", "try")
    assert sees in outcome.log.read_text()
