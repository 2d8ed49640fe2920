# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""How a service is run: its systemd unit, the JVM's options, and where it logs. One table of kinds, one form."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from .._address import METADATA_ENDPOINT, is_loopback
from .._errors import RackawareError
from .._start_guard import program

LOG_DIR = "/var/log/kafka"
# Of root: into a RuntimeDirectory=, which is the service's, root would write through whatever link lies there.
STARTED = "/run/kafka-started"
STAGED = ".staged"
LIBS = "/opt/kafka-%s/libs"
# Where a host whose data disks may come back blank keeps the id of its cluster.
CLUSTER_ID = "/etc/kafka/cluster.id"
# There while a broker is out of service (_host.out_of_service): it must not start, at a boot either.
OUT_OF_SERVICE = "/var/lib/kafka-admin/out_of_service.json"
DEFAULT_JAVA = "/usr/bin/java"
# Where the JVM unpacks the native code of Zstandard and Snappy. The unit's /tmp may be mounted noexec, as PrivateTmp=
# keeps what the host's /tmp has, and so may /run be (initramfs-tools mounts it so).
NATIVE_DIR = "/var/cache/kafka"
LOGGED_MB, LOGGED_FILES = 50, 10
# docs.oracle.com, "The java Command": what sets the size of the heap, and what sets it as a share of the memory.
HEAP = re.compile(r"-Xm[sx]|-mx|-ms|-XX:(Max|Initial|Min)?HeapSize|-XX:(Max|Initial|Min)RAM")
# docs.oracle.com, "Monitoring and Management Using JMX Technology"; OpenJDK, "Connection and Invocation Details" of
# JPDA.
JMX = re.compile(r"-Dcom\.sun\.management\.jmxremote\.(port|host|authenticate|ssl)=(.*)")
JDWP = re.compile(r"-(?:agentlib:jdwp=|Xrunjdwp:)(?:.*,)?address=([^,]*)")
PATTERN = "%d{ISO8601} %-5p [%t] %c - %m%n"


# What a service cannot do, besides what its user cannot; docs/hardening.md says why each line is there or missing.
SANDBOX = (
    "UMask=0077",
    "ProtectSystem=strict",
    "ProtectHome=true",
    "PrivateTmp=true",
    "PrivateDevices=true",
    "PrivateMounts=true",
    "RemoveIPC=true",
    "ProtectControlGroups=true",
    "ProtectKernelLogs=true",
    "ProtectKernelModules=true",
    "ProtectKernelTunables=true",
    "ProtectClock=true",
    "ProtectHostname=true",
    # Not ProcSubset=pid: the JVM reads /proc/meminfo, /proc/stat and /proc/cgroups, and so what it may use.
    "ProtectProc=invisible",
    "NoNewPrivileges=true",
    "CapabilityBoundingSet=",
    "LockPersonality=true",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "RestrictNamespaces=true",
    "RestrictRealtime=true",
    "RestrictSUIDSGID=true",
    # Not MemoryDenyWriteExecute=: the JVM writes the code that it compiles, and runs it.
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    # A call that is not permitted fails, as it would without the right to it, and does not kill a broker.
    "SystemCallErrorNumber=EPERM",
    "IPAddressDeny=%s" % METADATA_ENDPOINT,
)


class UnitError(RackawareError):
    """A service that is not known, or not described."""


@dataclass(frozen=True)
class Service:
    """One kind of service: its unit, what it is called, its class, its files' directory and stem, its settings' file.

    family: whose settings it takes, kafka or zookeeper; guarded: whether it must not start on a new log directory
    (_start_guard), without its encrypted stores, or while it is out of service.
    """

    unit: str
    title: str
    main: str
    directory: str
    stem: str
    config: str
    family: str
    guarded: bool = False

    @property
    def options(self) -> str:
        """The JVM's argument file."""
        return "%s/%sjvm.options" % (self.directory, self.stem + "." if self.stem else "")

    @property
    def path(self) -> str:
        """The unit's file."""
        return "/etc/systemd/system/" + self.unit

    def logging(self, version: str) -> str:
        """The logging configuration; Kafka 4 logs with Log4j 2."""
        name = "log4j2.yaml" if modern(version) else "log4j.properties"
        return "%s/%s%s" % (self.directory, self.stem + "." if self.stem else "", name)


# All kinds of services; _config.services makes the files of each.
SERVICES = {
    "broker": Service(
        unit="kafka.service",
        title="Apache Kafka broker",
        main="kafka.Kafka",
        directory="/etc/kafka",
        stem="broker",
        config="/etc/kafka/broker.properties",
        family="kafka",
        guarded=True,
    ),
    "controller": Service(
        unit="kafka-controller.service",
        title="Apache Kafka controller",
        main="kafka.Kafka",
        directory="/etc/kafka",
        stem="controller",
        config="/etc/kafka/controller.properties",
        family="kafka",
    ),
    "zookeeper": Service(
        unit="zookeeper.service",
        title="Apache ZooKeeper for Kafka",
        main="org.apache.zookeeper.server.quorum.QuorumPeerMain",
        directory="/etc/zookeeper",
        stem="",
        config="/etc/zookeeper/zoo.cfg",
        family="zookeeper",
    ),
}
LOGGERS = {
    "kafka": {"org.apache.zookeeper": "WARN", "state.change.logger": "INFO", "kafka.request.logger": "WARN"},
    "zookeeper": {},
}


def modern(version: str) -> bool:
    """Whether this Kafka is 4.0 or later."""
    return int(str(version).split(".", 1)[0]) >= 4


def service(name: str) -> Service:
    """A service by the name of its role; raises UnitError."""
    try:
        return SERVICES[name]
    except KeyError:
        raise UnitError("There is no service %s; known are %s." % (name, ", ".join(SERVICES))) from None


def started(unit_name: str) -> str:
    """Where a unit writes down, at each start, the SHA-256 of every file that it reads.

    The file is gone with the boot, as the unit's run is.
    """
    return "%s/%s.started" % (STARTED, unit_name.rsplit(".", 1)[0])


def unit(
    name: str,
    *,
    version: str,
    open_files: int,
    writes: Sequence[str],
    mounts: Sequence[str],
    certificates: Sequence[str] = (),
    java: str = DEFAULT_JAVA,
    comment: str = "Ansible managed",
) -> str:
    """The unit's text. writes: directories the service writes to.

    mounts: mount points without which it must not start; certificates: files that it reads besides its configuration,
    without which it does not start either.
    """
    this = service(name)
    reads = " ".join((this.config, this.options, this.logging(version), this.path, *certificates))
    lines = [
        "# %s" % comment,
        "[Unit]",
        "Description=%s" % this.title,
        "Documentation=https://kafka.apache.org/documentation/",
        "Wants=network-online.target",
        "After=network-online.target time-sync.target",
        # A node may come up long before the ones it needs; it must never give up.
        "StartLimitIntervalSec=0",
        *["RequiresMountsFor=%s" % mount for mount in mounts],
        # Without its disk a service would fill the root disk with an empty copy of itself.
        *["AssertPathIsMountPoint=%s" % mount for mount in mounts],
        *(["AssertPathExists=!%s" % OUT_OF_SERVICE] if this.guarded else []),
        "",
        "[Service]",
        "Type=exec",
        "User=kafka",
        "Group=kafka",
        "Environment=LC_ALL=C.UTF-8",
        *(_guarded() if this.guarded else ()),
        # What it starts with, so that a later look can tell whether it would start with something else.
        "ExecStartPre=+/bin/sh -c 'mkdir -p %s && exec sha256sum %s > %s'" % (STARTED, reads, started(this.unit)),
        "ExecStart=%s @%s %s %s" % (java, this.options, this.main, this.config),
        # The JVM's answer to SIGTERM is 128 + 15.
        "SuccessExitStatus=143",
        "Restart=on-failure",
        "RestartSec=5",
        # A broker writes everything to its disks and hands over its leaderships first: nothing may kill it meanwhile.
        "TimeoutStopSec=600",
        "LimitNOFILE=%d" % open_files,
        "LogsDirectory=kafka",
        "LogsDirectoryMode=0750",
        "CacheDirectory=%s" % os.path.basename(NATIVE_DIR),
        "CacheDirectoryMode=0700",
        *["ReadWritePaths=%s" % path for path in writes],
        *SANDBOX,
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def _guarded() -> list[str]:
    return [
        # Before anything that a start leaves behind. A failure counts as one of the service, which is tried again for
        # ever.
        "ExecStartPre=+%s check" % program.PROGRAM,
        # Its sentence is the unit's status.
        "NotifyAccess=exec",
    ]


def jvm_options(
    name: str,
    *,
    version: str,
    heap_mb: int,
    flags: Sequence[str],
    extra: Sequence[str] = (),
    comment: str = "Ansible managed",
) -> str:
    """The JVM's argument file: one option a line, read by `java @file`."""
    this = service(name)
    stem = this.stem or name
    logging = "-Dlog4j2.configurationFile=%s" if modern(version) else "-Dlog4j.configuration=file:%s"
    lines = [
        "# %s" % comment,
        "-Xms%dm" % heap_mb,
        "-Xmx%dm" % heap_mb,
        *map(_argument, flags),
        # A JVM out of memory is neither dead nor alive; systemd restarts it.
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:+PerfDisableSharedMem",
        "-Djava.awt.headless=true",
        "-Djava.io.tmpdir=%s" % NATIVE_DIR,
        "-Xlog:gc*:file=%s/%s-gc.log:time,tags:filecount=5,filesize=20M" % (LOG_DIR, stem),
        "-Dkafka.logs.dir=%s" % LOG_DIR,
        logging % this.logging(version),
        *map(_argument, extra),
        "-cp",
        # Quoted, because the star is the JVM's to read.
        '"%s/*"' % (LIBS % version),
    ]
    return "\n".join(lines) + "\n"


def _argument(option: str) -> str:
    """An option as `java @file` reads it: a blank ends it, and # begins a comment, unless it is quoted.

    One with quotes of its own is left as it is.
    """
    return (
        '"%s"' % option.replace("\\", "\\\\")
        if re.search(r"[\s#]", option) and not re.search(r"[\"']", option)
        else option
    )


def option_findings(name: str, options: Sequence[Any], *, heap: str) -> list[str]:
    """What is wrong with a list of options for the JVM, one sentence each."""
    out = []
    for option in options:
        text = str(option)
        if HEAP.match(text):
            out.append(
                "%s has %s, but the heap is %s's, which keeps it below the limit; set that instead."
                % (name, text, heap)
            )
        elif "\n" in text or any(text.count(quote) % 2 for quote in "\"'"):
            out.append(
                "%s has %r, which `java @file` cannot read; give one option an entry, with quotes in pairs."
                % (name, text.partition("=")[0])
            )
    return out


def access_findings(name: str, options: Sequence[Any]) -> list[str]:
    """Whether options let others than this host manage or debug the JVM without proof of who they are."""
    words = re.sub(r"[\"']", "", " ".join(map(str, options))).split()
    out = []
    # As for java, the last one counts.
    jmx = dict(match.groups() for match in map(JMX.fullmatch, words) if match)
    weak = sorted(key for key in ("authenticate", "ssl") if jmx.get(key, "true").lower() != "true")
    if "port" in jmx and weak and not is_loopback(jmx.get("host", "")):
        out.append(
            "%s opens JMX on port %s with %s, and JMX may do anything; leave that out, or add"
            " -Dcom.sun.management.jmxremote.host=127.0.0.1."
            % (name, jmx["port"], " and ".join(map("%s=false".__mod__, weak)))
        )
    for match in filter(None, map(JDWP.match, words)):
        host = match[1].rpartition(":")[0]
        # A port alone is on loopback since Java 9.
        if host and not is_loopback(host):
            out.append(
                "%s has a debugger's agent at %s, which has no authentication; give it an address on this host, as in"
                " address=127.0.0.1:5005, or remove it." % (name, match[1])
            )
    return out


def logging(
    name: str, *, version: str, levels: Mapping[str, Any] | None = None, comment: str = "Ansible managed"
) -> str:
    """The logging configuration: everything to the journal, and to files of bounded size.

    levels: logger to level over ours.
    """
    this = service(name)
    file = os.path.join(LOG_DIR, "%s.log" % (this.stem or name))
    loggers = {**LOGGERS[this.family], **(levels or {})}
    return (_log4j2 if modern(version) else _log4j)(file, loggers, comment)


def _log4j(file: str, loggers: Mapping[str, Any], comment: str) -> str:
    lines = [
        "# %s" % comment,
        "log4j.rootLogger=INFO, journal, file",
        "log4j.appender.journal=org.apache.log4j.ConsoleAppender",
        "log4j.appender.journal.layout=org.apache.log4j.PatternLayout",
        "log4j.appender.journal.layout.ConversionPattern=%-5p [%t] %c - %m%n",
        "log4j.appender.file=org.apache.log4j.RollingFileAppender",
        "log4j.appender.file.File=%s" % file,
        "log4j.appender.file.MaxFileSize=%dMB" % LOGGED_MB,
        "log4j.appender.file.MaxBackupIndex=%d" % LOGGED_FILES,
        "log4j.appender.file.layout=org.apache.log4j.PatternLayout",
        "log4j.appender.file.layout.ConversionPattern=%s" % PATTERN,
        *["log4j.logger.%s=%s" % (logger, level) for logger, level in loggers.items()],
    ]
    return "\n".join(lines) + "\n"


def _log4j2(file: str, loggers: Mapping[str, Any], comment: str) -> str:
    named = ["      - name: %s\n        level: %s" % (logger, level) for logger, level in loggers.items()]
    lines = [
        "# %s" % comment,
        "Configuration:",
        "  Appenders:",
        "    Console:",
        "      name: journal",
        "      PatternLayout:",
        '        pattern: "%-5p [%t] %c - %m%n"',
        "    RollingFile:",
        "      - name: file",
        "        fileName: %s" % file,
        '        filePattern: "%s.%%i"' % file,
        "        PatternLayout:",
        '          pattern: "%s"' % PATTERN,
        "        SizeBasedTriggeringPolicy:",
        "          size: %d MB" % LOGGED_MB,
        "        DefaultRolloverStrategy:",
        "          max: %d" % LOGGED_FILES,
        "  Loggers:",
        "    Root:",
        "      level: INFO",
        "      AppenderRef:",
        "        - ref: journal",
        "        - ref: file",
        *(["    Logger:", *named] if named else []),
    ]
    return "\n".join(lines) + "\n"
