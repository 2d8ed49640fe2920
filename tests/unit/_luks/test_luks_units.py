"""The units of an encrypted store, as systemd itself reads them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._config import units as config_units
from ansible_collections.rackaware.kafka.plugins.module_utils._luks import units as luks_units

MOUNT = "/var/lib/kafka/data0"


@pytest.fixture()
def verify(tmp_path):
    """systemd-analyze's complaints about a set of units in which only ours can be wrong."""

    def run(mount_text=None, guard_text=None):
        program = tmp_path / "kafka-luks"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        units = tmp_path / "units"
        shutil.rmtree(units, ignore_errors=True)
        kafka = config_units.unit(
            "broker", version="4.3.1", open_files=1000, writes=[MOUNT], mounts=[MOUNT], java="/bin/true"
        )
        files = {
            "kafka-luks@.service": luks_units.unlock_text(program=str(program)),
            "var-lib-kafka-data0.mount": mount_text or luks_units.mount_text("d0", "kafka-d0", MOUNT),
            "kafka.service": kafka.replace("User=kafka\nGroup=kafka\n", ""),
            "kafka.service.d/50-encrypted-store.conf": guard_text or guard(),
            "dev-mapper-kafka\\x2dd0.device.d/50-wait.conf": luks_units.device_text(),
            "multi-user.target.wants/kafka.service": None,
            "multi-user.target.wants/kafka-luks@d0.service": None,
            "multi-user.target.wants/var-lib-kafka-data0.mount": None,
        }
        for name, text in files.items():
            path = units / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.symlink_to(units / name.rsplit("/", 1)[1].replace("@d0", "@"))
            else:
                path.write_text(text)
        environment = {"SYSTEMD_UNIT_PATH": "%s:" % units, "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", "multi-user.target"]
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        ours = [line for line in done.stdout.splitlines() if "kafka" in line or "cycle" in line]
        return ours

    return run


def guard(**more):
    return luks_units.guard_text([MOUNT], **{"directories": [MOUNT + "/logs"], "user": "root", **more})


def test_systemd_finds_nothing_wrong(verify):
    assert verify() == []


def test_without_netdev_the_order_would_be_a_circle(verify):
    text = luks_units.mount_text("d0", "kafka-d0", MOUNT).replace("_netdev,", "")
    assert any("ordering cycle" in line for line in verify(mount_text=text))


def test_the_check_sees_an_unknown_directive(verify):
    assert verify(guard_text=guard().replace("AssertPathIsEncrypted", "AssertPathIsCrypted"))


@pytest.mark.parametrize("options", [("noatime",), ("_netdev", "nofail")])
def test_options_that_would_fail_open_are_refused(options):
    with pytest.raises(luks_units.LuksUnitsError, match="needs the option _netdev and not nofail"):
        luks_units.mount_text("d0", "kafka-d0", MOUNT, options=options)


@pytest.mark.parametrize(
    "line",
    [
        "Type=notify",
        "RemainAfterExit=yes",
        "TimeoutStartSec=infinity",
        "LimitCORE=0",
        "ExecStart=/usr/local/sbin/kafka-luks open %i",
        "ExecStop=/usr/local/sbin/kafka-luks close %i",
        "AssertPathExists=/etc/kafka-luks/%i.json",
        "Before=remote-fs-pre.target",
    ],
)
def test_the_unlocker_waits_within_and_leaves_nothing(line):
    assert line in luks_units.unlock_text().splitlines()


def test_a_lost_mapping_takes_the_mount_and_kafka_with_it():
    mount = luks_units.mount_text("d0", "kafka-d0", MOUNT).splitlines()
    assert "BindsTo=dev-mapper-kafka\\x2dd0.device" in mount and "Requires=kafka-luks@d0.service" in mount
    assert "What=/dev/mapper/kafka-d0" in mount and "Options=_netdev,noatime,nodev,nosuid,noexec" in mount
    lines = guard().splitlines()
    for line in (
        "BindsTo=var-lib-kafka-data0.mount",
        "AssertPathIsMountPoint=" + MOUNT,
        "AssertPathIsEncrypted=" + MOUNT,
        "RequiresMountsFor=" + MOUNT,
    ):
        assert line in lines


def test_kafka_cannot_ask_for_the_credentials_of_the_role():
    assert "IPAddressDeny=169.254.169.254 fd00:ec2::254" in guard().splitlines()


def test_what_must_be_prepared_is_done_after_the_directories():
    lines = [line for line in guard(prepare=["/bin/x"]).splitlines() if line.startswith("ExecStartPre")]
    assert lines[0] == "ExecStartPre=+/usr/bin/install --directory --mode=0750 --owner=root --group=root " + MOUNT
    assert lines[1:] == ["ExecStartPre=/usr/bin/install --directory --mode=0750 %s/logs" % MOUNT, "ExecStartPre=/bin/x"]
