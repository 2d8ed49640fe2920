"""An instance with an encrypted file that nobody but its launch template set up, in a virtual machine of the lab: boots, faults, leaks, and real dm-crypt."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
import yaml

from lab import raw
from lab.settings import API_PORT, GATEWAY, INSTANCES

ROOT = Path(__file__).resolve().parents[2]
ADDRESS, REGION, ROLE = "198.18.9.20", "eu-west-1", "web"
FAULTY_PORT = 8099
RECORD = "a record of an application"
STORE = "/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS*"


def lab(*words: str) -> str:
    """Run the lab's command line."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, check=True, capture_output=True, text=True, env=environment
    ).stdout


class Machine:
    """The instance, and the person who runs playbooks for it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        os.environ.update(
            dict(word.split("=", 1) for line in lab("env").splitlines() for word in shlex.split(line)[1:])
        )
        self.ssh_options = [
            "-i",
            os.environ["ANSIBLE_PRIVATE_KEY_FILE"],
            *shlex.split(os.environ["ANSIBLE_SSH_COMMON_ARGS"]),
            "-o",
            "ConnectTimeout=5",
        ]
        self.inventory = home / "inventory.ini"
        self.inventory.write_text(
            "web ansible_host=%s ansible_user=root ansible_python_interpreter=/usr/bin/python3\n" % ADDRESS
        )
        self.iam, self.ec2, self.s3, self.kms = (boto3.client(name) for name in ("iam", "ec2", "s3", "kms"))
        self.id = ""

    def role(self) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        self.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
        self.iam.create_instance_profile(InstanceProfileName=ROLE)
        self.iam.add_role_to_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)

    def template(self) -> str:
        image = self.ec2.describe_images(Filters=[{"Name": "name", "Values": ["rackaware-debian-12"]}])["Images"][0][
            "ImageId"
        ]
        given = {
            "kafka_secretfs_role": ROLE,
            "kafka_secretfs_region": REGION,
            "kafka_secretfs_image": image,
            "kafka_secretfs_instance_type": "i3.large",
            "key_custody_strict_policies": False,
        }
        return self.play(ROOT / "playbooks/launch_template.yml", "-e", json.dumps(given))

    def launch(self) -> None:
        vpc = self.ec2.create_vpc(CidrBlock="198.18.9.0/24")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="198.18.9.0/24", AvailabilityZone=REGION + "a")["Subnet"][
            "SubnetId"
        ]
        # The lab's API takes all but the instance profile from the template.
        place = {"SubnetId": subnet, "PrivateIpAddress": ADDRESS, "IamInstanceProfile": {"Name": ROLE}}
        made = self.ec2.run_instances(
            LaunchTemplate={"LaunchTemplateName": "secretfs"}, MinCount=1, MaxCount=1, **place
        )
        self.id = made["Instances"][0]["InstanceId"]

    def play(self, playbook: Path, *options: str, **more: str) -> str:
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            str(self.inventory),
            str(playbook),
            *options,
        ]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.home / "ansible"),
            **more,
        }
        run = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert run.returncode == 0, run.stdout[-6000:]
        return run.stdout

    def ssh(self, command: str, *, check: bool = True, data: bytes = b"") -> str:
        return self.bytes(command, check=check, data=data).decode(errors="replace").strip()

    def bytes(self, command: str, *, check: bool = True, data: bytes = b"") -> bytes:
        words = ["ssh", *self.ssh_options, "-o", "BatchMode=yes", "root@" + ADDRESS, command]
        run = subprocess.run(words, input=data, capture_output=True, check=False)
        assert not check or run.returncode == 0, (command, run.stdout[-2000:], run.stderr[-2000:])
        return run.stdout

    def wait(self, command: str, pattern: str, seconds: float = 120) -> str:
        """Until what a command says matches."""
        end = time.monotonic() + seconds
        while not re.search(pattern, said := self.ssh(command, check=False)):
            log = "" if time.monotonic() < end else self.ssh("journalctl --boot --no-pager --lines 60", check=False)
            assert not log, "%s said for %d seconds:\n%s\n\n%s" % (command, seconds, said, log)
            time.sleep(0.5)
        return said

    def reboot(self) -> None:
        boot = self.ssh("cat /proc/sys/kernel/random/boot_id")
        self.ec2.reboot_instances(InstanceIds=[self.id])
        self.wait("cat /proc/sys/kernel/random/boot_id", "^(?!%s)[0-9a-f-]{36}$" % boot)

    def key(self, store: str) -> bytes:
        """The key of a store; nobody but this test ever asks for it."""
        wrapped = json.loads(self.ssh("cat /etc/kafka-luks/%s.json" % store))["keys"][-1]
        content = self.s3.get_object(Bucket=wrapped["bucket"], Key=wrapped["key"], VersionId=wrapped["version_id"])[
            "Body"
        ].read()
        return self.kms.decrypt(
            CiphertextBlob=content, KeyId=wrapped["key_arn"], EncryptionContext=wrapped["encryption_context"]
        )["Plaintext"]


class Faulty(BaseHTTPRequestHandler):
    """KMS behind somebody who answers with faults first."""

    faults: list[tuple[int, str]] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.faults:
            status, code = self.faults.pop(0)
            answer = json.dumps({"__type": code, "message": "later"}).encode()
        else:
            names = ("Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Target", "X-Amz-Security-Token")
            headers = {name: self.headers[name] for name in names if self.headers[name]}
            request = urllib.request.Request(
                "http://%s:%d/" % (GATEWAY, API_PORT), data=body, headers=headers, method="POST"
            )
            with urllib.request.urlopen(request, timeout=10) as real:
                status, answer = real.status, real.read()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    lab("up", "--fresh", "--vm")
    try:
        made = Machine(tmp_path_factory.mktemp("machine"))
        made.role()
        made.template()
        made.launch()
        yield made
    finally:
        lab("down")


def test_the_template_is_made_once_and_asks_for_version_2_of_the_metadata(machine):
    assert re.search(r"localhost +: ok=\d+ +changed=0 ", machine.template())
    (version,) = machine.ec2.describe_launch_template_versions(LaunchTemplateName="secretfs")["LaunchTemplateVersions"]
    data = version["LaunchTemplateData"]
    assert (
        data["IamInstanceProfile"]["Arn"].endswith("/" + ROLE) and data["MetadataOptions"]["HttpTokens"] == "required"
    )


def test_the_file_is_encrypted_and_mounted_at_the_first_boot_without_ansible(machine):
    machine.wait(
        "findmnt --noheadings --output SOURCE,FSTYPE,OPTIONS /mnt/secretfs", r"^/dev/mapper/secretfs\s+xfs\s+\S*nosuid"
    )
    status = machine.ssh("cryptsetup status secretfs")
    assert (
        "LUKS2" in status and "aes-xts-plain64" in status and "512 bits" in status and "/var/lib/secretfs.img" in status
    )
    assert machine.ssh("stat -c '%s %a' /var/lib/secretfs.img") == "%d 600" % (2 << 30)
    assert machine.ssh("stat -c %a /etc/kafka-luks/secretfs.json") == "600"
    machine.wait("systemctl is-system-running", "^running$")
    machine.ssh("echo %s > /mnt/secretfs/record; sync" % shlex.quote(RECORD))


def test_late_endpoints_throttling_and_faults_are_waited_for_each_said_once(machine):
    # The lab's reboot is a reset: what was not written to the disk would be lost.
    machine.ssh("echo AWS_ENDPOINT_URL_KMS=http://%s:%d > /etc/kafka-luks/environment; sync" % (GATEWAY, FAULTY_PORT))
    machine.reboot()
    journal = "journalctl --boot --output cat --unit kafka-luks@secretfs"
    machine.wait(journal, "waiting: .*EndpointConnectionError")
    assert machine.ssh("mountpoint /mnt/secretfs", check=False) == "/mnt/secretfs is not a mountpoint"
    Faulty.faults = [
        (400, "ThrottlingException"),
        (400, "ThrottlingException"),
        (500, "KMSInternalException"),
        (503, "ServiceUnavailableException"),
    ]
    server = ThreadingHTTPServer((GATEWAY, FAULTY_PORT), Faulty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        machine.wait("findmnt --noheadings --output SOURCE /mnt/secretfs", "^/dev/mapper/secretfs$")
    finally:
        server.shutdown()
        server.server_close()
    lines = [line for line in machine.ssh(journal).splitlines() if line.startswith(("waiting: ", "open as"))]
    reasons = [
        "EndpointConnectionError",
        "ThrottlingException",
        "KMSInternalException",
        "ServiceUnavailableException",
        "open as /dev/mapper/secretfs (open",
    ]
    assert len(lines) == len(reasons) and all(reason in line for reason, line in zip(reasons, lines)), lines
    assert machine.ssh("cat /mnt/secretfs/record") == RECORD
    machine.ssh("rm /etc/kafka-luks/environment")


def test_work_queues_and_sector_sizes_are_measured_on_a_blank_disk(machine):
    said = machine.play(
        ROOT / "playbooks/measure_dm_crypt.yml", "-e", "kafka_measure_hosts=web", "-e", "kafka_measure_seconds=1"
    )
    assert (
        len(re.findall(r"(?:no encryption|sectors of (?:512|4096), (?:work queues|no_\w+queue)).*?MB/s", said)) == 9
    ), said
    assert "encrypted_store_options: " in said
    assert machine.ssh("blkid --probe $(ls %s)" % STORE, check=False) == ""


def test_every_case_that_needs_a_real_device_mapper(machine):
    # Nothing that holds the record in plain text, because the disk is searched for it.
    program = "tests/machines/device_mapper.py"
    packed = subprocess.run(
        ["tar", "--create", "--directory", ROOT, "plugins/module_utils", program], check=True, stdout=subprocess.PIPE
    ).stdout
    machine.ssh(
        "mkdir -p /root/cases && tar --extract --directory /root/cases && mv /root/cases/plugins/module_utils /root/cases/kafka_luks",
        data=packed,
    )
    said = machine.ssh("python3 /root/cases/%s /root/cases $(ls %s)" % (program, STORE), check=False)
    assert "FAIL" not in said and len(re.findall("^ok ", said, re.MULTILINE)) >= 26, said[-6000:]
    machine.ssh("rm -r /root/cases /etc/kafka-luks/d0.json")


PLAY = """
- name: Keep the keys
  hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - name: Keep the keys
      ansible.builtin.import_role:
        name: rackaware.kafka.key_custody
        tasks_from: keys
      vars:
        key_custody_region: eu-west-1
        key_custody_cluster: secretfs
        key_custody_keys: "{{ {} | rackaware.kafka.kafka_store_keys(['web'], app='secretfs', store='disk') }}"

- name: Keep an encrypted disk
  hosts: web
  gather_facts: true
  roles:
    - role: rackaware.kafka.encrypted_store
      vars:
        encrypted_store_stores:
          - store: disk
            name: disk
            mount: /srv/disk
            uuid: 6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44
            subsystem: web
            device: /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_*
            allow_format: blank_only
            keys: "{{ hostvars['localhost'].key_custody_wrapped.values() | first }}"
"""


def test_the_role_leaves_no_key_behind_at_any_verbosity_and_does_nothing_twice(machine):
    """As a person runs it, with everything turned on that could show or keep one; then everywhere that it could be is searched."""
    play = machine.home / "play.yml"
    play.write_text(yaml.safe_dump(yaml.safe_load(PLAY)))
    more = {
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        "ANSIBLE_DEBUG": "1",
        "ANSIBLE_LOG_PATH": str(machine.home / "log"),
    }
    cache = {
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(machine.home / "facts"),
    }
    said = machine.play(play, "-vvvv", "--diff", **more, **cache)
    assert machine.ssh("findmnt --noheadings --output SOURCE /srv/disk") == "/dev/mapper/disk"
    again = machine.play(play)
    found = re.search(r"web +: ok=(\d+) +changed=0 .*skipped=(\d+)", again)
    # Facts, which are the play's, are one of them.
    assert found and int(found[1]) + int(found[2]) - 1 <= 6, again
    assert list((machine.home / "facts").iterdir()) and machine.ssh("ls /root/.ansible/tmp") != ""
    machine.ssh("sync")
    places = "/run /tmp /dev/shm"
    memory = machine.bytes(
        "journalctl --output export; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; find %s -type f -size -4M -exec cat {} + 2>/dev/null"
        % places,
        check=False,
    )
    assert b"kafka-luks" in memory
    texts = {"the output": said.encode(), "the instance's memory": memory}
    texts.update((str(path), path.read_bytes()) for path in machine.home.rglob("*") if path.is_file())
    for bucket in machine.s3.list_buckets()["Buckets"]:
        for each in machine.s3.list_object_versions(Bucket=bucket["Name"]).get("Versions", []):
            body = machine.s3.get_object(Bucket=bucket["Name"], Key=each["Key"], VersionId=each["VersionId"])[
                "Body"
            ].read()
            texts["s3://%s/%s" % (bucket["Name"], each["Key"])] = body
    assert any("LuksInternalStorageKey" in name for name in texts)
    for store in ("secretfs", "disk"):
        forms = raw.forms(machine.key(store))
        assert [(name, form) for name, text in texts.items() for form, needle in forms.items() if needle in text] == []
        for disk in ("root.img", "store0.img"):
            assert raw.found(INSTANCES / machine.id / disk, forms) == set(), (store, disk)
    seen = raw.found(
        INSTANCES / machine.id / "root.img", {"record": RECORD.encode(), "program": b"It never falls back to anything"}
    )
    assert seen == {"program"}, "the search sees nothing, or the record is on the raw disk"
