"""molecule passes over a file that does not exist, no scenario runs a file that none lists, and no target of make one that it ignores."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
LISTED = {
    path.parent.name: yaml.safe_load(path.read_text()).get("verifier", {}).get("additional_files_or_dirs", [])
    for path in sorted((ROOT / "molecule").glob("*/molecule.yml"))
    if path.parent.name != "default"
}


def run_by_make():
    """The scenarios of make test (those of tests/molecule.sh without arguments) and of make test-long."""
    default = re.search(r"\|\| set -- (.*)", (ROOT / "tests/molecule.sh").read_text()).group(1)
    more = re.search(r"^\t@tests/molecule.sh (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
    return default.split() + more.split()


@pytest.mark.parametrize("scenario", LISTED)
def test_a_scenario_lists_files_that_exist(scenario):
    assert LISTED[scenario] != []
    assert [name for name in LISTED[scenario] if not (ROOT / "molecule" / scenario / name).is_file()] == []


def test_every_case_is_run_by_some_scenario():
    listed = {(ROOT / "molecule/any" / name).resolve() for names in LISTED.values() for name in names}
    assert listed == set((ROOT / "tests/cases").rglob("test_*.py"))


def test_make_runs_every_scenario():
    assert sorted(run_by_make()) == sorted(LISTED)


def run_by_targets(*targets):
    """The files of tests that these targets of make give to pytest."""
    files = set()
    for target in targets:
        recipe = re.search(r"^%s:.*\n((?:\t.*\n)*)" % target, (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
        for line in re.findall(r"^\t@python -m pytest (.*)$", recipe, re.MULTILINE):
            left_out = set(re.findall(r"--ignore (\S+)", line))
            for name in set(re.findall(r"(?<!\S)tests/\S+", line)) - left_out:
                place = ROOT / name
                found = place.rglob("test_*.py") if place.is_dir() else [place]
                files |= {path for path in found if not any(path.is_relative_to(ROOT / other) for other in left_out)}
    return files


def test_make_test_runs_every_file_but_those_of_test_long():
    lanes = re.findall(r"^lane \w+ ([a-z ]+)", (ROOT / "tests/all.sh").read_text(), re.MULTILINE)
    targets = " ".join(lanes).split()
    assert {"unit", "plays", "aws", "system", "lab", "molecule"} < set(targets)
    every = set((ROOT / "tests").rglob("test_*.py")) - set((ROOT / "tests/cases").rglob("*"))
    assert every - run_by_targets(*targets) == {ROOT / "tests/machines/test_encrypted_machine.py"}
    assert every == run_by_targets(*targets, "test-long")
