"""Every broker runs the version of its mode, whatever it began with."""

from __future__ import annotations

import os

testinfra_hosts = ["ansible://kafka_brokers"]
VERSION = "3.9.2" if os.environ["KAFKA_METADATA"] == "zookeeper" else "4.3.1"


def test_the_version_is_the_one_of_the_mode(host):
    assert host.file("/opt/kafka-%s/libs/kafka_2.13-%s.jar" % (VERSION, VERSION)).exists
    assert "/opt/kafka-%s/libs/*" % VERSION in host.file("/etc/kafka/broker.jvm.options").content_string


def test_the_process_has_that_version_open(host):
    found = host.check_output(
        "readlink /proc/$(systemctl show --property=MainPID --value kafka)/fd/* | grep -o '/opt/kafka-[0-9.]*/' | sort -u"
    )
    assert found == "/opt/kafka-%s/" % VERSION
