"""Files behind real loop devices: attached once, found again, never detached while in use."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._disk import loop as disk_loop
from ansible_collections.rackaware.kafka.plugins.modules import loop_device


@pytest.fixture()
def path(tmp_path):
    yield tmp_path / "store.img"
    made = {(file.stat().st_dev, file.stat().st_ino) for file in tmp_path.glob("*.img*")}
    for loop in disk_loop.loops():
        if loop.file in made:
            subprocess.run(["losetup", "--detach", loop.device], check=True)


@pytest.fixture()
def loop(capsys, path):
    def call(check=False, **more):
        params = {"path": str(path), "size": "8M", "_ansible_check_mode": check, **more}
        with patch_module_args(params), pytest.raises(SystemExit):
            loop_device.main()
        return json.loads(capsys.readouterr().out)

    return call


def test_check_mode_makes_nothing(loop, path):
    result = loop(check=True)
    assert (result["actions"], result["device"]) == (["create", "attach"], "") and not path.exists()


def test_a_file_is_made_in_full_and_attached_once(loop, path):
    first = loop()
    assert first["actions"] == ["create", "attach"]
    assert (
        path.stat().st_size == 8 * 1024**2
        and path.stat().st_blocks * 512 >= 8 * 1024**2
        and path.stat().st_mode & 0o777 == 0o600
    )
    again = loop()
    assert (again["changed"], again["device"]) == (False, first["device"])
    text = subprocess.run(
        ["losetup", "-O", "DIO,LOG-SEC", "--noheadings", first["device"]], capture_output=True, text=True, check=True
    ).stdout
    assert text.split() == ["1", "4096"]


def test_a_sparse_file_has_no_room_yet(loop, path):
    loop(allocate="sparse")
    assert path.stat().st_blocks == 0


def test_it_is_found_again_under_another_name(loop, path, tmp_path):
    device = loop()["device"]
    os.link(path, tmp_path / "other.img")
    assert loop(path=str(tmp_path / "other.img"))["device"] == device


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"direct_io": False}, "with another direct io True, wanted False"),
        ({"sector_size": 512}, "with another sector size 4096, wanted 512"),
        ({"read_only": True}, "with another read only False, wanted True"),
        ({"size": "4M"}, "is not resized"),
        ({"size": "16M"}, "is not resized"),
        ({"size": "much"}, "is no size"),
        ({"state": "absent"}, "set confirm_path"),
    ],
)
def test_what_cannot_be_had_is_said(loop, path, given, sentence):
    loop()
    assert sentence in loop(**given)["msg"]
    assert path.stat().st_size == 8 * 1024**2 and loop()["changed"] is False


def test_a_missing_file_needs_a_size(loop):
    assert "set size" in loop(size=None)["msg"]


def test_a_directory_is_no_file(loop, tmp_path):
    assert "is no regular file" in loop(path=str(tmp_path))["msg"]


def test_a_full_disk_leaves_nothing(loop, path, tmp_path):
    assert "cannot be made" in loop(size="900T")["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_device_in_use_is_not_detached(loop):
    device = loop()["device"]
    held = os.open(device, os.O_RDONLY | os.O_EXCL)
    try:
        assert "is in use" in loop(state="detached")["msg"]
    finally:
        os.close(held)
    assert loop(state="detached", check=True)["actions"] == ["detach"]
    assert loop(state="detached")["changed"] and not loop(state="detached")["changed"]


def test_two_devices_on_one_file_are_refused(loop, path):
    loop()
    subprocess.run(["losetup", "--find", path], check=True)
    assert "at once" in loop()["msg"]


def test_absent_removes_device_and_file(loop, path):
    loop()
    result = loop(state="absent", confirm_path=str(path))
    assert result["actions"] == ["detach", "remove"] and not path.exists()
    assert loop(state="absent", confirm_path=str(path))["changed"] is False
