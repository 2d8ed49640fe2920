"""Run a program under the system calls that a unit permits, without systemd: confined.py UNIT-FILE PROGRAM [ARGUMENT…]."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Iterable, Iterator, Mapping

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
UNKNOWN = -1


def groups() -> dict[str, list[str]]:
    """systemd's groups of system calls, each with its members."""
    out: dict[str, list[str]] = {}
    listing = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        if line.startswith("@"):
            members = out.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())
    return out


def names(words: Iterable[str], known: Mapping[str, list[str]]) -> Iterator[str]:
    """System calls by their names or groups."""
    for word in words:
        if word.startswith("@"):
            yield from names(known[word], known)
        else:
            yield word


def permitted(unit: str) -> set[str]:
    """What is left after all lines of SystemCallFilter=, the first of which permits."""
    known = groups()
    out = set(names(["@default"], known))
    for line in unit.splitlines():
        option, _, value = line.partition("=")
        if option == "SystemCallFilter":
            found = set(names(value.lstrip("~").split(), known))
            out = out - found if value.startswith("~") else out | found
    return out


def confine(calls: Iterable[str]) -> None:
    """From here on every other system call of this process fails with EPERM; libseccomp's default is no new privileges."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ERRNO | errno.EPERM)))
    for name in calls:
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Calls of other architectures have numbers below zero.
        if number > UNKNOWN:
            assert library.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), ctypes.c_int(number), 0) == 0, name
    assert library.seccomp_load(context) == 0


if __name__ == "__main__":
    os.umask(0o077)
    confine(permitted(Path(sys.argv[1]).read_text()))
    os.execvp(sys.argv[2], sys.argv[2:])
