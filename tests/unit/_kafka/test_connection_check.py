"""What a check of a connection says where no broker is needed; the rest is in tests/system/test_connection_check.py."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading
import time
import types

import pytest
from certificates import Authority

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client as kafka_client
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import connection_check, tls

SERVER = "198.18.0.9:9093"


def failure(**options):
    return connection_check.failure(kafka_client.Connection((SERVER,), **options), SERVER, 3)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(-2, "Name or service not known"), "the name 198.18.0.9 has no address; correct it"),
        (ConnectionRefusedError(), "nothing listens on port 9093 of 198.18.0.9; start the broker"),
        (
            socket.timeout(),
            "did not answer on port 9093 within 3 s; look at the host, the route and the security groups",
        ),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "cannot be reached (No route to host); look at the route"),
    ],
)
def test_a_host_that_cannot_be_reached(monkeypatch, error, said):
    def dial(*_, **__):
        raise error

    monkeypatch.setattr(socket, "create_connection", dial)
    assert said in failure()


@pytest.fixture
def end(monkeypatch):
    """The broker's end of the connection that is dialled."""
    ours, theirs = socket.socketpair()
    ours.settimeout(3)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: ours)
    yield theirs
    theirs.close()


@pytest.mark.parametrize("option", ["ssl_cafile", "ssl_certfile"])
def test_files_that_cannot_be_read_are_our_own_fault(end, tmp_path, option):
    with pytest.raises(kafka_client.KafkaError, match="The files for TLS cannot be used: No such file or directory;"):
        failure(security_protocol="SSL", **{option: str(tmp_path / "missing")})


def test_a_certificate_that_the_library_takes_is_taken(end, monkeypatch, tmp_path):
    """Python's own default has been stricter since 3.13: it asks for an Authority Key Identifier."""
    default, authority = ssl.create_default_context, Authority(tmp_path, "authority")

    def strict(*arguments, **options):
        context = default(*arguments, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    monkeypatch.setattr(tls, "spoken", lambda *_: True)
    broker = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    broker.load_cert_chain(authority.sign("broker", address="198.18.0.9"))

    def serve():
        with contextlib.suppress(OSError):
            stream = broker.wrap_socket(end, server_side=True)
            stream.recv(1)
            stream.close()

    peer = threading.Thread(target=serve)
    peer.start()
    why = failure(security_protocol="SSL", ssl_cafile=str(authority.file))
    peer.join(10)
    assert "ended the connection at the first request" in why


def test_a_clock_that_is_behind():
    error = types.SimpleNamespace(verify_code=tls.NOT_YET_VALID)
    assert "is not valid yet; look at the clocks of both hosts" in tls.distrust(error, SERVER)


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "does not take this client's certificate"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "have no TLS version in common (TLSV1_ALERT_PROTOCOL_VERSION); allow TLS 1.2"),
        ("RECORD_LAYER_FAILURE", "ended the connection (RECORD_LAYER_FAILURE); look at its log"),
    ],
)
def test_the_end_of_a_handshake(why, said):
    error = ssl.SSLError(1, why)
    error.reason = why
    assert said in tls.ended(error, SERVER)


def test_what_is_no_broker_at_all(end, monkeypatch):
    monkeypatch.setattr(tls, "spoken", lambda *_: False)
    end.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert "ended the connection at the first request" in failure()


@pytest.mark.parametrize("said", [b"\0\0\0\0", b"\0\0\0\2ab", b"\0\0\0\6\0\0\0\1\xff\xff"])
def test_an_answer_that_is_no_message(end, monkeypatch, said):
    monkeypatch.setattr(tls, "spoken", lambda *_: False)
    end.sendall(said)
    assert "ended the connection at the first request" in failure()


def test_bytes_that_come_one_after_another_do_not_make_it_wait_on(end):
    def drip():
        with contextlib.suppress(OSError):
            end.sendall(b"\0\0\1\0")
            while not over.wait(0.3):
                end.sendall(b"x")

    over = threading.Event()
    peer = threading.Thread(target=drip)
    peer.start()
    begun = time.monotonic()
    try:
        assert "took the connection and did not answer within 3 s" in failure()
    finally:
        over.set()
        peer.join(10)
    assert time.monotonic() - begun < 10


def login(end, tmp_path, *answers):
    """What is said of a login in which the broker gives these answers."""
    (tmp_path / "password").write_text("secret")

    def answer():
        for message in answers:
            end.recv(65536)
            message.with_header(correlation_id=1)
            end.sendall(message.encode(header=True, framed=True))

    peer = threading.Thread(target=answer)
    peer.start()
    why = failure(
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="alice",
        sasl_password_file=str(tmp_path / "password"),
    )
    peer.join(10)
    return why


@pytest.mark.parametrize("salt", [None, b"r=other,s=c2FsdA==,i=4096", b"\xff"])
def test_a_broker_that_does_not_know_the_password_itself(end, tmp_path, salt):
    from kafka.protocol.sasl import SaslAuthenticateResponse, SaslHandshakeResponse

    why = login(
        end,
        tmp_path,
        SaslHandshakeResponse[1](error_code=0, mechanisms=["SCRAM-SHA-512"]),
        SaslAuthenticateResponse[1](error_code=0, error_message=None, auth_bytes=salt),
    )
    assert "did not prove that it knows the password of the user alice; it may be another cluster's broker" in why
    assert "secret" not in why


@pytest.mark.parametrize(
    ("raised", "said"),
    [(None, True), (connection_check._WrongLogin("refused"), False)],
    ids=["the right password", "a wrong one"],
)
def test_a_login_is_taken_or_refused(monkeypatch, raised, said):
    def enter(*_, **__):
        if raised:
            raise raised

    monkeypatch.setattr(connection_check, "_enter", enter)
    assert connection_check.logs_in(kafka_client.Connection((SERVER,)), SERVER, 3) is said


def test_a_login_that_fails_for_another_reason_is_an_error(monkeypatch):
    def dial(*_, **__):
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", dial)
    where = kafka_client.Connection((SERVER,), sasl_username="app")
    with pytest.raises(kafka_client.KafkaError, match="^The user app cannot log in: nothing listens on port 9093 of"):
        connection_check.logs_in(where, SERVER, 3)


def test_a_password_that_is_in_no_file_is_used_and_not_shown():
    where = kafka_client.Connection((SERVER,), security_protocol="SASL_SSL", sasl_password="c4n4ry")
    assert where.options()["sasl_plain_password"] == "c4n4ry" and "c4n4ry" not in repr(where)
