"""Where things are and what they are called; everything that the lab makes carries one of these names."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

NAME = "rackaware-lab"
LABEL = "rackaware.lab"
# 198.18.0.0/15 is the benchmark test network (RFC 2544): neither private nor in use.
NETWORK = ipaddress.ip_network("198.18.0.0/15")
GATEWAY = "198.18.0.1"
BRIDGE = "rackaware0"
API_PORT, METADATA_PORT, FILES_PORT = 5000, 1338, 8000
REGION = "eu-west-1"
ACCOUNT = "123456789012"

CACHE = Path(os.environ.get("RACKAWARE_LAB_CACHE", "/var/cache/rackaware-lab"))
STATE = Path("/var/lib/rackaware-lab")
VOLUMES = STATE / "volumes"
INSTANCES = STATE / "instances"
KNOWN_HOSTS = STATE / "known_hosts"
SSH_KEY = STATE / "ssh_key"
SERVER_LOG = STATE / "server.log"
SERVER_PID = STATE / "server.pid"
REPORT = STATE / "machines.json"

# The names under which the API lists the images, and the Debian release of each.
IMAGES = {"rackaware-debian-12": "bookworm", "rackaware-debian-13": "trixie"}
# The releases of which virtual machines are made: one is enough to try dm-crypt.
VM_IMAGES = ("bookworm",)
