"""The data volumes on real disks: nothing that holds anything is ever written to, what is blank is formatted once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from loop_disks import MIB, SIZE, Disk, Host, held, md_member, tool

from ansible_collections.rackaware.kafka.plugins.module_utils._disk import mount_unit, probe
from ansible_collections.rackaware.kafka.plugins.module_utils._disk import volumes as disk_volumes
from ansible_collections.rackaware.kafka.plugins.modules import data_volume

GOOD, OTHER = "vol-0aaaaaaaaaaaaaaaa", "vol-0bbbbbbbbbbbbbbbb"


@pytest.fixture
def host(tmp_path, monkeypatch):
    made = Host(tmp_path)
    for module, name, folder in (
        (probe, "BY_ID", made.by_id),
        (mount_unit, "BY_UUID", made.by_uuid),
        (mount_unit, "UNITS", made.units),
    ):
        monkeypatch.setattr(module, name, str(folder))
    monkeypatch.setattr(AnsibleModule, "run_command", lambda _self, command, **more: made.run(command, **more))
    return made


@pytest.fixture
def disk(tmp_path):
    """Makes disks, and releases them."""
    with contextlib.ExitStack() as stack:

        def make(name="disk", size=SIZE, *options):
            made = Disk(tmp_path / (name + ".img"), size, *options)
            stack.callback(made.detach)
            return made

        yield make
        # The last first: one may cover another.
        for mount in reversed(probe.mounts()):
            if mount.point.startswith(str(tmp_path)):
                subprocess.run(["umount", mount.point], check=False, capture_output=True)


@pytest.fixture
def run(capsys, tmp_path):
    def call(*names, check=False, **more):
        volumes = [
            {"path" if name.startswith("/") else "id": name, "mount": str(tmp_path / ("mnt/data-%d" % number))}
            for number, name in enumerate(names)
        ]
        params = {"volumes": volumes, "timeout": 1, "_ansible_check_mode": check, "_ansible_diff": True, **more}
        with patch_module_args(params), pytest.raises(SystemExit):
            data_volume.main()
        return json.loads(capsys.readouterr().out)

    return call


def luks(version):
    def make(disk, tmp_path):
        (tmp_path / "key").write_bytes(b"k" * 64)
        cheap = ["--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000"]
        tool(
            "cryptsetup",
            "luksFormat",
            "--batch-mode",
            "--type",
            version,
            *cheap,
            "--key-file",
            tmp_path / "key",
            disk.device,
        )

    return make


def pvcreate(disk, _tmp_path):
    tool("pvcreate", "--devices", disk.device, disk.device)


def interrupted(disk, _tmp_path):
    tool("mkfs.xfs", "-q", "-K", "-m", "crc=0,finobt=0,reflink=0", disk.device)
    disk.write(126, b"\x01")


def shrunk(disk, _tmp_path):
    tool("mkfs.xfs", "-q", "-K", disk.device)
    os.truncate(disk.file, 350 * MIB)
    tool("losetup", "--set-capacity", disk.device)


def zeroed_start(disk, _tmp_path):
    tool("mkfs.ext4", "-q", disk.device)
    with open(disk.device, "r+b") as stream:
        for _mib in range(64):
            stream.write(bytes(MIB))


def middle(number):
    return lambda disk, _tmp_path: disk.write(number * (SIZE - MIB) // 63 + 4711, b"x")


FOREIGN = {
    "ext4": (lambda disk, _: tool("mkfs.ext4", "-q", disk.device), "holds ext4 (UUID"),
    "LUKS1": (luks("luks1"), "holds crypto_LUKS"),
    "LUKS2": (luks("luks2"), "holds crypto_LUKS"),
    "an LVM volume": (pvcreate, "holds LVM2_member"),
    "a member of an md array": (lambda disk, _: disk.write(4096, md_member()), "holds linux_raid_member"),
    "an empty GPT": (lambda disk, _: tool("sgdisk", "--clear", disk.device), "a partition table (gpt)"),
    "a GPT with a partition": (lambda disk, _: tool("sgdisk", "--new=1:2048:+100M", disk.device), "holds"),
    "swap": (lambda disk, _: tool("mkswap", disk.device), "holds swap"),
    "vfat": (lambda disk, _: tool("mkfs.vfat", disk.device), "holds"),
    "an ISO image": (lambda disk, _: disk.write(32768, b"\x01CD001\x01" + bytes(2041)), "holds iso9660"),
    "an old file system with zeros over its start": (zeroed_start, "what is left of an ext file system"),
    "a byte in the first MiB": (lambda disk, _: disk.write(777777, b"x"), "data without a signature near byte 0"),
    "a byte in the 16th MiB": (lambda disk, _: disk.write(16 * MIB - 1, b"x"), "data without a signature"),
    "a byte in a sample in the middle": (middle(31), "data without a signature"),
    "a byte at the end": (lambda disk, _: disk.write(SIZE - 1, b"x"), "data without a signature"),
    "a byte 16 MiB from the end": (lambda disk, _: disk.write(SIZE - 16 * MIB, b"x"), "data without a signature"),
    "what mkfs.xfs left when it was killed": (interrupted, "holds an XFS that mkfs.xfs never finished"),
    "an XFS larger than the disk": (shrunk, "holds an XFS of"),
}


@pytest.mark.parametrize(("make", "sentence"), FOREIGN.values(), ids=FOREIGN)
def test_a_disk_that_holds_anything_is_refused_and_no_disk_is_written(host, disk, run, tmp_path, make, sentence):
    blank, foreign = disk("blank"), disk("foreign")
    make(foreign, tmp_path)
    host.ebs(GOOD, blank.device)
    host.ebs(OTHER, foreign.device)
    before = (blank.digest(), foreign.digest())
    out = run(GOOD, OTHER)
    assert out.get("failed"), out
    assert out["msg"].startswith("Volume %s (%s) holds " % (OTHER, foreign.device)) and sentence in out["msg"]
    assert "only a blank disk is formatted" in out["msg"]
    assert (blank.digest(), foreign.digest()) == before
    assert not host.said("mkfs.xfs") and not (tmp_path / "mnt").exists() and not list(host.units.iterdir())


@contextlib.contextmanager
def mounted_elsewhere(disk, tmp_path):
    tool("mkfs.xfs", "-q", "-K", disk.device)
    (tmp_path / "else where").mkdir()
    tool("mount", disk.device, tmp_path / "else where")
    yield


@contextlib.contextmanager
def mounted_in_another_namespace(disk, tmp_path):
    tool("mkfs.xfs", "-q", "-K", disk.device)
    (tmp_path / "hidden").mkdir()
    script = 'mount "$0" "$1" && echo ready && read -r line'
    command = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        script,
        disk.device,
        str(tmp_path / "hidden"),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield
        process.stdin.write("\n")


@contextlib.contextmanager
def swapped_on(disk, _tmp_path):
    tool("mkswap", disk.device)
    tool("swapon", disk.device)
    yield
    tool("swapoff", disk.device)


@contextlib.contextmanager
def blank_but_held(disk, _tmp_path):
    with held(disk.device):
        yield


USES = {
    "an XFS mounted elsewhere": (mounted_elsewhere, "is mounted at "),
    "an XFS mounted in another namespace": (mounted_in_another_namespace, "is opened exclusively by something else"),
    "a blank disk that something has open": (blank_but_held, "is opened exclusively by something else"),
    "swap in use": (swapped_on, "is used as swap"),
}


@pytest.mark.parametrize(("use", "sentence"), USES.values(), ids=USES)
def test_a_disk_in_use_is_refused_and_not_written(host, disk, run, tmp_path, use, sentence):
    used = disk()
    host.ebs(GOOD, used.device)
    with use(used, tmp_path):
        before = used.digest()
        out = run(GOOD)
        assert sentence in out["msg"] and "free it" in out["msg"]
        assert used.digest() == before
    assert not list(host.units.iterdir())


def test_a_disk_that_cannot_be_read_is_refused(host, disk, run):
    broken = disk()
    host.ebs(GOOD, broken.device)
    os.truncate(broken.file, SIZE // 2)
    assert "cannot be judged" in run(GOOD)["msg"]
    assert not host.said("mkfs.xfs")


def test_a_disk_without_a_size_is_refused(host, disk, run):
    gone = disk(size=0)
    host.ebs(GOOD, gone.device)
    assert "because it has no size" in run(GOOD)["msg"]


def test_a_disk_too_small_for_xfs_is_refused_before_any_is_formatted(host, disk, run):
    good, small = disk("good"), disk("small", 200 * MIB)
    host.ebs(GOOD, good.device)
    host.ebs(OTHER, small.device)
    assert "but XFS needs" in run(GOOD, OTHER)["msg"]
    assert not host.said("mkfs.xfs")


def test_a_read_only_disk_is_refused(host, disk, run):
    host.ebs(GOOD, disk("disk", SIZE, "--read-only").device)
    assert "is read-only" in run(GOOD)["msg"]
    assert not host.said("mkfs.xfs")


def test_a_copy_of_a_volume_beside_it_is_refused(host, disk, run):
    first, copy = disk("first"), disk("copy")
    tool("mkfs.xfs", "-q", "-K", first.device)
    shutil.copyfile(first.file, copy.file)
    host.ebs(GOOD, first.device)
    host.ebs(OTHER, copy.device)
    assert "is on %s and %s, as on a volume and its copy" % (GOOD, OTHER) in run(GOOD, OTHER)["msg"]
    host.look_at(copy.device)
    assert "detach the copy" in run(GOOD)["msg"]


def test_two_names_of_one_disk_are_refused(host, disk, run):
    one = disk()
    host.ebs(GOOD, one.device)
    host.ebs(OTHER, one.device)
    assert "is meant by %s and %s" % (GOOD, OTHER) in run(GOOD, OTHER)["msg"]


def test_check_apply_again(host, disk, run, tmp_path):
    """A blank volume and one with data: predicted, done, and then left alone."""
    blank, kept = disk("blank"), disk("kept")
    tool("mkfs.xfs", "-q", "-K", "-m", "uuid=11111111-2222-3333-4444-555555555555", kept.device)
    host.ebs(GOOD, blank.device)
    host.look_at(kept.device)
    name = str(host.by_id / "scsi-kept")
    os.symlink(kept.device, name)
    before = (blank.digest(), kept.digest())
    owner = {"owner": "daemon", "group": "daemon"}

    predicted = run(GOOD, name, check=True, owner="not-there-before-kafka_install", group="neither")
    predicted = run(GOOD, name, check=True, **owner)
    assert (
        (blank.digest(), kept.digest()) == before and not (tmp_path / "mnt").exists() and not list(host.units.iterdir())
    )

    done = run(GOOD, name, **owner)
    assert predicted["changed"] is done["changed"] is True
    made = done["volumes"][0].pop("uuid")
    assert (predicted["volumes"][0].pop("uuid"), predicted["volumes"]) == (None, done["volumes"])
    assert json.loads(json.dumps(predicted["diff"]).replace("(new)", made)) == done["diff"]
    assert [(each["state_before"], each["formatted"], each["mounted"]) for each in done["volumes"]] == [
        ("blank", True, True),
        ("xfs", False, True),
    ]
    assert len(host.said("mkfs.xfs")) == 1 and not [word for word in host.said("mkfs.xfs")[0] if word == "-f"]
    for each, device in zip(done["volumes"], (blank, kept)):
        assert tool("findmnt", "--noheadings", "--output", "SOURCE,FSTYPE", each["mount"]).split() == [
            device.device,
            "xfs",
        ]
        options = tool("findmnt", "--noheadings", "--output", "OPTIONS", each["mount"]).split(",")
        assert {"noatime", "nodev", "nosuid", "noexec"} <= set(options)
        assert (Path(each["mount"]).owner(), Path(each["mount"]).group(), oct(os.stat(each["mount"]).st_mode)[-4:]) == (
            "daemon",
            "daemon",
            "0750",
        )
    assert tool("blkid", "--probe", "--output", "value", "--match-tag", "UUID", blank.device) == made

    host.commands.clear()
    for check in (False, True):
        again = run(GOOD, name, check=check, **owner)
        assert (again["changed"], [each["state_before"] for each in again["volumes"]]) == (
            False,
            ["mounted", "mounted"],
        )
        assert again["diff"]["before"] == again["diff"]["after"] == done["diff"]["after"]
    assert {command[0] for command in host.commands} == {"blkid"}

    # Its data survive, and what is changed by hand comes back.
    Path(done["volumes"][0]["mount"], "meta.properties").write_text("node.id=1\n")
    os.chmod(done["volumes"][0]["mount"], 0o777)
    assert run(GOOD, name, check=True, **owner)["changed"] and run(GOOD, name, **owner)["changed"]
    assert oct(os.stat(done["volumes"][0]["mount"]).st_mode)[-4:] == "0750"

    remounted = run(GOOD, name, mount_options=["relatime", "nodev"], **owner)
    assert remounted["changed"] and len(host.said("systemctl", "reload")) == 1
    assert "relatime" in tool("findmnt", "--noheadings", "--output", "OPTIONS", done["volumes"][0]["mount"])

    for each in done["volumes"]:
        tool("umount", each["mount"])
        found = os.stat(each["mount"])
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, 0, 0), (
            "only root may enter an unmounted mount point"
        )
    back = run(GOOD, name, mount_options=["relatime", "nodev"], **owner)
    assert [(each["state_before"], each["formatted"], each["mounted"]) for each in back["volumes"]] == [
        ("xfs", False, True)
    ] * 2
    assert Path(done["volumes"][0]["mount"], "meta.properties").read_text() == "node.id=1\n"


def test_a_replaced_disk_is_formatted_but_the_same_disk_found_blank_is_not(host, disk, run):
    first, second = disk("first"), disk("second")
    host.ebs(GOOD, first.device)
    host.ebs(OTHER, second.device)
    mounted = run(GOOD)["volumes"][0]
    tool("umount", mounted["mount"])
    tool("blkdiscard", "--zeroout", first.device)
    refused = run(GOOD)["msg"]
    assert "is blank, but by" in refused and mounted["uuid"] in refused
    assert len(host.said("mkfs.xfs")) == 1
    replaced = run(OTHER)["volumes"][0]
    assert replaced["formatted"] and replaced["uuid"] != mounted["uuid"]


def test_a_volume_known_at_another_mount_point_is_refused(host, disk, run, tmp_path):
    first, second = disk("first"), disk("second")
    host.ebs(GOOD, first.device)
    host.ebs(OTHER, second.device)
    for volume in run(GOOD, OTHER)["volumes"]:
        tool("umount", volume["mount"])
    out = run(OTHER, GOOD)["msg"]
    assert "Volume %s (%s) belongs at %s by " % (OTHER, second.device, tmp_path / "mnt/data-1") in out and GOOD in out


def test_another_mount_at_the_mount_point_is_refused(host, disk, run, tmp_path):
    wanted, other = disk("wanted"), disk("other")
    host.ebs(GOOD, wanted.device)
    tool("mkfs.xfs", "-q", "-K", other.device)
    (tmp_path / "mnt/data-0").mkdir(parents=True)
    tool("mount", other.device, tmp_path / "mnt/data-0")
    assert "where something else (xfs) is mounted" in run(GOOD)["msg"]
    assert not host.said("mkfs.xfs")


def test_a_mount_point_with_files_is_refused(host, disk, run, tmp_path):
    host.ebs(GOOD, disk().device)
    (tmp_path / "mnt/data-0/logs").mkdir(parents=True)
    assert "is not empty" in run(GOOD)["msg"]
    assert not host.said("mkfs.xfs")


def test_a_run_broken_off_after_the_format_goes_on(host, disk, run, monkeypatch):
    blank = disk()
    host.ebs(GOOD, blank.device)
    real = host.run
    monkeypatch.setattr(
        host,
        "run",
        lambda command, **more: (1, "", "no systemd") if command[0] == "systemctl" else real(command, **more),
    )
    assert "systemctl daemon-reload failed: no systemd" in run(GOOD)["msg"]
    monkeypatch.setattr(host, "run", real)
    done = run(GOOD)
    assert (done["volumes"][0]["state_before"], done["volumes"][0]["formatted"], done["volumes"][0]["mounted"]) == (
        "xfs",
        False,
        True,
    )
    assert len(host.said("mkfs.xfs")) == 1


def test_mkfs_itself_refuses_what_the_probe_did_not_see(host, disk, run, monkeypatch):
    """Between the look and the format another process makes a file system: the last guard is mkfs.xfs without -f."""
    raced = disk()
    host.ebs(GOOD, raced.device)
    real = host.run

    def late(command, **more):
        if command[0] == "mkfs.xfs":
            tool("mkfs.ext4", "-q", raced.device)
        return real(command, **more)

    monkeypatch.setattr(host, "run", late)
    assert "mkfs.xfs failed on %s" % GOOD in run(GOOD)["msg"]
    assert tool("blkid", "--probe", "--output", "value", "--match-tag", "TYPE", raced.device) == "ext4"


def test_findings_only_read_and_do_not_wait_when_told(host, disk, tmp_path):
    foreign = disk()
    tool("mkfs.ext4", "-q", foreign.device)
    host.ebs(GOOD, foreign.device)
    before = foreign.digest()
    assert disk_volumes.findings([], host.run) == []
    assert "ext4" in disk_volumes.findings([{"id": GOOD, "mount": str(tmp_path / "a")}], host.run)[0]
    assert (
        "attach it to this instance"
        in disk_volumes.findings([{"id": OTHER, "mount": str(tmp_path / "a")}], host.run, timeout=0)[0]
    )
    assert foreign.digest() == before


def test_the_unit_is_one_that_systemd_takes(host, disk, run):
    host.ebs(GOOD, disk().device)
    mount = run(GOOD)["volumes"][0]["mount"]
    unit = host.units / tool("systemd-escape", "--path", "--suffix=mount", mount)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(unit.name) in line]) == (0, [])


@pytest.mark.parametrize(
    "mount",
    [
        "/var/lib/kafka/data0",
        "/srv/my-data",
        "/.hidden/.inner",
        "/a b/c%d",
        "/größe",
        "/a:b_c.d@e",
        "/back\\slash",
        "//double//",
        "/",
    ],
)
def test_a_unit_is_named_as_systemd_itself_would(mount):
    assert mount_unit.name(mount) == tool("systemd-escape", "--path", "--suffix=mount", mount)
