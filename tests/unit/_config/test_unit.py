"""The unit, the JVM's options and the logging of each service."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.rackaware.kafka.plugins.module_utils._config import units

ROOT = Path(__file__).resolve().parents[3]
NAMES = sorted(units.SERVICES)


def unit(name, **more):
    return units.unit(
        name,
        **dict(
            {
                "version": "4.3.1",
                "open_files": 100000,
                "writes": ["/var/lib/kafka/data0"],
                "mounts": ["/var/lib/kafka/data0"],
            },
            **more,
        ),
    ).splitlines()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "line",
    [
        "TimeoutStopSec=600",
        "LimitNOFILE=100000",
        "SuccessExitStatus=143",
        "Restart=on-failure",
        "StartLimitIntervalSec=0",
        "NoNewPrivileges=true",
        "ProtectSystem=strict",
        "ProtectHome=true",
        "CapabilityBoundingSet=",
        "UMask=0077",
        # Without it a call that is not permitted would end the broker.
        "SystemCallErrorNumber=EPERM",
        # systemd-analyze counts only whole lists of permitted addresses.
        "IPAddressDeny=169.254.169.254 fd00:ec2::254",
        "ReadWritePaths=/var/lib/kafka/data0",
        "RequiresMountsFor=/var/lib/kafka/data0",
        "AssertPathIsMountPoint=/var/lib/kafka/data0",
        "User=kafka",
        "WantedBy=multi-user.target",
    ],
)
def test_every_service_has_what_keeps_it_safe(name, line):
    assert line in unit(name)


# What docs/hardening.md promises, in tenths, of 100; systemd-analyze rounds.
EXPOSURE = 13


def exposed(tmp_path, name, lines):
    """Whether systemd-analyze finds more exposure than that."""
    path = tmp_path / units.service(name).unit
    path.write_text("\n".join(lines) + "\n")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=%d" % EXPOSURE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Overall exposure level" in done.stdout, done.stderr
    return bool(done.returncode)


@pytest.mark.parametrize("name", NAMES)
def test_the_unit_is_as_little_exposed_as_the_page_says(tmp_path, name):
    assert "at most %.1f" % (EXPOSURE / 10) in (ROOT / "docs/hardening.md").read_text()
    assert not exposed(tmp_path, name, unit(name))


@pytest.mark.parametrize(
    "line",
    ["ProtectProc=invisible", "CapabilityBoundingSet=", "SystemCallFilter=@system-service", "PrivateMounts=true"],
)
def test_without_one_of_its_lines_it_is_more_exposed(tmp_path, line):
    assert exposed(tmp_path, "broker", [each for each in unit("broker") if each != line])


def test_systemd_runs_java_itself():
    assert "ExecStart=/usr/bin/java @/etc/kafka/broker.jvm.options kafka.Kafka /etc/kafka/broker.properties" in unit(
        "broker"
    )
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    assert "ExecStart=/opt/java @/etc/zookeeper/jvm.options %s /etc/zookeeper/zoo.cfg" % main in unit(
        "zookeeper", java="/opt/java"
    )


def test_a_service_writes_down_what_it_starts_with():
    (line,) = [line for line in unit("broker") if line.startswith("ExecStartPre=+/bin/sh")]
    for path in ("broker.properties", "broker.jvm.options", "broker.log4j2.yaml"):
        assert "/etc/kafka/" + path in line
    assert "/etc/systemd/system/kafka.service > /run/kafka-started/kafka.started" in line


def test_on_the_root_disk_there_is_no_mount_to_wait_for():
    assert not [line for line in unit("broker", mounts=[]) if re.search("MountPoint|MountsFor", line)]


def options(name="broker", **more):
    return units.jvm_options(
        name, **dict({"version": "4.3.1", "heap_mb": 512, "flags": ["-XX:+UseG1GC"]}, **more)
    ).splitlines()


def test_the_heap_does_not_move_and_running_out_of_it_ends_the_jvm():
    found = options()
    assert {"-Xms512m", "-Xmx512m", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError"} <= set(found)


def test_the_class_path_names_the_version_so_that_a_new_one_waits_for_a_restart():
    assert options(version="3.9.2")[-2:] == ["-cp", '"/opt/kafka-3.9.2/libs/*"']


@pytest.mark.parametrize("name", NAMES)
def test_native_code_is_unpacked_where_it_may_be_executed_and_not_in_tmp(name):
    assert "-Djava.io.tmpdir=/var/cache/kafka" in options(name)
    assert {"CacheDirectory=kafka", "CacheDirectoryMode=0700"} <= set(unit(name))


def test_the_log_of_garbage_collection_is_bounded():
    assert [line for line in options() if "broker-gc.log" in line and "filecount=5" in line and "filesize=20M" in line]


@pytest.mark.parametrize(
    ("version", "option"),
    [
        ("3.9.2", "-Dlog4j.configuration=file:/etc/kafka/broker.log4j.properties"),
        ("4.3.1", "-Dlog4j2.configurationFile=/etc/kafka/broker.log4j2.yaml"),
    ],
)
def test_each_version_is_told_where_its_logging_is(version, option):
    assert option in options(version=version)


def test_further_options_come_after_ours():
    found = options(extra=["-Dx=y"])
    assert found.index("-Dx=y") > found.index("-XX:+ExitOnOutOfMemoryError")


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("-Dfoo=a b\\c", '"-Dfoo=a b\\\\c"'),
        ("-Dfoo=a#b", '"-Dfoo=a#b"'),
        ('-Dfoo="a b"', '-Dfoo="a b"'),
        ("-Dfoo=a", "-Dfoo=a"),
        ("-Dfoo=C:\\x", "-Dfoo=C:\\x"),
    ],
)
def test_an_option_is_one_word_to_java_as_it_is_to_a_person(option, line):
    """Tried with java @file: unquoted, b would be the main class, and a#b not set."""
    assert line in options(extra=[option]) and line in options(flags=[option])


@pytest.mark.parametrize(
    "option",
    [
        "-Xmx31g",
        "-Xms1g",
        "-XX:MaxHeapSize=31g",
        "-XX:MaxRAMPercentage=80",
        "-XX:InitialHeapSize=1g",
        "-XX:InitialRAMPercentage=9",
    ],
)
def test_options_are_no_way_round_the_heap_that_is_sized(option):
    assert units.option_findings("broker_jvm_options", ["-Dx=y", option], heap="broker_heap_mb") == [
        "broker_jvm_options has %s, but the heap is broker_heap_mb's, which keeps it below the limit; set that instead."
        % option
    ]


def test_options_that_java_could_not_read_are_refused():
    assert len(units.option_findings("x", ["-Da=b\n-Dc=d", '-Dfoo="a b'], heap="h")) == 2
    assert units.option_findings("x", ["-XX:+UseG1GC", '-Dfoo="a b"'], heap="h") == []


REMOTE, DEBUGGER = "-Dcom.sun.management.jmxremote.", "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address="


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            [REMOTE + "port=9999", REMOTE + "authenticate=false", REMOTE + "ssl=false"],
            "authenticate=false and ssl=false",
        ),
        ([REMOTE + "port=9999", REMOTE + "ssl=false"], "JMX on port 9999 with ssl=false, and"),
        ([REMOTE + "port=9999", REMOTE + "authenticate=FALSE"], "with authenticate=false, and"),
        ([REMOTE + "port=9999", REMOTE + "host=0.0.0.0", REMOTE + "ssl=false"], "opens JMX"),
        (
            [REMOTE + "host=127.0.0.1", REMOTE + "host=198.18.1.11", REMOTE + "port=1", REMOTE + "ssl=false"],
            "opens JMX",
        ),
        (['%sport="9999"' % REMOTE, "'%sssl=false'" % REMOTE], "JMX on port 9999 with ssl=false"),
        ([DEBUGGER + "*:5005"], "debugger's agent at *:5005"),
        ([DEBUGGER + "0.0.0.0:5005"], "debugger's agent at 0.0.0.0:5005"),
        ([DEBUGGER + "[::]:5005,timeout=1"], "debugger's agent at [::]:5005,"),
        (["-Xrunjdwp:address=198.18.1.11:5005,server=y"], "debugger's agent at 198.18.1.11:5005"),
    ],
)
def test_a_jvm_that_others_could_manage_or_debug_is_refused(options, sentence):
    (found,) = units.access_findings("broker_jvm_options", options)
    assert found.startswith("broker_jvm_options ") and sentence in found


@pytest.mark.parametrize(
    "options",
    [
        [],
        # Authentication and TLS are Java's own defaults.
        [REMOTE + "port=9999"],
        [REMOTE + "port=9999", REMOTE + "authenticate=true", REMOTE + "ssl=true"],
        [REMOTE + "port=9999", REMOTE + "host=127.0.0.1", REMOTE + "authenticate=false", REMOTE + "ssl=false"],
        [REMOTE + "port=9999", REMOTE + "host=::1", REMOTE + "ssl=false"],
        [REMOTE + "authenticate=false"],
        [DEBUGGER + "5005"],
        [DEBUGGER + "localhost:5005"],
        [DEBUGGER + "[::1]:5005"],
        ["-agentlib:jdwp=transport=dt_socket,server=y"],
        ["-javaagent:/opt/agent.jar=9404:/etc/agent.yml"],
    ],
)
def test_what_only_the_host_reaches_or_what_asks_for_a_password_is_not(options):
    assert units.access_findings("broker_jvm_options", options) == []


def test_log4j_writes_to_the_journal_and_to_bounded_files():
    text = units.logging("zookeeper", version="3.9.2", levels={"org.apache.zookeeper": "DEBUG"})
    assert "log4j.rootLogger=INFO, journal, file" in text
    assert "log4j.appender.file.File=/var/log/kafka/zookeeper.log" in text
    assert "log4j.appender.file.MaxBackupIndex=10" in text
    assert "log4j.logger.org.apache.zookeeper=DEBUG" in text


def test_log4j_2_is_yaml_with_the_same():
    found = yaml.safe_load(units.logging("broker", version="4.3.1", levels={"kafka": "DEBUG"}))["Configuration"]
    assert found["Appenders"]["RollingFile"][0]["fileName"] == "/var/log/kafka/broker.log"
    assert found["Appenders"]["RollingFile"][0]["DefaultRolloverStrategy"]["max"] == 10
    assert {"name": "kafka", "level": "DEBUG"} in found["Loggers"]["Logger"]


def test_an_unknown_service_is_refused():
    with pytest.raises(units.UnitError, match="no service mirror"):
        unit("mirror")
