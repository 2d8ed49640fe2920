"""What needs a real device-mapper, to be run as root in a virtual machine whose disk may be destroyed: device_mapper.py PACKAGES DISK.

PACKAGES is the directory with the package kafka_luks, as the role copies it; DISK is a path below /dev/disk/by-id. No network is needed: the vault
is a stand-in, everything else is real. It prints one line a case and ends with the number of those that failed.
"""

from __future__ import annotations

import glob
import importlib
import json
import os
import subprocess
import sys
import traceback

PACKAGES, DISK = sys.argv[1:3]
sys.path.insert(0, PACKAGES)
_command, volume, header, keyslots, format_record, unlocker = (
    importlib.import_module("kafka_luks." + name)
    for name in (
        "_command",
        "volume.volume",
        "volume.header",
        "volume.keyslots",
        "volume.format_record",
        "volume.unlocker",
    )
)

UUID, NAME, MOUNT = "6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44", "kafka-d0", "/mnt/rackaware-test"
MAPPED = "/dev/mapper/" + NAME
# Newlines and a zero byte: what a shell or a line reader would cut.
KEYS = {"v1": b"abc\n" + bytes(range(120, 179)) + b"\n", "v2": b"\0\n" + bytes(range(190, 246)) + b"tail--"}
RECORD = b"CANARY-RECORD" * 1000
WRAPPED = {
    "bucket": "keys",
    "key": "LuksInternalStorageKey-d0",
    "version_id": "v1",
    "sha256": "a" * 64,
    "key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "encryption_context": {"node_id": "1"},
    "expected_bucket_owner": "123456789012",
}
ROTATED = {**WRAPPED, "version_id": "v2", "sha256": "b" * 64}
STEP = volume.Volume.step


class PowerCut(BaseException):
    """What no code catches."""


class Vault:
    """Gives the key of a version."""

    def __call__(self, _region, _credentials):
        return self

    def unwrap(self, which):
        return bytearray(KEYS[which.version_id])


def sh(*command, fine=(0,)):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode in fine, (command, done.returncode, done.stdout)
    return done.stdout


def configure(**more):
    content = {
        "device": DISK,
        "name": NAME,
        "uuid": UUID,
        "subsystem": "kafka-demo-1",
        "allow_format": "blank_only",
        "keys": [WRAPPED],
        **more,
    }
    os.makedirs(unlocker.CONFIG, exist_ok=True)
    path = os.path.join(unlocker.CONFIG, "d0.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(content, stream)
    os.chmod(path, 0o600)


def kafka_luks(command, code=0):
    """Run the program in this process; what it said last."""
    said = []
    world = unlocker.World(connect=Vault(), say=said.append, notify=lambda _text: None)
    assert unlocker.main([command, "d0"], world) == code, said
    return said[-1] if said else ""


def volume():
    return volume.Volume(unlocker.load("d0").wanted, _command.run)


def power_off():
    """The mapping goes with the machine."""
    sh("umount", MOUNT, fine=(0, 1, 32))
    sh("dmsetup", "remove", NAME, fine=(0, 1))


def fresh():
    """A new disk in a new host."""
    power_off()
    for path in glob.glob(format_record.DIRECTORY + "/*.json"):
        os.unlink(path)
    blank()
    configure()


def blank():
    sh("blkdiscard", "--zeroout", DISK)


def mounted(use):
    os.makedirs(MOUNT, exist_ok=True)
    sh("mount", "-o", "noatime,nodev,nosuid,noexec", MAPPED, MOUNT)
    try:
        return use(os.path.join(MOUNT, "records"))
    finally:
        sh("umount", MOUNT)


def write(path):
    with open(path, "wb") as stream:
        stream.write(RECORD)
        os.fsync(stream.fileno())


def read(path):
    with open(path, "rb") as stream:
        assert stream.read() == RECORD


def cut(before=None, after=None):
    """The power fails before a step, or after so many; the mapping is left as it is."""
    done = []

    def step(self, action, key=None):
        if action == before or len(done) == after:
            raise PowerCut
        done.append(action)
        return STEP(self, action, key)

    volume.Volume.step = step
    try:
        kafka_luks("open")
    except PowerCut:
        pass
    finally:
        volume.Volume.step = STEP


def a_blank_disk_is_formatted_once_and_keeps_its_data():
    assert "mkfs" in kafka_luks("open") and os.path.exists(unlocker.RUNTIME + "/d0.fresh")
    mounted(write)
    assert "it was open" in kafka_luks("open")
    kafka_luks("close")
    assert "mkfs" not in kafka_luks("open") and not os.path.exists(unlocker.RUNTIME + "/d0.fresh")
    mounted(read)
    assert ":64:logon:" in sh("dmsetup", "table", "--showkeys", NAME), "the kernel's table shows the key itself"


def the_raw_disk_shows_neither_records_nor_keys():
    kafka_luks("open")
    mounted(write)
    kafka_luks("close")
    needles, tail = (RECORD[:13], *KEYS.values()), b""
    with open(DISK, "rb") as stream:
        # The machine has less memory than disk.
        while block := stream.read(1 << 22):
            assert not [each for each in needles if each in tail + block]
            tail = block[-128:]


def a_volume_in_use_is_neither_closed_nor_erased():
    kafka_luks("open")

    def use(_path):
        assert "unmount it first" in kafka_luks("close", code=1)

    mounted(use)
    this = volume()
    try:
        volume.plan(this.facts(), this.wanted, state="erased", confirm_uuid=UUID)
    except volume.LuksError as error:
        assert "unmount and close" in str(error)
    else:
        raise AssertionError("an open volume would be erased")


def flags_change_while_it_is_open_and_only_those_that_were_named():
    kafka_luks("open")
    for more, flags in (
        (
            {"perf": ["no_read_workqueue", "no_write_workqueue"], "allow_discards": True},
            ("discards", "no_read_workqueue", "no_write_workqueue"),
        ),
        ({}, ("no_read_workqueue", "no_write_workqueue")),
        ({"perf": []}, ()),
    ):
        configure(**more)
        assert "refresh" in kafka_luks("open") and "it was open" in kafka_luks("open")
        assert volume().cryptsetup.flags(name=NAME) == flags


def keys_rotate_while_it_is_mounted():
    kafka_luks("open")
    configure(keys=[WRAPPED, ROTATED])

    def use(path):
        write(path)
        keys = keyslots.Keys(volume().cryptsetup, DISK, bytearray(KEYS["v1"]), bytearray(KEYS["v2"]), ROTATED)
        for step in keyslots.plan_rotated(keys.slots()):
            keys.step(step)
        assert keys.slots().every == (1,)
        read(path)

    mounted(use)
    for each in ([WRAPPED, ROTATED], [ROTATED]):
        kafka_luks("close")
        configure(keys=each)
        kafka_luks("open")
        mounted(read)


def another_name_for_an_open_volume_is_refused():
    kafka_luks("open")
    configure(name="other")
    assert "close that first" in kafka_luks("open", code=1)


def only_a_stop_makes_a_disk_in_service_blank():
    kafka_luks("open")
    power_off()
    blank()
    assert "does not explain" in kafka_luks("open", code=1)
    path = glob.glob(format_record.DIRECTORY + "/*.json")[0]
    format_record.save(path, format_record.FormatRecord(UUID, "ready", "an earlier boot"))
    assert "mkfs" in kafka_luks("open")


def a_power_cut_after(steps, *, mapping_kept):
    cut(after=steps)
    if not mapping_kept:
        power_off()
    kafka_luks("open")
    mounted(write)
    assert "it was open" in kafka_luks("open")
    assert [token["state"] for token in header.scan(DISK).header.tokens.values()] == ["ready"]


def an_unfinished_file_system_is_made_anew():
    cut(before="token ready")
    # What mkfs.xfs sets first and clears last: sb_inprogress.
    with open(MAPPED, "r+b") as stream:
        stream.seek(126)
        stream.write(b"\1")
        stream.flush()
        os.fsync(stream.fileno())
    kafka_luks("open")
    mounted(write)


def another_file_system_within_is_refused():
    cut(before="mkfs")
    sh("mkfs.ext4", "-q", MAPPED)
    assert "gets no file system, and nothing was changed" in kafka_luks("open", code=1)


def a_read_error_is_not_a_blank_disk():
    sectors = int(sh("blockdev", "--getsz", DISK))
    device = os.path.realpath(DISK)
    # The edges, and one of the samples between them.
    for bad in (0, 32 * (sectors - 2048) // 63, sectors - 2048):
        parts = [
            (0, bad, "linear %s 0" % device),
            (bad, 2048, "error"),
            (bad + 2048, sectors - bad - 2048, "linear %s %d" % (device, bad + 2048)),
        ]
        table = "\n".join("%d %d %s" % part for part in parts if part[1] > 0)
        sh("dmsetup", "create", "rackaware-bad", "--table", table)
        try:
            configure(device="/dev/mapper/rackaware-bad")
            assert "cannot be judged" in kafka_luks("open", code=1), bad
        finally:
            sh("dmsetup", "remove", "--retry", "rackaware-bad")
    configure()
    assert "mkfs" in kafka_luks("open")


def an_erased_disk_is_formatted_anew():
    kafka_luks("open")
    kafka_luks("close")
    this = volume()
    this.perform(volume.plan(this.facts(), this.wanted, state="erased", confirm_uuid=UUID).actions)
    assert header.scan(DISK) == header.Scan(None, torn=False)
    assert "format" in kafka_luks("open")


def a_file_backs_a_store_and_leaves_no_loop_device():
    path = "/var/tmp/rackaware-test.img"
    configure(device=None, file={"path": path, "size": "400M", "direct_io": False})
    try:
        assert "mkfs" in kafka_luks("open")
        mounted(write)
        kafka_luks("close")
        assert path not in sh("losetup", "--all")
        assert "format" not in kafka_luks("open")
        mounted(read)
        kafka_luks("close")
    finally:
        os.unlink(path)


CASES = [
    a_blank_disk_is_formatted_once_and_keeps_its_data,
    the_raw_disk_shows_neither_records_nor_keys,
    a_volume_in_use_is_neither_closed_nor_erased,
    flags_change_while_it_is_open_and_only_those_that_were_named,
    keys_rotate_while_it_is_mounted,
    another_name_for_an_open_volume_is_refused,
    only_a_stop_makes_a_disk_in_service_blank,
    an_unfinished_file_system_is_made_anew,
    another_file_system_within_is_refused,
    a_read_error_is_not_a_blank_disk,
    an_erased_disk_is_formatted_anew,
    a_file_backs_a_store_and_leaves_no_loop_device,
]
CUTS = [(steps, kept) for kept in (True, False) for steps in range(7)]


def main() -> int:
    """Each case on a new disk."""
    failed = 0
    cases = [(case.__name__, case) for case in CASES]
    for steps, kept in CUTS:
        name = "a_power_cut_after %d steps, mapping %s" % (steps, "kept" if kept else "gone")
        cases.append((name, lambda steps=steps, kept=kept: a_power_cut_after(steps, mapping_kept=kept)))
    for name, case in cases:
        try:
            fresh()
            case()
            print("ok   %s" % name, flush=True)
        except Exception:
            failed += 1
            print("FAIL %s\n%s" % (name, traceback.format_exc()), flush=True)
    fresh()
    return failed


if __name__ == "__main__":
    sys.exit(main())
