"""The disks of an instance, from an invented /sys and /dev."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._disk import probe
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import format_record, instance_store
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import header as luks_header
from ansible_collections.rackaware.kafka.plugins.modules import instance_store_info

MODELS = [instance_store.STORE_MODEL]


@pytest.fixture()
def host(tmp_path):
    """Two instance stores, the second on controller 10, an EBS volume, and a foreign disk."""
    (tmp_path / "dev/disk/by-id").mkdir(parents=True)
    for controller, model, serial, links in (
        ("nvme10", instance_store.STORE_MODEL, "AWSB", ["nvme-Amazon_EC2_NVMe_Instance_Storage_AWSB"]),
        ("nvme0", instance_store.EBS_MODEL, "vol0123456789abcdef0", []),
        (
            "nvme2",
            instance_store.STORE_MODEL,
            "AWSA",
            [
                "nvme-eui.01",
                "nvme-Amazon_EC2_NVMe_Instance_Storage_AWSA_1",
                "nvme-Amazon_EC2_NVMe_Instance_Storage_AWSA",
            ],
        ),
        ("nvme3", "QEMU NVMe Ctrl", "x", []),
    ):
        home = tmp_path / "sys/class/nvme" / controller
        queue = home / (controller + "n1") / "queue"
        queue.mkdir(parents=True)
        (home / "power").mkdir()
        (home / "model").write_text(model + "                 \n")
        (home / "serial").write_text(serial + "\n")
        (queue.parent / "size").write_text("2048\n")
        (queue / "logical_block_size").write_text("512\n")
        (queue / "physical_block_size").write_text("4096\n")
        device = tmp_path / "dev" / (controller + "n1")
        device.write_bytes(bytes(4096))
        for link in links:
            (tmp_path / "dev/disk/by-id" / link).symlink_to(device)
    (tmp_path / "sys/class/nvme/nvme10/nvme10n1/holders/dm-0").mkdir(parents=True)
    return tmp_path


def disks(host, **more):
    answer = bytes(3072) + b"sdf\0".ljust(1024, b"\0")
    return instance_store.disks(
        **{
            "models": MODELS,
            "sys_root": str(host / "sys"),
            "dev_root": str(host / "dev"),
            "ask": lambda _device: answer,
            **more,
        }
    )


def test_disks_come_in_order_with_what_the_kernel_says(host):
    found = disks(host)
    assert [(disk.serial, disk.kind) for disk in found] == [
        ("vol0123456789abcdef0", "ebs"),
        ("AWSA", "instance_store"),
        ("x", "other"),
        ("AWSB", "instance_store"),
    ]
    assert found[1].by_id == str(host / "dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWSA")
    assert (found[1].size_bytes, found[1].logical_sector, found[1].physical_sector, found[1].holders) == (
        1048576,
        512,
        4096,
        (),
    )
    assert found[3].holders == ("dm-0",)
    assert (found[0].ebs_volume_id, found[0].ebs_device_name, found[0].by_id) == (
        "vol-0123456789abcdef0",
        "/dev/sdf",
        "",
    )


def test_the_model_is_a_pattern(host):
    assert [disk.kind for disk in disks(host, models=["QEMU*"])] == ["ebs", "other", "instance_store", "other"]


def test_a_host_without_nvme_has_none(tmp_path):
    assert instance_store.disks(models=MODELS, sys_root=str(tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "name"), [(b"sdf", "/dev/sdf"), (b"/dev/xvdba", "/dev/xvdba"), (b"", ""), (b"\x01\x02", "")]
)
def test_the_name_of_a_volume_may_lack_its_directory(text, name):
    assert instance_store.ebs_name(bytes(3072) + text.ljust(1024, b"\0")) == name


def test_a_disk_that_does_not_answer_has_no_name():
    assert (
        instance_store.identify("/dev/null") == b""
        and instance_store.identify("/nowhere") == b""
        and instance_store.ebs_name(b"") == ""
    )


@pytest.mark.parametrize(
    ("seen", "header", "state"),
    [
        ({"state": probe.BLANK}, None, "blank"),
        ({"state": probe.FOREIGN}, None, "data"),
        ({"state": probe.FOREIGN, "signature": {"TYPE": "ext4", "UUID": "u"}}, None, "filesystem"),
        ({"state": probe.FOREIGN, "signature": {"PTTYPE": "gpt"}}, None, "partitioned"),
        ({"state": probe.FOREIGN, "partitions": ("p1",)}, None, "partitioned"),
        ({"state": probe.IN_USE, "mounts": (SimpleNamespace(point="/mnt"),)}, None, "in_use"),
        ({"state": probe.UNREADABLE, "error": "gone"}, None, "unreadable"),
        ({"state": probe.IN_USE}, luks_header.Header(2, "u", subsystem="kafka-demo-1"), "luks_ours"),
        ({"state": probe.FOREIGN}, luks_header.Header(2, "u", subsystem="x"), "luks_foreign"),
        ({"state": probe.FOREIGN}, luks_header.Header(1, "u"), "luks_foreign"),
    ],
)
def test_what_is_on_a_disk_is_one_word(host, monkeypatch, tmp_path, seen, header, state):
    probed = SimpleNamespace(**{"signature": {}, "partitions": (), "mounts": (), "error": "", **seen})
    monkeypatch.setattr(luks_header, "scan", lambda _path: luks_header.Scan(header, False))
    disk, memory = disks(host)[1], str(tmp_path / "memory")
    found = instance_store.judged(disk, None, subsystem="kafka-", marker_dir=memory, probe=lambda *_: probed)
    assert found.remembered == ""
    format_record.save(format_record.path_of(disk.device, memory), format_record.FormatRecord("m", "ready", "boot"))
    assert instance_store.judged(disk, None, marker_dir=memory, probe=lambda *_: probed).remembered == "m"
    assert found.state == state and found.mountpoint == ("/mnt" if state == "in_use" else "")
    assert found.uuid == ("u" if header or probed.signature.get("UUID") else "")


def test_the_module_lists_instance_stores_only(host, monkeypatch, capsys):
    found = disks(host)
    monkeypatch.setattr(instance_store, "disks", lambda **_: found)
    monkeypatch.setattr(instance_store, "judged", lambda disk, _run, **_: disk)
    serials = []
    for params in ({}, {"include_ebs": True}):
        with patch_module_args(params), pytest.raises(SystemExit):
            instance_store_info.main()
        result = json.loads(capsys.readouterr().out)
        serials.append([disk["serial"] for disk in result["disks"]])
        assert result["changed"] is False
    assert [len(each) for each in serials] == [2, 4]
