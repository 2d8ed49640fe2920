"""Playbooks under Ansible itself with hosts that are only names: what is refused before any host is asked, or before anything is staged.

What would look at a host, or write there, is replaced by an action plugin that writes a line and answers what the case says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REPLACED = ("host_preflight", "kafka_storage_info", "kafka_service_info", "file_set")
STAND_IN = """
import json, os
from ansible.plugins.action import ActionBase

NAME = %r


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        host = task_vars["inventory_hostname"]
        with open(os.environ["SITE_LOG"], "a") as log:
            log.write("%%s %%s\\n" %% (NAME, host))
        said = json.loads(os.environ["SITE_CASE"]).get(host, {})
        if NAME == "host_preflight" and "refused" in said:
            return {"failed": True, "msg": said["refused"]}
        identity = {"host": host, "directories": [], "mounted": True, "process": None, "quorum": [], **said.get("identity", {})}
        return {
            "host_preflight": {"identity": identity, "installed": [], "running": [], "users": {}, "upgrade": None},
            "kafka_storage_info": {"host": host, "directories": said.get("disks", [])},
            "kafka_service_info": {"unit_state": "inactive", "restart_needed": False, "identity": identity, "next_min_isr": 1},
        }.get(NAME, {"changed": True})
"""
STAGE = "- name: Stage\n  rackaware.kafka.file_set:\n    held_by: x\n"


@pytest.fixture(scope="module")
def collections(tmp_path_factory):
    """The collection, with stand-ins, and with roles that only stage."""
    place = tmp_path_factory.mktemp("site") / "ansible_collections"
    here = place / "rackaware" / "kafka"
    (here / "plugins" / "action").mkdir(parents=True)
    for name in ("meta", "playbooks", "galaxy.yml"):
        (here / name).symlink_to(ROOT / name)
    for path in (ROOT / "plugins").iterdir():
        if path.name != "action":
            (here / "plugins" / path.name).symlink_to(path)
    for name in REPLACED:
        (here / "plugins" / "action" / (name + ".py")).write_text(STAND_IN % name)
    for role in (path for path in (ROOT / "roles").iterdir() if path.is_dir()):
        (here / "roles" / role.name / "tasks").mkdir(parents=True)
        for part in (path for path in role.iterdir() if path.name != "tasks"):
            (here / "roles" / role.name / part.name).symlink_to(part)
        for task in (role / "tasks").glob("*.yml"):
            # Nobody else works on the cluster.
            (here / "roles" / role.name / "tasks" / task.name).write_text(
                "[]\n" if (role.name, task.stem) == ("roll", "lock") else STAGE
            )
    return place.parent


def nodes(keepers="zookeeper", zookeepers=3):
    """Three brokers, and as many ZooKeeper nodes, or the brokers as controllers."""
    found = {}
    for letter, role, count in (
        ("b", "brokers", 3),
        *([("z", "zookeepers", zookeepers)] if keepers == "zookeeper" else []),
    ):
        for number in range(1, count + 1):
            found["%s%d" % (letter, number)] = (
                role,
                {
                    "kafka_cluster": "demo",
                    "kafka_node_id": number,
                    "kafka_rack": "abc"[(number - 1) % 3],
                    "kafka_data_volumes": ["vol-0000000%s%d" % ("b" if letter == "b" else "a", number)],
                    "ansible_connection": "local",
                    "ansible_python_interpreter": sys.executable,
                },
            )
    return found


@pytest.fixture
def run(collections, tmp_path):
    """Returns run(playbook, …), which gives the code, what was said on one line, and the log."""

    def call(
        playbook, *options, case=None, group=None, changes=None, keepers="zookeeper", zookeepers=3, environment=None
    ):
        found = nodes(keepers, zookeepers)
        for name, values in (changes or {}).items():
            found[name][1].update(values)
        groups = {}
        for name, (role, values) in found.items():
            groups.setdefault("kafka_" + role, {"hosts": {}})["hosts"][name] = values
        if keepers == "controller":
            groups["kafka_controllers"] = {"hosts": dict.fromkeys(found, {})}
        (tmp_path / "hosts.json").write_text(
            json.dumps({"all": {"children": {"kafka": {"children": groups, "vars": group or {}}}}})
        )
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "KAFKA_"))},
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            "SITE_CASE": json.dumps(case or {}),
            "SITE_LOG": str(tmp_path / "log"),
            **(environment or {}),
        }
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "-i",
            str(tmp_path / "hosts.json"),
            *options,
            str(ROOT / "playbooks" / (playbook + ".yml")),
        ]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
        log = (tmp_path / "log").read_text().splitlines() if (tmp_path / "log").exists() else []
        return done.returncode, " ".join((done.stdout + done.stderr).split()), log

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


@pytest.mark.parametrize("keepers", ["zookeeper", "controller"])
def test_a_disk_that_was_mounted_only_now_is_read_then(run, keepers):
    mounted = {"b2": {"identity": {"mounted": False}, "disks": [disk(3)]}}
    code, said, log = run("site", case=mounted, keepers=keepers)
    assert (
        code != 0
        and "b2 is node 2 in the inventory, but /var/lib/kafka/data0/logs belongs to node 3, which the inventory calls b3"
        in said
    ), said[-3000:]
    assert [line for line in log if line.startswith("kafka_storage_info")] == ["kafka_storage_info b2"]


@pytest.mark.parametrize("keepers", ["zookeeper", "controller"])
def test_no_host_is_asked_twice_for_disks_that_are_mounted(run, keepers):
    case = {
        "b%d" % number: {"identity": {"directories": [disk(number)], "process": process(number)}}
        for number in (1, 2, 3)
    }
    code, said, log = run("site", "--check", case=case, keepers=keepers)
    assert code == 0, said[-3000:]
    assert not [line for line in log if line.startswith("kafka_storage_info")] and "file_set b1" in log


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
    code, said, log = run("site", case=case, environment={"ANSIBLE_STRATEGY": "free"})
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


def test_an_inventory_without_hosts_names_the_groups_and_the_cluster(tmp_path):
    (tmp_path / "hosts.json").write_text("{}")
    command = [
        sys.executable,
        "-m",
        "ansible",
        "playbook",
        "-i",
        str(tmp_path / "hosts.json"),
        "-e",
        json.dumps({"kafka_topology": TOPOLOGY}),
    ]
    env = {**os.environ, "KAFKA_CLUSTER": "orders", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [*command, str(ROOT / "playbooks/preflight.yml")],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = " ".join(done.stdout.split())
    assert (
        done.returncode != 0
        and "no Kafka hosts in the groups kafka_brokers, kafka_zookeepers and kafka_controllers" in said
    )
    assert "The topology is that of demo, and KAFKA_CLUSTER is orders" in said
