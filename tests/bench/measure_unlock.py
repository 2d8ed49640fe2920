"""Runs on the virtual machine of the bench, as root: measure_unlock.py DISK KEY_JSON; prints one JSON object. Everything on the disk is destroyed.

Each way starts a child of its own, so that its peak memory is its own; what is formatted beforehand is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

DISK = sys.argv[1]
MIB = 1 << 20
SIZE = 256 * MIB
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


def main() -> None:
    """One way after another on the same disk."""
    seconds, peaks, speed = {}, {}, {"plain": throughput(DISK)}
    sh("blkdiscard -z %s" % DISK)
    # Ours: formatted by its first start, closed, and opened as at boot.
    sh("systemctl start kafka-luks@bench && systemctl stop kafka-luks@bench")
    seconds["ours"], peaks["ours"] = measured("/usr/local/sbin/kafka-luks open bench")
    speed["encrypted"] = throughput("/dev/mapper/kafka-bench")
    sh("/usr/local/sbin/kafka-luks close bench")
    # community.crypto.luks_device with its defaults are cryptsetup's: Argon2id, and the key from a file.
    os.makedirs("/run/bench", mode=0o700, exist_ok=True)
    with open("/run/bench/key", "wb") as stream:
        stream.write(os.urandom(64))
    sh("cryptsetup -q luksFormat %s /run/bench/key" % DISK)
    seconds["luks_device"], peaks["luks_device"] = measured("cryptsetup --key-file /run/bench/key luksOpen %s bench" % DISK)
    sh("cryptsetup close bench")
    with open("/run/bench/fetch.py", "w", encoding="utf-8") as stream:
        stream.write(FETCH)
    fetch = "python3 /run/bench/fetch.py %s" % sys.argv[2]
    sh("%s | cryptsetup -q luksFormat %s" % (fetch, DISK))
    seconds["article"], peaks["article"] = measured("%s | cryptsetup luksOpen %s bench" % (fetch, DISK))
    sh("cryptsetup close bench")
    print(json.dumps({"unlock_seconds": seconds, "unlock_peak_mb": peaks, "throughput_mb_s": speed}, separators=(",", ":")))


if __name__ == "__main__":
    main()
