"""Unlocking and throughput of an encrypted instance store in a virtual machine of the lab; one JSON object as the last line.

Ours against community.crypto.luks_device with its defaults and against the article's script, re-created; see measure_unlock.py for what each of them is.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

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


def lab(*words: str) -> str:
    """Run the lab's command line."""
    return subprocess.run([sys.executable, "-m", "lab", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def machine() -> None:
    """An instance with one instance store."""
    iam, ec2 = boto3.client("iam"), boto3.client("ec2")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_instance_profile(InstanceProfileName=ROLE)
    iam.add_role_to_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["rackaware-debian-12"]}])["Images"][0]["ImageId"]
    vpc = ec2.create_vpc(CidrBlock="198.18.9.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="198.18.9.0/24", AvailabilityZone=REGION + "a")["Subnet"]["SubnetId"]
    place = {"SubnetId": subnet, "PrivateIpAddress": ADDRESS, "IamInstanceProfile": {"Name": ROLE}}
    ec2.run_instances(ImageId=image, InstanceType="i3.large", MinCount=1, MaxCount=1, **place)


def main() -> None:
    """A fresh lab, one machine, one measurement."""
    lab("up", "--fresh", "--vm")
    try:
        os.environ.update(dict(word.split("=", 1) for line in lab("env").splitlines() for word in shlex.split(line)[1:]))
        machine()
        ssh = ["ssh", "-n", "-i", os.environ["ANSIBLE_PRIVATE_KEY_FILE"], *shlex.split(os.environ["ANSIBLE_SSH_COMMON_ARGS"])]
        ssh += ["-o", "ConnectTimeout=5", "-o", "BatchMode=yes", "root@" + ADDRESS]
        end = time.monotonic() + 120
        # Quiet, and up for good: what still starts would be measured, too.
        while subprocess.run([*ssh, "systemctl is-system-running --wait"], capture_output=True, text=True, check=False).stdout.strip() != "running":
            if time.monotonic() > end:
                sys.exit("The machine did not start within 120 seconds.")
            time.sleep(1)
        play = ROOT / "build/bench-encryption.yml"
        play.parent.mkdir(exist_ok=True)
        play.write_text(PLAY)
        inventory = ROOT / "build/bench-encryption.ini"
        inventory.write_text("machine ansible_host=%s ansible_user=root ansible_python_interpreter=/usr/bin/python3\n" % ADDRESS)
        command = ["ansible-playbook", "-i", str(inventory), str(play), "-e", "measure=%s" % (ROOT / "tests/bench/measure_unlock.py")]
        subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
        measure = "AWS_DEFAULT_REGION=%s AWS_ENDPOINT_URL=%s " % (REGION, os.environ["AWS_ENDPOINT_URL"])
        measure += "python3 /root/measure_unlock.py /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS* /root/key.json"
        run = subprocess.run([*ssh, measure], check=False, stdout=subprocess.PIPE, text=True, timeout=600)
        if run.returncode:
            sys.exit("Measuring ended with %d." % run.returncode)
        print(run.stdout.strip().splitlines()[-1])
    finally:
        lab("down")


if __name__ == "__main__":
    main()
