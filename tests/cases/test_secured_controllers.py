"""Controllers know each node by its certificate, and talk to no one else."""

from __future__ import annotations

import ssl

import pytest
from certificates import Authority
from intruder import handshake

CONTROLLER = 9093


def test_controllers_take_only_certificates_of_their_ca(cluster, trust, signer, tmp_path):
    controller = next(iter(cluster.quorum_nodes.values()))
    foreign = Authority(tmp_path, "foreign").sign("kafka", address="198.18.0.1")
    assert handshake(controller, CONTROLLER, trust, ssl.TLSVersion.TLSv1_2, signer.issue("kafka"))
    for keystore in (None, foreign):
        with pytest.raises(OSError):
            handshake(controller, CONTROLLER, trust, ssl.TLSVersion.TLSv1_2, keystore)
