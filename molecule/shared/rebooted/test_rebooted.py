"""After the reboot of a broker's host and of a keeper's, nobody had to do anything."""

from __future__ import annotations

testinfra_hosts = ["ansible://kafka"]


def test_the_time_of_boot_is_the_hosts_own_and_systemd_has_nothing_to_complain_about(host):
    assert [
        line
        for line in host.check_output("systemctl list-units --failed --plain --no-legend").splitlines()
        if "kafka" in line or "zookeeper" in line
    ] == []
