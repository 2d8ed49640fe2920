"""Playbooks under Ansible itself with hosts that are only names: what is refused before any host is asked, or before anything is staged.

What would look at a host, or write there, is replaced by an action plugin that writes a line and answers what the case says.
"""

from __future__ import annotations

import json
import re

import pytest
from stand_ins import ROOT, groups, hosts, one_line, plugins

REPLACED = (
    *("host_preflight", "kafka_storage_info", "kafka_service_info", "file_set"),
    *("kafka_verify", "zookeeper_info"),
)
TLS = ("tls_request", "tls_certificates", "tls_keystore")
STAGE = "- name: Stage\n  rackaware.kafka.file_set:\n    held_by: x\n"


@pytest.fixture(scope="module")
def files():
    """Roles that only stage, but for that of the certificates; no other run works on the cluster."""
    tasks = {path.relative_to(ROOT).as_posix(): STAGE for path in (ROOT / "roles").glob("*/tasks/*.yml")}
    tasks = {path: text for path, text in tasks.items() if not path.startswith("roles/tls/")}
    return {**plugins("site", REPLACED), **plugins("tls", TLS), **tasks, "roles/roll/tasks/lock.yml": "[]\n"}


@pytest.fixture
def run(project):
    """Returns run(playbook, …), which gives the code, what was said on one line, and the log.

    There are three brokers, and three ZooKeeper nodes, or the brokers as controllers."""

    def call(playbook, *options, case=None, group=None, changes=None, quorum="zookeeper", **environment):
        nodes = hosts(("b1", "b2", "b3", "z1", "z2", "z3"), kafka_cluster="demo")
        for name, values in nodes.items():
            values.update(
                {"kafka_data_volumes": ["vol-0000000" + name.replace("z", "a")], **(changes or {}).get(name, {})}
            )
        brokers = {name: nodes[name] for name in ("b1", "b2", "b3")}
        others = {name: nodes[name] for name in ("z1", "z2", "z3")}
        made = groups(
            brokers=brokers, **({"zookeepers": others} if quorum == "zookeeper" else {"controllers": brokers})
        )
        made["all"]["children"] = {"kafka": {**made["all"], "vars": group or {}}}
        code, said = project.run(playbook + ".yml", *options, inventory=made, case=case or {}, **environment)
        return code, one_line(said), project.called()

    return call


def disk(number, cluster="abc", path="/var/lib/kafka/data0/logs"):
    return {
        "path": path,
        "state": "formatted",
        "cluster_id": cluster,
        "node_id": number,
        "directory_id": None,
        "version": 0,
        "started": False,
    }


def process(number):
    return {"path": "/etc/kafka/broker.properties", "node_id": number}


def test_hosts_that_are_not_what_the_inventory_says_are_refused_before_anything_is_staged(run):
    """In ZooKeeper mode: two brokers are swapped, one has another cluster's disk, a ZooKeeper node another's, and two ZooKeeper nodes are stopped."""
    five = [{"id": number, "address": "10.0.0.%d" % number} for number in range(1, 6)]
    case = {
        "b1": {"identity": {"directories": [disk(1)], "process": process(1)}},
        "b2": {"identity": {"directories": [disk(2)]}},
        "b3": {"identity": {"directories": [disk(3, "def")]}},
        "z1": {"identity": {"quorum": five}},
        "z3": {"identity": {"directories": [disk(7, None, "/var/lib/zookeeper/data")]}},
    }
    code, said, log = run("site", changes={"b1": {"kafka_node_id": 2}, "b2": {"kafka_node_id": 1}}, case=case)
    assert code != 0, said[-3000:]
    for sentence in (
        "b1 and b2 are swapped: the inventory gives them the node ids 2 and 1",
        "z3 is node 3 in the inventory, but /var/lib/zookeeper/data belongs to node 7",
        "The nodes carry disks of 2 clusters",
        "The inventory has 3 ZooKeeper nodes, but the nodes know 5, with 4 (10.0.0.4), 5 (10.0.0.5)",
    ):
        assert sentence in said, said[-3000:]
    assert sorted(set(line.split()[0] for line in log)) == ["host_preflight"] and len(log) == 6


@pytest.mark.parametrize("quorum", ["zookeeper", "controller"])
def test_a_disk_that_was_mounted_only_now_is_read_then(run, quorum):
    mounted = {"b2": {"identity": {"mounted": False}, "disks": [disk(3)]}}
    code, said, log = run("site", case=mounted, quorum=quorum)
    assert (
        code != 0
        and "b2 is node 2 in the inventory, but /var/lib/kafka/data0/logs belongs to node 3, which the inventory calls b3"
        in said
    ), said[-3000:]
    assert [line for line in log if line.startswith("kafka_storage_info")] == ["kafka_storage_info b2"]


@pytest.mark.parametrize("quorum", ["zookeeper", "controller"])
def test_no_host_is_asked_twice_for_disks_that_are_mounted(run, quorum):
    case = {
        "b%d" % number: {"identity": {"directories": [disk(number)], "process": process(number)}}
        for number in (1, 2, 3)
    }
    code, said, log = run("site", "--check", case=case, quorum=quorum)
    assert code == 0, said[-3000:]
    assert not [line for line in log if line.startswith("kafka_storage_info")] and "file_set b1" in log


@pytest.mark.parametrize("options", [(), ("--check",)], ids=["run", "check"])
def test_all_hosts_are_certified_at_once_after_all_checks_and_before_their_services_are_staged(run, options):
    code, said, log = run("site", *options)
    assert code == 0, said[-3000:]
    kinds = [line.split()[0] for line in log]
    assert sorted(line for line in log if line.startswith("tls_request")) == [
        "tls_request look %s" % name for name in ("b1", "b2", "b3", "z1", "z2", "z3")
    ]
    (decided,) = [line for line in log if line.startswith("tls_certificates")]
    assert decided == "tls_certificates b1,b2,b3,z1,z2,z3 on localhost"
    assert sorted(line for line in log if line.startswith("tls_keystore")) == [
        "tls_keystore kafka.service /etc/kafka/tls %s" % name for name in ("b1", "b2")
    ]
    first = [kinds.index(kind) for kind in ("host_preflight", *TLS)]
    assert first == sorted(first) and kinds[first[1] : first[3] + 2] == [TLS[0]] * 6 + [TLS[1]] + [TLS[2]] * 2
    assert max(n for n, kind in enumerate(kinds) if kind == "host_preflight") < first[1]
    # Three roles before: the system, Java, Kafka. Java's and Kafka's services come later.
    assert [line for line in log[: first[1]] if line == "file_set b1"] == ["file_set b1"] * 3
    assert {"file_set b1", "file_set z1"} <= set(log[first[3] :])


def test_where_nothing_is_due_certificates_cost_a_task_a_host_and_two_once(run):
    tasks = {}
    for security in ("none", "tls"):
        code, said, log = run("site", group={"kafka_security": security}, case={"uncertified": []})
        assert code == 0 and [line for line in log if "tls_" in line] == [] or security == "tls", said[-3000:]
        recap = said[said.rindex("PLAY RECAP") :]
        tasks[security] = {name: int(ok) for name, ok in re.findall(r"(\S+) +: ok=(\d+)", recap)}
    more = {name: tasks["tls"][name] - count for name, count in tasks["none"].items()}
    # What runs once is counted at the first host.
    assert more == {"b1": 3, "b2": 1, "b3": 1, "z1": 1, "z2": 1, "z3": 1, "localhost": 0}


def test_without_certificates_nothing_more_is_staged(run):
    code, said, log = run("site", case={"words": ["tls_certificates"]})
    assert code != 0 and "It broke on purpose." in said, said[-3000:]
    assert log[-1].startswith("tls_certificates")


def test_a_roll_refuses_them_too(run):
    case = {name: {"identity": {"process": process(number)}} for name, number in (("b1", 2), ("b2", 1))}
    code, said, log = run("parts/read_services", case=case)
    assert code != 0 and "b1 and b2 are swapped" in said, said


def test_variables_of_the_nodes_group_are_seen_and_nodes_that_disagree_are_refused(run):
    values = {"kafka_version": "4.3.1", "kafka_replication_factor": 5, "kafka_topology": {"name": "orders"}}
    code, said, log = run("preflight", group=values, changes={"b2": {"kafka_min_insync_replicas": 1}})
    assert code != 0, said
    for sentence in (
        "Kafka 4.3.1 cannot run with ZooKeeper nodes",
        "The replication factor is 5, but there are 3 brokers",
        "kafka_topology describes the cluster orders, but the inventory has nodes of demo",
        "kafka_min_insync_replicas is 2 on b1, b3 but 1 on b2, and it holds for the whole cluster",
    ):
        assert sentence in said, said


def test_fewer_zones_are_allowed_by_the_nodes_group(run):
    code, said, log = run(
        "preflight", changes={"b3": {"kafka_rack": "b"}}, group={"kafka_topology": {"allow_fewer_zones": True}}
    )
    assert code == 0, said


def test_what_an_import_sets_holds_for_all_nodes(run, tmp_path):
    wrapped = tmp_path / "wrapped.yml"
    wrapped.write_text(
        "- import_playbook: %s\n  vars: {kafka_replication_factor: 5}\n" % (ROOT / "playbooks/preflight.yml")
    )
    code, said, log = run(str(wrapped.with_suffix("")))
    assert code != 0 and "The replication factor is 5, but there are 3 brokers" in said, said


# That every playbook begins so is a contract (test_contracts); of localhost alone Ansible itself says that no host is left.
LIMITS = (("site", "b1"), ("rolling_restart", "z1,localhost"))


@pytest.mark.parametrize(("playbook", "limit"), LIMITS)
def test_a_limit_is_refused_on_whichever_hosts_are_left(run, playbook, limit):
    code, said, log = run(playbook, "--limit", limit)
    assert code != 0 and "The run is limited to %s, which would" % limit in said, said
    assert log == []


def test_where_a_limit_makes_sense_localhost_must_be_in_it(run):
    code, said, log = run("verify_unlock", "--limit", "b1")
    assert code != 0 and "add localhost to --limit" in said, said
    assert "leaves out localhost" not in run("verify_unlock", "--limit", "b1,localhost", "--check")[1]


def test_under_a_free_strategy_no_host_goes_on_when_one_is_refused(run):
    case = {"b2": {"refused": "kafka_open_files is 2000000000, but the host allows 1048576."}}
    code, said, log = run("site", case=case, ANSIBLE_STRATEGY="free")
    assert code != 0 and "kafka_open_files is 2000000000" in said, said[-3000:]
    assert [line for line in log if line.startswith("file_set")] == []


TOPOLOGY = {
    "name": "demo",
    "region": "eu-west-1",
    "vpc_cidr": "198.18.0.0/20",
    "zones": [
        {"name": "eu-west-1%s" % letter, "cidr": "198.18.%d.0/24" % number}
        for number, letter in ((1, "a"), (2, "b"), (3, "c"))
    ],
    "client_cidrs": ["198.18.0.0/20"],
    "admin_cidrs": ["198.18.0.0/20"],
    "image": "name:debian",
    "brokers": {"instance_type": "m6i.large", "count": 3},
    "zookeepers": {"instance_type": "m6i.large", "count": 5},
}


def test_nodes_of_the_topology_that_the_inventory_lacks_are_named(run):
    code, said, log = run("site", group={"kafka_topology": TOPOLOGY, "kafka_instance_source": "facts"})
    sentence = "The topology demo has demo-zookeeper-4 (ZooKeeper node 4), demo-zookeeper-5 (ZooKeeper node 5), which the inventory lacks"
    assert code != 0 and sentence in said, said
    assert log == []


def test_an_inventory_without_hosts_names_the_groups_and_the_cluster(project):
    code, said = project.run(
        "preflight.yml", "-e", json.dumps({"kafka_topology": TOPOLOGY}), inventory={}, KAFKA_CLUSTER="orders"
    )
    said = one_line(said)
    assert code != 0 and "no Kafka hosts in the groups kafka_brokers, kafka_zookeepers and kafka_controllers" in said
    assert "The topology is that of demo, and KAFKA_CLUSTER is orders" in said
