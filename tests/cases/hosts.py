"""Hosts of the lab as a person at a shell reaches them, and waiting for what they do."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from typing import Callable, TypeVar

import boto3

Answer = TypeVar("Answer")


def until(
    condition: Callable[[], Answer], what: str, seconds: float, seen: Callable[[], object] | None = None
) -> Answer:
    """Wait until a condition holds, and return its value; seen says what there is instead, by default that value."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, "waited %d s for %s, last seen: %s" % (seconds, what, seen() if seen else answer)
        time.sleep(0.2)
    return answer


def ssh(address: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a host; the return code is 255 while the host does not answer."""
    options = [*shlex.split(os.environ["ANSIBLE_SSH_COMMON_ARGS"]), "-o", "ConnectTimeout=5", "-o", "BatchMode=yes"]
    key = os.environ["ANSIBLE_PRIVATE_KEY_FILE"]
    return subprocess.run(
        ["ssh", "-i", key, *options, "root@" + address, command], capture_output=True, text=True, check=False
    )


def reboot(instance: str, address: str) -> None:
    """Reboot an instance through the EC2 API, as AWS would take it down, and wait until it has booted again."""

    def booted() -> str:
        # In a container only the time of its first process tells one boot from another.
        return ssh(address, "stat -c %Y /proc/1").stdout.strip()

    before = booted()
    boto3.client("ec2").reboot_instances(InstanceIds=[instance])
    until(lambda: booted() not in ("", before), "%s to boot again" % instance, 120)
