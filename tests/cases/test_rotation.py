"""All certificates are replaced under load: no record is lost, and each listener shows a new one afterwards."""

from __future__ import annotations

import ssl

from intruder import handshake


def serials(cluster, signer, trust):
    """The serial number that each listener of each node shows, by address and port."""
    operator = signer.issue("operator")
    return {
        (address, port): handshake(address, port, trust, ssl.TLSVersion.TLSv1_2, operator).serial_number
        for name, address in cluster.nodes.items()
        for port in sorted(cluster.ports[name] - {2888, 3888})
    }


def test_a_rotation_under_load_replaces_every_certificate(cluster, signer, trust):
    before = serials(cluster, signer, trust)
    said = cluster.play("rotate_certificates", "--check").succeeded()
    assert cluster.staged() == [] and serials(cluster, signer, trust) == before, said.text[-3000:]
    with cluster.load("rotation"):
        cluster.play("rotate_certificates").succeeded()
    after = serials(cluster, signer, trust)
    assert before.keys() == after.keys() and not set(before.values()) & set(after.values())
    assert cluster.staged() == []
