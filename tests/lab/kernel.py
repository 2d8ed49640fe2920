"""The kernel is shared with the hosts: what their tuning sets for all of it is remembered before, and restored after."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .settings import STATE

SHARED = ("/proc/sys/vm/swappiness", "/proc/sys/vm/max_map_count", "/sys/kernel/mm/transparent_hugepage/enabled")
BOOT = Path("/proc/sys/kernel/random/boot_id")
REMEMBERED = STATE / "kernel.json"


def value(path: str) -> str:
    """What is set; of a list of choices the one in brackets."""
    text = Path(path).read_text().strip()
    chosen = re.search(r"\[(.+?)\]", text)
    return chosen.group(1) if chosen else text


def remember() -> None:
    """Keep what is set now, unless an earlier lab of this boot already did."""
    if not REMEMBERED.exists():
        REMEMBERED.write_text(
            json.dumps(
                {"boot": BOOT.read_text(), "values": {path: value(path) for path in SHARED if Path(path).exists()}}
            )
        )


def restore() -> None:
    """Set it again; what a boot has reset is left alone."""
    if not REMEMBERED.exists():
        return
    kept = json.loads(REMEMBERED.read_text())
    if kept["boot"] == BOOT.read_text():
        for path, wanted in kept["values"].items():
            if value(path) != wanted:
                Path(path).write_text(wanted)
