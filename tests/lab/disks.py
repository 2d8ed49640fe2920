"""EBS volumes: sparse files behind loop devices, which outlive the instances."""

from __future__ import annotations

import json
from pathlib import Path

from .settings import VOLUMES
from .shell import run, succeeds

GIB = 1024**3


def path(volume: str) -> Path:
    """The file of a volume."""
    return VOLUMES / (volume + ".img")


def ensure(volume: str, size_gb: int) -> Path:
    """Make the volume's file, sparse, or grow it, which a host that has it sees at once, as on EC2."""
    VOLUMES.mkdir(parents=True, exist_ok=True)
    file = path(volume)
    if not file.exists() or file.stat().st_size < size_gb * GIB:
        run("truncate", "-s", size_gb * GIB, file)
        device = loops().get(str(file))
        if device:
            run("losetup", "--set-capacity", device)
    return file


def loops() -> dict[str, str]:
    """The loop devices of the lab's volumes, as {file: /dev/loopN}."""
    listing = run("losetup", "--json", "--list", "--output", "NAME,BACK-FILE")
    devices = json.loads(listing)["loopdevices"] if listing.strip() else []
    return {
        device["back-file"]: device["name"] for device in devices if device["back-file"].startswith(str(VOLUMES) + "/")
    }


def loop(volume: str) -> str:
    """The volume's loop device, made if it has none."""
    file = str(path(volume))
    return loops().get(file) or run("losetup", "--find", "--show", file).strip()


def unloop(volume: str) -> None:
    """Take the volume's loop device away, if it has one."""
    device = loops().get(str(path(volume)))
    # One that was in use is let go by the kernel when its last user ends, which may be just now.
    if device and not succeeds("losetup", "--detach", device) and device in loops().values():
        run("losetup", "--detach", device)


def delete(volume: str) -> None:
    """Remove the volume."""
    unloop(volume)
    path(volume).unlink(missing_ok=True)


def down() -> None:
    """Take every loop device of the lab's volumes away."""
    for device in loops().values():
        run("losetup", "--detach", device)
