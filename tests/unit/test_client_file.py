"""One file of properties, for Kafka's own tools and for our clients."""

from __future__ import annotations

from pathlib import Path

import client_file
import pytest


@pytest.mark.parametrize("password", ["R1ght", 'with "quotes"', "back\\slash", 'both\\"', "equals=and;semicolon"])
def test_what_was_written_is_read(tmp_path, password):
    file = tmp_path / "client.properties"
    file.write_text(client_file.scram("app", password, Path("/ca.pem")))
    assert client_file.client_options(file) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "app",
        "sasl_plain_password": password,
        "ssl_cafile": "/ca.pem",
    }
    login = client_file.connection_options(file)
    assert (login["sasl_username"], login["sasl_password"]) == ("app", password)


def test_a_certificate_is_both_files_of_python(tmp_path):
    file = tmp_path / "client.properties"
    file.write_text("# a comment\n\n" + client_file.OPERATOR)
    pair = "/etc/kafka/tls/operator.pem"
    options = client_file.client_options(file)
    assert (options["ssl_certfile"], options["ssl_keyfile"], options["security_protocol"]) == (pair, pair, "SSL")


@pytest.mark.parametrize("line", ["sasl.mechanisms=PLAIN", "ssl.truststore.type=JKS", "nonsense"])
def test_what_is_not_understood_is_refused(tmp_path, line):
    file = tmp_path / "client.properties"
    file.write_text(line + "\n")
    with pytest.raises(ValueError, match="is not known here"):
        client_file.client_options(file)


def test_without_a_file_clients_speak_plaintext(tmp_path, monkeypatch):
    monkeypatch.setattr(client_file, "REPORTS", tmp_path)
    assert client_file.find("demo") is None and client_file.client_options(None) == {}
    (tmp_path / "demo-client.properties").touch()
    assert client_file.find("demo") == tmp_path / "demo-client.properties"
