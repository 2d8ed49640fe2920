"""Filters lie by subject, each with its documentation beside it; loading all is cheap, and errors are Ansible's own."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from one_broker import CLUSTER, HOSTS

FOLDER = Path(__file__).resolve().parents[3] / "plugins/filter"
SUBJECTS = sorted(path.stem for path in FOLDER.glob("*.py"))


def filters(subject):
    module = importlib.import_module("ansible_collections.rackaware.kafka.plugins.filter." + subject)
    return module.FilterModule().filters()


FILTERS = {name: function for subject in SUBJECTS for name, function in filters(subject).items()}


def storage(cluster_id, state="formatted", started=False):
    directory = {"path": "/d0", "state": state, "cluster_id": cluster_id, "started": started}
    return {"host": "one", "directories": [directory]}


def test_each_filter_is_in_one_file_and_has_its_documentation():
    named = [name for subject in SUBJECTS for name in filters(subject)]
    assert sorted(named) == sorted(path.stem for path in FOLDER.glob("*.yml"))


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_the_documentation_is_that_of_the_filter(name):
    told = yaml.safe_load((FOLDER / (name + ".yml")).read_text())
    assert set(told) == {"DOCUMENTATION", "EXAMPLES", "RETURN"} and told["DOCUMENTATION"]["name"] == name
    assert "rackaware.kafka." + name in told["EXAMPLES"]


def eager(source):
    """What a file takes from module_utils when it is loaded."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("module_utils"):
            yield node.module


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_file_that_is_loaded_in_each_worker_imports_next_to_nothing(subject):
    assert set(eager((FOLDER / (subject + ".py")).read_text())) <= {"module_utils._errors"}


def test_the_search_sees_an_import():
    source = "from ..module_utils._config import nodes\n\n\ndef ports():\n    from ..module_utils._aws import client\n"
    assert list(eager(source)) == ["module_utils._config"]


def test_from_snapshot_to_summary():
    model = FILTERS["kafka_model"](CLUSTER, HOSTS, name="demo")
    assert "Kafka cluster demo" in FILTERS["kafka_summary"](model)


def test_the_identity_on_disk_is_used_and_a_missing_one_made():
    identity = FILTERS["kafka_cluster_identity"]
    assert identity([storage("abc"), storage(None, "empty")])["cluster_id"] == "abc"
    made = identity([storage(None, "empty")])["cluster_id"]
    assert len(made) == 22 and made != identity([])["cluster_id"]


@pytest.mark.parametrize("started", [True, False])
def test_a_quorum_exists_once_a_node_has_run(started):
    nodes = [storage("abc"), storage("abc", started=started)]
    assert FILTERS["kafka_cluster_identity"](nodes)["quorum_exists"] is started


def test_servers_are_listed_by_id_whatever_the_order_of_the_inventory():
    hosts = {"b": {"kafka_node_id": "2", "ansible_host": "198.18.1.12"}, "a": {"kafka_node_id": 10}}
    assert FILTERS["kafka_bootstrap_servers"](["a", "b"], hosts, "9092") == ["198.18.1.12:9092", "a:9092"]


@pytest.mark.parametrize(
    ("security", "options"),
    [
        ("none", {"bootstrap_servers": ["b2:9094"], "security_protocol": "PLAINTEXT"}),
        (
            "tls",
            {
                "bootstrap_servers": ["b2:9091"],
                "security_protocol": "SSL",
                "ssl_cafile": "/etc/kafka/tls/truststore.pem",
                "ssl_certfile": "/etc/kafka/tls/operator.pem",
                "ssl_keyfile": "/etc/kafka/tls/operator.pem",
            },
        ),
    ],
)
def test_a_connection_goes_to_the_operators_listener_of_the_brokers_that_are_asked(security, options):
    listeners = [{"name": "REPLICATION", "port": 9091}, {"name": "INSIDE", "port": 9094}]
    own = {"kafka_listeners": listeners, "kafka_security": security}
    hosts = {"b%d" % id_: {"kafka_node_id": id_, **own} for id_ in (1, 2)}
    groups = {"kafka_brokers": ["b1", "b2"]}
    assert FILTERS["kafka_connection"](["b2"], hosts, groups) == options


def test_reports_lie_below_the_current_directory_unless_the_inventory_names_another(monkeypatch):
    monkeypatch.setenv("PWD", "/home/ann")
    settings, groups = FILTERS["kafka_cluster_settings"], {"kafka_brokers": ["b1"]}
    assert settings({"b1": {}}, groups)["report_dir"] == "/home/ann/reports"
    assert settings({"b1": {"kafka_report_dir": "r"}}, groups)["report_dir"] == "/home/ann/r"
    assert settings({"b1": {"kafka_report_dir": "/r"}}, groups)["report_dir"] == "/r"


def test_the_keys_of_selected_nodes_are_theirs_alone():
    volumes = ["/dev/mapper/kafka-d0"]
    hosts = {
        "b%d" % id_: {"kafka_node_id": id_, "kafka_cluster": "demo", "kafka_data_volumes": volumes} for id_ in (1, 2, 3)
    }
    keys = FILTERS["kafka_store_keys"]
    assert [key["host"] for key in keys(hosts, ["b1", "b2", "b3"], nodes=[3, 1])] == ["b1", "b3"]
    assert keys(hosts, ["b1"], nodes=[]) == [] and len(keys(hosts, ["b1", "b2"])) == 2


def test_the_bucket_is_named_by_account_and_region_unless_the_inventory_names_it():
    bucket = FILTERS["key_custody_bucket"]
    assert (bucket("", "1234", "eu-west-1"), bucket("own", "1234", "eu-west-1")) == ("kafka-keys-1234-eu-west-1", "own")


def test_a_lost_host_is_named_once_and_by_its_own_failure_if_it_has_one():
    failures = FILTERS["kafka_operation_failures"]
    hosts = {"b1": {"__operation_failure": "b1 broke."}, "b2": {}, "localhost": {}}
    assert failures(hosts) == ["b1 broke."]
    assert failures(hosts, ["b1", "b2"]) == ["b1 broke.", "b2 was lost in the middle; look at the host."]


@pytest.mark.parametrize(
    ("name", "args", "sentence"),
    [
        ("kafka_cluster_identity", [[storage("abc"), storage("def")]], "disks of 2 clusters"),
        ("kafka_cluster_identity", [[{"failed": True}]], "takes the results of kafka_storage_info, one for each node"),
        ("kafka_model", [{}, HOSTS], "The cluster cannot be shown"),
        ("kafka_summary", [{}], "The summary cannot be made"),
        ("kafka_bootstrap_servers", [["a"], {"a": {}}, 1], "Host a has no kafka_node_id"),
        ("kafka_named_nodes", ["3,x"], "kafka_selected_nodes has 'x', which is no id of a node"),
        ("kafka_topology", [None], "There is no topology"),
        ("kafka_service_files", ["mirror", {}, {}, {}, {}], "There is no service mirror"),
    ],
)
def test_errors_are_ansibles_own(name, args, sentence):
    with pytest.raises(AnsibleFilterError, match=sentence):
        FILTERS[name](*args)


@pytest.mark.parametrize(
    ("variables", "servers"),
    [
        ({}, ["b1:9092"]),
        ({"kafka_security": "none"}, []),
        ({"kafka_listeners": [{"name": "M", "port": 9094, "protocol": "SSL"}]}, []),
    ],
)
def test_passwords_are_compared_where_the_cluster_asks_for_them(variables, servers):
    hosts = {"b1": {"kafka_node_id": 1, **variables}}
    assert FILTERS["kafka_login_servers"](["b1"], hosts, {"kafka_brokers": ["b1"]}) == servers
