"""secure_cluster under Ansible itself, with hosts that are only names: which step comes when, with which settings, and what stops it."""

from __future__ import annotations

import json

import pytest
from stand_ins import groups, hosts, one_line, plugins

MODULES = ("kafka_service_info", "kafka_connections_info", "file_set", "zookeeper_acls")
STEP = """\
- name: Take a step
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Take a step
      rackaware.kafka.file_set:
        held_by: "{{ kafka_security }} {{ kafka_listeners | map(attribute='name') | join(',') }} {{ __site_securing }}"
"""
AIM = {
    "kafka_security": "tls",
    "kafka_listeners": [{"name": "CLIENT_TLS", "port": 9094}, {"name": "REPLICATION_TLS", "port": 9095}],
}
BOTH, NEW = "CLIENT,CLIENT_TLS,REPLICATION_TLS", "CLIENT_TLS,REPLICATION_TLS"
CLIENT = [{"port": 9092, "address": "198.51.100.9"}]


@pytest.fixture(scope="module")
def files():
    """A step is one line instead of site and a roll."""
    return {**plugins("securing", MODULES), "playbooks/rolling_site.yml": STEP}


@pytest.fixture
def run(project, collections):
    def call(*options, aim=AIM, **case):
        nodes = hosts(("b1", "b2", "b3", "z1", "z2", "z3"), kafka_cluster="demo", kafka_data_on_root_disk=True, **aim)
        made = groups(
            brokers={name: nodes[name] for name in nodes if name[0] == "b"},
            zookeepers={name: nodes[name] for name in nodes if name[0] == "z"},
        )
        project.log.write_text("")
        playbook = collections / "ansible_collections/rackaware/kafka/playbooks/secure_cluster.yml"
        code, said = project.run(playbook, *options, inventory=made, case={"runs": "none", **case})
        log = project.called()
        return code, one_line(said), [line for line in log if not line.startswith("watched")], log

    return call


def confirmed(name="demo"):
    return ("-e", json.dumps({"kafka_confirm": name}))


def test_a_run_opens_both_doors_moves_the_nodes_and_stops(run):
    code, said, log, _ = run(connections=CLIENT)
    assert code == 0, said[-3000:]
    assert log == ["took opened %s True" % BOTH, "took moved %s True" % BOTH]
    assert "On plaintext now: 198.51.100.9 at CLIENT (9092) of b1, b2, b3" in said
    assert said.index("Step 1 of 3") < said.index("Step 2 of 3") < said.rindex("with -e kafka_confirm=demo")


@pytest.mark.parametrize("name", ["demo", "another"])
def test_the_door_closes_with_the_name_of_the_cluster_only(run, name):
    code, said, log, everything = run(*confirmed(name), runs="moved")
    assert code == 0, said[-3000:]
    if name == "demo":
        owner = "zookeeper_acls CN=kafka,OU=demo,O=rackaware by /etc/kafka/tls/keystore.pem"
        assert log == ["took tls %s True" % NEW, owner]
        assert "watched b1 [9092] 30" in everything
    else:
        # What site is to other clusters.
        assert log == ["took moved %s True" % BOTH]


def test_the_door_stays_open_while_a_client_is_there(run):
    code, said, log, _ = run(*confirmed(), runs="moved", connections=CLIENT)
    assert code != 0 and log == []
    assert "1 client is on plaintext, and would be cut off: 198.51.100.9 at CLIENT (9092) of b1, b2, b3" in said


def test_a_step_that_broke_off_is_taken_again(run):
    code, said, log, _ = run(runs="opened", b1="none")
    assert code == 0 and log[0].startswith("took opened"), said[-3000:]


def test_check_shows_the_next_step_and_takes_none(run):
    code, said, log, _ = run("--check")
    assert code == 0 and log == ["would take opened %s True" % BOTH], said[-3000:]
    assert "6 nodes: in plaintext only." in said and "Step 1 of 3" in said


def test_an_aim_with_a_name_that_runs_in_plaintext_is_refused(run):
    aim = {**AIM, "kafka_listeners": [{"name": "CLIENT", "port": 9094}, {"name": "REPLICATION_TLS", "port": 9095}]}
    code, said, log, _ = run(aim=aim)
    assert code != 0 and log == []
    assert "gives its name to a listener with TLS" in said and "[{name: CLIENT_TLS, port: 9093}" in said


@pytest.mark.parametrize("given", [{"kafka_security": "tls"}, {"kafka_listeners": AIM["kafka_listeners"]}])
def test_an_aim_that_would_outrank_the_step_is_refused(run, given):
    code, said, log, _ = run("-e", json.dumps(given))
    assert code != 0 and log == [], said[-3000:]
    assert "is given with -e, which outranks what each step needs" in said
