# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What keeps a host from running Kafka, one sentence each, before anything on it changes; an empty list means go."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import sys
from typing import Any, Callable, Mapping, Sequence

from .._config.units import SERVICES
from .._errors import reason

# capabilities(7): with it a service manager may give a service more open files than it has itself.
CAP_SYS_RESOURCE = 24
# proc(5), tcp states: 0A is LISTEN.
LISTEN = "0A"
MAX_SKEW_SECONDS = 30.0
PROC = "/proc"


def findings(asked: Mapping[str, Any], *, now: float, fetch: Callable[[str], None], proc: str = PROC) -> list[str]:
    """All findings but those of volumes, which are in _disk.volumes.

    asked: {ports, open_files, controller_time, downloads, downloaded}; now: the host's time, seconds since 1970; fetch
    raises OSError or ValueError for a URL that does not answer.
    """
    return [
        *systemd_findings(),
        *clock_findings(asked.get("controller_time"), now),
        *limit_findings(asked.get("open_files"), proc=proc),
        *port_findings(asked.get("ports") or (), proc=proc),
        *download_findings(
            [] if os.path.exists(asked.get("downloaded") or "") else asked.get("downloads") or (), fetch
        ),
    ]


def systemd_findings(path: str = "/run/systemd/system") -> list[str]:
    """systemd must be what runs the host (sd_booted(3))."""
    return (
        []
        if os.path.isdir(path)
        else ["The host is not run by systemd, which starts and watches Kafka; choose an image that is."]
    )


def clock_findings(controller: float | None, host: float) -> list[str]:
    """Whether the host's clock agrees with the controller's; what a task needs to start is far below the tolerance."""
    if controller is None:
        return []
    skew = host - controller
    if abs(skew) <= MAX_SKEW_SECONDS:
        return []
    return [
        "The clock is %.0f seconds %s the controller's, which breaks record timestamps, retention and TLS; correct"
        " the time on one of them." % (abs(skew), "ahead of" if skew > 0 else "behind")
    ]


def limit_findings(open_files: int | None, *, proc: str = PROC) -> list[str]:
    """Whether systemd can give a service this many open files.

    The limit is fs.nr_open, and systemd's own hard limit where it may not raise that.
    """
    if open_files is None:
        return []
    with open(os.path.join(proc, "sys/fs/nr_open"), encoding="ascii") as stream:
        allowed, why = int(stream.read()), "the kernel's fs.nr_open"
    if not _may_raise(proc):
        with open(os.path.join(proc, "1/limits"), encoding="ascii") as stream:
            hard = re.search(r"^Max open files\s+\S+\s+(\S+)", stream.read(), re.MULTILINE)
        if hard and hard.group(1).isdigit() and int(hard.group(1)) < allowed:
            allowed, why = int(hard.group(1)), "systemd's own hard limit, which it may not raise here"
    if open_files <= allowed:
        return []
    return [
        "kafka_open_files is %d, but the host allows %d (%s); lower it, or raise the limit."
        % (open_files, allowed, why)
    ]


def _may_raise(proc: str) -> bool:
    with open(os.path.join(proc, "1/status"), encoding="utf-8") as stream:
        effective = re.search(r"^CapEff:\s+([0-9a-f]+)", stream.read(), re.MULTILINE)
    return bool(effective and int(effective.group(1), 16) >> CAP_SYS_RESOURCE & 1)


def port_findings(ports: Sequence[int], *, proc: str = PROC) -> list[str]:
    """Whether a process that is none of our services listens on a port that the node needs."""
    held = {port: inode for port, inode in _listening(proc) if port in ports}
    if not held:
        return []
    owners = _owners(set(held.values()), proc)
    out = []
    for port in sorted(held):
        name, unit = owners.get(held[port], ("an unknown process", ""))
        if unit not in {service.unit for service in SERVICES.values()}:
            out.append("Port %d is taken by %s; stop that, or choose another port in kafka_listeners." % (port, name))
    return out


def _listening(proc: str) -> list[tuple[int, str]]:
    """(port, inode) of every socket that listens for TCP, on any address."""
    out = []
    for name in ("net/tcp", "net/tcp6"):
        try:
            with open(os.path.join(proc, name), encoding="ascii") as stream:
                lines = stream.read().splitlines()[1:]
        except FileNotFoundError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTEN:
                out.append((int(fields[1].rpartition(":")[2], 16), fields[9]))
    return out


def _owners(inodes: set[str], proc: str) -> dict[str, tuple[str, str]]:
    """{inode: (what to call the process, its systemd unit)}."""
    out: dict[str, tuple[str, str]] = {}
    sought = {"socket:[%s]" % inode: inode for inode in inodes}
    for pid in filter(str.isdigit, os.listdir(proc)):
        home = os.path.join(proc, pid)
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            held = set(sought) & _links(os.path.join(home, "fd"))
            if held:
                with open(os.path.join(home, "comm"), encoding="utf-8", errors="replace") as stream:
                    title = "%s (process %s)" % (stream.read().strip(), pid)
                with open(os.path.join(home, "cgroup"), encoding="utf-8", errors="replace") as stream:
                    unit = re.search(r"/([^/]+\.service)", stream.read())
                out.update({sought[link]: (title, unit.group(1) if unit else "") for link in held})
    return out


def _links(directory: str) -> set[str]:
    out = set()
    for name in os.listdir(directory):
        # A descriptor may be closed meanwhile, as the one that lists our own.
        with contextlib.suppress(OSError):
            out.add(os.readlink(os.path.join(directory, name)))
    return out


def download_findings(urls: Sequence[str], fetch: Callable[[str], None]) -> list[str]:
    """Whether each URL can be had."""
    out = []
    for url in urls:
        try:
            fetch(url)
        except (OSError, ValueError) as error:
            out.append(
                "%s cannot be fetched: %s; correct kafka_install_url, or let the host reach it." % (url, reason(error))
            )
    return out


def java_findings(oldest: int | None, run: Callable[..., tuple[int, str, str]]) -> list[str]:
    """Whether Java is at least this one; run is module.run_command."""
    if oldest is None:
        return []
    try:
        _code, out, err = run(["java", "-version"], environ_update={"LC_ALL": "C"}, handle_exceptions=False)
    except OSError:
        out = err = ""
    # 17.0.15, 21, and 1.8.0_402 for Java 8.
    match = re.search(r'version "(?:1\.)?(\d+)', err + out)
    if match is None:
        return ["There is no Java that tells its version; install Java %d or later with the role java." % oldest]
    if int(match.group(1)) < oldest:
        return [
            "Java is %s, but this version of Kafka needs %d or later; correct java_package." % (match.group(1), oldest)
        ]
    return []


def version_findings(version: str | None, carried: str | None) -> list[str]:
    """Whether the host carries the version that it shall; one that carries none is new."""
    if version is None or carried is None or version == carried:
        return []
    return [
        "The host carries Kafka %s, but kafka_version is %s, and only an upgrade changes that; run rolling_upgrade,"
        " or set kafka_version to %s. See docs/runbooks/upgrade_and_roll_back.md." % (carried, version, carried)
    ]


def installed(names: Sequence[str], run: Callable[..., tuple[int, str, str]]) -> list[str]:
    """Those of these packages that dpkg or rpm knows as installed by this very name; run is module.run_command."""
    if not names:
        return []
    for command in (
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n"],
        ["rpm", "--query", "--queryformat", "%{NAME} installed\n"],
    ):
        with contextlib.suppress(OSError):
            # Both end with an error, and still list the others, when one of the names is not known.
            _code, out, _err = run([*command, *names], environ_update={"LC_ALL": "C"}, handle_exceptions=False)
            packages = set(out.splitlines())
            return [name for name in names if name + " installed" in packages]
    return []


def installed_in(virtualenv: str, requirements: Sequence[str]) -> list[str]:
    """Those of these requirements, each name==version, that a virtual environment has for the Python that runs this."""
    packages = os.path.join(virtualenv, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    # packaging.python.org, "Recording installed projects": name-version.dist-info, with underscores in the name.
    return [
        requirement
        for requirement in requirements
        if os.path.isdir(os.path.join(packages, requirement.replace("-", "_").replace("==", "-") + ".dist-info"))
    ]


def users(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Home and shell of those of these users that the host knows."""
    out = {}
    for name in names:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            out[name] = {"home": entry.pw_dir, "shell": entry.pw_shell}
    return out


def running(units: Sequence[str], run: Callable[..., tuple[int, str, str]]) -> list[str]:
    """Those of these systemd units that are active, enabled, and unchanged since systemd read their files."""
    if not units:
        return []
    expected = ["ActiveState=active", "NeedDaemonReload=no", "UnitFileState=enabled"]
    properties = ["--property=" + name.partition("=")[0] for name in expected]
    _code, out, _err = run(["systemctl", "show", *properties, "--", *units], environ_update={"LC_ALL": "C"})
    # One paragraph a unit, in the order in which they were named.
    return [unit for unit, said in zip(units, out.split("\n\n")) if sorted(said.split()) == expected]
