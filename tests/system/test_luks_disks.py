"""Encrypted volumes on real block devices: everything that needs no device-mapper.

Root, loop devices and cryptsetup are enough.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils import _command
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import format_record, keyslots
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import header as luks_header
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import volume as volume_utils
from ansible_collections.rackaware.kafka.plugins.modules import luks_header_backup, luks_key, luks_volume

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
SIZE = 48 * MIB
UUID, OTHER_UUID = "6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44", "11111111-2222-4333-8444-555555555555"
SUBSYSTEM = "kafka-demo-1"
# A newline within and one at the end: read as a line, the key would be its first four bytes.
CANARY = b"abc\n" + bytes(range(120, 179)) + b"\n"
NEW = b"\0\n" + bytes(range(200, 256)) + b"tail--"


class PowerCut(BaseException):
    """What no module catches."""


class Disk:
    """A file behind a loop device."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self.file = path
        self.loops: list[str] = []
        with open(path, "wb") as stream:
            stream.truncate(size)
        self.device = self.attach(path)

    def attach(self, path: Path, *options: str) -> str:
        device = sh("losetup", "--find", "--show", *options, path).strip()
        self.loops.append(device)
        return device

    def digest(self) -> str:
        # What is in the page cache of the loop device reaches the file only when it is flushed.
        sh("blockdev", "--flushbufs", self.device)
        return sh("sha256sum", self.file).split()[0]

    def write(self, place: int, content: bytes) -> None:
        with open(self.device, "r+b") as stream:
            stream.seek(place)
            stream.write(content)

    def blank(self) -> None:
        """What a stop and a start of the instance do."""
        sh("dd", "if=/dev/zero", "of=" + self.device, "bs=1M", "count=%d" % (SIZE // MIB), "conv=fsync", "status=none")

    def gone(self) -> None:
        for device in reversed(self.loops):
            subprocess.run(["losetup", "--detach", device], check=False)


def sh(*command: object, stdin: bytes = b"") -> str:
    done = subprocess.run(
        [str(part) for part in command], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert done.returncode == 0, (command, done.stdout.decode(errors="replace"))
    return done.stdout.decode(errors="replace")


@pytest.fixture()
def disk(tmp_path):
    made = Disk(tmp_path / "disk.img")
    yield made
    made.gone()


@pytest.fixture()
def memory():
    """A directory that is on no disk."""
    path = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


@pytest.fixture()
def keys(memory):
    """Key files: the first and the one it is rotated to."""
    out = {}
    for name, content in (("old", CANARY), ("new", NEW), ("wrong", bytes(64))):
        out[name] = memory / name
        out[name].write_bytes(content)
        out[name].chmod(0o400)
    return out


@pytest.fixture()
def run(capsys):
    def call(module, check=False, **params):
        with patch_module_args(dict(params, _ansible_check_mode=check, _ansible_diff=True)), pytest.raises(SystemExit):
            module.main()
        text = capsys.readouterr().out
        for secret in (CANARY, NEW):
            assert not leaks(text, secret), text
        return json.loads(text)

    return call


@pytest.fixture()
def volume(run, disk, keys, tmp_path):
    """luks_volume on the disk, with everything that is right unless it is said otherwise."""

    def call(check=False, key="old", **more):
        params = {
            "device": disk.device,
            "name": "kafka-d0",
            "uuid": UUID,
            "subsystem": SUBSYSTEM,
            "state": "formatted",
            "allow_format": "blank_only",
            "marker_dir": str(tmp_path / "markers"),
            "key": {"file": str(keys.get(key, key))},
            **more,
        }
        return run(luks_volume, check=check, **params)

    return call


@pytest.fixture()
def rotate(run, disk, keys):
    def call(check=False, old="old", new="new", **more):
        return run(
            luks_key,
            check=check,
            **{
                "device": disk.device,
                "uuid": UUID,
                "state": "rotated",
                "key": {"file": str(keys[old])},
                "new_key": {"file": str(keys[new])},
                **more,
            },
        )

    return call


def leaks(text: str, secret: bytes) -> bool:
    """Whether the secret is in a text in any form that a person could turn back; a third of it is enough."""
    part = secret[24:45]
    forms = {
        part.hex(),
        part.decode("latin-1"),
        repr(part)[2:-1],
        json.dumps(part.decode("latin-1"))[1:-1],
        part.decode("utf-8", "surrogateescape"),
    }
    # In base64 the same bytes have one of three forms, whatever stands before them.
    forms |= {base64.b64encode(bytes(shift) + part).decode()[4:-4] for shift in range(3)}
    return any(form in text or form.upper() in text for form in forms)


def opens(disk: Disk, key: bytes) -> bool:
    command = [
        "cryptsetup",
        "open",
        "--test-passphrase",
        "--batch-mode",
        "--key-file=-",
        "--keyfile-size",
        str(len(key)),
        disk.device,
    ]
    return subprocess.run(command, input=key, capture_output=True, check=False).returncode == 0


def cut_after(monkeypatch: pytest.MonkeyPatch, owner: type, steps: int) -> None:
    """The power fails after so many steps."""
    real, done = owner.step, []

    def step(self, *args, **kwargs):
        if len(done) == steps:
            raise PowerCut
        done.append(args)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(owner, "step", step)


class TestFormat:
    def test_check_mode_says_what_it_would_do_and_writes_nothing(self, volume, disk, tmp_path):
        before = disk.digest()
        result = volume(check=True)
        assert (result["changed"], result["actions"]) == (True, ["remember formatting", "format", "token provisioning"])
        assert (result["state_before"], result["state_after"]) == ("blank", "formatted")
        assert disk.digest() == before and not (tmp_path / "markers").exists()

    def test_a_blank_disk_becomes_ours_once(self, volume, disk):
        result = volume()
        assert result["actions"] == ["remember formatting", "format", "token provisioning"]
        header = result["header"]
        assert (header["version"], header["uuid"], header["label"], header["subsystem"]) == (
            2,
            UUID,
            "kafka-d0",
            SUBSYSTEM,
        )
        assert (header["cipher"], header["key_size"], header["keyslots"]) == ("aes-xts-plain64", 512, [0])
        assert header["tokens"]["0"] == {"type": "rackaware-kms", "keyslots": ["0"], "state": "provisioning"}
        before = disk.digest()
        again = volume()
        assert (again["changed"], again["actions"], again["state_before"]) == (False, [], "formatted")
        assert volume(check=True)["changed"] is False
        assert disk.digest() == before

    def test_the_whole_key_opens_it_and_its_first_line_does_not(self, volume, disk):
        volume()
        assert opens(disk, CANARY)
        assert not opens(disk, CANARY[:3]) and not opens(disk, CANARY[:4]) and not opens(disk, CANARY[:-1])

    def test_the_key_derivation_is_cheap(self, volume, disk):
        volume()
        dump = json.loads(sh("cryptsetup", "luksDump", "--dump-json-metadata", disk.device))
        assert dump["keyslots"]["0"]["kdf"]["type"] == "pbkdf2" and dump["keyslots"]["0"]["kdf"]["iterations"] == 1000

    def test_our_reader_says_what_cryptsetup_says(self, volume, disk):
        volume(sector_size=4096)
        header = luks_header.scan(disk.device).header
        text = sh("cryptsetup", "luksDump", disk.device)
        assert (header.sector_size, header.copies, header.data_offset) == (4096, 2, 16 * MIB)
        for line in (
            "UUID:          \t%s" % header.uuid,
            "Label:         \t%s" % header.label,
            "Subsystem:     \t%s" % header.subsystem,
            "sector: 4096 [bytes]",
        ):
            assert line in text

    def test_a_header_whose_checksum_is_wrong_is_not_believed(self, volume, disk):
        volume()
        # The first letter of the label, in the first copy only: the second one still speaks for both.
        disk.write(24, b"x")
        assert luks_header.scan(disk.device).header.copies == 1 and volume()["changed"] is False
        disk.write(0x4000 + 24, b"x")
        assert luks_header.scan(disk.device) == luks_header.Scan(None, torn=True)

    def test_without_permission_a_blank_disk_stays_blank(self, volume, disk):
        before = disk.digest()
        assert "is blank, and this may not format it" in volume(allow_format="never")["msg"]
        assert disk.digest() == before

    @pytest.mark.parametrize("steps", range(3))
    def test_a_power_cut_between_two_steps_is_only_a_pause(self, volume, disk, monkeypatch, steps):
        with monkeypatch.context() as patch:
            cut_after(patch, volume_utils.Volume, steps)
            with pytest.raises(PowerCut):
                volume()
        result = volume()
        assert result["changed"] and result["state_after"] == "formatted"
        assert opens(disk, CANARY) and list(result["header"]["tokens"]) == ["0"]
        assert volume()["changed"] is False

    def test_a_power_cut_within_the_format_is_only_a_pause(self, volume, disk, monkeypatch):
        with monkeypatch.context() as patch:
            cut_after(patch, volume_utils.Volume, 2)
            with pytest.raises(PowerCut):
                volume()
        # The first header is half written, the second not at all.
        disk.write(0x4000, bytes(0x4000))
        disk.write(5000, b"\xff" * 100)
        result = volume()
        assert (result["state_before"], result["state_after"]) == ("torn", "formatted") and opens(disk, CANARY)

    def test_a_header_without_its_key_slot_is_finished(self, volume, disk, monkeypatch):
        with monkeypatch.context() as patch:
            cut_after(patch, volume_utils.Volume, 2)
            with pytest.raises(PowerCut):
                volume()
        sh("cryptsetup", "erase", "--batch-mode", disk.device)
        assert volume()["state_after"] == "formatted" and opens(disk, CANARY)

    def test_data_behind_a_torn_header_are_never_formatted(self, volume, disk, monkeypatch):
        with monkeypatch.context() as patch:
            cut_after(patch, volume_utils.Volume, 2)
            with pytest.raises(PowerCut):
                volume()
        disk.write(0, bytes(0x8000))
        disk.write(20 * MIB, b"data")
        before = disk.digest()
        assert "is refused, and nothing was changed" in volume()["msg"]
        assert disk.digest() == before

    def test_another_key_is_no_reason_to_format(self, volume, disk):
        volume()
        before = disk.digest()
        # A new fact of the token makes it look at the key at all.
        assert "The key does not open" in volume(key="wrong", token={"note": "x"})["msg"]
        assert disk.digest() == before

    def test_new_facts_replace_those_of_the_token(self, volume):
        volume(token={"note": "one"})
        assert volume(token={"note": "two"})["actions"] == ["token facts"]
        again = volume(token={"note": "two"})
        assert again["changed"] is False
        assert [token["note"] for token in again["header"]["tokens"].values()] == ["two"]

    def test_options_that_are_fixed_at_the_format_cannot_drift(self, volume):
        volume(sector_size=512)
        assert "sector size 512, wanted 4096" in volume(sector_size=4096)["msg"]
        assert "label kafka-d0, wanted other" in volume(label="other")["msg"]


class TestAfterAStop:
    def test_a_blank_disk_of_an_earlier_boot_is_formatted_again(self, volume, disk, tmp_path):
        volume()
        remember(tmp_path, "ready", boot="an earlier boot")
        disk.blank()
        assert volume()["state_after"] == "formatted"

    def test_a_disk_that_went_blank_within_a_boot_is_not(self, volume, disk, tmp_path):
        volume()
        remember(tmp_path, "ready")
        disk.blank()
        assert "a stop of the instance does not explain" in volume()["msg"]

    def test_a_lost_header_before_data_is_not_a_blank_disk(self, volume, disk, tmp_path):
        volume()
        remember(tmp_path, "ready", boot="an earlier boot")
        disk.blank()
        disk.write(16 * MIB, b"ciphertext")
        before = disk.digest()
        assert "is refused" in volume()["msg"]
        assert disk.digest() == before

    def test_a_marker_that_others_can_write_is_not_trusted(self, volume, tmp_path):
        volume()
        next((tmp_path / "markers").iterdir()).chmod(0o666)
        assert "can be written by others" in volume()["msg"]


def remember(tmp_path: Path, state: str, boot: str = "") -> None:
    path = next((tmp_path / "markers").glob("*.json"))
    before = format_record.load(str(path))
    format_record.save(str(path), replace(before, state=state, boot=boot or format_record.boot_id()))


def tools_of_others(kind: str, disk: Disk) -> None:
    device = disk.device
    if kind in ("ext4", "vfat"):
        sh(*{"ext4": ["mkfs.ext4", "-q"], "vfat": ["mkfs.vfat"]}[kind], device)
    elif kind in ("luks1", "luks2"):
        sh(
            "cryptsetup",
            "luksFormat",
            "--batch-mode",
            "--type",
            kind,
            "--uuid",
            OTHER_UUID,
            *CHEAP,
            "--key-file=-",
            device,
            stdin=b"x" * 64,
        )
    elif kind == "ours of another node":
        sh(
            "cryptsetup",
            "luksFormat",
            "--batch-mode",
            "--type",
            "luks2",
            "--uuid",
            UUID,
            "--subsystem",
            "x",
            *CHEAP,
            "--key-file=-",
            device,
            stdin=CANARY,
        )
    elif kind == "lvm":
        sh("pvcreate", "--quiet", "--yes", "--devices", device, device)
    elif kind == "md":
        disk.write(4096, md_superblock())
    elif kind == "gpt":
        sh("sgdisk", "--new=1:2048:0", device)
    elif kind == "swap":
        sh("mkswap", device)
    elif kind == "half zeroed":
        disk.write(SIZE // 2, os.urandom(4 * MIB))
    elif kind == "data at the end":
        disk.write(SIZE - 4096, b"x" * 4096)
    elif kind == "one byte":
        disk.write(33 * MIB + 17, b"\1")
    elif kind == "text at the start":
        disk.write(0, b"#!/bin/sh\n")


CHEAP = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")


def md_superblock() -> bytes:
    """Version 1.2, 4 KiB from the start, with its checksum (linux/raid/md_p.h)."""
    block = bytearray(256)
    block[0:4] = (0xA92B4EFC).to_bytes(4, "little")
    block[4:8] = (1).to_bytes(4, "little")
    block[16:32] = bytes(range(16))
    block[144:152] = (8).to_bytes(8, "little")
    total = sum(int.from_bytes(block[place : place + 4], "little") for place in range(0, 256, 4))
    block[216:220] = ((total & 0xFFFFFFFF) + (total >> 32)).to_bytes(4, "little")
    return bytes(block)


FOREIGN = (
    "ext4",
    "vfat",
    "luks1",
    "luks2",
    "ours of another node",
    "lvm",
    "md",
    "gpt",
    "swap",
    "half zeroed",
    "data at the end",
    "one byte",
    "text at the start",
)


class TestRefusals:
    @pytest.mark.parametrize("state", ["formatted", "open", "erased"])
    @pytest.mark.parametrize("kind", FOREIGN)
    def test_what_is_not_ours_is_never_touched(self, volume, disk, kind, state):
        tools_of_others(kind, disk)
        before = disk.digest()
        result = volume(state=state, confirm_uuid=UUID)
        assert "nothing was changed" in result["msg"], result
        assert disk.digest() == before

    def test_xfs_is_refused(self, run, keys, tmp_path):
        disk = Disk(tmp_path / "large.img", 320 * MIB)
        try:
            sh("mkfs.xfs", "-q", disk.device)
            before = disk.digest()
            params = {
                "device": disk.device,
                "name": "kafka-d0",
                "uuid": UUID,
                "subsystem": SUBSYSTEM,
                "allow_format": "blank_only",
            }
            result = run(
                luks_volume,
                state="formatted",
                marker_dir=str(tmp_path / "markers"),
                key={"file": str(keys["old"])},
                **params,
            )
            assert "nothing was changed: it holds xfs" in result["msg"]
            assert disk.digest() == before
        finally:
            disk.gone()

    def test_a_disk_in_use_is_refused(self, volume, disk, tmp_path):
        before = disk.digest()
        disk.attach(Path(disk.device))
        held = os.open(disk.device, os.O_RDONLY | os.O_EXCL)
        try:
            assert "nothing was changed: it is in use" in volume()["msg"]
        finally:
            os.close(held)
        assert disk.digest() == before

    def test_a_truncated_disk_cannot_be_judged(self, volume, disk):
        # The kernel answers with an I/O error beyond the file's end.
        os.truncate(disk.file, 8 * MIB)
        assert "it cannot be judged" in volume()["msg"]
        assert disk.file.stat().st_size == 8 * MIB

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"device": "/dev/nvme1n1"}, "may be another disk after the next boot"),
            ({"device": "/dev/disk/by-id/none"}, "is not there"),
            ({"device": "/var/lib/x.img"}, "is no device"),
            ({"uuid": "d0"}, "is no UUID"),
            ({"name": "../x"}, "cannot be the name of a mapping"),
            ({"label": "x" * 48}, "is too long"),
            ({"subsystem": ""}, "is empty"),
        ],
    )
    def test_bad_input_is_one_sentence(self, volume, disk, given, sentence):
        before = disk.digest()
        assert sentence in volume(**given)["msg"]
        assert disk.digest() == before

    @pytest.mark.parametrize("fault", ["on a disk", "open to all", "short", "missing", "a link"])
    def test_a_key_file_must_be_safe(self, volume, disk, keys, memory, tmp_path, fault):
        path = (tmp_path if fault == "on a disk" else memory) / "key"
        if fault == "a link":
            path.symlink_to(keys["old"])
        elif fault != "missing":
            path.write_bytes(CANARY[:16] if fault == "short" else CANARY)
            path.chmod(0o444 if fault == "open to all" else 0o400)
        sentence = {
            "on a disk": "may only be in a file system in memory",
            "open to all": "can be reached by others",
            "short": "has 16 bytes",
        }
        before = disk.digest()
        assert sentence.get(fault, "cannot be opened") in volume(key=path)["msg"]
        assert disk.digest() == before and not (tmp_path / "markers").exists()


class TestErase:
    def erase(self, volume, **more):
        return volume(state="erased", **{"confirm_uuid": UUID, **more})

    def test_nothing_is_left_of_either_header(self, volume, disk):
        volume()
        disk.write(40 * MIB, b"ciphertext")
        result = self.erase(volume)
        assert result["actions"] == ["remember erasing", "erase slots", "wipe header", "remember erased"]
        assert result["state_after"] == "blank" and result["header"] is None
        with open(disk.device, "rb") as stream:
            assert not stream.read(16 * MIB).strip(b"\0")
        # cryptsetup's own repair would bring a header back from the second one.
        assert subprocess.run(["cryptsetup", "isLuks", disk.device], check=False).returncode != 0
        assert self.erase(volume)["changed"] is False

    @pytest.mark.parametrize("given", ["", OTHER_UUID])
    def test_it_wants_the_uuid_once_more(self, volume, disk, given):
        volume()
        before = disk.digest()
        assert "set confirm_uuid to %s" % UUID in self.erase(volume, confirm_uuid=given)["msg"]
        assert disk.digest() == before

    @pytest.mark.parametrize("steps", range(1, 4))
    def test_an_interrupted_erasure_goes_on(self, volume, disk, monkeypatch, steps):
        volume()
        disk.write(40 * MIB, b"ciphertext")
        with monkeypatch.context() as patch:
            cut_after(patch, volume_utils.Volume, steps)
            with pytest.raises(PowerCut):
                self.erase(volume)
        assert self.erase(volume)["state_after"] == "blank"
        assert luks_header.scan(disk.device) == luks_header.Scan(None, False)

    def test_an_erasure_cut_within_the_wipe_goes_on(self, volume, disk, monkeypatch):
        volume()
        with monkeypatch.context() as patch:
            cut_after(patch, volume_utils.Volume, 2)
            with pytest.raises(PowerCut):
                self.erase(volume)
        disk.write(0, bytes(0x4000))
        disk.write(0x4100, b"\xff" * 64)
        assert self.erase(volume)["state_after"] == "blank"

    def test_an_erased_disk_can_be_formatted_again_unless_it_was_written_to(self, volume, disk):
        volume()
        disk.write(40 * MIB, b"ciphertext")
        self.erase(volume)
        assert volume()["state_after"] == "formatted"
        self.erase(volume)
        disk.write(41 * MIB, b"data of another owner")
        assert "nothing was changed" in volume()["msg"]


class TestRotation:
    def test_the_new_key_opens_and_the_old_one_does_not(self, volume, rotate, disk):
        volume(token={"version": "old"})
        assert rotate(check=True)["actions"] == ["add", "prove", "token", "remove old", "remove old tokens"]
        assert opens(disk, CANARY) and not opens(disk, NEW)
        result = rotate()
        assert result["actions"] == ["add", "prove", "token", "remove old", "remove old tokens"]
        assert (result["keyslots"], result["new_keyslots"]) == ([1], [1])
        assert opens(disk, NEW) and not opens(disk, CANARY)
        header = luks_header.scan(disk.device).header
        assert [token["keyslots"] for token in header.tokens.values()] == [["1"]]
        assert rotate()["changed"] is False

    @pytest.mark.parametrize("steps", range(5))
    def test_interrupted_between_two_steps_it_goes_on(self, volume, rotate, disk, monkeypatch, steps):
        volume()
        with monkeypatch.context() as patch:
            cut_after(patch, keyslots.Keys, steps)
            with pytest.raises(PowerCut):
                rotate()
        assert opens(disk, CANARY) or opens(disk, NEW)
        assert rotate()["keyslots"] == [1]
        assert opens(disk, NEW) and not opens(disk, CANARY)
        assert [token["keyslots"] for token in luks_header.scan(disk.device).header.tokens.values()] == [["1"]]
        assert rotate()["changed"] is False

    def test_there_and_back_again(self, volume, rotate, disk):
        volume()
        rotate()
        assert rotate(old="new", new="old")["keyslots"] == [0]
        assert opens(disk, CANARY) and not opens(disk, NEW)

    def test_present_keeps_both(self, volume, rotate, disk):
        volume()
        assert rotate(state="present", keyslot=5)["keyslots"] == [0, 5]
        assert opens(disk, CANARY) and opens(disk, NEW)
        assert rotate(state="present")["changed"] is False

    def test_a_slot_goes_when_another_is_proven(self, volume, rotate, disk):
        volume()
        rotate(state="present")
        assert rotate(state="absent", old="new", keyslot=0)["keyslots"] == [1]
        assert rotate(state="absent", old="new", keyslot=0)["changed"] is False

    def test_the_last_slot_is_never_removed(self, volume, rotate, disk):
        volume()
        before = disk.digest()
        assert "opens no other slot" in rotate(state="absent", keyslot=0)["msg"]
        assert disk.digest() == before

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"old": "new", "new": "wrong"}, "Neither key opens the volume"),
            ({"new": "old"}, "The new key is the old key"),
            ({"uuid": OTHER_UUID}, "holds the volume %s" % UUID),
        ],
    )
    def test_what_is_not_safe_is_refused(self, volume, rotate, disk, given, sentence):
        volume()
        before = disk.digest()
        assert sentence in rotate(**given)["msg"]
        assert disk.digest() == before

    def test_slots_of_neither_key_stay(self, volume, rotate, disk, keys):
        volume()
        rotate(state="present", new="wrong", keyslot=7)
        assert rotate()["keyslots"] == [1, 7]


class TestHeaderBackup:
    @pytest.fixture()
    def backup(self, run, disk, tmp_path):
        self.dest = tmp_path / "d0.header"

        def call(check=False, **more):
            params = {
                "device": disk.device,
                "uuid": UUID,
                "dest": str(self.dest),
                "marker_dir": str(tmp_path / "markers"),
                **more,
            }
            return run(luks_header_backup, check=check, **params)

        return call

    def test_a_copy_is_made_once_and_follows_the_header(self, volume, backup, rotate):
        volume()
        assert backup(check=True)["actions"] == ["copy"] and not self.dest.exists()
        assert backup()["actions"] == ["copy"]
        assert self.dest.stat().st_mode & 0o777 == 0o400 and self.dest.stat().st_size == 16 * MIB
        assert backup()["changed"] is False
        rotate()
        assert backup()["actions"] == ["remove copy", "copy"]
        self.dest.chmod(0o644)
        assert backup()["actions"] == ["protect"] and self.dest.stat().st_mode & 0o777 == 0o400

    def test_a_destroyed_header_comes_back(self, volume, backup, disk, tmp_path):
        volume()
        remember(tmp_path, "ready")
        backup()
        sh("dd", "if=/dev/urandom", "of=" + disk.device, "bs=1M", "count=16", "conv=fsync", "status=none")
        before = disk.digest()
        assert "set confirm_uuid" in backup(state="restored")["msg"] and disk.digest() == before
        assert (
            backup(state="restored", confirm_uuid=UUID, check=True)["actions"] == ["restore"]
            and disk.digest() == before
        )
        assert backup(state="restored", confirm_uuid=UUID)["actions"] == ["restore"]
        assert opens(disk, CANARY)
        assert backup(state="restored", confirm_uuid=UUID)["changed"] is False

    def test_a_restored_copy_brings_a_removed_key_back(self, volume, backup, rotate, disk):
        volume()
        backup()
        rotate()
        assert not opens(disk, CANARY)
        backup(state="restored", confirm_uuid=UUID)
        assert opens(disk, CANARY)

    @pytest.mark.parametrize("kind", ["ext4", "luks2", "gpt"])
    def test_over_something_else_nothing_is_restored(self, volume, backup, disk, kind, tmp_path):
        volume()
        remember(tmp_path, "ready")
        backup()
        disk.blank()
        tools_of_others(kind, disk)
        before = disk.digest()
        assert "nothing was restored" in backup(state="restored", confirm_uuid=UUID)["msg"]
        assert disk.digest() == before

    def test_a_copy_of_an_earlier_volume_never_comes_back(self, volume, backup, disk, tmp_path):
        """The next volume of a store has the same UUID, the same key and the same number of steps."""
        (tmp_path / "markers" / "headers").mkdir(parents=True)
        volume()
        backup()
        remember(tmp_path, "ready", boot="an earlier boot")
        earlier = tmp_path / "earlier"
        shutil.copy(self.dest, earlier)
        shutil.copy(self.dest, tmp_path / "markers" / "headers" / "d0.luks")
        disk.blank()
        volume()
        assert not (tmp_path / "markers" / "headers" / "d0.luks").exists()
        header = luks_header.scan(disk.device).header
        assert header.sequence == luks_header.scan(str(earlier)).header.sequence
        before = disk.digest()
        assert "is of an earlier volume" in backup(state="restored", confirm_uuid=UUID, dest=str(earlier))["msg"]
        assert backup()["actions"] == ["remove copy", "copy"] and backup()["changed"] is False
        remember(tmp_path, "ready")
        sh("dd", "if=/dev/urandom", "of=" + disk.device, "bs=1M", "count=16", "conv=fsync", "status=none")
        damaged = disk.digest()
        assert "does not know the device" in backup(state="restored", confirm_uuid=UUID, dest=str(earlier))["msg"]
        assert disk.digest() == damaged
        assert backup(state="restored", confirm_uuid=UUID)["actions"] == ["restore"] and opens(disk, CANARY)
        assert disk.digest() == before

    def test_a_disk_in_use_keeps_its_header_unless_it_is_the_same(self, volume, backup, rotate, disk):
        volume()
        backup()
        held = os.open(disk.device, os.O_RDONLY | os.O_EXCL)
        try:
            assert backup(state="restored", confirm_uuid=UUID)["changed"] is False
            rotate()
            assert "in use" in backup(state="restored", confirm_uuid=UUID)["msg"]
        finally:
            os.close(held)

    def test_an_unknown_disk_gets_no_header(self, volume, backup, disk, tmp_path):
        volume()
        backup()
        disk.blank()
        shutil.rmtree(tmp_path / "markers")
        assert "does not know the device" in backup(state="restored", confirm_uuid=UUID)["msg"]

    def test_another_file_is_neither_overwritten_nor_removed(self, volume, backup):
        volume()
        self.dest.write_text("precious")
        assert "is not overwritten" in backup()["msg"] and "is not removed" in backup(state="absent")["msg"]
        assert self.dest.read_text() == "precious"

    def test_absent_removes_it(self, volume, backup):
        volume()
        backup()
        assert backup(state="absent")["changed"] and not self.dest.exists()
        assert backup(state="absent")["changed"] is False

    def test_a_disk_that_is_not_ours_is_not_copied(self, disk, backup):
        tools_of_others("luks2", disk)
        assert "nothing was copied" in backup()["msg"] and not self.dest.exists()


def test_a_key_is_in_no_output_at_any_verbosity(disk, keys, tmp_path):
    """As a person runs it, with tracebacks on, through success and failure."""
    base = {"device": disk.device, "uuid": UUID}
    more = {"name": "kafka-d0", "subsystem": SUBSYSTEM, "marker_dir": str(tmp_path / "markers"), "state": "formatted"}
    old, new = ({"file": str(keys[name])} for name in ("old", "new"))
    rotation = {**base, "key": old, "new_key": new, "state": "rotated"}
    tasks = [
        {"rackaware.kafka.luks_volume": {**base, **more, "allow_format": "blank_only", "key": old}},
        {
            "rackaware.kafka.luks_volume": {**base, **more, "key": new, "token": {"a": "b"}},
            "ignore_errors": "{{ true }}",
        },
        {"rackaware.kafka.luks_volume": {**base, **more, "key": old, "state": "open"}, "ignore_errors": "{{ true }}"},
        {"rackaware.kafka.luks_key": rotation, "register": "rotated"},
        {"ansible.builtin.debug": {"var": "rotated"}},
        {"rackaware.kafka.luks_key": {**rotation, "key": old, "new_key": old}, "ignore_errors": "{{ true }}"},
        {"rackaware.kafka.luks_header_backup": {**base, "dest": str(tmp_path / "copy")}},
    ]
    play = tmp_path / "play.yml"
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
    }
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-vvvv",
        "--diff",
        "-i",
        "localhost,",
        "-c",
        "local",
        str(play),
    ]
    variables = ["-e", "ansible_python_interpreter=" + sys.executable]
    done = subprocess.run(
        [*command, *variables],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "ignored=3" in done.stdout, done.stdout
    assert opens(disk, NEW)
    written = [
        path.read_bytes().decode("latin-1")
        for place in ("home", "remote", "markers")
        for path in (tmp_path / place).rglob("*")
        if path.is_file()
    ]
    assert written
    for text in [done.stdout, *written]:
        assert not leaks(text, CANARY) and not leaks(text, NEW)


def test_a_key_is_in_no_command_line_and_no_environment(volume, rotate, memory, monkeypatch, disk):
    """What the process list would show: cryptsetup is a script that records its arguments, then runs cryptsetup."""
    log = memory / "seen"
    for name in ("cryptsetup", "blkid"):
        real = shutil.which(name, path=_command.PATH)
        script = memory / name
        script.write_text(
            "#!/bin/sh\n{ tr '\\0' ' ' < /proc/$$/cmdline; tr '\\0' ' ' < /proc/$$/environ; echo; } >> %s\nexec %s \"$@\"\n"
            % (log, real)
        )
        script.chmod(0o755)
    monkeypatch.setattr(_command, "PATH", "%s:%s" % (memory, _command.PATH))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the caller")
    volume()
    rotate()
    assert opens(disk, NEW)
    seen = log.read_bytes().decode("latin-1")
    assert seen.count("luksFormat") == 1 and seen.count("luksAddKey") == 1 and "of the caller" not in seen
    assert not leaks(seen, CANARY) and not leaks(seen, NEW)


def test_the_search_for_leaks_sees_one():
    for text in (
        CANARY.hex(),
        base64.b64encode(CANARY).decode(),
        repr(CANARY),
        CANARY.decode("latin-1"),
        base64.b64encode(b"xy" + CANARY).decode(),
    ):
        assert leaks("before %s after" % text, CANARY)
    assert not leaks(base64.b64encode(NEW).decode(), CANARY)
