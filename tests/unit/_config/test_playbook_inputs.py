"""The inputs of playbooks: a name that is misspelled or old, and a value of a wrong type, are refused with one sentence."""

from __future__ import annotations

import pytest
from ansible import context
from ansible.module_utils.common.collections import ImmutableDict
from ansible.utils import vars as ansible_vars

from ansible_collections.rackaware.kafka.plugins.filter.inventory import kafka_input_findings
from ansible_collections.rackaware.kafka.plugins.module_utils._config import playbook_inputs, variables


@pytest.fixture(autouse=True)
def extra(monkeypatch):
    """Returns extra(*options), which are the options -e of the run."""
    monkeypatch.setattr(ansible_vars.load_extra_vars, "extra_vars", {}, raising=False)

    def given(*options):
        monkeypatch.setattr(context, "CLIARGS", ImmutableDict(extra_vars=options))

    given()
    return given


def findings(**variables):
    return kafka_input_findings({"localhost": variables})


def test_inputs_as_they_should_be_are_accepted():
    given = {
        "kafka_confirm": "demo",
        "kafka_selected_nodes": "3,12",
        "kafka_revoke_urgent": "true",
        "kafka_header_copies": "absent",
        "kafka_accept_loss": {"cluster": "demo", "last_copies": "unknown"},
        "kafka_unlock_log_hours": "168",
        "kafka_topology": {"name": "demo"},
        "kafka_quorum_removed": "4,5",
    }
    assert findings(**given, nodes=[1], hours=3, other="x") == []


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"kafka_confrim": "demo"}, "The variable kafka_confrim is unknown; did you mean kafka_confirm?"),
        (
            {"kafka_secretfs_relm": "x"},
            "The variable kafka_secretfs_relm is unknown; did you mean kafka_secretfs_role?",
        ),
        ({"kafka_anything": 1}, "The variable kafka_anything is unknown; docs/variables.md lists all"),
        ({"kafka_revoke_urgent": "perhaps"}, "kafka_revoke_urgent"),
        ({"kafka_header_copies": "gone"}, "value of kafka_header_copies must be one of: present, absent, got: gone"),
        ({"kafka_unlock_log_hours": "a day"}, "kafka_unlock_log_hours"),
        ({"kafka_accept_loss": "all"}, "argument 'kafka_accept_loss' is of type str"),
        ({"kafka_proof_topic": "x"}, "The variable kafka_proof_topic has a new name; write kafka_check_topic instead."),
        ({"secretfs_role": "x"}, "The variable secretfs_role has a new name; write kafka_secretfs_role instead."),
        ({"secretfs_type": "x"}, "secretfs_type has a new name; write kafka_secretfs_instance_type instead."),
        ({"accept_loss": {}}, "The variable accept_loss has a new name; write kafka_accept_loss instead."),
    ],
)
def test_what_is_wrong_is_one_sentence(variables, sentence):
    (found,) = findings(**variables)
    assert sentence in found


@pytest.mark.parametrize("name", sorted({**playbook_inputs.RENAMED, **playbook_inputs.RENAMED_GENERAL}))
def test_an_old_name_on_the_command_line_is_refused_with_the_new_one(extra, name):
    extra("%s=x" % name)
    new = {**playbook_inputs.RENAMED, **playbook_inputs.RENAMED_GENERAL}[name]
    assert findings() == ["The variable %s has a new name; write %s instead." % (name, new)]


def test_the_general_names_are_free_for_inventories():
    assert findings(confirm=1, nodes=1, urgent=1, headers=1, hours=1, files=1) == []


def test_new_names_are_inputs():
    names = {**playbook_inputs.RENAMED, **playbook_inputs.RENAMED_GENERAL}.values()
    assert set(names) - set(playbook_inputs.OPTIONS) == {"instances_delete_volumes"}


KNOWN = {"roll_only": {"type": "list"}, "broker_heap_mb": {"type": "int"}, **playbook_inputs.options()}


@pytest.mark.parametrize(
    ("nodes", "local", "sentence"),
    [
        (
            {"b1": {"roll_only": [1]}, "b2": {}},
            {},
            "roll_only is set for b1, but the run reads it on localhost, where it is missing;",
        ),
        ({"b1": {"kafka_confirm": "x"}, "b2": {"kafka_confirm": "x"}}, {}, "kafka_confirm is set for all hosts, but"),
        (
            {"b1": {"roll_only": [1]}},
            {"roll_only": [2]},
            "on localhost, where it is another; set it in group_vars/all, or with -e.",
        ),
        ({"b1": {"roll_only": [1]}}, {"roll_only": [1]}, None),
        ({"b1": {"broker_heap_mb": 1, "kafka_report_dir": "r", "kafka_quorum_removed": [1]}}, {}, None),
    ],
)
def test_what_the_run_reads_on_localhost_is_refused_where_only_nodes_have_it(nodes, local, sentence):
    said = variables.misplaced(nodes, local, KNOWN)
    assert len(said) == (sentence is not None) and (sentence is None or sentence in said[0])
