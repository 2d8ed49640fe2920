"""The inputs of playbooks: a name that is misspelled or old, and a value of a wrong type, are refused with one sentence."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from ansible import context
from ansible.module_utils.common.collections import ImmutableDict
from ansible.utils import vars as ansible_vars

from ansible_collections.rackaware.kafka.plugins.filter import inventory
from ansible_collections.rackaware.kafka.plugins.filter.inventory import kafka_input_findings
from ansible_collections.rackaware.kafka.plugins.module_utils._aws import decrypt_events
from ansible_collections.rackaware.kafka.plugins.module_utils._config import playbook_inputs, variables
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.modules import kms_unlock_info

ROOT = Path(__file__).resolve().parents[3]


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
        ({"instances_delete_volume": True}, "is unknown; did you mean instances_delete_volumes?"),
        ({"key_custody_buckt": "x"}, "The variable key_custody_buckt is unknown; did you mean key_custody_bucket?"),
        ({"instances_delete_volumes": "maybe"}, "instances_delete_volumes is 'maybe', but must be true or false;"),
        ({"kafka_anything": 1}, "The variable kafka_anything is unknown; docs/variables.md lists all"),
        (
            {"kafka_revoke_urgent": "perhaps"},
            "kafka_revoke_urgent is 'perhaps', but must be true or false; correct it.",
        ),
        (
            {"kafka_header_copies": "gone"},
            "kafka_header_copies is 'gone', but must be one of present, absent; correct it.",
        ),
        (
            {"kafka_unlock_log_hours": "a day"},
            "kafka_unlock_log_hours is 'a day', but must be a whole number; correct it.",
        ),
        ({"kafka_accept_loss": "all"}, "kafka_accept_loss is a text, but must be a mapping, as in {a: 1}; correct it."),
        ({"kafka_unlock_log_hours": 0}, "kafka_unlock_log_hours is 0, but must be from 1 to 2160; correct it."),
        (
            {"kafka_unlock_log_hours": "2161"},
            "kafka_unlock_log_hours is '2161', but must be from 1 to 2160; correct it.",
        ),
        ({"kafka_unlock_log_files": -1}, "kafka_unlock_log_files is -1, but must be at least 1; correct it."),
        (
            {"kafka_unlock_log_hours": float("inf")},
            "kafka_unlock_log_hours is inf, but must be a whole number; correct it.",
        ),
        ({"kafka_unlock_log_hours": "0.0"}, "kafka_unlock_log_hours is '0.0', but must be from 1 to 2160; correct it."),
        ({"kafka_unlock_log_hours": True}, "kafka_unlock_log_hours is True, but must be a whole number; correct it."),
        ({"kafka_check_topic": ["x"]}, "kafka_check_topic is a list, but must be a text; correct it."),
        ({"kafka_selected_nodes": {"a": 1}}, "kafka_selected_nodes is a mapping, but must be a list, as in [a, b];"),
        ({"kafka_own_variables": ["kafka_"]}, "kafka_own_variables has kafka_, but kafka_accept_loss is a variable of"),
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


@cache
def known():
    return inventory._known_inputs()


def test_every_input_is_refused_when_it_is_misspelled():
    wrong = {name[:-2] + name[-1]: name for name in known()}
    said = {sentence.split()[2]: sentence for sentence in findings(**dict.fromkeys(wrong, 1))}
    assert [name for name, right in wrong.items() if "did you mean %s?" % right not in said.get(name, "")] == []


def test_a_topology_that_is_a_text_is_refused_by_its_own_name():
    """As after -e kafka_topology=topology.yml, without the @."""
    said = variables.unfit({"kafka_topology": "topology.yml"}, variables.inputs([]))
    assert said == {"kafka_topology": "kafka_topology is a text, but must be a mapping, as in {a: 1}; correct it."}
    assert variables.unfit({"kafka_topology": None}, variables.inputs([])) == {}


def test_every_type_has_its_words():
    kinds = {option.get("type", "str") for option in known().values()}
    elements = {option["elements"] for option in known().values() if "elements" in option}
    assert (kinds | elements) - {"raw"} <= set(variables.WORDS)


def test_a_secret_is_not_quoted():
    secret = "-Djavax.net.ssl.keyStorePassword=canary"
    for value in (secret, [{secret: 1}], {secret: secret}):
        known = {"broker_jvm_options": {"type": "list", "elements": "str"}, "broker_config": {"type": "dict"}}
        for name in known:
            faults = variables.unfit({name: value}, known)
            assert "canary" not in str(faults) and (faults or (name == "broker_config" and isinstance(value, dict)))


def test_the_bounds_are_those_of_the_code_that_asks():
    low, high = playbook_inputs.OPTIONS["kafka_unlock_log_hours"]["range"]
    for hours in (low, high):
        decrypt_events.check(hours)
    for hours in (low - 1, high + 1):
        with pytest.raises(RackawareError):
            decrypt_events.check(hours)


def test_an_ansible_that_is_too_old_is_refused_here_too(monkeypatch):
    monkeypatch.setattr(inventory, "__version__", "2.18.6")
    (found,) = findings(kafka_anything=1)
    assert "This is ansible-core 2.18.6" in found


def test_own_names_are_let_through_on_localhost_too():
    assert findings(kafka_ui_port=1, kafka_own_variables=["kafka_ui_port"]) == []
    assert len(findings(kafka_ui_port=1)) == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kafak_confirm", "kafka_confirm"),
        ("kafkaconfirm", "kafka_confirm"),
        ("rol_only", "roll_only"),
        ("brocker_heap_mb", "broker_heap_mb"),
        ("instance_delete_volumes", "instances_delete_volumes"),
    ],
)
def test_a_misspelled_beginning_is_seen_on_the_command_line(extra, name, meant):
    sentence = "The variable %s is unknown; did you mean %s? If it is your own, put the whole name into"
    extra(name + "=x")
    assert [found for found in findings() if found.startswith(sentence % (name, meant))] == findings() != []
    assert findings(kafka_own_variables=[name]) == []


def test_in_an_inventory_it_may_be_anybodys():
    assert findings(kafak_confirm="x") == []


@pytest.mark.parametrize(
    "name", ["my_kafka_version", "env", "region", "cluster", "ansible_python_interpreter", "version"]
)
def test_a_name_of_another_kind_is_none(extra, name):
    extra(name + "=x")
    assert findings() == []


def test_names_of_many_hosts_are_compared_once(monkeypatch):
    asked = []
    real = variables.difflib.get_close_matches
    monkeypatch.setattr(
        variables.difflib,
        "get_close_matches",
        lambda name, *rest, **more: asked.append(name) or real(name, *rest, **more),
    )
    hosts = {"h%d" % number: {"kafka_own_%d" % own: 1 for own in range(3)} for number in range(300)}
    assert len(variables.findings(hosts, {"kafka_version": {}}, {host: {} for host in hosts})) == 3
    assert sorted(asked) == ["kafka_own_0", "kafka_own_1", "kafka_own_2"]


def test_the_alias_of_the_key_has_one_default():
    said = {playbook_inputs.OPTIONS["kafka_secretfs_alias"]["default"]}
    said.add(yaml.safe_load((ROOT / "roles/key_custody/defaults/main.yml").read_text())["key_custody_alias"])
    said.add(kms_unlock_info.SPEC["key_id"]["default"].removeprefix("alias/"))
    for path in (ROOT / "playbooks").rglob("*.yml"):
        said.update(re.findall(r"_alias \| default\('(.*?)'\)", path.read_text()))
    assert len(said) == 1, said


def test_the_general_names_are_free_for_inventories():
    assert findings(confirm=1, nodes=1, urgent=1, headers=1, hours=1, files=1) == []


def test_new_names_are_inputs():
    names = {**playbook_inputs.RENAMED, **playbook_inputs.RENAMED_GENERAL}.values()
    assert set(names) - set(playbook_inputs.OPTIONS) == {"instances_delete_volumes"}


KNOWN = {
    "roll_only": {"type": "list"},
    "instances_user_passwords": {"type": "bool"},
    "broker_heap_mb": {"type": "int"},
    **playbook_inputs.options(),
}


@pytest.mark.parametrize(
    ("nodes", "local", "sentence"),
    [
        (
            {"b1": {"roll_only": [1]}, "b2": {}},
            {},
            "roll_only is set for b1, but the run reads it on localhost, where it is missing;",
        ),
        (
            {"b1": {"instances_user_passwords": True}},
            {},
            "instances_user_passwords is set for b1, but the run reads it on localhost, where it is missing;",
        ),
        (
            {"b1": {"kafka_confirm": "x"}, "b2": {"kafka_confirm": "x"}},
            {},
            "kafka_confirm is set for all hosts, but the run reads it on localhost, where it is missing; set it with -e.",
        ),
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


def kept(part):
    """The names that a part of a YAML file gives to facts and results, other than those with underscores in front."""
    if isinstance(part, list):
        return {name for item in part for name in kept(item)}
    if not isinstance(part, dict):
        return set()
    given = {*(part.get("ansible.builtin.set_fact") or ()), *([part["register"]] if "register" in part else [])}
    return {name for name in given if not name.startswith("__")}.union(*map(kept, part.values()))


def test_the_facts_of_a_run_are_all_listed():
    files = [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]
    assert {name for file in files for name in kept(yaml.safe_load(file.read_text()))} == set(playbook_inputs.FACTS)


@pytest.mark.parametrize("name", playbook_inputs.FACTS)
def test_a_fact_of_a_playbook_that_ran_before_is_no_unknown_input(extra, name):
    assert findings(**{name: {"a": 1}}) == []
    # It would stay as it is given, whatever the playbooks find out: two runs with one roll_owner would share the lock.
    extra("%s=x" % name)
    assert findings(**{name: "x"}) == ["The variable %s is a result of the playbooks; take it out of -e." % name]
