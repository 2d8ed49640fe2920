"""The bridge that all machines sit on, and the cables to it."""

from __future__ import annotations

import hashlib
import ipaddress
from pathlib import Path

from .settings import BRIDGE, GATEWAY, NETWORK
from .shell import LabError, run, succeeds


def refuse_foreign(address: str) -> None:
    """Raise LabError for an address outside the lab's network: no machine, and no play, ever leaves it."""
    if ipaddress.ip_address(address) not in NETWORK:
        raise LabError(
            "The address %s lies outside the lab's network %s; give the cluster a vpc_cidr inside it."
            % (address, NETWORK)
        )


def mac(address: str) -> str:
    """A locally administered MAC address, always the same for one address."""
    return "02:1a:" + ":".join("%02x" % byte for byte in ipaddress.ip_address(address).packed)


def cable(instance: str) -> str:
    """The name of an instance's interface on the bridge's side: at most 15 characters."""
    return "rl" + hashlib.sha256(instance.encode()).hexdigest()[:10]


def up() -> None:
    """Make the bridge, unless it is there."""
    if not succeeds("ip", "link", "show", BRIDGE):
        run("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
    if GATEWAY not in run("ip", "-4", "address", "show", "dev", BRIDGE):
        run("ip", "address", "add", "%s/%d" % (GATEWAY, NETWORK.prefixlen), "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    # With br_netfilter loaded, a firewall of this machine would drop what the hosts say to each other.
    bridged = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if bridged.exists():
        bridged.write_text("0")


def plug_container(instance: str, pid: int, address: str) -> None:
    """Give a container's network namespace its interface with its address."""
    outside = cable(instance)
    unplug(instance)
    run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", pid)
    inside = ("nsenter", "-t", pid, "-n", "ip")
    run(*inside, "link", "set", "eth0", "address", mac(address))
    run(*inside, "address", "add", "%s/%d" % (address, NETWORK.prefixlen), "dev", "eth0")
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "link", "set", "eth0", "up")
    run("ip", "link", "set", outside, "master", BRIDGE, "up")


def plug_vm(instance: str) -> str:
    """Make a virtual machine's tap device on the bridge and return its name."""
    name = cable(instance)
    unplug(instance)
    run("ip", "tuntap", "add", "dev", name, "mode", "tap")
    run("ip", "link", "set", name, "master", BRIDGE, "up")
    return name


def unplug(instance: str) -> None:
    """Remove an instance's interface, if it is there."""
    # The kernel removes it, too, when the last process of a container has gone: what counts is that it is not there any more.
    if not succeeds("ip", "link", "delete", cable(instance)) and succeeds("ip", "link", "show", cable(instance)):
        run("ip", "link", "delete", cable(instance))


def down() -> None:
    """Remove the bridge."""
    if succeeds("ip", "link", "show", BRIDGE):
        run("ip", "link", "delete", BRIDGE)
