"""The lab against what EC2 does: machines that follow the API, disks that outlive them or do not, metadata, user data, and a clean end."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from lab import images, kernel, network
from lab.settings import BRIDGE, GATEWAY, LABEL, STATE, VOLUMES

ROOT = Path(__file__).resolve().parents[2]
USER_DATA = "#!/bin/sh\necho once >> /var/tmp/user-data\n"
ADDRESSES = {"container": "198.18.9.10", "machine": "198.18.9.20"}
TYPES = {"container": "m6i.large", "machine": "i3.large"}


def lab(*words: str) -> str:
    """Run the lab's command line."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, check=True, capture_output=True, text=True, env=environment()
    ).stdout


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "tests"), **more}


class Ec2:
    """One subnet and one instance of each of these kinds."""

    def __init__(self, kinds: list[str]) -> None:
        exports = dict(word.split("=", 1) for line in lab("env").splitlines() for word in shlex.split(line)[1:])
        os.environ.update(exports)
        self.ssh_options = [
            "-i",
            exports["ANSIBLE_PRIVATE_KEY_FILE"],
            *shlex.split(exports["ANSIBLE_SSH_COMMON_ARGS"]),
            "-o",
            "ConnectTimeout=5",
        ]
        self.ec2, self.iam = boto3.client("ec2"), boto3.client("iam")
        image = self.ec2.describe_images(Filters=[{"Name": "name", "Values": ["rackaware-debian-12"]}])["Images"][0][
            "ImageId"
        ]
        vpc = self.ec2.create_vpc(CidrBlock="198.18.9.0/24")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="198.18.9.0/24", AvailabilityZone="eu-west-1a")["Subnet"][
            "SubnetId"
        ]
        self.profile()
        self.ids, self.requests = {}, {}
        for kind in kinds:
            self.requests[kind] = {
                "ImageId": image,
                "InstanceType": TYPES[kind],
                "MinCount": 1,
                "MaxCount": 1,
                "SubnetId": subnet,
                "PrivateIpAddress": ADDRESSES[kind],
                "UserData": USER_DATA,
                "IamInstanceProfile": {"Name": "lab-test"},
            }
            self.launch(kind)
        self.volume = self.ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)["VolumeId"]

    def launch(self, kind: str) -> None:
        self.ids[kind] = self.ec2.run_instances(**self.requests[kind])["Instances"][0]["InstanceId"]

    def profile(self) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        self.iam.create_role(RoleName="lab-test", AssumeRolePolicyDocument=json.dumps(trust))
        self.iam.create_instance_profile(InstanceProfileName="lab-test")
        self.iam.add_role_to_instance_profile(InstanceProfileName="lab-test", RoleName="lab-test")

    def ssh(self, kind: str, command: str, check: bool = True) -> str:
        run = subprocess.run(
            ["ssh", *self.ssh_options, "root@" + ADDRESSES[kind], command], capture_output=True, text=True, check=False
        )
        assert not check or run.returncode == 0, run.stderr
        return run.stdout.strip()

    def wait(self, kind: str, command: str, expected: str, seconds: float = 400) -> None:
        """Until a command says what is expected: a machine answers ssh before it has done everything of its boot.

        An emulated machine boots in 30 s of a processor of its own, and in minutes beside other tests.
        """
        end = time.monotonic() + seconds
        while (said := self.ssh(kind, command, check=False)) != expected:
            assert time.monotonic() < end, said
            time.sleep(0.5)


@pytest.fixture(scope="module")
def ec2(request):
    virtual = any(item.get_closest_marker("virtual") for item in request.session.items)
    lab("up", "--fresh", *["--vm"][: int(virtual)])
    try:
        yield Ec2(["container", *["machine"][: int(virtual)]])
    finally:
        lab("down")


# Only what keeps instance stores needs the virtual machine, which takes a processor of its own for each of its boots.
KINDS = pytest.mark.parametrize("kind", ["container", pytest.param("machine", marks=pytest.mark.virtual)])


@KINDS
def test_an_instance_is_a_host_that_answers_ansible(ec2, kind):
    ec2.wait(kind, "true && echo up", "up")
    host = [
        "ansible",
        "all",
        "-i",
        ADDRESSES[kind] + ",",
        "-u",
        "root",
        "-e",
        "ansible_python_interpreter=/usr/bin/python3",
    ]
    run = subprocess.run(
        [*host, "-m", "ansible.builtin.ping"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(ANSIBLE_CONFIG=str(ROOT / "ansible.cfg")),
    )
    assert run.returncode == 0 and "pong" in run.stdout, run.stdout + run.stderr
    assert ec2.ssh(kind, "hostname") == "ip-" + ADDRESSES[kind].replace(".", "-")
    assert ("uname" in ec2.ssh(kind, "echo uname")) and (
        ec2.ssh(kind, "test -d /sys/module/dm_mod || modprobe dm_mod && echo yes", check=False) == "yes"
    ) is (kind == "machine")


@KINDS
def test_systemd_has_nothing_to_complain_about(ec2, kind):
    ec2.wait(kind, "systemctl is-system-running", "running")


@pytest.mark.virtual
def test_hosts_of_both_kinds_reach_each_other(ec2):
    ec2.ssh("container", "ping -c 1 -W 5 " + ADDRESSES["machine"])
    ec2.ssh("machine", "ping -c 1 -W 5 " + ADDRESSES["container"])


@KINDS
def test_user_data_runs_once(ec2, kind):
    ec2.wait(kind, "cat /var/tmp/user-data", "once")


@KINDS
def test_metadata_takes_version_2_only_and_knows_who_asks(ec2, kind):
    assert (
        ec2.ssh(kind, "curl -s -o /dev/null -w %%{http_code} http://%s:1338/latest/meta-data/instance-id" % GATEWAY)
        == "401"
    )
    token = "$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://%s:1338/latest/api/token)" % GATEWAY
    ask = 'curl -s -H "X-aws-ec2-metadata-token: %s" http://%s:1338/latest/%%s' % (token, GATEWAY)
    assert ec2.ssh(kind, ask % "meta-data/instance-id") == ec2.ids[kind]
    role = json.loads(ec2.ssh(kind, ask % "meta-data/iam/security-credentials/lab-test"))
    assert role["Code"] == "Success" and role["Token"]
    # Debian 12's boto3 does not read AWS_ENDPOINT_URL itself yet.
    program = "import boto3, os; print(boto3.client('sts', endpoint_url=os.environ['AWS_ENDPOINT_URL']).get_caller_identity()['Arn'])"
    who = ec2.ssh(kind, 'python3 -c "%s"' % program)
    assert who.endswith("assumed-role/lab-test/" + ec2.ids[kind])


@KINDS
def test_a_volume_is_found_by_its_id_and_outlives_a_move(ec2, kind):
    link = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_" + ec2.volume.replace("-", "")
    ec2.ec2.attach_volume(VolumeId=ec2.volume, InstanceId=ec2.ids[kind], Device="/dev/sdf")
    ec2.wait(kind, "test -b %s && echo there" % link, "there")
    ec2.ssh(
        kind,
        "echo from-%s | dd of=%s bs=512 seek=%d conv=sync,fsync status=none"
        % (kind, link, 10 if kind == "container" else 11),
    )
    if kind == "machine":
        assert ec2.ssh(kind, "dd if=%s bs=512 skip=10 count=1 status=none | head -1" % link) == "from-container"
    ec2.ec2.detach_volume(VolumeId=ec2.volume, InstanceId=ec2.ids[kind])
    ec2.wait(kind, "test -e %s || echo gone" % link, "gone")


def test_a_volume_grows_while_a_container_has_it(ec2):
    link = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_" + ec2.volume.replace("-", "")
    ec2.ec2.attach_volume(VolumeId=ec2.volume, InstanceId=ec2.ids["container"], Device="/dev/sdf")
    ec2.wait("container", "blockdev --getsize64 " + link, str(1024**3))
    ec2.ec2.modify_volume(VolumeId=ec2.volume, Size=2)
    assert ec2.ssh("container", "blockdev --getsize64 " + link) == str(2 * 1024**3)
    ec2.ec2.detach_volume(VolumeId=ec2.volume)
    ec2.wait("container", "test -e %s || echo gone" % link, "gone")


@pytest.mark.virtual
def test_an_instance_store_survives_a_reboot_and_is_blank_after_stop_and_start(ec2):
    store = "/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS*"
    ec2.wait("machine", "ls %s | wc -l" % store, "1")
    ec2.ssh(
        "machine",
        "echo mine | dd of=$(ls %s) bs=512 conv=sync,fsync status=none; touch /var/tmp/root-disk; sync" % store,
    )
    boot = ec2.ssh("machine", "cat /proc/sys/kernel/random/boot_id")
    ec2.ec2.reboot_instances(InstanceIds=[ec2.ids["machine"]])
    ec2.wait(
        "machine",
        "test $(cat /proc/sys/kernel/random/boot_id) != %s && dd if=$(ls %s) bs=512 count=1 status=none | head -1"
        % (boot, store),
        "mine",
    )
    ec2.ec2.stop_instances(InstanceIds=[ec2.ids["machine"]])
    ec2.ec2.start_instances(InstanceIds=[ec2.ids["machine"]])
    ec2.wait("machine", "cmp -n 512 $(ls %s) /dev/zero && ls /var/tmp/root-disk" % store, "/var/tmp/root-disk")
    assert ec2.ssh("machine", "cat /var/tmp/user-data") == "once"


def test_a_container_keeps_its_address_and_its_root_disk_over_stop_and_start(ec2):
    ec2.ssh("container", "touch /var/tmp/root-disk")
    ec2.ec2.stop_instances(InstanceIds=[ec2.ids["container"]])
    assert ec2.ssh("container", "true", check=False) == "" and ec2.ids["container"] in lab("status")
    ec2.ec2.start_instances(InstanceIds=[ec2.ids["container"]])
    assert ec2.ssh("container", "ls /var/tmp/root-disk; hostname -I").split() == [
        "/var/tmp/root-disk",
        ADDRESSES["container"],
    ]


def test_an_instance_that_is_gone_leaves_its_address_to_the_next(ec2):
    ec2.ec2.terminate_instances(InstanceIds=[ec2.ids["container"]])
    ec2.launch("container")
    assert ec2.ssh("container", "test -e /var/tmp/root-disk || echo new") == "new"


def test_up_again_changes_nothing(ec2):
    before = lab("status")
    lab("up")
    assert lab("status") == before


def test_an_address_outside_the_labs_network_is_refused():
    with pytest.raises(network.LabError, match="outside the lab's network"):
        network.refuse_foreign("10.0.0.5")


def test_after_down_nothing_is_left_even_when_the_server_died(ec2):
    assert lab("up") and (STATE / "server.pid").exists()
    os.kill(int((STATE / "server.pid").read_text()), 9)
    swappiness = Path("/proc/sys/vm/swappiness")
    before = kernel.value(str(swappiness))
    swappiness.write_text("%d" % (int(before) + 1))
    lab("down")
    assert kernel.value(str(swappiness)) == before
    assert not STATE.exists()
    assert subprocess.run(["ip", "link", "show", BRIDGE], capture_output=True, check=False).returncode != 0
    assert (
        subprocess.run(
            ["podman", "ps", "-aq", "--filter", "label=%s=machine" % LABEL], capture_output=True, text=True, check=True
        ).stdout
        == ""
    )
    assert str(VOLUMES) not in subprocess.run(["losetup", "--list"], capture_output=True, text=True, check=True).stdout
    assert {network.cable(instance) for instance in ec2.ids.values()} & set(os.listdir("/sys/class/net")) == set()
    assert subprocess.run(["podman", "image", "exists", images.tag("bookworm")], check=False).returncode == 0, (
        "caches stay"
    )
