"""All files of a service: what each kind has, who owns them, and what only some need."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.rackaware.kafka.plugins.module_utils._config import nodes, services, sizing, units

ROOT = Path(__file__).resolve().parents[3]
LISTENERS = [
    {"name": "REPLICATION", "port": 9091},
    {"name": "CONTROLLER", "port": 9093},
    {"name": "SAFE", "port": 9094, "protocol": "SASL_PLAINTEXT"},
    {"name": "CLIENT", "port": 9092},
]
ZOOKEEPERS = [{"id": 1, "host": "198.18.1.201", "port": 2181}]
CONTROLLERS = [{"id": 101, "host": "198.18.1.221", "port": 9093}]
OTHERS = [{"id": 2, "host": "198.18.2.11", "port": 9094}]
VOLUMES = {"broker": ["vol-1", "vol-2"], "controller": ["vol-1"], "zookeeper": ["vol-1"]}
OWN = {"config": {"background.threads": 7}, "jvm_options": ["-Dx=y"], "log_levels": {"a.b": "DEBUG"}}
OWN["open_files"] = "4096"


def made(kind, *, role=None, volumes=None, kraft=True, stores=(), **cluster):
    told = {
        "id": "abc",
        "version": "4.3.1" if kraft else "3.9.2",
        "security": "none",
        "cluster": "demo",
        "listeners": LISTENERS,
        "controllers": CONTROLLERS if kraft else [],
        "zookeepers": [] if kraft else ZOOKEEPERS,
        "others": OTHERS,
        "brokers": 2,
        "replication_factor": 2,
        "min_insync_replicas": 1,
        "new_since": None,
        **cluster,
    }
    asked = {"replication_factor": 2, "producers": 1, "consumers": 1, "cross_az_rtt_ms": 1, "data_disks": 1}
    sized = sizing.size({"vcpus": 2, "memory_mb": 8192, "network_gbps": 5}, {"role": role or kind, **asked})
    node = {"role": role or kind, "id": 1, "rack": "a", "address": "198.18.1.11"}
    node["volumes"] = VOLUMES[kind] if volumes is None else volumes

    def guard(data_dirs, *, cluster_id, **_more):
        return "%s %s" % (" ".join(data_dirs), cluster_id)

    return services.files(kind, node, told, sized, OWN, is_store=stores.__contains__, store_guard=guard)


def files(*args, **more):
    return {file["dest"]: file for file in made(*args, **more)["files"]}


def directories(*args, **more):
    return {directory["path"]: directory for directory in made(*args, **more)["directories"]}


@pytest.mark.parametrize("kind", sorted(units.SERVICES))
def test_every_kind_has_settings_options_logging_and_a_unit(kind):
    this, kraft = units.service(kind), kind != "zookeeper"
    found = files(kind, kraft=kraft)
    logging = this.logging("4.3.1" if kraft else "3.9.2")
    assert made(kind, kraft=kraft)["unit"] == this.unit
    assert list(found)[:4] == [this.config, this.options, logging, this.path]
    assert "background.threads=7\n" in found[this.config]["content"]
    assert "-Dx=y\n" in found[this.options]["content"] and "a.b" in found[logging]["content"]
    assert "LimitNOFILE=4096\n" in found[this.path]["content"]


@pytest.mark.parametrize("kind", sorted(units.SERVICES))
def test_each_file_says_who_wrote_it_and_no_other_user_reads_settings(kind):
    this = units.service(kind)
    own = made(kind, kraft=kind != "zookeeper")["files"][:4]
    header = "# Written by rackaware.kafka; change the inventory, not this file."
    assert {file["content"].splitlines()[0] for file in own} == {header}
    assert [(file["owner"], file["group"], file["mode"]) for file in own[:3]] == [("root", "kafka", "0640")] * 3
    assert (own[3]["dest"], own[3]["group"], own[3]["mode"]) == (this.path, "root", "0644")


@pytest.mark.parametrize("kind", sorted(units.SERVICES))
def test_without_a_volume_the_directory_on_the_root_disk_is_made_and_with_one_its_mount_is_waited_for(kind):
    place, kraft = os.path.dirname(nodes.data_dirs([], kind)[0]), kind != "zookeeper"
    path = units.service(kind).path
    assert place in directories(kind, kraft=kraft, volumes=[])
    assert "AssertPathIsMountPoint" not in files(kind, kraft=kraft, volumes=[])[path]["content"]
    assert place not in directories(kind, kraft=kraft)
    assert "AssertPathIsMountPoint=%s\n" % place in files(kind, kraft=kraft)[path]["content"]


@pytest.mark.parametrize("kind", sorted(units.SERVICES))
def test_only_the_service_enters_its_directories(kind):
    found, this = directories(kind, kraft=kind != "zookeeper", volumes=[]), units.service(kind)
    data = os.path.dirname(nodes.data_dirs([], kind)[0])
    for path, owner in ((this.directory, "root"), ("/var/log/kafka", "kafka"), (data, "kafka")):
        assert found[path] == {"path": path, "owner": owner, "group": "kafka", "mode": "0750"}


# What every user of a host may read, and why.
PUBLIC = {
    "/etc/systemd/system/": "systemctl cat shows units to every user",
    "/usr/local/": "code of the collection",
    "/var/lib/kafka-admin": "state of the host: times, names, paths and volumes",
}


@pytest.mark.parametrize("kind", sorted(units.SERVICES))
def test_what_every_user_of_the_host_may_read_is_named_with_a_reason(kind):
    kraft = kind != "zookeeper"
    found = {}
    for given in ({"volumes": []}, {"stores": VOLUMES["broker"], "new_since": 1700000000.0}):
        parts = made(kind, kraft=kraft, **given)
        found.update({file["dest"]: file["mode"] for file in parts["files"]})
        found.update({directory["path"]: directory["mode"] for directory in parts["directories"]})
    public = {path for path, mode in found.items() if int(mode, 8) & 0o007}
    assert public and [path for path in public if not path.startswith(tuple(PUBLIC))] == []
    assert [path for path, mode in found.items() if int(mode, 8) & 0o022] == []
    # What the service itself makes, and where its disks are mounted.
    unit = files(kind, kraft=kraft)[units.service(kind).path]["content"]
    made_by_it = [
        value for name, value in (line.split("=")[:2] for line in unit.splitlines() if "DirectoryMode=" in line)
    ]
    assert {*made_by_it, *mounted()} == {"0750", "0700"} and "UMask=0077\n" in unit


def mounted():
    """The modes that site mounts disks and encrypted stores with."""
    (site,) = re.findall(r'encrypted_store_mode: "(\d+)"', (ROOT / "playbooks/site.yml").read_text())
    return {yaml.safe_load((ROOT / "roles/data_volume/defaults/main.yml").read_text())["data_volume_mode"], site}


def test_zookeeper_has_settings_of_its_own():
    text = files("zookeeper", kraft=False)["/etc/zookeeper/zoo.cfg"]["content"]
    assert "dataDir=/var/lib/zookeeper/data\n" in text and "server.1=198.18.1.201:2888:3888\n" in text
    assert "broker.id" not in text


def test_only_a_broker_is_kept_from_a_new_log_directory():
    assert '"security_protocol": "SASL_PLAINTEXT"' in files("broker")["/etc/kafka/start-guard.json"]["content"]
    assert '"2": "198.18.2.11:9094"' in files("broker")["/etc/kafka/start-guard.json"]["content"]
    assert "/etc/kafka/start-guard.json" not in {**files("controller"), **files("zookeeper", kraft=False)}


def test_the_first_start_of_a_cluster_is_permitted():
    more = set(files("broker", new_since=1700000000.5)) - set(files("broker"))
    assert len(more) == 1 and '"time": 1700000000}' in files("broker", new_since=1700000000.5)[more.pop()]["content"]


DROP_IN = "/etc/systemd/system/kafka.service.d/50-encrypted-store.conf"


@pytest.mark.parametrize(
    ("kraft", "id_", "stores", "content", "identity"),
    [
        (True, "abc", ["vol-2"], "/var/lib/kafka/data1/logs /etc/kafka/cluster.id", "abc\n"),
        (True, "", ["vol-1"], "/var/lib/kafka/data0/logs /etc/kafka/cluster.id", None),
        (False, "", ["vol-1"], "/var/lib/kafka/data0/logs None", None),
        (True, "abc", [], None, None),
    ],
    ids=["one of two", "an id that is not known", "ZooKeeper", "none"],
)
def test_a_broker_with_encrypted_stores_does_not_start_without_them(kraft, id_, stores, content, identity):
    found = files("broker", kraft=kraft, id=id_, stores=stores)
    assert (found.get(DROP_IN) or {"content": None})["content"] == content
    assert (found.get("/etc/kafka/cluster.id") or {"content": None})["content"] == identity
    assert (os.path.dirname(DROP_IN) in directories("broker", kraft=kraft, stores=stores)) == bool(stores)


def test_a_combined_node_is_one_service_with_both_roles():
    text = files("broker", role="combined")["/etc/kafka/broker.properties"]["content"]
    assert "process.roles=broker,controller\n" in text and "CONTROLLER://198.18.1.11:9093" in text


def test_listeners_that_clients_cannot_use_are_refused():
    with pytest.raises(nodes.NodesError, match="no listener for clients"):
        made("broker", listeners=LISTENERS[:2])


TICKETS = [
    {"name": "REPLICATION", "port": 9091},
    {"name": "CONTROLLER", "port": 9093},
    {"name": "KRB", "port": 9095, "mechanisms": ["GSSAPI"]},
]
KRB5, KEYTAB = "/etc/kafka/kerberos/krb5.conf", "/etc/kafka/kerberos/kafka.keytab"


def test_a_broker_whose_clients_show_tickets_has_a_krb5_conf_and_takes_a_staged_keytab():
    told = {"security": "tls", "listeners": TICKETS, "kerberos_realm": "EXAMPLE.COM"}
    found, whole = files("broker", **told), made("broker", **told)
    assert 'principal="kafka/198.18.1.11@EXAMPLE.COM"' in found["/etc/kafka/broker.properties"]["content"]
    assert "-Djava.security.krb5.conf=%s\n" % KRB5 in found["/etc/kafka/broker.jvm.options"]["content"]
    assert "default_realm = EXAMPLE.COM" in found[KRB5]["content"] and found[KRB5]["owner"] == "root"
    # A changed krb5.conf needs a restart; a changed keytab does not, and only another principal's is staged.
    unit = found["/etc/systemd/system/kafka.service"]["content"]
    assert KRB5 in unit and KEYTAB not in unit
    assert KEYTAB in whole["promoted"] and KRB5 not in whole["promoted"]
    assert directories("broker", **told)["/etc/kafka/kerberos"]["owner"] == "root"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("controller", {"listeners": TICKETS, "kerberos_realm": "EXAMPLE.COM"}),
        ("broker", {"listeners": [{"name": "CLIENT", "port": 9092}, *TICKETS[:2]], "kerberos_realm": "EXAMPLE.COM"}),
    ],
    ids=["a controller", "clients with passwords"],
)
def test_what_sees_no_ticket_has_nothing_of_kerberos(kind, told):
    whole = made(kind, security="tls", **told)
    assert "krb5" not in str(whole) and "kerberos" not in str(whole)
