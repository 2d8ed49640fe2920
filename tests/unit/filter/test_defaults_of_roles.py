"""What the roles derive from the inventory: the default version, the machine and the ports of the listeners."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rackaware.kafka.plugins.filter import inventory, services, sizing

HOSTS = {"localhost": {"__kafka_instance_types": {"m7g.large": {"vcpus": 2, "memory_mb": 8192, "network_gbps": 12.5}}}}
FACTS = {"processor_vcpus": 4, "memtotal_mb": 1024}
LISTENERS = [
    {"name": "REPLICATION", "port": 9091},
    {"name": "INSIDE", "port": "9094"},
    {"name": "OUTSIDE", "port": 9095},
]


def of(module, name):
    return module.FilterModule().filters()[name]


def test_a_cluster_with_zookeeper_nodes_gets_the_last_version_that_runs_with_them():
    default_version = of(inventory, "kafka_default_version")
    assert (default_version(["z1"]), default_version([])) == ("3.9.2", "4.3.1")


def test_the_users_word_is_stronger_than_the_api_which_is_stronger_than_the_facts():
    machine = of(sizing, "kafka_machine")
    offered = HOSTS["localhost"]["__kafka_instance_types"]["m7g.large"]
    assert machine({}, HOSTS, "m7g.large", FACTS) == offered
    assert machine({"vcpus": 1}, HOSTS, "m7g.large", FACTS) == {**offered, "vcpus": 1}


@pytest.mark.parametrize("hosts", [HOSTS, {"localhost": {}}, {}])
def test_without_the_api_the_facts_count(hosts):
    machine = of(sizing, "kafka_machine")
    assert machine({}, hosts, "", FACTS) == {"vcpus": 4, "memory_mb": 1024}
    assert machine({}, hosts, "", {}) == {"vcpus": 0, "memory_mb": 0}
    assert machine({}, hosts, "") == {}


def test_the_first_listener_for_clients_and_that_of_the_controllers():
    listener_ports = of(services, "kafka_listener_ports")
    assert listener_ports(LISTENERS, "none") == {"client": 9094, "operator": 9094, "controller": 9093}
    assert listener_ports(LISTENERS, "tls") == {"client": 9094, "operator": 9091, "controller": 9093}
    assert listener_ports([*LISTENERS, {"name": "CONTROLLER", "port": "19093"}], "tls")["controller"] == 19093


def test_listeners_without_one_for_clients_are_refused():
    with pytest.raises(AnsibleFilterError, match="no listener for clients"):
        of(services, "kafka_listener_ports")(LISTENERS[:1], "tls")


def test_an_inventory_may_name_a_variable_like_an_input_of_a_private_role():
    assert not {name for name in inventory._known_inputs() if name.startswith(("service_", "_"))}
