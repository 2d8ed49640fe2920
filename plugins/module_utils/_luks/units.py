# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The systemd units of encrypted stores.

They open and mount them at boot, and keep Kafka from starting without them.
"""

from __future__ import annotations

from typing import Sequence

from .._address import METADATA_ENDPOINT
from .._disk import mount_unit
from .._errors import RackawareError
from .unlocker import CONFIG, PROGRAM

UNLOCK = "kafka-luks@.service"
OPTIONS = ("_netdev", "noatime", "nodev", "nosuid", "noexec")
INSTALL = "/usr/bin/install --directory --mode=0750"


class LuksUnitsError(RackawareError):
    """A unit cannot be written for this."""


def unlock_service(name: str) -> str:
    """The unit that opens one store."""
    return UNLOCK.replace("@", "@" + name)


def device_unit(mapping: str) -> str:
    """The unit of /dev/mapper/mapping."""
    return mount_unit.name("/dev/mapper/" + mapping)[: -len(".mount")] + ".device"


def unlock_text(*, program: str = PROGRAM, config: str = CONFIG, comment: str = "Ansible managed") -> str:
    """The template unit; its instance is the store's name."""
    lines = [
        "# %s" % comment,
        "[Unit]",
        "Description=Encrypted store %i",
        "Documentation=man:cryptsetup(8)",
        # Signatures of requests need the time, names of endpoints the resolver.
        "Wants=network-online.target nss-lookup.target time-sync.target remote-fs-pre.target",
        "After=network-online.target nss-lookup.target time-sync.target systemd-udevd.service",
        "Before=remote-fs-pre.target",
        "AssertPathExists=%s/%%i.json" % config,
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        # Ready means open. It retries within the process, so units that wait for it do not fail.
        "Type=notify",
        "NotifyAccess=main",
        "RemainAfterExit=yes",
        "TimeoutStartSec=infinity",
        "ExecStart=%s open %%i" % program,
        "ExecStop=%s close %%i" % program,
        "EnvironmentFile=-%s/environment" % config,
        # A key is in its memory for a moment.
        "LimitCORE=0",
        "LimitMEMLOCK=infinity",
        "UMask=0077",
        "NoNewPrivileges=true",
        # Not strict: cryptsetup locks in /run, and the store's file may be anywhere below /var. Not PrivateDevices or
        # ProtectClock: both hide the disks.
        "ProtectSystem=full",
        "ProtectHome=true",
        "PrivateTmp=true",
        "ProtectControlGroups=true",
        "ProtectKernelLogs=true",
        "ProtectHostname=true",
        "LockPersonality=true",
        "RestrictRealtime=true",
        "RestrictNamespaces=true",
        "RestrictSUIDSGID=true",
        # AF_ALG and netlink are the kernel's cryptography and udev.
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_ALG",
        "SystemCallArchitectures=native",
        # Of root's rights those that neither cryptsetup nor mkfs has a use for.
        "SystemCallFilter=~@clock @cpu-emulation @obsolete @reboot @swap",
        "SystemCallErrorNumber=EPERM",
        "CapabilityBoundingSet=~CAP_SYS_BOOT CAP_SYS_TIME CAP_SYSLOG CAP_SYS_PACCT CAP_SYS_TTY_CONFIG CAP_WAKE_ALARM"
        " CAP_BLOCK_SUSPEND CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_LEASE CAP_BPF",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def device_text(comment: str = "Ansible managed") -> str:
    """A drop-in of the mapping's device unit.

    Without it systemd gives up after 90 s, and so does Kafka, while a store waits for its key.
    """
    return "# %s\n[Unit]\nJobRunningTimeoutSec=infinity\n" % comment


def mount_text(
    name: str, mapping: str, mount: str, *, options: Sequence[str] = OPTIONS, comment: str = "Ansible managed"
) -> str:
    """The unit that mounts a store: _netdev, and never nofail.

    There is no key before the network is up; without _netdev the order of the units is a cycle.
    """
    if "_netdev" not in options or "nofail" in options:
        raise LuksUnitsError("The mount of %s needs the option _netdev and not nofail; correct the options." % mount)
    service, device = unlock_service(name), device_unit(mapping)
    lines = [
        "# %s" % comment,
        "[Unit]",
        "Description=Encrypted store %s" % name,
        "Requires=%s" % service,
        "BindsTo=%s" % device,
        "After=%s %s" % (service, device),
        "",
        "[Mount]",
        "What=/dev/mapper/%s" % mapping,
        "Where=%s" % mount.replace("%", "%%"),
        "Type=xfs",
        "Options=%s" % ",".join(options),
        "DirectoryMode=0000",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def guard_text(
    mounts: Sequence[str],
    *,
    directories: Sequence[str] = (),
    user: str = "",
    prepare: Sequence[str] = (),
    comment: str = "Ansible managed",
) -> str:
    """A drop-in of the unit that uses the stores.

    The unit starts on encrypted mounts only, stops when one is unmounted, and cannot read the role's credentials.
    directories are mounts or below one. As a store may be new, they are made for user, the unit's own, at each start.
    prepare are commands after that, such as kafka-storage.
    """
    owned = [mount for mount in mounts if any((path + "/").startswith(mount + "/") for path in directories)]
    units = " ".join(mount_unit.name(mount) for mount in mounts)
    lines = [
        "# %s" % comment,
        "[Unit]",
        *["RequiresMountsFor=%s" % mount for mount in mounts],
        "BindsTo=%s" % units,
        "After=%s" % units,
        *["AssertPathIsMountPoint=%s" % mount for mount in mounts],
        *["AssertPathIsEncrypted=%s" % mount for mount in mounts],
        "",
        "[Service]",
        # A mount point cannot be swapped for a link. What lies below can: root would give away what the link leads to.
        *[f"ExecStartPre=+{INSTALL} --owner={user} --group={user} {path}" for path in owned],
        *[f"ExecStartPre={INSTALL} {path}" for path in directories if path not in owned],
        *["ExecStartPre=%s" % command for command in prepare],
        "IPAddressDeny=%s" % METADATA_ENDPOINT,
    ]
    return "\n".join(lines) + "\n"
