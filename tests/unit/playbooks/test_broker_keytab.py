"""The role broker with listeners of several mechanisms under Ansible itself: where a keytab is asked for, and of whom."""

from __future__ import annotations

import json

import pytest
from stand_ins import Project, groups, hosts, one_line, overlay, plugins

PLAY = """---
- name: Stage the files of the brokers
  hosts: kafka_brokers
  strategy: ansible.builtin.linear
  gather_facts: false
  tasks:
    - name: Stage
      ansible.builtin.include_role:
        name: rackaware.kafka.broker
        tasks_from: stage
"""
INSIDE = [{"name": "REPLICATION", "port": 9091}, {"name": "CONTROLLER", "port": 9093}]
CLIENT, TICKETS = {"name": "CLIENT", "port": 9092}, {"name": "KRB", "port": 9095, "mechanisms": ["GSSAPI"]}
CERTIFICATES = {"name": "CERTIFICATE", "port": 9094, "protocol": "SSL"}


@pytest.fixture()
def run(tmp_path):
    files = {**plugins("objects", ("kerberos_keytab", "file_set"))}
    play = tmp_path / "stage_brokers.yml"
    play.write_text(PLAY)
    project = Project(overlay(tmp_path / "tree", files), tmp_path)

    def call(*listeners, **more):
        brokers = hosts(["b1", "b2"], kafka_cluster="demo", kafka_listeners=[*listeners, *INSIDE], **more)
        for values in brokers.values():
            values["ansible_host"] = "198.51.100.%d" % values["kafka_node_id"]
            values["kafka_data_volumes"] = ["vol-%08d" % values["kafka_node_id"]]
            values["kafka_instance"] = {"vcpus": 2, "memory_mb": 8192, "network_gbps": 10}
        code, said = project.run(play, inventory=groups(brokers=brokers, controllers=brokers), case={})
        return code, one_line(said), [json.loads(line) for line in project.called()]

    return call


def test_each_broker_reads_its_own_keytab_before_its_files_are_staged(run):
    keytab = {"secret": "kafka/demo/{{ inventory_hostname }}", "host": "{{ inventory_hostname }}.example.com"}
    given = {"kafka_kerberos_realm": "EXAMPLE.COM", "kafka_client_ca_certificates": "BEGIN CERTIFICATE"}
    code, said, log = run(CLIENT, CERTIFICATES, TICKETS, kafka_keytab=keytab, **given)
    assert code == 0, said[-3000:]
    assert [each["module"] for each in log] == ["kerberos_keytab"] * 2 + ["file_set"] * 2
    asked = {each["principal"]: each for each in log[:2]}
    assert sorted(asked) == ["kafka/b1.example.com@EXAMPLE.COM", "kafka/b2.example.com@EXAMPLE.COM"]
    first = asked["kafka/b1.example.com@EXAMPLE.COM"]
    assert (first["keytab"]["secret"], first["held_by"]) == ("kafka/demo/b1", "kafka.service")
    texts = [
        file["content"] for each in log[2:] for file in each["files"] if file["dest"].endswith("broker.properties")
    ]
    assert sum('principal="%s"' % name in text for name in asked for text in texts) == 2


def test_a_broker_is_called_as_it_is_advertised(run):
    given = {"kafka_kerberos_realm": "EXAMPLE.COM", "kafka_keytab": {"file": "/root/kafka.keytab"}}
    code, said, log = run(TICKETS, **given)
    assert code == 0, said[-3000:]
    assert sorted(each["principal"] for each in log[:2]) == [
        "kafka/198.51.100.1@EXAMPLE.COM",
        "kafka/198.51.100.2@EXAMPLE.COM",
    ]


def test_without_tickets_no_keytab_is_asked_for(run):
    code, said, log = run(CLIENT)
    assert code == 0, said[-3000:]
    assert [each["module"] for each in log] == ["file_set"] * 2
