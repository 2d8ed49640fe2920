"""A disk is found by what it is, and only one that is proven blank is called blank."""

from __future__ import annotations

import os
import struct

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._disk import probe, remains
from ansible_collections.rackaware.kafka.plugins.module_utils._disk.probe import MIB, Mount, Probe

VOLUME = "vol-0123456789abcdef0"
SERIAL = "vol0123456789abcdef0"
SIZE = 200 * MIB
NOTHING = (2, "", "")


class TestNames:
    @pytest.mark.parametrize("name", [VOLUME, "vol-1234abcd", "/dev/disk/by-id/scsi-0QEMU_disk"])
    def test_a_volume_id_and_a_lasting_path_are_taken(self, name):
        assert probe.name_finding(name) == ""

    @pytest.mark.parametrize(
        "name",
        [
            "/dev/nvme1n1",
            "/dev/sdb",
            "/dev/xvdf",
            "/dev/disk/by-path/pci-0",
            "/dev/disk/by-id/../../sdb",
            "/dev/disk/by-id/",
            "/dev/disk/by-id/a/b",
        ],
    )
    def test_a_path_that_may_be_another_disk_tomorrow_is_refused(self, name):
        assert "is not a lasting name of a disk" in probe.name_finding(name)

    @pytest.mark.parametrize(
        "name", ["", "vol0123456789abcdef0", "vol-xyz", "vol-0123456789abcdef0\n", "snap-0123456789abcdef0"]
    )
    def test_what_is_no_volume_id_is_refused(self, name):
        assert "is no EBS volume id" in probe.name_finding(name)

    def test_locate_refuses_them_too(self):
        with pytest.raises(probe.ProbeError, match="kernel names move"):
            probe.locate("/dev/nvme1n1")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A /dev and a /sys of files.

    add(name, number, serial) is a disk of the kernel, link(target) what udev makes of it.
    """
    numbers = {}
    for name, folder in (("DEV", "dev"), ("BY_ID", "by-id"), ("SYS_BLOCK", "block"), ("SYS_NUMBERS", "numbers")):
        (tmp_path / folder).mkdir()
        monkeypatch.setattr(probe, name, str(tmp_path / folder))
    monkeypatch.setattr(probe, "number_of", numbers.get)

    class Machine:
        dev = tmp_path / "dev"

        def add(self, name, number, serial, *, node=True):
            home = tmp_path / "block" / name
            (home / "device").mkdir(parents=True)
            (home / "device/serial").write_text(serial + "   \n")
            (home / "dev").write_text(number + "\n")
            (tmp_path / "numbers" / number).symlink_to(home)
            if node:
                numbers[str(self.dev / name)] = number

        def link(self, name, target):
            (tmp_path / "by-id" / name).symlink_to(self.dev / target)
            return str(tmp_path / "by-id" / name)

    return Machine()


class TestLocate:
    def test_a_volume_is_found_by_udevs_link(self, machine):
        machine.add("nvme3n1", "259:3", SERIAL)
        machine.link("nvme-Amazon_Elastic_Block_Store_" + SERIAL, "nvme3n1")
        assert probe.locate(VOLUME) == str(machine.dev / "nvme3n1")

    def test_without_the_link_the_serial_tells(self, machine):
        machine.add("nvme1n1", "259:1", "vol0fedcba9876543210")
        machine.add("nvme2n1", "259:2", VOLUME)
        assert probe.locate(VOLUME) == str(machine.dev / "nvme2n1")

    def test_a_disk_that_only_the_kernel_of_the_container_sees_is_not_there(self, machine):
        machine.add("nvme1n1", "259:1", SERIAL, node=False)
        assert probe.locate(VOLUME) is None

    def test_a_node_that_is_another_disk_is_not_taken(self, machine, monkeypatch):
        machine.add("nvme1n1", "259:1", SERIAL)
        monkeypatch.setattr(probe, "number_of", {str(machine.dev / "nvme1n1"): "259:9"}.get)
        assert probe.locate(VOLUME) is None

    def test_a_link_that_outlived_its_disk_is_refused(self, machine):
        machine.add("nvme1n1", "259:1", "vol0fedcba9876543210")
        machine.link("nvme-Amazon_Elastic_Block_Store_" + SERIAL, "nvme1n1")
        with pytest.raises(probe.ProbeError, match="whose serial is vol0fedcba9876543210"):
            probe.locate(VOLUME)

    def test_a_loop_device_without_a_serial_stands_in(self, machine, monkeypatch):
        monkeypatch.setattr(probe, "number_of", {str(machine.dev / "loop3"): "7:3"}.get)
        machine.link("nvme-Amazon_Elastic_Block_Store_" + SERIAL, "loop3")
        assert probe.locate(VOLUME) == str(machine.dev / "loop3")

    def test_a_path_is_followed_and_a_dangling_one_is_not_there(self, machine, monkeypatch):
        monkeypatch.setattr(probe, "number_of", {str(machine.dev / "sdb"): "8:16"}.get)
        assert probe.locate(machine.link("scsi-data", "sdb")) == str(machine.dev / "sdb")
        assert probe.locate(machine.link("scsi-gone", "sdc")) is None


def test_mounts_with_blanks_and_optional_fields_are_read(tmp_path, monkeypatch):
    lines = [
        r"36 35 259:1 / /var/lib/kafka/data0 rw,noatime shared:1 master:2 - xfs /dev/nvme1n1 rw",
        r"37 35 7:0 /sub\134dir /mnt/with\040blank\011tab rw - ext4 /dev/loop0 rw",
    ]
    (tmp_path / "mountinfo").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(probe, "MOUNTS", str(tmp_path / "mountinfo"))
    assert probe.mounts() == [
        Mount("259:1", "/", "/var/lib/kafka/data0", "xfs"),
        Mount("7:0", "/sub\\dir", "/mnt/with blank\ttab", "ext4"),
    ]


XFS = {"TYPE": "xfs", "UUID": "u"}
HERE = Mount("259:1", "/", "/mnt", "xfs")


@pytest.mark.parametrize(
    ("seen", "state", "what"),
    [
        ({}, "unreadable", "it has not been read"),
        ({"zero": True}, "blank", "nothing"),
        ({"zero": False, "data_at": 5}, "foreign", "data without a signature near byte 5"),
        ({"zero": False, "data_at": 5, "remains": "an XFS"}, "foreign", "what is left of an XFS, near byte 5"),
        ({"zero": True, "error": "e"}, "unreadable", "e"),
        ({"zero": True, "exclusive": False}, "in use", "opened exclusively"),
        ({"zero": True, "swap": True}, "in use", "used as swap"),
        ({"zero": True, "holders": ("dm-0",)}, "in use", "held by dm-0"),
        ({"zero": True, "partitions": ("sdb1",)}, "foreign", "the partitions sdb1"),
        ({"signature": XFS}, "xfs", "xfs (UUID u)"),
        ({"signature": XFS, "mounts": (HERE,)}, "in use", "mounted at /mnt"),
        ({"signature": XFS, "flaw": "f"}, "foreign", "f"),
        ({"signature": {"TYPE": "xfs"}}, "foreign", "xfs"),
        ({"signature": dict(XFS, PTTYPE="dos")}, "foreign", "a partition table (dos)"),
        ({"signature": {"TYPE": "ext4"}}, "foreign", "ext4"),
        ({"signature": {"AMBIVALENT": "yes"}}, "foreign", "contradict"),
    ],
)
def test_state(seen, state, what):
    found = Probe("/dev/x", **seen)
    assert (found.state, what in found.what) == (state, True)


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A file that is taken for a block device which nothing uses; probed through blkid's answer."""
    path = tmp_path / "disk"
    with open(path, "wb") as stream:
        stream.truncate(SIZE)
    for name in ("mountinfo", "swaps"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(probe, "MOUNTS", str(tmp_path / "mountinfo"))
    monkeypatch.setattr(probe, "SWAPS", str(tmp_path / "swaps"))
    monkeypatch.setattr(probe, "SYS_NUMBERS", str(tmp_path / "numbers"))
    monkeypatch.setattr(probe, "number_of", lambda name: "259:1" if name == str(path) else None)
    return path


def look(disk, answer=NOTHING):
    return probe.probe(str(disk), lambda _command, environ_update: answer)


def write(disk, offset, data):
    with open(disk, "r+b") as stream:
        stream.seek(offset)
        stream.write(data)


def test_more_samples_see_more(disk):
    assert look(disk).state == "blank"
    few, many = ({span[0] for span in remains.places(SIZE, samples)} for samples in (remains.FEW, remains.MANY))
    place = max(many - few)
    write(disk, place, b"\x01")
    asked = [
        probe.probe(str(disk), lambda *_of, **_more: NOTHING, samples=samples).state
        for samples in (remains.FEW, remains.MANY)
    ]
    assert asked == ["blank", "foreign"]


class TestReadWhole:
    def test_the_one_byte_that_no_sample_sees_is_found_or_there_is_none(self, disk):
        seen = look(disk)
        assert probe.read_whole(seen).state == "blank"
        spans = remains.places(SIZE, remains.MANY)
        place = spans[-2][0] + spans[-2][1]
        write(disk, place, b"\x01")
        assert look(disk).state == "blank"
        again = probe.read_whole(seen)
        assert (again.state, again.data_at) == ("foreign", place // MIB * MIB)

    def test_a_disk_that_went_away_is_unreadable(self, disk):
        seen = look(disk)
        os.truncate(disk, SIZE // 2)
        assert "only 0 of" in probe.read_whole(seen).error
        os.unlink(disk)
        assert probe.read_whole(seen).state == "unreadable"


class TestBlankBehind:
    def test_what_lies_before_does_not_count_and_what_lies_behind_does(self, disk):
        write(disk, 0, b"\x01")
        assert probe.blank_behind(str(disk), 16 * MIB)
        write(disk, 16 * MIB, b"\x01")
        assert not probe.blank_behind(str(disk), 16 * MIB)

    def test_a_disk_that_is_gone_is_a_sentence(self, tmp_path):
        with pytest.raises(probe.ProbeError, match="cannot be read: No such file"):
            probe.blank_behind(str(tmp_path / "gone"), 0)


class TestProbe:
    def test_zeros_in_which_blkid_finds_nothing_are_blank(self, disk):
        found = look(disk)
        assert (found.state, found.size, found.zero) == ("blank", SIZE, True)

    @pytest.mark.parametrize(
        "place",
        [
            0,
            MIB,
            16 * MIB - 1,
            SIZE - 16 * MIB,
            SIZE - 1,
            SIZE // 4,
            SIZE // 2,
            16 * MIB + 2 * MIB,
            *remains.copies(SIZE)[-3:],
        ],
    )
    def test_one_byte_at_any_place_that_is_read_is_seen(self, disk, place):
        write(disk, place, b"\x01")
        found = look(disk)
        assert (found.state, found.zero) == ("foreign", False)
        assert found.data_at <= place < found.data_at + MIB

    def test_nothing_found_by_blkid_is_no_proof(self, disk):
        for answer in (
            NOTHING,
            (2, "", "error: cannot open"),
            (4, "", "usage"),
            (127, "", "not found"),
            (0, "DEVNAME=/dev/x\n", ""),
        ):
            write(disk, 0, b"\x01")
            assert look(disk, answer).state in ("foreign", "unreadable")
        write(disk, 0, b"\x00")
        assert "blkid failed on it: error: cannot open" in look(disk, (2, "", "error: cannot open")).error

    def test_a_signature_beats_zeros(self, disk):
        assert look(disk, (0, "DEVNAME=/dev/x\nTYPE=crypto_LUKS\nUUID=u\n", "")).signature == {
            "TYPE": "crypto_LUKS",
            "UUID": "u",
        }
        ambivalent = look(disk, (8, "", "ambivalent result"))
        assert (ambivalent.state, ambivalent.zero) == ("foreign", None)

    def test_a_contradiction_that_names_xfs_is_no_xfs(self, disk):
        assert look(disk, (8, "TYPE=xfs\nUUID=u\n", "")).state == "foreign"

    def test_a_disk_that_ends_early_is_unreadable(self, disk, monkeypatch):
        real = os.lseek
        monkeypatch.setattr(os, "lseek", lambda *of: real(*of) * 2)
        found = look(disk)
        assert (found.state, found.zero) == ("unreadable", None) and "only " in found.error

    def test_a_read_error_is_unreadable(self, disk, monkeypatch):
        def broken(*_of):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "pread", broken)
        assert look(disk).error == "it cannot be read: Input/output error"

    def test_what_is_no_block_device_or_has_no_size_is_unreadable(self, disk, tmp_path):
        assert look(tmp_path / "nothing").state == "unreadable"
        os.truncate(disk, 0)
        assert look(disk).error == "it has no size"

    def test_a_device_that_the_kernel_uses_is_in_use_and_not_read(self, disk, monkeypatch):
        real = os.open

        def exclusive(path, flags, *more):
            if flags & os.O_EXCL:
                raise OSError(16, "Device or resource busy")
            return real(path, flags, *more)

        monkeypatch.setattr(os, "open", exclusive)
        found = look(disk)
        assert (found.state, found.zero, found.size) == ("in use", None, SIZE)

    def test_a_device_that_may_not_be_opened_is_unreadable(self, disk, monkeypatch):
        real = os.open

        def refused(path, flags, *more):
            if flags & os.O_EXCL:
                raise OSError(6, "No such device or address")
            return real(path, flags, *more)

        monkeypatch.setattr(os, "open", refused)
        assert look(disk).error == "it cannot be opened: No such device or address"

    def test_uses_are_seen(self, disk, tmp_path):
        (tmp_path / "mountinfo").write_text(
            "36 35 259:1 / /mnt rw - xfs /dev/x rw\n37 35 259:2 / /other rw - xfs /dev/y rw\n"
        )
        (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n%s partition 1 0 -2\n" % disk)
        for name in ("holders/dm-0", "disk1"):
            (tmp_path / "numbers/259:1" / name).mkdir(parents=True)
        (tmp_path / "numbers/259:1/disk1/partition").write_text("1\n")
        (tmp_path / "numbers/259:1/ro").write_text("1\n")
        found = look(disk)
        assert (found.swap, found.holders, found.partitions, found.read_only) == (True, ("dm-0",), ("disk1",), True)
        assert [mount.point for mount in found.mounts] == ["/mnt"]


@pytest.mark.parametrize(
    ("magic", "blocks", "in_progress", "state"),
    [
        (b"XFSB", SIZE // 4096, 0, "xfs"),
        (b"XFSB", SIZE // 4096 + 1, 0, "foreign"),
        (b"XFSB", 1, 1, "foreign"),
        (b"XFSX", 1, 0, "foreign"),
    ],
    ids=["sound", "larger than the disk", "unfinished", "elsewhere"],
)
def test_an_xfs_that_the_kernel_would_not_mount_is_foreign(disk, magic, blocks, in_progress, state):
    write(disk, 0, struct.pack(">4sIQ", magic, 4096, blocks) + bytes(110) + bytes([in_progress]))
    found = look(disk, (0, "TYPE=xfs\nUUID=u\n", ""))
    assert (found.state, found.uuid) == (state, "u")
