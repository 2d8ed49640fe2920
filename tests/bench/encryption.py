"""Unlocking and throughput of an encrypted instance store in a virtual machine of the lab; one JSON object as the last line.

Ours, with both calls to AWS, as at boot; community.crypto.luks_device with its defaults and a key file that is there already, by the module itself, of
which the time on the host counts; and the article's script, re-created. own_seconds is ours without what a
program takes that does nothing but the two calls to AWS.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parents[2]
ADDRESS, REGION, ROLE = "198.18.9.20", "eu-west-1", "bench"
PLAY = """
- name: Keep the keys
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - name: Keep the keys
      ansible.builtin.import_role:
        name: rackaware.kafka.key_custody
      vars: &custody
        key_custody_region: eu-west-1
        key_custody_app: bench
        key_custody_cluster: bench
        key_custody_strict_policies: false
        key_custody_role_names: [bench]
        key_custody_role_patterns: [bench]
        key_custody_keys: "{{ hostvars | rackaware.kafka.kafka_store_keys(['machine'], app='bench', store='bench') }}"

- name: Write what opens the store
  hosts: machine
  gather_facts: false
  vars:
    bench_keys: "{{ hostvars['localhost'].key_custody_wrapped.values() | first }}"
    bench_stores:
      - store: bench
        name: kafka-bench
        mount: /mnt/bench
        uuid: 6f1c0b6d-3a51-4f0e-9d0c-0f6ef3a41a44
        subsystem: bench
        device: /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_*
        allow_format: blank_only
        filesystem: false
        keys: "{{ bench_keys }}"
    bench_set: "{{ bench_stores | rackaware.kafka.encrypted_store_files(as_file_set=true) }}"
  tasks:
    - name: Write what opens the store
      rackaware.kafka.file_set:
        held_by: kafka-luks@bench.service
        directories: "{{ bench_set.directories }}"
        files: "{{ bench_set.files }}"

    - name: Write the facts of the key
      ansible.builtin.copy:
        dest: /root/key.json
        content: "{{ bench_keys | last | to_json }}"
        mode: "0600"

    - name: Write what measures
      ansible.builtin.copy:
        src: "{{ measure }}"
        dest: /root/measure_unlock.py
        mode: "0600"

    - name: Let systemd read the units
      ansible.builtin.systemd_service:
        daemon_reload: true
"""
# The interpreter that Ansible gets for one task: it runs the real one, and writes down what that took.
MEASURED = """#!/usr/bin/python3
import json, resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(["/usr/bin/python3", *sys.argv[1:]]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
with open("/root/measured.json", "w") as stream:
    json.dump({"seconds": round(time.monotonic() - start, 2), "peak_mb": round(peak, 1)}, stream)
sys.exit(code)
"""
LUKS_DEVICE = """
- name: Open a volume with community.crypto
  hosts: machine
  gather_facts: false
  module_defaults:
    community.crypto.luks_device: {device: "{{ disk }}", keyfile: /run/key, name: bench}
  tasks:
    - name: Make a key
      ansible.builtin.command:
        argv: [dd, if=/dev/urandom, of=/run/key, bs=64, count=1]
        creates: /run/key

    - name: Write what measures
      ansible.builtin.copy:
        dest: /root/measured
        content: "{{ measured }}"
        mode: "0755"

    - name: Format
      community.crypto.luks_device:
        state: present

    - name: Open
      community.crypto.luks_device:
        state: opened
      vars:
        ansible_python_interpreter: /root/measured

    - name: Close
      community.crypto.luks_device:
        state: closed

    - name: Wipe
      ansible.builtin.command:
        argv: [blkdiscard, -z, "{{ disk }}"]
      changed_when: true
"""


def lab(*words: str) -> str:
    """Run the lab's command line."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def machine() -> None:
    """An instance with one instance store."""
    iam, ec2 = boto3.client("iam"), boto3.client("ec2")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_instance_profile(InstanceProfileName=ROLE)
    iam.add_role_to_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["rackaware-debian-12"]}])["Images"][0]["ImageId"]
    vpc = ec2.create_vpc(CidrBlock="198.18.9.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="198.18.9.0/24", AvailabilityZone=REGION + "a")["Subnet"][
        "SubnetId"
    ]
    place = {"SubnetId": subnet, "PrivateIpAddress": ADDRESS, "IamInstanceProfile": {"Name": ROLE}}
    ec2.run_instances(ImageId=image, InstanceType="i3.large", MinCount=1, MaxCount=1, **place)


def main() -> None:
    """A fresh lab, one machine, one measurement."""
    lab("up", "--fresh", "--vm")
    try:
        os.environ.update(
            dict(word.split("=", 1) for line in lab("env").splitlines() for word in shlex.split(line)[1:])
        )
        machine()
        ssh = [
            "ssh",
            "-n",
            "-i",
            os.environ["ANSIBLE_PRIVATE_KEY_FILE"],
            *shlex.split(os.environ["ANSIBLE_SSH_COMMON_ARGS"]),
        ]
        ssh += ["-o", "ConnectTimeout=5", "-o", "BatchMode=yes", "root@" + ADDRESS]
        end = time.monotonic() + 120
        # Quiet, and up for good: what still starts would be measured, too.
        while (
            subprocess.run(
                [*ssh, "systemctl is-system-running --wait"], capture_output=True, text=True, check=False
            ).stdout.strip()
            != "running"
        ):
            if time.monotonic() > end:
                sys.exit("The machine did not start within 120 seconds.")
            time.sleep(1)
        inventory = ROOT / "build/bench-encryption.ini"
        inventory.parent.mkdir(exist_ok=True)
        inventory.write_text(
            "machine ansible_host=%s ansible_user=root ansible_python_interpreter=/usr/bin/python3\n" % ADDRESS
        )

        def play(text: str, **variables: str) -> None:
            path = ROOT / "build/bench-encryption.yml"
            path.write_text(text)
            command = ["ansible-playbook", "-i", str(inventory), str(path), "-e", json.dumps(variables)]
            subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)

        def on_machine(command: str) -> str:
            run = subprocess.run([*ssh, command], check=False, stdout=subprocess.PIPE, text=True, timeout=600)
            if run.returncode:
                sys.exit("Measuring ended with %d: %s" % (run.returncode, command))
            return run.stdout.strip().splitlines()[-1]

        def measure(which: str) -> Any:
            environment = "AWS_DEFAULT_REGION=%s AWS_ENDPOINT_URL=%s" % (REGION, os.environ["AWS_ENDPOINT_URL"])
            return json.loads(
                on_machine("%s python3 /root/measure_unlock.py %s %s /root/key.json" % (environment, which, disk))
            )

        play(PLAY, measure=str(ROOT / "tests/bench/measure_unlock.py"))
        disk = on_machine("ls /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS*")
        found = {"ours": measure("ours")}
        play(LUKS_DEVICE, disk=disk, measured=MEASURED)
        found["luks_device"] = json.loads(on_machine("cat /root/measured.json"))
        found["article"] = measure("article")
        figures = {
            "unlock_" + kind: {way: each[kind] for way, each in found.items()} for kind in ("seconds", "peak_mb")
        }
        own = round(found["ours"]["seconds"] - found["ours"]["asked_seconds"], 2)
        print(
            json.dumps(
                {**figures, "throughput_mb_s": found["ours"]["throughput_mb_s"], "own_seconds": own},
                separators=(",", ":"),
            )
        )
    finally:
        lab("down")


if __name__ == "__main__":
    main()
