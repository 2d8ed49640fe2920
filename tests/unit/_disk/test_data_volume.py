"""All of a host's data volumes are judged before one is changed; the same call again changes nothing."""

from __future__ import annotations

import dataclasses
import getpass
import grp
import json
import os

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.rackaware.kafka.plugins.module_utils._disk import blank_proof, mount_unit, remains, volume_plan
from ansible_collections.rackaware.kafka.plugins.module_utils._disk import probe as disk_probe
from ansible_collections.rackaware.kafka.plugins.module_utils._disk import volumes as disk_volumes
from ansible_collections.rackaware.kafka.plugins.module_utils._disk.probe import Mount, Probe
from ansible_collections.rackaware.kafka.plugins.modules import data_volume

FIRST, SECOND = "vol-0aaaaaaaaaaaaaaaa", "vol-0bbbbbbbbbbbbbbbb"
UUID = "11111111-2222-3333-4444-555555555555"
GIB = 1024**3
ME = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host whose disks are Probes; starting a unit puts its mount into what the kernel tells."""

    class Host:
        disks, commands, fail, here, hidden, looks, read = {}, [], "", tmp_path, (), [], []
        found = os.stat(tmp_path).st_dev
        number = "%d:%d" % (os.major(found), os.minor(found))

        def put(self, name, **seen):
            self.disks[name] = Probe("/dev/" + name, self.number, seen.pop("size", 8 * GIB), **seen)

        def mount(self, name):
            seen = self.disks[name]
            point = Mount(self.number, "/", str(tmp_path / name), "xfs")
            self.disks[name] = dataclasses.replace(
                seen, mounts=(point,), exclusive=False, zero=None, signature={"TYPE": "xfs", "UUID": UUID}
            )

        def run(self, command, **_more):
            self.commands.append(command)
            if command[0] == self.fail or command[:2] == ["systemctl", self.fail]:
                return 1, "", "it did\nnot work"
            if command[1] == "enable":
                for unit in command[2:]:
                    (tmp_path / "units/multi-user.target.wants" / unit).symlink_to(tmp_path / "units" / unit)
            if command[1] == "start":
                for name in list(self.disks):
                    self.mount(name)
                    os.chmod(tmp_path / name, 0o755)
            return 0, "", ""

        def probe(self, device, _run, *, samples):
            self.looks.append((device[5:], samples))
            return self.disks[device[5:]]

        def read_whole(self, seen):
            self.read.append(seen.device[5:])
            return dataclasses.replace(seen, zero=seen.device[5:] not in self.hidden, data_at=7)

        def verbs(self):
            return [command[0] if command[0] != "systemctl" else command[1] for command in self.commands]

    host = Host()
    host.disks, host.commands, host.looks, host.read = {}, [], [], []
    (tmp_path / "units/multi-user.target.wants").mkdir(parents=True)
    monkeypatch.setattr(mount_unit, "UNITS", str(tmp_path / "units"))
    monkeypatch.setattr(disk_probe, "locate", lambda name: "/dev/" + name if name in host.disks else None)
    monkeypatch.setattr(disk_probe, "probe", host.probe)
    monkeypatch.setattr(disk_probe, "read_whole", host.read_whole)
    monkeypatch.setattr(disk_probe, "mounts", lambda: [mount for seen in host.disks.values() for mount in seen.mounts])
    monkeypatch.setattr(
        disk_probe, "number_of", lambda path: host.number if path.startswith(mount_unit.BY_UUID) else None
    )
    monkeypatch.setattr(volume_plan.uuid, "uuid4", lambda: UUID)
    monkeypatch.setattr(volume_plan.os, "chown", lambda *_of: None)
    monkeypatch.setattr(AnsibleModule, "run_command", lambda _self, command, **more: host.run(command, **more))
    return host


def ask(capsys, host, *names, **more):
    params = {"volumes": [{"id": name, "mount": str(host.here / name)} for name in names], "timeout": 0, **ME, **more}
    with patch_module_args(params), pytest.raises(SystemExit):
        data_volume.main()
    return json.loads(capsys.readouterr().out)


class TestModule:
    def test_check_mode_tells_everything_and_does_nothing(self, host, capsys):
        host.put(FIRST, zero=True)
        out = ask(capsys, host, FIRST, owner="made-later", group="made-later", _ansible_check_mode=True)
        assert out["changed"] is True and host.commands == []
        assert not (host.here / FIRST).exists() and os.listdir(host.here / "units") == ["multi-user.target.wants"]
        assert out["volumes"][0] == {
            "id": FIRST,
            "device": "/dev/" + FIRST,
            "uuid": None,
            "mount": str(host.here / FIRST),
            "state_before": "blank",
            "formatted": True,
            "mounted": True,
        }
        before, after = out["diff"]["before"][FIRST], out["diff"]["after"][FIRST]
        assert (before["file_system"], before["mounted"], before["mount_point"]) == ("none", False, "absent")
        assert (after["file_system"], after["mounted"], after["mount_point"], after["root"]) == (
            "xfs",
            True,
            "root:root 0000",
            "made-later:made-later 0750",
        )

    def test_a_blank_volume_is_formatted_once_mounted_and_then_left_alone(self, host, capsys):
        host.put(FIRST, zero=True)
        out = ask(capsys, host, FIRST)
        assert (out["changed"], out["volumes"][0]["uuid"]) == (True, UUID)
        assert host.verbs() == ["mkfs.xfs", "udevadm", "daemon-reload", "enable", "start"]
        assert host.commands[0] == ["mkfs.xfs", "-q", "-K", "-m", "uuid=" + UUID, "/dev/" + FIRST]
        assert oct(os.stat(host.here / FIRST).st_mode)[-4:] == "0750"
        unit = (host.here / "units" / mount_unit.name(str(host.here / FIRST))).read_text()
        assert (
            "What=/dev/disk/by-uuid/%s\nWhere=%s\nType=xfs\nOptions=noatime,nodev,nosuid,noexec,nofail\n"
            % (UUID, host.here / FIRST)
            in unit
        )
        assert "WantedBy=multi-user.target" in unit
        host.commands.clear()
        for check in (True, False):
            again = ask(capsys, host, FIRST, _ansible_check_mode=check)
            assert (again["changed"], again["volumes"][0]["state_before"], host.commands) == (False, "mounted", [])

    def test_an_xfs_is_kept(self, host, capsys):
        host.put(FIRST, signature={"TYPE": "xfs", "UUID": UUID})
        out = ask(capsys, host, FIRST)
        assert (out["changed"], out["volumes"][0]["formatted"], host.verbs()) == (
            True,
            False,
            ["daemon-reload", "enable", "start"],
        )

    def test_one_bad_volume_keeps_all_from_being_touched(self, host, capsys):
        host.put(FIRST, zero=True)
        host.put(SECOND, signature={"TYPE": "ext4"})
        out = ask(capsys, host, FIRST, SECOND)
        assert out["msg"].startswith(
            "Volume %s (/dev/%s) holds ext4, and only a blank disk is formatted; attach" % (SECOND, SECOND)
        )
        assert host.commands == [] and not (host.here / FIRST).exists()

    def test_changed_options_remount_and_never_unmount(self, host, capsys):
        host.put(FIRST, zero=True)
        ask(capsys, host, FIRST)
        host.commands.clear()
        assert ask(capsys, host, FIRST, mount_options=["relatime"])["changed"]
        assert host.verbs() == ["daemon-reload", "reload"]

    def test_a_missing_disk_is_a_sentence(self, host, capsys):
        out = ask(capsys, host, FIRST)
        assert "Waited 0 seconds for the disk of %s to appear below /dev/disk/by-id; attach it" % FIRST in out["msg"]

    def test_an_unknown_owner_is_refused_before_anything_is_formatted(self, host, capsys):
        host.put(FIRST, zero=True)
        assert "user nobody-of-this-name" in ask(capsys, host, FIRST, owner="nobody-of-this-name")["msg"]
        assert host.commands == []

    @pytest.mark.parametrize(
        "more",
        [
            {"mode": "rwx"},
            {"mode": "0888"},
            {"mount_options": ["noatime,exec"]},
            {"mount_options": ["a\nWhat=/dev/sda"]},
        ],
    )
    def test_a_mode_or_an_option_that_is_none_is_refused(self, host, capsys, more):
        host.put(FIRST, zero=True)
        assert "give " in ask(capsys, host, FIRST, **more)["msg"]
        assert host.commands == []

    @pytest.mark.parametrize("fail", ["mkfs.xfs", "daemon-reload", "enable", "start"])
    def test_a_command_that_fails_ends_the_run_with_its_words(self, host, capsys, fail):
        host.put(FIRST, zero=True)
        host.fail = fail
        assert "it did not work" in ask(capsys, host, FIRST)["msg"]
        assert host.verbs()[-1] == fail

    def test_the_covered_directory_is_never_given_to_the_owner(self, host, capsys):
        host.put(FIRST, zero=True)
        host.number = "0:0"
        host.disks[FIRST] = dataclasses.replace(host.disks[FIRST], number="0:0")
        assert "is not mounted at" in ask(capsys, host, FIRST)["msg"]
        assert oct(os.stat(host.here / FIRST).st_mode)[-4:] == "0755"

    def test_a_link_that_udev_never_makes_is_a_sentence(self, host, capsys, monkeypatch):
        host.put(FIRST, zero=True)
        monkeypatch.setattr(disk_probe, "number_of", lambda _path: None)
        assert "for udev to show the new file systems" in ask(capsys, host, FIRST)["msg"]
        assert not (host.here / FIRST).exists()


class TestProof:
    """A disk that looks blank is formatted only when that is proven, too."""

    @pytest.mark.parametrize(
        "more",
        [{}, {"proven": [SECOND]}, {"declared_blank": [SECOND], "read_whole": [SECOND]}],
        ids=["none", "proven", "told"],
    )
    def test_a_large_one_without_a_proof_of_its_own_is_refused(self, host, capsys, more):
        host.put(FIRST, zero=True, size=500 * GIB)
        out = ask(capsys, host, FIRST, **more)
        assert out["msg"] == (
            "Volume %s (/dev/%s) looks blank, but nothing proves that it holds no data, because neither EC2 nor the operator "
            "answers for it; add its name to "
            "data_volume_read_whole, and all of its 500 GiB are read first (about 69 minutes at 125 MiB/s), or, if you know that it is blank, to "
            "data_volume_declared_blank." % (FIRST, FIRST)
        )
        assert (host.commands, host.read) == ([], [])

    @pytest.mark.parametrize(
        ("size", "more", "read", "samples"),
        [
            (500 * GIB, {"proven": [FIRST]}, [], remains.FEW),
            (500 * GIB, {"declared_blank": [FIRST]}, [], remains.MANY),
            (500 * GIB, {"read_whole": [FIRST]}, [FIRST], remains.FEW),
            (16 * GIB, {}, [FIRST], remains.FEW),
            (16 * GIB, {"proven": [FIRST]}, [], remains.FEW),
        ],
        ids=["EC2", "a person", "read when asked for", "read unasked", "a small one that EC2 knows"],
    )
    def test_one_with_a_proof_is_formatted(self, host, capsys, size, more, read, samples):
        host.put(FIRST, zero=True, size=size)
        assert ask(capsys, host, FIRST, **more)["volumes"][0]["formatted"]
        assert (host.read, host.looks) == (read, [(FIRST, samples)])

    def test_what_only_the_read_finds_keeps_all_from_being_touched(self, host, capsys):
        for name in (FIRST, SECOND):
            host.put(name, zero=True)
        host.hidden = (SECOND,)
        assert (
            "Volume %s (/dev/%s) holds data without a signature near byte 7" % (SECOND, SECOND)
            in ask(capsys, host, FIRST, SECOND)["msg"]
        )
        assert host.commands == []

    def test_nothing_is_read_for_hours_when_another_volume_is_refused(self, host, capsys):
        host.put(FIRST, zero=True)
        host.put(SECOND, zero=True, size=500 * GIB)
        assert SECOND in ask(capsys, host, FIRST, SECOND)["msg"]
        assert host.read == []

    def test_no_word_makes_a_disk_blank_on_which_something_is_found(self, host, capsys):
        host.put(FIRST, zero=False, data_at=5, remains="an XFS")
        out = ask(capsys, host, FIRST, declared_blank=[FIRST], proven=[FIRST])
        assert "holds what is left of an XFS, near byte 5, and only a blank disk is formatted" in out["msg"]
        host.put(FIRST, signature={"TYPE": "ext4"})
        assert "holds ext4" in ask(capsys, host, FIRST, declared_blank=[FIRST], proven=[FIRST])["msg"]

    def test_check_mode_does_not_read_for_hours(self, host, capsys):
        host.put(FIRST, zero=True, size=500 * GIB)
        assert ask(capsys, host, FIRST, read_whole=[FIRST], _ansible_check_mode=True)["volumes"][0]["formatted"]
        assert host.read == []

    @pytest.mark.parametrize("name", ["all", "/dev/nvme1n1", "*", ""])
    def test_a_word_names_one_disk_for_good(self, host, capsys, name):
        host.put(FIRST, zero=True, size=500 * GIB)
        assert ask(capsys, host, FIRST, declared_blank=[name])["msg"].endswith(blank_proof.name_findings([name])[0])

    def test_the_preflight_names_what_would_be_formatted(self, host):
        host.put(FIRST, zero=True, size=500 * GIB)
        host.put(SECOND, signature={"TYPE": "xfs", "UUID": UUID})
        assert disk_volumes.preview(volumes(host, FIRST, SECOND), host.run) == (
            [],
            [{"name": FIRST, "size_bytes": 500 * GIB}],
        )
        assert host.read == []


def volumes(host, *names):
    return [{"id": name, "mount": str(host.here / name)} for name in names]


class TestFindings:
    def test_no_volumes_have_none(self, host):
        assert disk_volumes.findings([], host.run) == []

    def test_every_bad_volume_is_told(self, host):
        host.put(FIRST, error="it cannot be read: Input/output error")
        host.put(SECOND, swap=True)
        told = disk_volumes.findings(volumes(host, FIRST, SECOND), host.run)
        assert (
            len(told) == 2
            and "because it cannot be read: Input/output error" in told[0]
            and "is used as swap" in told[1]
        )

    def test_a_disk_that_appears_in_time_is_waited_for(self, host, monkeypatch):
        looks = []

        def late(name):
            looks.append(name)
            return "/dev/" + name if len(looks) > 1 else None

        monkeypatch.setattr(disk_probe, "locate", late)
        host.put(FIRST, zero=True)
        assert disk_volumes.findings(volumes(host, FIRST), host.run, timeout=5) == []
        assert len(looks) == 2

    def test_the_same_volume_blank_again_is_refused(self, host):
        host.put(FIRST, zero=True)
        mount = str(host.here / FIRST)
        mount_unit.write(mount_unit.path(mount), mount_unit.text(FIRST, UUID, mount, []))
        assert "is blank, but by " in disk_volumes.findings(volumes(host, FIRST), host.run)[0]
        mount_unit.write(mount_unit.path(mount), mount_unit.text(SECOND, UUID, mount, []))
        assert disk_volumes.findings(volumes(host, FIRST), host.run) == []

    def test_a_bind_mount_of_a_part_is_not_the_volume(self, host):
        point = str(host.here / FIRST)
        host.put(
            FIRST,
            signature={"TYPE": "xfs", "UUID": UUID},
            mounts=(Mount(host.number, "/sub", point, "xfs"),),
            exclusive=False,
        )
        assert "where something else (xfs) is mounted" in disk_volumes.findings(volumes(host, FIRST), host.run)[0]

    def test_a_mount_point_behind_a_link_is_refused(self, host):
        host.put(FIRST, zero=True)
        (host.here / "real").mkdir()
        (host.here / FIRST).symlink_to(host.here / "real")
        assert "give the real path" in disk_volumes.findings(volumes(host, FIRST), host.run)[0]

    @pytest.mark.parametrize(
        ("seen", "sentence"),
        [
            ({"zero": True, "size": 200 * 1024**2}, "but XFS needs"),
            ({"zero": True, "read_only": True}, "is read-only"),
            ({}, "it has not been read"),
        ],
    )
    def test_a_disk_that_cannot_serve_is_refused(self, host, seen, sentence):
        host.put(FIRST, **seen)
        assert [sentence in each for each in disk_volumes.findings(volumes(host, FIRST), host.run)] == [True]

    def test_a_volume_known_at_another_mount_point_is_refused(self, host):
        host.put(FIRST, zero=True)
        mount_unit.write(mount_unit.path("/srv/other"), mount_unit.text(FIRST, UUID, "/srv/other", []))
        assert "belongs at /srv/other by " in disk_volumes.findings(volumes(host, FIRST), host.run)[0]

    def test_copies_of_a_file_system_are_refused(self, host, monkeypatch):
        for name in (FIRST, SECOND):
            host.put(name, signature={"TYPE": "xfs", "UUID": UUID})
        assert "as on a volume and its copy" in disk_volumes.findings(volumes(host, FIRST, SECOND), host.run)[0]
        monkeypatch.setattr(disk_probe, "number_of", lambda _path: "8:99")
        assert "and so has /dev/disk/by-uuid/" in disk_volumes.findings(volumes(host, FIRST), host.run)[0]

    def test_two_names_of_one_disk_are_refused(self, host, monkeypatch):
        monkeypatch.setattr(disk_probe, "locate", lambda _name: "/dev/one")
        assert (
            "is meant by %s and %s" % (FIRST, SECOND)
            in disk_volumes.findings(volumes(host, FIRST, SECOND), host.run)[0]
        )

    def test_a_mount_point_with_files_is_refused(self, host):
        host.put(FIRST, zero=True)
        (host.here / FIRST / "logs").mkdir(parents=True)
        assert "is not empty" in disk_volumes.findings(volumes(host, FIRST), host.run)[0]

    @pytest.mark.parametrize(
        ("wanted", "sentence"),
        [
            ([{"mount": "/a"}], "neither id nor path"),
            ([{"id": FIRST, "path": "/dev/disk/by-id/x", "mount": "/a"}], "an id and a path"),
            ([{"id": "/dev/disk/by-id/x", "mount": "/a"}], "give a path as path"),
            ([{"path": "/dev/nvme1n1", "mount": "/a"}], "not a lasting name"),
            ([{"id": "vol-1", "mount": "/a"}], "is no EBS volume id"),
            ([{"id": FIRST, "mount": "a"}], "no plain absolute path"),
            ([{"id": FIRST, "mount": "/"}], "no plain absolute path"),
            ([{"id": FIRST, "mount": "/a/../b"}], "no plain absolute path"),
            ([{"id": FIRST, "mount": "/a\nb"}], "no plain absolute path"),
            (
                [{"id": FIRST, "mount": "/a"}, {"id": SECOND, "mount": "/a"}],
                "The mount point /a is given to %s and %s" % (FIRST, SECOND),
            ),
            ([{"id": FIRST, "mount": "/a"}, {"id": FIRST, "mount": "/b"}], "to be mounted at /a and /b"),
            ([{"id": FIRST, "mount": "/a"}, {"id": SECOND, "mount": "/a/b"}], "/a/b lies below /a"),
        ],
    )
    def test_a_list_that_makes_no_sense_is_refused_without_a_look(self, host, wanted, sentence):
        told = disk_volumes.findings(wanted, host.run, timeout=0)
        assert len(told) == 1 and sentence in told[0]


class TestUnit:
    @pytest.mark.parametrize(
        ("mount", "name"),
        [
            ("/var/lib/kafka/data0", "var-lib-kafka-data0.mount"),
            ("/srv/my-data", r"srv-my\x2ddata.mount"),
            ("/.hidden/.inner", r"\x2ehidden-.inner.mount"),
            ("/a b/c%d", r"a\x20b-c\x25d.mount"),
            ("/größe", r"gr\xc3\xb6\xc3\x9fe.mount"),
            ("/a:b_c.d@e", r"a:b_c.d\x40e.mount"),
            ("/back\\slash", r"back\x5cslash.mount"),
            ("//double//slash/", "double-slash.mount"),
            ("/", "-.mount"),
        ],
    )
    def test_is_named_as_systemd_demands(self, mount, name):
        assert mount_unit.name(mount) == name

    def test_remembers_its_volume_and_escapes_specifiers(self):
        text = mount_unit.text(FIRST, UUID, "/srv/100%", ["noatime"])
        assert "Where=/srv/100%%\n" in text
        assert mount_unit.remembered(text) == mount_unit.Remembered(FIRST, UUID, "/srv/100%")
        assert mount_unit.remembered(text.replace(mount_unit.VOLUME_KEY, "X-Other")) is None

    def test_is_not_waited_for_by_the_boot(self):
        text = mount_unit.text(FIRST, UUID, "/srv/a", ["noatime"])
        assert "nofail" in text and "local-fs" not in text
