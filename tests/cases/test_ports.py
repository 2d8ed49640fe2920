"""A host opens the ports that the inventory declares and no other: as ss sees it there, and as a scan sees it from the next host."""

from __future__ import annotations

import concurrent.futures
from contextlib import contextmanager

import pytest
from hosts import until
from ports import LISTENING, SSH, opened, scan

UNDECLARED = 7654
LISTENER = 'import signal, socket; taken = socket.create_server(("", %d)); signal.pause()' % UNDECLARED


@pytest.fixture(scope="module")
def listed(cluster):
    return listening(cluster)


def listening(cluster):
    """What each host says of itself."""
    return {name: opened(listing) for name, listing in cluster.each(cluster.nodes, LISTENING).items()}


def scanned(cluster, listed, names):
    """What the next host finds on each of these, among all low ports and those that the host itself listed."""
    order = sorted(cluster.nodes)
    following = dict(zip(order, [*order[1:], order[0]]))

    def found(name):
        return {int(port) for port in cluster.on(following[name], scan(cluster.nodes[name], listed[name])).split()}

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        return dict(zip(names, pool.map(found, names)))


@contextmanager
def listener(cluster, name):
    """A listener on a port that is not declared, for the time of the block."""
    cluster.on(name, "systemd-run --quiet --collect --unit=undeclared python3 -c '%s'" % LISTENER)
    try:
        until(lambda: UNDECLARED in opened(cluster.on(name, LISTENING)), "the listener", 30)
        yield
    finally:
        cluster.on(name, "systemctl stop undeclared")


def test_each_host_listens_on_its_declared_ports_and_for_ssh(cluster, listed):
    undeclared = {name: ports - cluster.ports[name] - {SSH} for name, ports in listed.items()}
    assert {name: sorted(ports) for name, ports in undeclared.items() if ports} == {}
    # Only the leader of a quorum of ZooKeeper nodes listens for its followers.
    missing = {name: cluster.ports[name] - listed[name] - {2888} for name in cluster.nodes}
    assert {name: sorted(ports) for name, ports in missing.items() if ports} == {}


def test_another_host_finds_nothing_else(cluster, listed):
    assert scanned(cluster, listed, list(cluster.nodes)) == listed


def test_a_port_that_is_not_declared_would_be_seen(cluster):
    name = sorted(cluster.nodes)[0]
    with listener(cluster, name):
        listed = listening(cluster)
        assert listed[name] - cluster.ports[name] - {SSH} == {UNDECLARED}
        # The scan finds it by itself.
        assert UNDECLARED in scanned(cluster, {name: set()}, [name])[name]
    assert UNDECLARED not in opened(cluster.on(name, LISTENING))
