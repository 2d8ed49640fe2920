"""Clients that show tickets of a real MIT KDC to a real broker of each mode: who gets in, who does not, what a deleted principal and a new key mean."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from kafka_cluster import VERSIONS, free_ports
from kerberos import Kdc
from kerberos_broker import HOST, PRODUCE, REALM, KerberosBroker

from ansible_collections.rackaware.kafka.plugins.module_utils._host import keytab
from lab import archives

PAGE = (Path(__file__).parents[2] / "docs/clients.md").read_text()
SNIPPETS = dict(
    re.findall(
        r"```(properties|python)\n(.+?)```",
        PAGE.partition("## With a Kerberos ticket\n")[2].partition("\n## ")[0],
        re.DOTALL,
    )
)
(CONSOLE,) = (each for each in re.findall(r"```sh\n(echo .+?)```", PAGE, re.DOTALL) if "console" in each)
REFUSED = "refused three times"


def acl(who, *operations, kind="topic", state="present"):
    return {
        "principal": "User:" + who,
        "resource_type": kind,
        "name": "orders",
        "operations": list(operations),
        "state": state,
    } | ({"pattern_type": "prefixed"} if kind == "group" else {})


@pytest.fixture(scope="module", params=["kraft", "zookeeper"])
def broker(request, tmp_path_factory):
    with KerberosBroker(request.param, tmp_path_factory.mktemp("broker")) as made:
        # It asks no KDC: one that is away keeps no broker from starting.
        made.kdc.stop()
        made.start_all()
        made.kdc.start()
        topic = {"name": "orders", "partitions": 1, "replication_factor": 1, "config": {"min.insync.replicas": 1}}
        assert made.run("kafka_topics", topics=[topic])["changed"]
        yield made


def allow(broker, who, **more):
    assert "failed" not in broker.run("kafka_acls", acls=[acl(who, "read", "write", "describe", **more)])


def test_the_pages_python_writes_and_reads_with_a_keytab(broker, tmp_path):
    rules = [acl("orders-app", "read", "write", "describe"), acl("orders-app", "read", kind="group")]
    assert broker.run("kafka_acls", acls=rules)["changed"]
    (tmp_path / "ca.pem").write_bytes(broker.authority.file.read_bytes())
    code = SNIPPETS["python"].replace("broker-1.example.com:9095", broker.address)
    keys = {"KRB5_CLIENT_KTNAME": str(broker.kdc.add("orders-app")), "KRB5CCNAME": "MEMORY:"}
    assert "b'one'" in broker.python(code, env=keys, cwd=tmp_path)


def test_the_pages_console_writes_and_reads_with_a_ticket(broker, tmp_path):
    who = "console"
    assert "failed" not in broker.run(
        "kafka_acls", acls=[acl(who, "read", "write", "describe"), acl(who, "read", kind="group")]
    )
    keys, cache = broker.kdc.add(who), "FILE:%s" % (tmp_path / "cache")
    broker.kdc.run("kinit", "-kt", str(keys), who, KRB5CCNAME=cache)
    (tmp_path / "ca.pem").write_bytes(broker.authority.file.read_bytes())
    (tmp_path / "client.properties").write_text(SNIPPETS["properties"])
    (tmp_path / "libs").symlink_to(broker.libs)
    (tmp_path / "bin").mkdir()
    for name, text in archives.scripts(VERSIONS[broker.mode]).items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    java = "-Djava.security.krb5.conf=%s" % broker.kdc.config
    done = subprocess.run(
        ["bash", "-ec", CONSOLE.replace("broker-1.example.com:9092", broker.address)],
        env={**broker.kdc.env, "KRB5CCNAME": cache, "JAVA_TOOL_OPTIONS": java},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0 and "one" in done.stdout, done.stdout + done.stderr


def test_a_name_without_an_acl_may_nothing(broker):
    assert "TopicAuthorizationFailed" in broker.produce_as(broker.kdc.add("stranger"))


def test_without_a_ticket_no_one_gets_in(broker):
    assert REFUSED in broker.produce(KRB5CCNAME="MEMORY:")


def test_a_ticket_of_another_realm_is_none(broker, tmp_path):
    """That has a broker of the same name, and the same client."""
    allow(broker, "traveller")
    with Kdc(tmp_path / "kdc", "OTHER.EXAMPLE.ORG", free_ports(1)[0]) as other:
        other.add("kafka/" + HOST)
        assert REFUSED in broker.produce_as(other.add("traveller"), kdc=other)
    assert "written" in broker.produce_as(broker.kdc.add("traveller"))


@pytest.mark.parametrize("name", ["CN=kafka,OU=demo,O=rackaware", "CN=operator,OU=demo,O=rackaware"])
def test_a_principal_with_the_name_of_a_node_does_not_get_in(broker, name):
    assert REFUSED in broker.produce_as(broker.kdc.add(name))


def test_a_principal_of_two_parts_is_not_the_one_of_its_first_part(broker):
    allow(broker, "worker")
    keys = broker.kdc.add("worker/" + HOST)
    assert "TopicAuthorizationFailed" in broker.produce_as(keys)
    allow(broker, "worker:" + HOST)
    assert "written" in broker.produce_as(keys)
    # Also not the brokers' own.
    assert "TopicAuthorizationFailed" in broker.produce_as(broker.keytab)


def test_after_its_deletion_a_principal_keeps_its_tickets_and_what_cuts_is_the_acl(broker, tmp_path):
    allow(broker, "former")
    keys, cache = broker.kdc.add("former"), "FILE:%s" % (tmp_path / "cache")
    broker.kdc.run("kinit", "-kt", str(keys), "former", KRB5CCNAME=cache)
    broker.kdc.run("kvno", "kafka/" + HOST, KRB5CCNAME=cache)
    broker.kdc.admin("delprinc -force former")
    assert REFUSED in broker.produce_as(keys), "a new ticket after the deletion"
    assert "written" in broker.produce(KRB5CCNAME=cache)
    gone = [acl("former", "read", "write", "describe", state="absent")]
    assert broker.run("kafka_acls", acls=gone)["changed"]
    assert "TopicAuthorizationFailed" in broker.produce(KRB5CCNAME=cache)


def test_a_new_key_of_the_broker_is_used_without_a_restart_and_old_tickets_stay_good(broker, tmp_path):
    allow(broker, "regular")
    keys, cache = broker.kdc.add("regular"), "FILE:%s" % (tmp_path / "cache")
    broker.kdc.run("kinit", "-kt", str(keys), "regular", KRB5CCNAME=cache)
    broker.kdc.run("kvno", "kafka/" + HOST, KRB5CCNAME=cache)
    broker.kdc.admin("cpw -randkey -keepold kafka/" + HOST)
    # The KDC gives out tickets for the new key from now on, which the broker does not have yet.
    assert REFUSED in broker.produce_as(keys) and "written" in broker.produce(KRB5CCNAME=cache)
    made = tmp_path / "new.keytab"
    broker.kdc.admin("ktadd -norandkey -k %s kafka/%s" % (made, HOST))
    where, principal = keytab.Source("file", str(made)), "kafka/%s@%s" % (HOST, REALM)
    assert keytab.check(made.read_bytes(), principal, where) == [3, 2]
    # As the module does it for a broker that runs.
    step = keytab.decide(made.read_bytes(), str(broker.keytab), principal, held=True)
    assert step.writes == str(broker.keytab)
    (tmp_path / "draft").write_bytes(step.data)
    os.replace(tmp_path / "draft", step.writes)
    assert "written" in broker.produce_as(keys) and "written" in broker.produce(KRB5CCNAME=cache)
    broker.stop("broker-1")
    broker.start(1)
    broker.wait_until_answers()
    assert "written" in broker.produce_as(keys) and "written" in broker.produce(KRB5CCNAME=cache)


def test_passwords_and_certificates_get_in_beside_tickets(broker):
    login = {"login_servers": [broker.at["CLIENT"]]}
    assert broker.run("kafka_users", users=[{"name": "app", "password": "right-password"}], **login)["verified"]
    allow(broker, "CN=certified")
    pair = broker.tls(broker.client_authority.sign("certified"))
    told = {"bootstrap_servers": [broker.at["CERTIFICATE"]], **pair}
    assert "written" in broker.python(PRODUCE, json.dumps(told), env={})


def test_the_brokers_log_has_no_key(broker):
    log = (broker.home / "broker-1.log").read_text(errors="replace")
    # Kafka 3.9 logs nothing without a configuration.
    assert "KERBEROS" in log or broker.mode == "zookeeper"
    data = broker.keytab.read_bytes()
    # Of each entry its key ends four bytes before the entry does.
    assert not [at for at in range(len(data) - 16) if data[at : at + 16].hex() in log]
