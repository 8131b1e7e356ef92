"""The visual Turing test from the study to the results, with a rater at a real browser in between."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from real_browser import CHROMIUM, Browser
from small_study import REPOSITORY, script

from fidelity.turing_study import GENERATOR, STUDY, write_study

FORM = Path("out") / STUDY / "turing" / GENERATOR
COMMENT = '=1+1, "too smooth"; ä'

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a study, its scripts, and a form of 8 cases."""
    write_study(tmp_path)
    shutil.copytree(REPOSITORY / "pipelines", tmp_path / "pipelines")
    monkeypatch.chdir(tmp_path)
    assert script("turing_test", "build", STUDY, f"--generator={GENERATOR}", "--real=4", "--synthetic=4") == 0
    return tmp_path


def key() -> dict[str, str]:
    """Kind by blinded id, in the form's order."""
    with (FORM / "key" / "key.csv").open(newline="") as file:
        return {row["blinded_id"]: row["kind"] for row in csv.DictReader(file)}


def write_ratings(path: Path, rater: str) -> Path:
    """A rater's file without a browser: synthetic cases 7, real ones 3."""
    form_id = json.loads((FORM / "key" / "form.json").read_text())["form_id"]
    rows = [f"{form_id},{rater},none,{name},{7 if kind == 'synthetic' else 3},1," for name, kind in key().items()]
    path.write_text("\n".join(["form_id,rater,experience,blinded_id,score,seconds,comment", *rows]))
    return path


def test_ratings_become_results(study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = [str(write_ratings(study / f"{name}.csv", name)) for name in ("Ann", "Bob")]
    capfd.readouterr()
    assert script("turing_test", "read", str(FORM), *files) == 0
    said = capfd.readouterr().out
    assert "Ann (none): mean score real 3.0 (3.0 to 3.0), synthetic 7.0" in said
    assert "2 raters together can tell synthetic from real cases (AUC 1.00" in said
    assert {path.name for path in (FORM / "results").iterdir()} == {"turing.json", "turing.csv", "turing.png"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["build", "tinny", f"--generator={GENERATOR}"], "no prepared cohort in out/tinny/prepared"),
        (["build", STUDY, "--generator=other"], "no synthetic cohort in out/tiny/synthetic/other/development"),
        (["build", STUDY, f"--generator={GENERATOR}", "--real=4", "--synthetic=4", "--seed=2"], "key of another form"),
        (["build", f"--generator={GENERATOR}"], "no params.yaml here"),
        (["read", "out", "a.csv"], "no out/key/key.csv: give the folder"),
        (["read", str(FORM), "a.csv"], "a.csv can't be read"),
    ],
)
def test_mistakes_end_in_one_message(study: Path, capfd: pytest.CaptureFixture[str], words: list, message: str) -> None:
    assert script("turing_test", *words) == 1
    said = capfd.readouterr().err
    assert message in said and said.count("error: ") == 1 and "Traceback" not in said


def begin(browser: Browser, rater: str) -> None:
    """Fill in who rates, and open the first case."""
    browser.open(FORM / "form.html")
    browser.click("#rater")
    browser.write(rater)
    browser.click("#experience")
    browser.write("radiologist, 8 years")
    browser.click("#who button")
    assert title(browser) == "Case 1 of 8"


def title(browser: Browser) -> str:
    """The heading that has the focus."""
    return browser.ask("document.activeElement.textContent")


def chosen(browser: Browser) -> str | None:
    """The score that is shown as given."""
    return browser.ask("document.querySelector('input[name=score]:checked')?.value")


@needs_browser
@pytest.mark.slow
def test_a_rater_scores_all_cases_in_a_browser_and_the_saved_file_is_read(study: Path) -> None:
    kinds = key()
    with Browser(study / "browser") as browser:
        begin(browser, "-Ann, M.D.")
        for place, kind in enumerate(kinds.values(), start=1):
            assert title(browser) == f"Case {place} of 8"
            if place == 1:
                browser.click("#comment")
                browser.write(COMMENT)
                browser.click("input[value='6'] + span")
                browser.click("#next")
            else:
                browser.press(*("10" if kind == "synthetic" else "2"), "Enter")
        assert title(browser) == "Thank you, that was all"
        browser.click("#download")
        file = browser.downloaded()
    assert file.name.startswith("ratings_") and file.suffix == ".csv"
    assert script("turing_test", "read", str(FORM), str(file)) == 0
    found = json.loads((FORM / "results" / "turing.json").read_text())
    scores = [case["scores"]["-Ann, M.D."] for case in found["cases"]]
    assert scores == [6, *(10 if kind == "synthetic" else 2 for kind in list(kinds.values())[1:])]
    assert found["cases"][0]["comments"] == {"-Ann, M.D.": COMMENT}
    assert found["raters"][0]["experience"] == "radiologist, 8 years"
    assert 0 <= found["raters"][0]["median_seconds"] < 30
    assert "'=1+1" in file.read_text(encoding="utf-8-sig") and "'-Ann" in file.read_text(encoding="utf-8-sig")


@needs_browser
@pytest.mark.slow
def test_nothing_is_lost_when_the_form_is_closed_and_another_rater_starts_from_nothing(study: Path) -> None:
    with Browser(study / "browser") as browser:
        begin(browser, "Ann")
        browser.press("4", "Enter", "1", "0")
        browser.open(FORM / "form.html")
        assert "Ann has scored 2 of 8 cases" in browser.ask("document.getElementById('resume-text').textContent")
        browser.click("#resume-go")
        assert title(browser) == "Case 2 of 8" and chosen(browser) == "10"
        browser.click("#back")
        assert title(browser) == "Case 1 of 8" and chosen(browser) == "4"
        browser.press("1", "Enter", "0")
        assert title(browser) == "Case 2 of 8" and chosen(browser) == "0"
        browser.open(FORM / "form.html")
        browser.click("#resume-clear")
        browser.click("#clear-yes")
        browser.write("Bob")
        browser.click("#experience")
        browser.write("none")
        browser.press("Enter")
        assert title(browser) == "Case 1 of 8" and chosen(browser) is None


@needs_browser
@pytest.mark.slow
def test_wheel_keys_slider_and_outline(study: Path) -> None:
    def shown() -> int:
        """Number of the slice that is seen, from 1, as picture, slider and words say."""
        displays = "[...document.querySelectorAll('#picture > g')].map((g) => getComputedStyle(g).display)"
        seen = [display != "none" for display in browser.ask(displays)]
        assert seen.count(True) == 1
        number = seen.index(True) + 1
        assert browser.ask("document.getElementById('slice').valueAsNumber") == number
        assert browser.ask("document.getElementById('slice-number').textContent") == f"{number} of 6"
        return number

    with Browser(study / "browser") as browser:
        begin(browser, "Ann")
        start = shown()
        browser.press("ArrowUp")
        assert shown() == min(start + 1, 6)
        browser.press(*["ArrowDown"] * 7)
        assert shown() == 1
        browser.wheel("#picture", 120)
        browser.wait(lambda: shown() == 2)
        browser.click("#slice")
        assert shown() in (3, 4)
        assert browser.ask("getComputedStyle(document.querySelector('#picture path')).display") == "inline"
        browser.press("m")
        assert browser.ask("getComputedStyle(document.querySelector('#picture path')).display") == "none"
        browser.press("Enter")
        assert title(browser) != "Case 2 of 8"
        assert browser.ask("document.getElementById('problem').textContent") == "Please give a score first."
