"""The page of a cluster, written on the controller."""

from __future__ import annotations

from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from documented import declared, documented
from one_broker import CLUSTER, HOSTS

from ansible_collections.rackaware.kafka.plugins.action import kafka_report
from ansible_collections.rackaware.kafka.plugins.filter.report import kafka_model
from ansible_collections.rackaware.kafka.plugins.modules import kafka_report as docs


def write(check=False, **args):
    task = MagicMock(args=args, check_mode=check, async_val=0)
    plugin = kafka_report.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), None)
    return plugin.run()


def test_the_page_is_written_with_its_directory(model, tmp_path):
    place = tmp_path / "reports" / "demo.html"
    assert write(model=model, dest=str(place)) == {"changed": False, "page": str(place)}
    assert place.read_text().startswith("<!doctype html>") and "demo" in place.read_text()


def test_nothing_in_check_mode(model, tmp_path):
    assert write(check=True, model=model, dest=str(tmp_path / "new" / "demo.html"))["changed"] is False
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("more", "why"),
    [({"dest": "/proc/none/e"}, "cannot be written to /proc/none/e"), ({"model": {}}, "The page cannot be made")],
)
def test_bad_input_is_one_sentence(model, tmp_path, more, why):
    with pytest.raises(AnsibleActionFail, match=why):
        write(**{"model": model, "dest": str(tmp_path / "e"), **more})


def test_the_options_are_the_documented_ones():
    assert documented(docs) == declared(kafka_report.SPEC)


@pytest.fixture
def model():
    return kafka_model(CLUSTER, HOSTS, name="demo")
