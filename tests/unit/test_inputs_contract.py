"""Every variable that a playbook reads is set by the collection itself, or has a specification that docs/variables.md shows."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from jinja2 import Environment, meta

from ansible_collections.rackaware.kafka.plugins.module_utils._config import playbook_inputs, variables

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted((ROOT / "playbooks").rglob("*.yml"))
# Expressions that stand without braces.
BARE = ("when", "that", "until", "failed_when", "changed_when", "var")
SETS = ("ansible.builtin.set_fact", "vars")
# Variables of Ansible itself.
MAGIC = {
    "groups",
    "group_names",
    "hostvars",
    "inventory_hostname",
    "item",
    "lookup",
    "now",
    "omit",
    "playbook_dir",
    "query",
    "undef",
}
# What roles leave behind for the plays after them, as their specifications say.
FACTS = {
    *("key_custody_wrapped", "network_subnet_ids", "network_group_ids", "kafka_sized"),
    *("roll_owner", "roll_taken", "roll_kept", "roll_redundancy", "roll_steps", "roll_count"),
    *("upgrade_plan", "upgrade_finalization", "upgrade_record"),
    # What they need on a host.
    *("java_needs", "os_tuning_needs", "data_volume_needs", "kafka_install_needs", "encrypted_store_needs"),
}


class EveryName(dict):
    """Filters or tests by every name: only variables count here."""

    def get(self, name: Any, default: Any = None) -> Any:
        return str


ENVIRONMENT = Environment()
ENVIRONMENT.filters = EveryName()
ENVIRONMENT.tests = EveryName()


def templates(value: Any, key: str = "") -> Iterator[str]:
    """Every text of a file that has an expression, as a template."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from templates(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from templates(item, key)
    elif isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield value
        elif key in BARE:
            yield "{{ %s }}" % value


def names_read(content: Any) -> set[str]:
    return {name for text in templates(content) for name in meta.find_undeclared_variables(ENVIRONMENT.parse(text))}


def names_set(content: Any) -> set[str]:
    """What vars, set_fact, register and loop_var give a value, and a file of variables."""
    out: set[str] = set()
    if isinstance(content, dict):
        for key, value in content.items():
            if key in SETS and isinstance(value, dict):
                out |= set(value)
            if key in ("register", "loop_var"):
                out.add(value)
            out |= names_set(value)
    for item in content if isinstance(content, list) else []:
        out |= names_set(item)
    return out


@cache
def inputs() -> set[str]:
    specs = [yaml.safe_load(path.read_text()) for path in (ROOT / "roles").glob("*/meta/argument_specs.yml")]
    return set(variables.inputs(specs))


@cache
def private() -> set[str]:
    """Names that playbooks and roles give a value, their inputs not among them."""
    out: set[str] = set()
    for path in [*PLAYBOOKS, *(ROOT / "roles").glob("*/*/*.yml")]:
        content = yaml.safe_load(path.read_text())
        out |= names_set(content) | (set(content) if isinstance(content, dict) else set())
    return {name for name in out if name.startswith("__")}


def unknown(content: Any) -> list[str]:
    known = inputs() | private() | MAGIC | FACTS
    return sorted(name for name in names_read(content) - known if not name.startswith("ansible_"))


@pytest.mark.parametrize("file", PLAYBOOKS, ids=lambda path: path.relative_to(ROOT / "playbooks").as_posix())
def test_every_variable_that_a_playbook_reads_is_set_or_has_a_specification(file):
    assert unknown(yaml.safe_load(file.read_text())) == []


@pytest.mark.parametrize(
    "text",
    [
        "- hosts: localhost\n  tasks:\n    - name: x\n      ansible.builtin.debug:\n        msg: '{{ urgnt | default(1) }}'\n",
        "- hosts: localhost\n  tasks:\n    - name: x\n      when: confirm | default('') == 'x'\n",
        "- hosts: localhost\n  tasks:\n    - name: x\n      ansible.builtin.assert:\n        that:\n          - kafka_confrim is defined\n",
        "- hosts: localhost\n  vars:\n    __x: \"{{ '{{' if __never_set_anywhere else '' }}\"\n",
        '- hosts: "{{ measure_hosts | default([]) }}"\n',
    ],
)
def test_the_search_sees_a_variable_without_a_specification(text):
    assert len(unknown(yaml.safe_load(text))) == 1


def playbooks_that_read(name: str) -> set[str]:
    """Names of the playbooks whose own text has the variable."""
    pattern = re.compile(r"\b%s\b" % name)
    return {path.stem for path in (ROOT / "playbooks").glob("*.yml") if pattern.search(path.read_text())}


@pytest.mark.parametrize("name", sorted(playbook_inputs.OPTIONS))
def test_an_input_names_playbooks_that_exist_and_all_that_read_it(name):
    told = set(playbook_inputs.OPTIONS[name]["playbooks"])
    existing = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    assert told <= existing
    assert not told or playbooks_that_read(name) - {"preflight"} <= told


@pytest.mark.parametrize("playbook", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.stem)
def test_every_playbook_checks_its_inputs(playbook):
    def imported(path: Path) -> Iterator[str]:
        for play in yaml.safe_load(path.read_text()):
            file = play.get("ansible.builtin.import_playbook")
            if file:
                yield file
                yield from imported(path.parent / file)

    files = {Path(file).name for file in imported(playbook)} | {playbook.name}
    assert files & {"preflight.yml", "check_inputs.yml"}
