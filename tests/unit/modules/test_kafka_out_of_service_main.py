"""kafka_out_of_service: taken out, once, and given back."""

from __future__ import annotations

import json

import pytest
from documented import declared, documented

from ansible_collections.rackaware.kafka.plugins.module_utils._host import out_of_service
from ansible_collections.rackaware.kafka.plugins.modules import kafka_out_of_service

OUT = {"reason": "its keys are revoked", "by": "ann"}


@pytest.fixture
def record(tmp_path, monkeypatch):
    path = tmp_path / "out_of_service.json"
    for function in (out_of_service.read, out_of_service.write):
        monkeypatch.setattr(function, "__defaults__", (str(path),))
    return path


def test_a_broker_is_taken_out_once_and_given_back(record, run_main):
    checked = run_main(kafka_out_of_service, check=True, **OUT)
    assert checked["changed"] and not record.exists()
    first = run_main(kafka_out_of_service, **OUT)
    assert (
        first["changed"] and first["diff"]["before"] == {} and json.loads(record.read_text()) == first["out_of_service"]
    )
    assert not run_main(kafka_out_of_service, **OUT)["changed"]
    assert "is out of service since" in out_of_service.sentence("b3", first["out_of_service"])
    back = run_main(kafka_out_of_service, state="absent")
    assert back["changed"] and back["out_of_service"] is None and not record.exists()
    assert not run_main(kafka_out_of_service, state="absent")["changed"]


def test_the_documentation_and_the_specification_name_the_same_options():
    assert documented(kafka_out_of_service) == declared(kafka_out_of_service.SPEC)


def test_a_record_that_cannot_be_read_fails_and_stays(record, run_main):
    record.write_text("{}")
    failed = run_main(kafka_out_of_service, state="absent")
    assert failed["failed"] and "the broker stays stopped while it is there" in failed["msg"] and record.exists()
