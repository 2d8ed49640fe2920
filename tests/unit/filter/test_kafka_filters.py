"""The filters load as Ansible loads them, and turn errors into Ansible's."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from one_broker import CLUSTER, HOSTS

from ansible_collections.rackaware.kafka.plugins.filter import kafka_identity, kafka_model, kafka_quorum_exists, kafka_summary


def storage(cluster_id, state="formatted", started=False):
    return {"host": "one", "directories": [{"path": "/d0", "state": state, "cluster_id": cluster_id, "started": started}]}


@pytest.mark.parametrize("module", [kafka_identity, kafka_model, kafka_quorum_exists, kafka_summary], ids=lambda module: module.__name__[-16:])
def test_the_name_of_the_file_is_the_name_of_the_filter(module):
    assert list(module.FilterModule().filters()) == [module.__name__.rpartition(".")[2]]


def test_from_snapshot_to_summary():
    model = kafka_model.kafka_model(CLUSTER, HOSTS, name="demo")
    assert "Kafka cluster demo" in kafka_summary.kafka_summary(model)


def test_the_identity_on_disk_is_used_and_a_missing_one_made():
    assert kafka_identity.kafka_identity([storage("abc"), storage(None, "empty")]) == "abc"
    made = kafka_identity.kafka_identity([storage(None, "empty")])
    assert len(made) == 22 and made != kafka_identity.kafka_identity([])


def test_a_quorum_exists_once_a_node_has_run():
    assert kafka_quorum_exists.kafka_quorum_exists([storage("abc", started=True)]) is True
    assert kafka_quorum_exists.kafka_quorum_exists([storage("abc")]) is False


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: kafka_identity.kafka_identity([storage("abc"), storage("def")]), "disks of 2 clusters"),
        (lambda: kafka_identity.kafka_identity([{"failed": True}]), "kafka_identity takes the results of kafka_storage_info"),
        (lambda: kafka_quorum_exists.kafka_quorum_exists([{}]), "kafka_quorum_exists takes the results"),
        (lambda: kafka_model.kafka_model({}, HOSTS), "The cluster cannot be shown"),
        (lambda: kafka_summary.kafka_summary({}), "The summary cannot be made"),
    ],
)
def test_errors_are_ansibles_own(call, sentence):
    with pytest.raises(AnsibleFilterError, match=sentence):
        call()
