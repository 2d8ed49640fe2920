"""How long the certificate in place is valid."""

from __future__ import annotations

import time

import pytest
from certificates import Authority

from ansible_collections.rackaware.kafka.plugins.module_utils._config import security
from ansible_collections.rackaware.kafka.plugins.module_utils._host import tls_files


@pytest.fixture
def keystore(tmp_path, monkeypatch):
    path = tmp_path / "keystore.pem"
    monkeypatch.setattr(security, "reads", lambda _directory, **_more: [str(path)])
    return path


def test_the_certificate_behind_the_key_counts(keystore, tmp_path):
    keystore.write_bytes(Authority(tmp_path, "ca").sign("b1", days=5).read_bytes())
    assert tls_files.days_left("broker") == 4
    assert tls_files.days_left("broker", clock=lambda: time.time() + 6 * tls_files.DAY) == -2


def test_a_service_without_one_has_none(keystore):
    assert tls_files.days_left("broker") is None


def test_one_that_cannot_be_read_is_said(keystore):
    keystore.write_text("no certificate")
    with pytest.raises(tls_files.TlsFilesError, match="has no certificate that can be read: .+ run rackaware"):
        tls_files.days_left("zookeeper")


def test_what_a_service_would_start_with_is_what_is_staged(keystore, tmp_path):
    ca = Authority(tmp_path, "ca")
    keystore.write_bytes(ca.sign("b1", days=5).read_bytes())
    assert tls_files.days_left("broker", staged=True) == 4
    keystore.with_name("keystore.pem.staged").write_bytes(ca.sign("b1", days=9).read_bytes())
    assert (tls_files.days_left("broker", staged=True), tls_files.days_left("broker")) == (8, 4)
