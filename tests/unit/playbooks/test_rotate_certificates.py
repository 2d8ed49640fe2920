"""rotate_certificates and rotate_ca under Ansible itself, with nine brokers that are only names: certificates first, for all hosts, and the roll after them."""

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
        **plugins("tls", ("tls_request", "tls_rotation", "tls_certificates", "tls_keystore", "tls_listener_info")),
        "roles/broker/tasks/restart.yml": restart,
    }


@pytest.fixture
def run(project, tmp_path):
    def call(*words, playbook="rotate_certificates.yml", options=(), **extra):
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
            playbook,
            *options,
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


class TestAnotherCa:
    def run(self, run, *words, **more):
        return run(*words, playbook="rotate_ca.yml", **more)

    def test_the_step_comes_between_what_hosts_have_and_what_they_get_and_is_verified_after_the_roll(self, run):
        code, said, log = self.run(run, kafka_confirm="clients-trust-0a1b2c3d")
        assert code == 0, said
        (began,) = [n for n, line in enumerate(log) if line == "tls_rotation advance clients-trust-0a1b2c3d localhost"]
        (ended,) = [n for n, line in enumerate(log) if line == "tls_rotation verify  localhost"]
        asked = [n for n, line in enumerate(log) if line.startswith("tls_request look")]
        restarted = [n for n, line in enumerate(log) if line.startswith("kafka_roll_service restarted")]
        written = [n for n, line in enumerate(log) if line.startswith("tls_keystore")]
        assert len(asked) == 24 and len(restarted) >= 9
        assert max(asked[:12]) < began < log.index("tls_certificates asks AWS") < min(written)
        assert max(written) < min(restarted) and max(restarted) < min(asked[12:]) and max(asked) < ended
        assert "What advance said." in said and "What verify said." in said
        listening = [
            n
            for n, line in enumerate(log)
            if line in ("tls_listener_info [9091, 9092] b1", "tls_listener_info [9093] c101")
        ]
        assert len(listening) == 2 and max(restarted) < min(listening) and max(listening) < ended
        assert log.index("tls_request look b1") > next(
            n for n, line in enumerate(log) if line.startswith("kafka_roll_lock")
        )

    def test_a_step_that_is_refused_restarts_no_node(self, run):
        code, said, log = self.run(run, "tls_rotation advance")
        assert code != 0 and "It broke on purpose." in said
        assert not [line for line in log if line.startswith(("tls_certificates", "tls_keystore", "kafka_roll_service"))]

    def test_a_step_that_nodes_have_not_done_ends_in_an_error(self, run):
        code, said, log = self.run(run, "tls_rotation verify")
        assert (
            code != 0
            and "It broke on purpose." in said
            and [line for line in log if line.startswith("kafka_roll_service")]
        )

    def test_check_mode_restarts_nothing(self, run):
        code, said, log = self.run(run, options=["--check"])
        assert code == 0 and "What advance said." in said, said
        assert not [line for line in log if line.startswith("kafka_roll_service restarted")]

    def test_another_source_is_refused_before_a_host_is_touched(self, run):
        code, said, log = self.run(run, tls_source="requests", tls_requests_dir="/x")
        assert code != 0 and "tls_source is requests, and rotate_ca changes the CA whose key is in KMS" in said
        assert not [line for line in log if line.startswith("tls_")]

    def test_a_misspelled_input_is_refused(self, run):
        code, said, _ = self.run(run, kafka_confirmed="clients-trust-0a1b2c3d")
        assert code != 0 and "kafka_confirmed" in said
