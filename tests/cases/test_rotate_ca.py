"""The CA of a cluster is changed under load: no record is lost, and afterwards the old CA opens nothing."""

from __future__ import annotations

import re
import ssl

import boto3
import pytest
from intruder import Signer, handshake

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import authority_key


def shown(cluster, trust, operator):
    """The serial number that each listener of each node shows to who trusts these CAs, by address and port."""
    return {
        (address, port): handshake(address, port, trust, ssl.TLSVersion.TLSv1_2, operator).serial_number
        for name, address in cluster.nodes.items()
        for port in sorted(cluster.ports[name] - {2888, 3888})
    }


# Three rolls and more: nine minutes on a loaded machine.
@pytest.mark.timeout(1800)
def test_another_ca_under_load(cluster, signer, trust, tmp_path):
    stale, old = signer.issue("operator"), tmp_path / "old.pem"
    old.write_text(trust.read_text())
    before = shown(cluster, old, stale)
    written = cluster.scratch / ("%s-ca.pem" % cluster.name)
    kms, alias = boto3.client("kms"), authority_key.alias(cluster.name)
    key = authority_key.describe(kms, alias)["KeyId"]
    cluster.play("rotate_ca", "--check").succeeded("A key is made as %s-next." % alias)
    with cluster.load("another-ca"):
        first = cluster.play("rotate_ca").succeeded("Step 1 of 3 is done: all nodes trust the CA")
        # Nothing is signed by it yet, and all nodes take clients of the old one.
        assert shown(cluster, old, stale) == before
        cluster.play("rotate_ca").refused("give all of them")
        # What the operator does for clients. These read it at each connection.
        trust.write_text(written.read_text())
        words = re.search(r"kafka_confirm=(clients-trust-[0-9a-f]{8})", first.said)[1]
        second = cluster.play("rotate_ca", kafka_confirm=words).succeeded("Step 2 of 3 is done")
        cluster.play("site").succeeded("No node needs a restart.")
        words = re.search(r"kafka_confirm=(retire-[0-9a-f]{8})", second.said)[1]
        cluster.play("rotate_ca", kafka_confirm=words).succeeded("is deleted in 30 days")
    trust.write_text(written.read_text())
    assert trust.read_text().count("BEGIN CERTIFICATE") == 1 and cluster.staged() == []
    new = Signer(cluster.name, trust, tmp_path).issue("operator")
    after = shown(cluster, trust, new)
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())
    for address, port in after:
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(address, port, old, ssl.TLSVersion.TLSv1_2, new)
        if port != 9092:
            # The listener says no: the same client with a certificate of the new CA gets in, above.
            with pytest.raises(OSError):
                handshake(address, port, trust, ssl.TLSVersion.TLSv1_2, stale)
    assert authority_key.describe(kms, key)["KeyState"] == "PendingDeletion"
    cluster.play("site").succeeded("No node needs a restart.")
