"""What a preflight says of certificates, before a host is touched."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._config import checks


def said(security, **own):
    cluster = {
        **{"groups": {"broker": ["b1"]}, "version": "4.3.1", "replication_factor": 1, "min_insync_replicas": 1},
        "security": security,
    }
    return " ".join(checks.findings({"b1": {"kafka_node_id": 1, **own}}, cluster, {}, {}, (), lambda _: ""))


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ({"tls_source": "requests"}, "Host b1: tls_source is requests, and tls_requests_dir is not set"),
        ({"tls_source": "private_ca"}, "Host b1: tls_source is private_ca, and tls_private_cas is empty"),
        ({"tls_days": 30}, "Host b1: tls_days is 30 and tls_renew_days 60"),
        ({"tls_days": 0}, "tls_days must be from 1 to 1800"),
    ],
)
def test_settings_of_certificates_are_judged_where_there_are_certificates(own, sentence):
    assert sentence in said("tls", **own)
    assert "tls_" not in said("none", **own) and "tls_" not in said("tls")
