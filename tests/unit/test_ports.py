"""What tests/cases/test_ports.py sees on real hosts, on one that is made up and on this one."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[1] / "cases/ports.py"
_SPEC = importlib.util.spec_from_file_location("ports", PATH)
ports = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(ports)

# As iproute2 6.1 prints them.
LISTING = """\
LISTEN 0      128            0.0.0.0:22         0.0.0.0:*
LISTEN 0      128               [::]:22            [::]:*
LISTEN 0      50                   *:9091             *:*
LISTEN 0      50   [::ffff:198.18.1.11]:9092          *:*
LISTEN 0      50          198.18.1.11:9093      0.0.0.0:*
LISTEN 0      4096     127.0.0.53%lo:53         0.0.0.0:*
LISTEN 0      4096     127.0.0.1:5005           0.0.0.0:*
LISTEN 0      50   [::ffff:127.0.0.1]:9999            *:*
LISTEN 0      50              [::1]:323            [::]:*
LISTEN 0      50   [fe80::1]%eth0:7000             [::]:*
"""


def test_what_only_the_host_reaches_is_not_open():
    assert ports.opened(LISTING) == {22, 9091, 9092, 9093, 7000}


def test_this_host_is_read_as_it_lists_itself():
    with socket.create_server(("", 0)) as anywhere, socket.create_server(("127.0.0.1", 0)) as here:
        listing = subprocess.run(ports.LISTENING.split(), capture_output=True, text=True, check=True).stdout
        found = ports.opened(listing)
        assert anywhere.getsockname()[1] in found and here.getsockname()[1] not in found


@pytest.mark.parametrize("within", [True, False], ids=["among all low ports", "named"])
def test_a_scan_finds_a_listener_and_not_a_port_that_is_closed(monkeypatch, tmp_path, within):
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        open_, closed = taken.getsockname()[1], other.getsockname()[1]
        other.close()
        monkeypatch.setattr(ports, "SCANNED", range(open_, open_ + 1) if within else range(1, 3))
        (tmp_path / "python3").symlink_to(sys.executable)
        command = ports.scan("127.0.0.1", [closed] if within else [open_, closed])
        done = subprocess.run(
            ["sh", "-c", command],
            env={"PATH": "%s:/usr/bin:/bin" % tmp_path},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == [str(open_)]
