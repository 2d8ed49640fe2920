"""Runs on the virtual machine of the bench, as root: measure_unlock.py ours | article DISK KEY_JSON; prints one JSON object. All on the disk is destroyed.

Each way starts a child of its own, so that its peak memory is its own; what is formatted beforehand is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

DISK, KEY = sys.argv[2:4]
MIB = 1 << 20
SIZE = 256 * MIB
# The best of these: the others tell of what else the machine did.
RUNS = 3
# What the article's script does at boot, with boto3 in place of the AWS command line: object, KMS, and the key piped from a shell.
FETCH = """
import boto3, json, os, sys
facts = json.load(open(sys.argv[1]))
url = os.environ["AWS_ENDPOINT_URL"]
clients = {name: boto3.client(name, endpoint_url=url) for name in ("s3", "kms")}
body = clients["s3"].get_object(Bucket=facts["bucket"], Key=facts["key"])["Body"].read()
key = clients["kms"].decrypt(CiphertextBlob=body, EncryptionContext=facts["encryption_context"])["Plaintext"]
print(key.hex())
"""


def sh(command: str, data: str = "") -> None:
    subprocess.run(["/bin/sh", "-c", command], input=data, text=True, check=True, stdout=subprocess.DEVNULL)


def measured(command: str) -> tuple[float, float]:
    """Seconds, and the peak in MB of the largest process among a command and its children."""
    start, read, write = time.monotonic(), *os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        import resource

        code = subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.DEVNULL, check=False).returncode
        os.write(write, b"%d %d" % (code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
        os._exit(0)
    os.close(write)
    code, peak = os.read(read, 100).split()
    os.waitpid(pid, 0)
    seconds = time.monotonic() - start
    assert code == b"0", command
    return round(seconds, 2), round(int(peak) / 1024, 1)


def throughput(path: str) -> float:
    """MB/s of sequential writes past the page cache, the best of three."""
    best = 0.0
    for _run in range(3):
        start = time.monotonic()
        sh("dd if=/dev/zero of=%s bs=1M count=%d oflag=direct conv=fsync status=none" % (path, SIZE // MIB))
        best = max(best, SIZE / 1e6 / (time.monotonic() - start))
    return round(best, 1)


def ours() -> dict[str, Any]:
    """Formatted by its first start, closed, and opened as at boot; the disk is blank afterwards."""
    speed = {"plain": throughput(DISK)}
    sh("blkdiscard -z %s" % DISK)
    sh("systemctl start kafka-luks@bench && systemctl stop kafka-luks@bench")
    runs = []
    for _run in range(RUNS):
        runs.append(measured("/usr/local/sbin/kafka-luks open bench"))
        sh("/usr/local/sbin/kafka-luks close bench")
    seconds, peak = min(runs)
    sh("/usr/local/sbin/kafka-luks open bench")
    speed["encrypted"] = throughput("/dev/mapper/kafka-bench")
    sh("/usr/local/sbin/kafka-luks close bench; blkdiscard -z %s" % DISK)
    # What any program takes that does nothing but these two calls.
    asked, _peak = min(measured(fetch()) for _run in range(RUNS))
    return {"seconds": seconds, "peak_mb": peak, "asked_seconds": asked, "throughput_mb_s": speed}


def fetch() -> str:
    """The command that prints the key."""
    os.makedirs("/run/bench", mode=0o700, exist_ok=True)
    with open("/run/bench/fetch.py", "w", encoding="utf-8") as stream:
        stream.write(FETCH)
    return "python3 /run/bench/fetch.py %s" % KEY


def article() -> dict[str, Any]:
    """The script of the article, re-created."""
    sh("%s | cryptsetup -q luksFormat %s" % (fetch(), DISK))
    seconds, peak = measured("%s | cryptsetup luksOpen %s bench" % (fetch(), DISK))
    sh("cryptsetup close bench")
    return {"seconds": seconds, "peak_mb": peak}


if __name__ == "__main__":
    print(json.dumps({"ours": ours, "article": article}[sys.argv[1]]()))
