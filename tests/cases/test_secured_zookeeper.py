"""ZooKeeper answers nodes of the cluster only, and only they change what it has."""

from __future__ import annotations

import client_file

SHELL = (
    "timeout 60 java -Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty -Dzookeeper.client.secure=true"
    " -Dzookeeper.ssl.keyStore.type=PEM -Dzookeeper.ssl.keyStore.location=%s -Dzookeeper.ssl.trustStore.type=PEM"
    " -Dzookeeper.ssl.trustStore.location=/etc/zookeeper/tls/truststore.pem -cp '/opt/kafka-3.9.2/libs/*'"
    " org.apache.zookeeper.ZooKeeperMain -server %s:2181 %s 2>&1 || true"
)


def test_only_nodes_change_what_zookeeper_has(cluster, signer):
    name, address = next(iter(cluster.quorum_nodes.items()))
    stranger = signer.issue("stranger").read_text()
    cluster.on(name, "umask 077; cat > /run/stranger.pem <<'END'\n%sEND" % stranger)
    try:
        own = "/etc/zookeeper/tls/keystore.pem"
        rights = cluster.on(name, SHELL % (own, address, "getAcl /brokers/ids"))
        assert "'x509,'CN=kafka%%2COU=%s%%2CO=rackaware" % cluster.name in rights and ": cdrwa" in rights
        said = cluster.on(name, SHELL % ("/run/stranger.pem", address, "create /brokers/ids/99 x"))
        assert "NoAuth" in said or "Insufficient permission" in said or "Authentication is not valid" in said
        said = cluster.on(name, SHELL % ("/run/stranger.pem", address, "get /config/users/tests"))
        assert "NoAuth" in said or "Insufficient permission" in said or "Authentication is not valid" in said
    finally:
        cluster.on(name, "rm -f /run/stranger.pem")


def test_zookeeper_answers_no_one_without_a_certificate(cluster):
    name, address = next(iter(cluster.quorum_nodes.items()))
    assert "Mode:" in cluster.on(name, client_file.zookeeper_word("srvr", address))
    plain = "timeout 8 bash -c 'exec 3<>/dev/tcp/%s/2181; echo srvr >&3; cat <&3' || true" % address
    assert "Mode:" not in cluster.on(name, plain)
    without = "echo srvr | timeout 8 openssl s_client -quiet -verify_quiet -connect %s:2181 -CAfile /etc/zookeeper/tls/truststore.pem || true"
    assert "Mode:" not in cluster.on(name, without % address)
