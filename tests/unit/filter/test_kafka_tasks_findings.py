"""A file of tasks is read before a node is stopped for it."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.filter.roll import kafka_tasks_findings


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "There is no file"),
        ("- name: [\n", "cannot be read: YAML parsing failed"),
        ("name: x\n", "is no list of tasks"),
        ("- x\n", "is no list of tasks"),
        ("", "is no list of tasks"),
        ("- hosts: all\n", "is a playbook"),
    ],
    ids=["missing", "broken", "a mapping", "words", "empty", "a playbook"],
)
def test_what_is_wrong_is_one_sentence(tmp_path, text, why):
    place = tmp_path / "patch.yml"
    if text is not None:
        place.write_text(text)
    (said,) = kafka_tasks_findings(str(place))
    assert why in said and str(place) in said and said.endswith(".")


def test_a_path_is_from_where_ansible_runs(tmp_path, monkeypatch):
    (tmp_path / "patch.yml").write_text("- name: Patch\n  ansible.builtin.command: 'true'\n")
    monkeypatch.chdir(tmp_path)
    assert kafka_tasks_findings("patch.yml") == []
