"""main() of the modules that only ask AWS."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import client
from ansible_collections.rackaware.kafka.plugins.modules import ebs_volume_info, instance_type_info


class Ec2:
    """Answers every paginator with the pages it was given."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, **pages: dict) -> None:
        self.pages = pages
        self.asked: dict[str, dict] = {}

    def get_paginator(self, name: str) -> Any:
        def paginate(**arguments: Any) -> list[dict]:
            self.asked[name] = arguments
            return [self.pages[name]]

        return SimpleNamespace(paginate=paginate)


def run(
    module: Any, ec2: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, **params: Any
) -> dict[str, Any]:
    monkeypatch.setattr(client, "client", lambda service, **_: ec2)
    with patch_module_args(params), pytest.raises(SystemExit):
        module.main()
    return json.loads(capsys.readouterr().out)


def test_types_are_described(monkeypatch: Any, capsys: Any) -> None:
    ec2 = Ec2(
        describe_instance_types={"InstanceTypes": [{"InstanceType": "m5.large", "VCpuInfo": {"DefaultVCpus": 2}}]}
    )
    result = run(instance_type_info, ec2, monkeypatch, capsys, instance_types=["m5.large"], _ansible_check_mode=True)
    assert (result["changed"], result["instance_types"]["m5.large"]["vcpus"]) == (False, 2)
    assert "zones" not in result["instance_types"]["m5.large"]


def test_an_unknown_type_is_one_sentence(monkeypatch: Any, capsys: Any) -> None:
    result = run(
        instance_type_info,
        Ec2(describe_instance_types={"InstanceTypes": []}),
        monkeypatch,
        capsys,
        instance_types=["r99.huge"],
    )
    assert result["failed"]
    assert result["msg"].startswith("EC2 in eu-west-1 does not know the instance type r99.huge; correct the name")


@pytest.mark.parametrize("module", [instance_type_info, ebs_volume_info])
def test_a_missing_library_is_named(module: Any, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(client, "BOTO3_ERROR", "no module named boto3")
    result = (
        run(module, None, monkeypatch, capsys, instance_types=["x"])
        if module is instance_type_info
        else run(module, None, monkeypatch, capsys, filters={})
    )
    assert "(boto3)" in result["msg"]


def test_volumes_are_described_and_single_filter_values_become_lists(monkeypatch: Any, capsys: Any) -> None:
    ec2 = Ec2(describe_volumes={"Volumes": [{"VolumeId": "vol-1", "Size": 3}]})
    result = run(ebs_volume_info, ec2, monkeypatch, capsys, filters={"tag:KafkaNode": 1})
    assert [volume["size_gb"] for volume in result["volumes"]] == [3]
    assert ec2.asked["describe_volumes"] == {"Filters": [{"Name": "tag:KafkaNode", "Values": ["1"]}]}


def test_a_refused_volume_question_is_one_sentence(monkeypatch: Any, capsys: Any) -> None:
    def refuse(*_: Any) -> None:
        raise client.AwsError("AWS could not describe EBS volumes: no.")

    monkeypatch.setattr(client, "volumes", refuse)
    assert (
        run(ebs_volume_info, None, monkeypatch, capsys, filters={})["msg"] == "AWS could not describe EBS volumes: no."
    )
