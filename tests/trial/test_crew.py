"""Tasks over processes: their order, their errors, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from processes import alive
from synthtrial.errors import ConfigError, TrainingError
from synthtrial.trial.running.crew import Crew


class Counting:
    """Work that says its task, and answers how many tasks its process has done, and which process it is."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, task, tell):
        tell("at", task)
        if task == "wrong":
            raise ConfigError("this can't be")
        if task == "broken":
            raise KeyError("a mistake of ours")
        if task == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        self.done += 1
        time.sleep(0.02)
        return task, self.done, os.getpid()


class Napping:
    """Work that writes its process's id into a folder and sleeps."""

    def __call__(self, folder, tell):
        (Path(folder) / str(os.getpid())).touch()
        time.sleep(600)


def do(processes, tasks):
    heard = []
    with Crew(processes, Counting()) as crew:
        return crew.map(tasks, lambda task, words: heard.append((task, words))), heard


@pytest.mark.parametrize("processes", [1, 3])
def test_results_come_in_the_order_of_the_tasks_and_all_words_are_heard(processes):
    results, heard = do(processes, range(12))
    assert [task for task, *_ in results] == list(range(12))
    assert sorted(words for task, words in heard if words[0] == "at") == [("at", task) for task in range(12)]
    assert [words[1] for task, words in sorted(heard) if words[0] == "done"] == results


def test_processes_are_started_once_for_all_tasks():
    results, _ = do(2, range(12))
    owners = {owner for *_, owner in results}
    assert len(owners) == 2 and os.getpid() not in owners
    assert sum(max(done for _, done, owner in results if owner == one) for one in owners) == 12


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_the_user_comes_as_it_is(processes):
    with pytest.raises(ConfigError, match="^this can't be$"):
        do(processes, [1, "wrong", 2])


def test_an_error_of_ours_comes_with_its_place():
    with pytest.raises(RuntimeError, match=r"test_crew.py(.|\n)*a mistake of ours"):
        do(2, [1, "broken"])


def test_a_process_that_dies_is_told_with_what_to_do():
    with pytest.raises(TrainingError, match=r"died at work on dies.*runtime.fold_workers"):
        do(2, ["dies", 1])


def test_a_process_that_died_before_its_task_is_told_as_well():
    with Crew(2, Counting()) as crew:
        crew.map([1, 2], lambda task, words: None)
        crew._started[0].kill()
        crew._started[0].join()
        with pytest.raises(TrainingError, match=r"died at work on 3.*runtime.fold_workers"):
            crew.map([3, 4], lambda task, words: None)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_all_processes_end_with_the_leading_one(how, tmp_path):
    code = (
        "import signal\n"
        "from test_crew import Crew, Napping\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # tests may run where it is ignored
        f"    with Crew(2, Napping()) as crew: crew.map([{str(tmp_path)!r}] * 2, print)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, str(script)], env=environment, stderr=subprocess.DEVNULL) as leading:
        try:
            workers = until(lambda: [int(path.name) for path in tmp_path.iterdir() if path.name.isdigit()], 2)
            leading.send_signal(how)
            leading.wait(timeout=20)
        finally:
            leading.kill()
    until(lambda: [worker for worker in workers if not alive(worker)], 2)


def until(find, count):
    """What `find` finds, once that is so many."""
    deadline = time.monotonic() + 60
    while len(found := find()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found
