"""The record of an upgrade on a host, and how it reaches those who decide."""

from __future__ import annotations

import json

import pytest

from ansible_collections.rackaware.kafka.plugins.filter.upgrade import (
    kafka_protocol,
    kafka_upgrade_finalization,
    kafka_upgrade_plan,
    kafka_upgrade_rolled,
    kafka_upgrade_warnings,
)
from ansible_collections.rackaware.kafka.plugins.module_utils._config import nodes as config_nodes
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._upgrade import record as upgrade_record

RECORD = {
    "from": "3.8.1",
    "to": "3.9.2",
    "metadata": "zookeeper",
    "protocol": "3.8",
    "features": {},
    "began": "2027-01-01T00:00:00Z",
}
RECORD.update(rolled=None, finalizing=None, finalized=None)
GROUPS = {"broker": ["b1", "b2"], "zookeeper": ["z1"], "controller": []}


def hosts(version="3.8.1", record=None, key="__kafka_service"):
    told = {"version": version, "unit_state": "active"}
    return {
        "b1": {"kafka_node_id": "1", key: dict(told, upgrade=record)},
        "b2": {"kafka_node_id": 2, key: dict(told, upgrade=None)},
        "z1": {"kafka_node_id": 1, key: dict(told, upgrade=None)},
    }


def told(series=(3, 8)):
    brokers = [
        {"id": number, "series": list(series), "newest_known": False, "supported": {}, "protocol": "3.8-IV0"}
        for number in (1, 2)
    ]
    return {"brokers": brokers, "features": {}}


def test_it_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "upgrade.json"
    assert upgrade_record.read(str(path)) is None
    path.write_text(json.dumps(dict(RECORD, other=1)))
    assert upgrade_record.read(str(path)) == RECORD


@pytest.mark.parametrize("text", ["", "{", "[]", '{"from": "3.8.1"}', "\xff"])
def test_what_cannot_be_understood_is_no_missing_record(tmp_path, text):
    path = tmp_path / "upgrade.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(upgrade_record.RecordError, match="it is not known what may be started"):
        upgrade_record.read(str(path))


def test_what_cannot_be_read_is_no_missing_record(tmp_path):
    with pytest.raises(upgrade_record.RecordError, match="cannot be read"):
        upgrade_record.read(str(tmp_path))


def test_a_combined_node_is_a_broker():
    both = {"broker": ["b1"], "controller": ["b1"]}
    nodes, records = config_nodes.services(hosts(record=RECORD), both)
    assert nodes == [
        {
            "name": "b1",
            "id": 1,
            "kind": "broker",
            "version": "3.8.1",
            "state": "active",
            "restart_needed": None,
            "protocol": None,
        }
    ] and records == [RECORD]


@pytest.mark.parametrize("key", ["__kafka_service", "__kafka_host"])
def test_one_brokers_record_holds_all_of_them(key):
    assert kafka_protocol(hosts(record=RECORD, key=key), ["b1", "b2"], "3.9.2") == "3.8"
    assert kafka_protocol(hosts(key=key), ["b1", "b2"], "3.9.2") == ""
    assert kafka_protocol({"b1": {}}, ["b1"], "3.9.2") == ""


def test_an_error_is_ansibles_own():
    with pytest.raises(RackawareError, match="neither a version"):
        kafka_protocol(hosts(record=RECORD), ["b1"], "new")


def test_a_plan_or_what_stands_against_it():
    plan = kafka_upgrade_plan("3.9.2", hosts(), GROUPS, told())
    assert (plan["refused"], plan["way"], plan["record"]["protocol"]) == ("", "up", "3.8")
    assert "has no ZooKeeper" not in kafka_upgrade_plan("4.0.2", hosts(), GROUPS, told())["refused"]
    assert "cannot run with ZooKeeper" in kafka_upgrade_plan("4.0.2", hosts(), GROUPS, told())["refused"]
    assert "No broker answers" in kafka_upgrade_plan("3.9.2", hosts(), GROUPS, {})["refused"]


def test_the_record_after_the_roll():
    assert kafka_upgrade_rolled(RECORD, hosts(), GROUPS) == RECORD
    assert kafka_upgrade_rolled(RECORD, hosts("3.9.2"), GROUPS)["rolled"]


def test_what_is_left_or_what_stands_against_it():
    found = kafka_upgrade_finalization("3.9.2", hosts("3.9.2"), GROUPS, told((3, 9)), soak_seconds="0")
    assert (found["refused"], found["protocol"], found["closes"]) == ("", "3.9", True)
    assert "all nodes must run" in kafka_upgrade_finalization("3.9.2", hosts(), GROUPS, told())["refused"]


def test_warnings_come_from_both_releases():
    plan = {"start": "3.9.2", "target": "4.0.2"}
    assert kafka_upgrade_warnings(plan, {"1": ["Fetch", 0, 17]}, {"1": ["Fetch", 4, 17]})[0].count("Fetch below 4") == 1
    assert kafka_upgrade_warnings(plan, {}, {}) == []


class Lazy(dict):
    """Ansible's own container, as a filter gets it in a playbook: it cannot be made the way that copies of data are made."""

    def __init__(self, given):
        if not isinstance(given, dict):
            raise TypeError("Direct construction of lazy containers is not supported.")
        super().__init__(given)


def test_filters_take_what_a_playbook_hands_them():
    record = Lazy(dict(RECORD, features=Lazy({"a": 1})))
    plan = kafka_upgrade_plan("3.9.2", hosts(record=record), GROUPS, told())
    assert (plan["way"], plan["record"]) == ("up", record)
    assert kafka_upgrade_rolled(record, hosts("3.9.2"), GROUPS)["rolled"]
    left = kafka_upgrade_finalization("3.9.2", hosts("3.9.2", record), GROUPS, told((3, 9)), soak_seconds=0)
    assert left["record"]["features"] == {"a": 1}


def test_a_protocol_of_the_users_own_is_seen():
    those = hosts()
    those["b2"]["broker_config"] = {"inter.broker.protocol.version": "3.9"}
    assert "broker_config of b2 sets" in kafka_upgrade_plan("3.9.2", those, GROUPS, told())["refused"]
