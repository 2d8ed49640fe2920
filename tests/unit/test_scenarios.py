"""molecule passes over a file that does not exist, and no scenario runs a file that none lists."""

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
