"""rotate_certificates under Ansible itself, with nine brokers that are only names: certificates first, for all hosts, and the roll after them."""

from __future__ import annotations

import json

import pytest
from stand_ins import ROOT, groups, hosts, one_line, plugins

KAFKA = (
    *("kafka_service_info", "kafka_cluster_info", "kafka_roll_lock", "kafka_roll_plan", "kafka_roll_wait"),
    "kafka_roll_service",
)


@pytest.fixture(scope="module")
def files():
    """Of the broker's role the entry point alone: what the broker reads is not asked for."""
    restart = (ROOT / "roles/broker/tasks/restart.yml").read_text()
    restart = restart.replace("{{ __broker_set }}", "{{ {'directories': [], 'files': [], 'promoted': []} }}")
    return {
        **plugins("roll", KAFKA),
        **plugins("tls", ("tls_request", "tls_certificates", "tls_keystore")),
        "roles/broker/tasks/restart.yml": restart,
    }


@pytest.fixture
def run(project, tmp_path):
    def call(*words, **extra):
        brokers = hosts(
            ["b%d" % id_ for id_ in range(1, 10)],
            kafka_instance={"vcpus": 2, "memory_mb": 8192, "network_gbps": 10},
            kafka_data_on_root_disk=True,
            kafka_cluster="demo",
        )
        for number, values in enumerate(brokers.values(), start=1):
            values["ansible_host"] = "198.51.100.%d" % number
        controllers = hosts(
            ["c%d" % id_ for id_ in (101, 102, 103)], kafka_cluster="demo", kafka_data_on_root_disk=True
        )
        for name, values in controllers.items():
            values.update(ansible_host="198.51.100." + name[1:], kafka_rack="abc"[int(name[1:]) % 3])
        more = {"roll_events": str(tmp_path / "roll.jsonl"), "roll_canary": False, "kafka_instance_source": "facts"}
        code, said = project.run(
            "rotate_certificates.yml",
            "-e",
            json.dumps({**more, **extra}),
            inventory=groups(brokers=brokers, controllers=controllers),
            case={
                **{"words": list(words), "plan": {}, "cluster": {}, "heals": None, "silent": [], "canary": 0},
                "state": "active",
            },
        )
        return code, one_line(said), project.called()

    return call


def test_all_hosts_are_certified_at_once_before_the_roll(run):
    code, said, log = run()
    assert code == 0, said
    asked = [line for line in log if line.startswith("tls_request")]
    assert len(asked) == 12 and all(" renew " in line for line in asked)
    (decided,) = [line for line in log if line.startswith("tls_certificates")]
    assert decided.endswith(" on localhost") and decided.count(",") == 11
    written = [line for line in log if line.startswith("tls_keystore")]
    assert sorted(written) == ["tls_keystore kafka.service /etc/kafka/tls %s" % name for name in ("b1", "b2")]
    restarted = [line for line in log if line.startswith("kafka_roll_service restarted")]
    assert len(restarted) >= 9 and log.index(written[-1]) < log.index(restarted[0])
    # The lock is looked at before keys are made.
    assert log.index(asked[0]) > next(n for n, line in enumerate(log) if line.startswith("kafka_roll_lock"))


def test_without_certificates_no_node_is_restarted(run):
    code, said, log = run("tls_certificates")
    assert code != 0 and "It broke on purpose." in said
    assert not [line for line in log if line.startswith(("tls_keystore", "kafka_roll_service"))]


def test_a_name_that_is_none_is_refused_before_a_key_is_made(run):
    code, said, log = run(kafka_tls_names=["b1,DNS:evil"])
    assert code != 0 and "has the name 'b1,DNS:evil', which is neither an IP address nor a DNS name" in said
    assert not [line for line in log if line.startswith("tls_")]
