"""ZooKeeper asked over TLS, against servers of Python's ssl; a real one is in tests/system/test_secured_clients.py."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import closing, suppress

import pytest
from certificates import Authority

from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import zookeeper

SRVR = "Zookeeper version: 3.8.4-9316, built on 2024-02-12 22:16 UTC\nMode: leader\nNode count: 43\n"
VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}


class Server:
    """A context manager: answers srvr, over TLS with the context; an open connection without a word gets no answer."""

    def __init__(self, secure: ssl.SSLContext | None) -> None:
        self.secure = secure
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def __enter__(self) -> Server:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        # A thread that waits in accept() would keep the port open.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self.listener.accept()
                threading.Thread(target=self._talk, args=(plain,), daemon=True).start()

    def _talk(self, plain: socket.socket) -> None:
        with suppress(OSError), closing(plain):
            stream = self.secure.wrap_socket(plain, server_side=True) if self.secure else plain
            with closing(stream):
                if stream.recv(4) == b"srvr":
                    stream.sendall(SRVR.encode())


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(params=VERSIONS)
def serve(request, authority):
    """Makes a server that asks for a certificate of the authority, with this one of its own."""

    def make(certificate=None):
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.minimum_version = secure.maximum_version = VERSIONS[request.param]
        secure.load_cert_chain(certificate or authority.sign("zookeeper"))
        secure.load_verify_locations(authority.file)
        secure.verify_mode = ssl.CERT_REQUIRED
        return Server(secure)

    return make


def options(authority, pair=None, **more):
    pair = str(pair or authority.sign("operator"))
    files = {"ssl_cafile": str(authority.file), "ssl_certfile": pair, "ssl_keyfile": pair}
    return {**files, "ssl_check_hostname": True, **more}


def look(server, seconds=5, **given):
    return zookeeper.look(server.address, seconds, zookeeper.client(given))


def test_a_client_with_a_certificate_is_answered(serve, authority):
    with serve() as server:
        seen = look(server, **options(authority))
    assert (seen["ok"], seen["mode"], seen["error"]) == (True, "leader", None)


@pytest.mark.parametrize("whose", ["stranger", "expired"])
def test_a_certificate_that_the_server_does_not_take(serve, authority, stranger, whose):
    pair = stranger.sign("foreign") if whose == "stranger" else authority.sign("old", days=-1)
    with serve() as server:
        said = look(server, **options(authority, pair))["error"]
    # The alert may be lost with the connection.
    assert "does not take this client's certificate (" in said or "as it may when it does not take this" in said


def test_a_server_that_says_nothing_over_tls_is_no_foreign_program(authority):
    seen = zookeeper.look("zk", 1, zookeeper.client(options(authority)), asker=lambda *_: "")
    assert "without a word, as it may when it does not take this client's certificate; look at its" in seen["error"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [({"days": -1}, "has expired; renew it"), ({"address": "127.0.0.9"}, "does not name that host; connect by a name")],
)
def test_a_certificate_of_the_server_that_this_host_does_not_take(serve, authority, more, sentence):
    with serve(authority.sign("server", **more)) as server:
        assert sentence in look(server, **options(authority))["error"]


def test_a_server_of_another_authority_is_not_trusted(serve, authority, stranger):
    with serve(stranger.sign("server")) as server:
        assert "is not trusted (" in look(server, **options(authority))["error"]


def test_a_name_that_is_not_checked(serve, authority):
    with serve(authority.sign("server", address="127.0.0.9")) as server:
        assert look(server, **options(authority, ssl_check_hostname=False))["ok"]


def test_plaintext_on_a_port_for_tls_and_tls_on_one_without(serve, authority):
    none = dict.fromkeys(("ssl_cafile", "ssl_certfile", "ssl_keyfile"))
    with serve() as server:
        said = look(server, 1, **none)["error"]
        assert said.endswith("it speaks TLS on this port; set ssl_cafile, ssl_certfile, ssl_keyfile.")
    with Server(None) as server:
        said = look(server, 1, **options(authority))["error"]
        assert said.endswith("it speaks no TLS; take its port for TLS, or set neither ssl_certfile nor ssl_keyfile.")


def test_nobody_there_is_the_sentence_of_plaintext(authority):
    with Server(None) as server:
        pass
    assert look(server, **options(authority))["error"].endswith("Connection refused; check that it runs.")


def test_the_usual_port_is_the_same_over_tls(authority):
    asked = []
    zookeeper.look("zk", 1, zookeeper.client(options(authority)), asker=lambda *given: asked.append(given[:2]) or SRVR)
    zookeeper.look("zk", 1, asker=lambda *given: asked.append(given[:2]) or SRVR)
    assert asked == [("zk", 2181)] * 4


@pytest.mark.parametrize("lacks", ["ssl_cafile", "ssl_certfile", "ssl_keyfile"])
def test_all_three_files_or_none(authority, lacks):
    with pytest.raises(RackawareError, match="but %s is not set; set all three" % lacks):
        zookeeper.client({**options(authority), lacks: None})


def test_an_authority_alone_is_for_kafka(authority):
    assert zookeeper.client({**options(authority), "ssl_certfile": None, "ssl_keyfile": None}) is None


def test_a_file_that_cannot_be_read(authority, tmp_path):
    with pytest.raises(RackawareError, match="The files for TLS cannot be used: No such file or directory;"):
        zookeeper.client(options(authority, tmp_path / "none.pem"))
