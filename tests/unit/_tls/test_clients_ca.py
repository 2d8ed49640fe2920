"""A CA of clients that a CA of nodes has signed: its clients could show its certificate with theirs, and be let in as nodes."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tls_cluster import NOW

from ansible_collections.rackaware.kafka.plugins.module_utils._tls import authority, certificates, decision


def made(name, issuer, key, signer):
    return (
        authority._builder(
            *(x509.Name.from_rfc4514_string("CN=" + each) for each in (name, issuer)),
            key.public_key(),
            NOW,
            NOW + certificates.DAY,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )


ROOT_KEY, MIDDLE_KEY, KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
ROOT, MIDDLE = made("root", "root", ROOT_KEY, ROOT_KEY), made("middle", "root", MIDDLE_KEY, ROOT_KEY)
DIRECT, INDIRECT = made("clients", "root", KEY, ROOT_KEY), made("clients", "middle", KEY, MIDDLE_KEY)


@pytest.mark.parametrize("clients", [(ROOT,), (DIRECT,), (INDIRECT, MIDDLE)])
def test_a_ca_of_clients_below_one_of_nodes_is_refused(clients):
    host = decision.Host("b1", (), {}, (ROOT,), (ROOT,), clients=clients)
    with pytest.raises(
        decision.TlsError, match="kafka_client_ca_certificates of b1 has the CA that signs nodes, or one below"
    ):
        decision.refuse_shared_with_clients([host], [ROOT])


def test_two_cas_below_one_root_that_no_node_trusts_are_two():
    host = decision.Host("b1", (), {}, (MIDDLE,), (MIDDLE,), clients=(DIRECT,))
    decision.refuse_shared_with_clients([host], [MIDDLE])
