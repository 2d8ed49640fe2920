"""Reboot an instance through the EC2 API and wait until it has booted anew: reboot.py <instance id>=<address>."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time

import boto3

SECONDS = 120


def boot_id(address: str) -> str:
    """The kernel's name of this boot, empty while nobody answers; in a container only the time of its first process tells."""
    ssh = [
        "ssh",
        "-i",
        os.environ["ANSIBLE_PRIVATE_KEY_FILE"],
        *shlex.split(os.environ["ANSIBLE_SSH_COMMON_ARGS"]),
        "-o",
        "ConnectTimeout=3",
        "-o",
        "BatchMode=yes",
    ]
    run = subprocess.run(
        [*ssh, "root@" + address, "stat", "-c", "%Y", "/proc/1"], capture_output=True, text=True, check=False
    )
    return run.stdout.strip()


def main() -> None:
    """Reboot, wait."""
    instance, address = sys.argv[1].split("=", 1)
    before = boot_id(address)
    boto3.client("ec2").reboot_instances(InstanceIds=[instance])
    end = time.monotonic() + SECONDS
    while boot_id(address) in ("", before):
        if time.monotonic() > end:
            sys.exit("%s did not boot anew within %d seconds." % (instance, SECONDS))
        time.sleep(1)
    print("%s has booted anew." % instance)


if __name__ == "__main__":
    main()
