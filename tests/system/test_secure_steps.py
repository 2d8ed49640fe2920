"""A real cluster of three nodes goes from plaintext to TLS, one node after another, in both metadata modes: in each mixture of
two steps all brokers stay in sync, and clients lose nothing."""

from __future__ import annotations

from contextlib import contextmanager

import client_file
import pytest
from kafka_cluster import run_module
from ledger import during
from opened_cluster import NAME, OpenedCluster

from ansible_collections.rackaware.kafka.plugins.module_utils._config import kerberos, security
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection_check import failure

USER = {"name": "app", "password": "right-password"}


@pytest.fixture(scope="module", params=["kraft", "zookeeper"])
def cluster(request, tmp_path_factory):
    with OpenedCluster(request.param, tmp_path_factory.mktemp(request.param)) as made:
        made.start_all()
        yield made


@contextmanager
def load(cluster, listener, *more):
    """Clients write at a listener during the block, and no acknowledged record is lost."""
    servers = ",".join("%s:%d" % (host, listener["port"]) for host in cluster.hosts.values())
    words = ["--bootstrap", servers, "--rate", "50", "--partitions", "3", "--prefix", listener["name"].lower(), *more]
    with during.ledger(cluster.home / ("ledger-" + cluster.security), words) as report:
        yield
    assert report["lost"] == 0 and report["records"]["acked"] > 100, report["problems"]


def at(cluster, listener, **options):
    """Why a client does not get in there, None where it does."""
    server = "%s:%d" % (cluster.hosts[1], listener["port"])
    return failure(Connection((server,), request_timeout_seconds=10, **options), server, 10)


def as_user(cluster):
    return {
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(cluster.folder(1) / "tls/truststore.pem"),
        **{"sasl_mechanism": kerberos.SCRAM, "sasl_username": "app", "sasl_password": "right-password"},
    }


def test_both_doors_open(cluster):
    with load(cluster, cluster.plain[0]):
        cluster.take(security.OPENED)
    assert at(cluster, cluster.plain[0]) is None
    # Who comes without a name may do anything yet, and so give clients their names.
    made = run_module(
        "kafka_users",
        bootstrap_servers=cluster.bootstrap,
        users=[USER],
        login_servers=["%s:%d" % (host, cluster.aim[0]["port"]) for host in cluster.hosts.values()],
        **{"security_protocol": "PLAINTEXT", "ssl_cafile": as_user(cluster)["ssl_cafile"]},
    )
    assert made.get("changed"), made
    assert at(cluster, cluster.aim[0], **as_user(cluster)) is None


def test_nodes_move_while_clients_stay_at_either_door(cluster):
    with load(cluster, cluster.plain[0]):
        cluster.take(security.MOVED)
    assert at(cluster, cluster.plain[0]) is None
    assert at(cluster, cluster.aim[0], **as_user(cluster)) is None


def test_plaintext_closes(cluster):
    file = cluster.home / "client.properties"
    file.write_text(client_file.scram("app", USER["password"], cluster.folder(1) / "tls/truststore.pem"))
    with load(cluster, cluster.aim[0], "--client-config", str(file)):
        cluster.take(security.TLS)
    for listener in cluster.plain:
        assert at(cluster, listener) is not None
    assert at(cluster, cluster.aim[0], **as_user(cluster)) is None


def test_what_was_in_zookeeper_before_is_protected(cluster):
    if cluster.mode == "kraft":
        return
    tls = cluster.folder(1) / "tls"
    options = {
        "servers": ["127.0.0.14:2181", *cluster.zookeepers],
        "owner": "CN=kafka,OU=%s,O=rackaware" % NAME,
        "ssl_cafile": str(tls / "truststore.pem"),
        "ssl_certfile": str(tls / "keystore.pem"),
    }
    # A certificate of another name gives the first znode to itself, says so, and stops.
    other = run_module("zookeeper_acls", **{**options, "owner": "CN=other"})
    assert "belongs to CN=kafka,OU=demo,O=rackaware now, and not to CN=other" in other["msg"], other
    seen = run_module("zookeeper_acls", check=True, **options)
    made = run_module("zookeeper_acls", **options)
    assert made["protected"] == seen["protected"] > 20 and made["znodes"] >= 30 and made["changed"]
    again = run_module("zookeeper_acls", **options)
    assert again["protected"] == 0 and not again["changed"]
    foreign = run_module("zookeeper_acls", **{**options, "ssl_certfile": str(tls / "operator.pem")})
    assert "belongs to another name than this certificate's" in foreign["msg"]
    cluster.stop("broker-1")
    cluster.start(1)
    cluster.wait_in_sync()
