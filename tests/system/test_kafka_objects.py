"""Declared objects against a real broker with an authorizer and SCRAM, in both metadata modes."""

from __future__ import annotations

import subprocess

import pytest
import yaml
from kafka_cluster import run_module
from objects_play import Plays
from secured_broker import SecuredBroker

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import acls
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import imports

SCRAM = "SCRAM-SHA-512"
# With a quote and a backslash, which a text in quotes would show otherwise than it is.
SECRET = "c4n4ry'\"\\p4ssw0rd"
FENCE = {"owned_prefixes": ["orders-"], "purge": True}


class Objects(SecuredBroker):
    """The broker, with its operator, and modules that speak to it."""

    def start_all(self) -> None:
        super().start_all()
        (self.home / "operator").write_text("operators-password\n")
        made = self.users([{"name": "operator", "password_file": str(self.home / "operator")}])
        assert made["changed"] and made["verified"], made

    def run(self, name, *, check=False, **params):
        """As a client without a name, who may do everything."""
        params = {"bootstrap_servers": [self.plain], "request_timeout_seconds": 60, **params}
        return run_module(name, check=check, **params)

    def users(self, users, **params):
        login = {"login_servers": [self.scram], "login_protocol": "SASL_PLAINTEXT"}
        return self.run("kafka_users", users=users, **{**login, **params})

    def login(self, user, password=None):
        """The options of a connection as a user."""
        file = self.home / user
        if password:
            file.write_text(password)
        return {
            "bootstrap_servers": [self.scram],
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": SCRAM,
            "sasl_username": user,
            "sasl_password_file": str(file),
        }


@pytest.fixture(scope="module", params=["kraft", "zookeeper"])
def broker(request, tmp_path_factory):
    with Objects(request.param, tmp_path_factory.mktemp(request.param)) as made:
        made.start_all()
        yield made


def rule(principal="User:orders", name="orders-in", operations=("read", "write"), **more):
    return {
        **{"principal": principal, "resource_type": "topic", "name": name, "operations": list(operations)},
        **more,
    }


def test_acls_are_created_read_back_and_left_alone(broker):
    declared = [
        rule(),
        rule(name="orders-", pattern_type="prefixed", operations=["describe"]),
        rule("User:billing", permission="deny", host="198.18.0.1", operations=["read"]),
        {"principal": "User:orders", "resource_type": "cluster", "operations": ["idempotent_write"]},
        {"principal": "User:orders", "resource_type": "group", "name": "*", "operations": ["read"]},
    ]
    assert broker.run("kafka_acls", check=True, acls=declared)["changed"]
    assert broker.run("kafka_acls_info")["acls"] == [], "check mode created rules"
    first, second = broker.run("kafka_acls", acls=declared), broker.run("kafka_acls", acls=declared)
    assert (first["changed"], len(first["changes"]), second["changed"]) == (True, 6, False)
    assert not broker.run("kafka_acls", acls=broker.run("kafka_acls_info")["acls"])["changed"]


def test_a_purge_of_acls_stays_inside_its_fence(broker):
    outside = [
        rule(name="order"),
        rule(name="ord", pattern_type="prefixed"),
        rule(name="*"),
        rule("User:operator", name="orders-in"),
        {"principal": "User:admin", "resource_type": "cluster", "operations": ["alter"]},
    ]
    inside = [rule(name="orders-old"), rule("User:orders", name="orders-", pattern_type="prefixed", operations=["all"])]
    broker.run("kafka_acls", acls=outside + inside)
    before = {str(each) for each in outside_of(broker)}
    kept = [rule()]
    protected = {"protected_principals": ["User:operator"]}
    assert "purge has no fence" in broker.run("kafka_acls", acls=kept, purge=True)["msg"]
    assert broker.run("kafka_acls", acls=kept, **FENCE, **protected)["changed"]
    assert {str(each) for each in outside_of(broker)} == before
    assert {each.name for each in inside_of(broker)} == {"orders-in"}
    assert broker.run("kafka_acls", acls=[], **FENCE, **protected)["changed"], "the last rule stays"
    assert {each.principal for each in inside_of(broker)} == {"User:operator"}
    assert {str(each) for each in outside_of(broker)} == before


def every_rule(broker):
    with broker.ask(broker.plain) as admin:
        return acls.describe(admin)


def outside_of(broker):
    return [each for each in every_rule(broker) if not each.name.startswith("orders-")]


def inside_of(broker):
    return [each for each in every_rule(broker) if each.name.startswith("orders-")]


def test_access_of_operators_is_never_taken_away(broker):
    broker.run("kafka_acls", acls=[{"principal": "User:admin", "resource_type": "cluster", "operations": ["alter"]}])
    absent = {"principal": "User:admin", "resource_type": "cluster", "operations": ["alter"], "state": "absent"}
    assert "gives an operator access" in broker.run("kafka_acls", acls=[absent])["msg"]
    deny = rule("User:operator", permission="deny")
    assert "shut the operator out" in broker.run("kafka_acls", acls=[deny], **broker.login("operator"))["msg"]


def test_a_password_is_compared_by_logging_in(broker):
    user = {"name": "orders-app", "password": SECRET}
    assert broker.users([user], check=True)["changed"]
    first, second = broker.users([user]), broker.users([user])
    assert (first["changed"], second["changed"], second["verified"]) == (True, False, True)
    with broker.ask(broker.scram, **{k: v for k, v in broker.login("orders-app", SECRET).items() if k[:2] != "bo"}):
        pass
    changed = broker.users([{**user, "password": SECRET + "-2"}])
    assert (
        "another password" in changed["changes"][0]
        and not broker.users([{**user, "password": SECRET + "-2"}])["changed"]
    )
    more = broker.users([{**user, "password": SECRET + "-2", "iterations": 16384}])
    assert "8192 iterations -> user orders-app, SCRAM-SHA-512, 16384" in more["changes"][0]
    other = {**user, "mechanism": "SCRAM-SHA-256"}
    assert broker.users([other])["changed"] and not broker.users([other])["changed"]
    assert "c4n4ry" not in str([first, second, changed, more]).replace("********", "")
    with (
        pytest.raises(KafkaError),
        broker.ask(broker.scram, **{k: v for k, v in broker.login("orders-app", SECRET).items() if k[:2] != "bo"}),
    ):
        pass


def test_a_login_that_fails_for_another_reason_is_an_error_and_no_change(broker):
    user = {"name": "orders-login", "password": SECRET}
    broker.users([user])
    wrong = broker.users([user], login_servers=[broker.plain])
    assert "orders-login cannot log in" in wrong["msg"] and "asks for no login" in wrong["msg"]
    unanswered = broker.users([user], login_servers=["127.0.0.1:1"])
    assert "Nothing listens at 127.0.0.1:1" in unanswered["msg"]


def test_users_are_removed_by_name_or_inside_the_fence_and_never_operators(broker):
    broker.users([{"name": name, "password": SECRET} for name in ("orders-a", "orders-b", "order")])
    assert broker.users([{"name": "orders-a", "state": "absent"}])["changes"] == [
        "remove: user orders-a, SCRAM-SHA-512, 8192 iterations"
    ]
    as_operator = broker.login("operator")
    own = broker.users([{"name": "operator", "state": "absent"}], **as_operator)
    assert "is an operator and is never removed" in own["msg"]
    purged = broker.users([], owned_prefixes=["orders-", "oper"], purge=True, **as_operator)
    assert purged.get("changed"), purged
    assert {each["name"] for each in broker.run("kafka_users_info")["users"]} >= {"operator", "order"}
    assert not [each for each in broker.run("kafka_users_info")["users"] if each["name"].startswith("orders-")]
    wrong = broker.users([{"name": "operator", "password": "another-password"}], **as_operator)
    assert "its password or iterations differ" in wrong["msg"]


def test_quotas_are_judged_set_and_removed(broker):
    declared = [
        {"user": "orders-app", "limits": {"producer_byte_rate": 1000, "request_percentage": 12.5}},
        {"user": "<default>", "client_id": "<default>", "limits": {"consumer_byte_rate": 2000}},
        {"client_id": "orders-c", "limits": {"controller_mutation_rate": 5}},
        {"ip": "198.18.0.1", "limits": {"connection_creation_rate": 5}},
    ]
    assert broker.run("kafka_quotas", check=True, quotas=declared)["changed"]
    assert broker.run("kafka_quotas_info")["quotas"] == []
    assert broker.run("kafka_quotas", quotas=declared)["changed"]
    assert not broker.run("kafka_quotas", quotas=declared)["changed"]
    assert not broker.run("kafka_quotas", quotas=broker.run("kafka_quotas_info")["quotas"])["changed"]
    purged = broker.run("kafka_quotas", quotas=[], **FENCE)["changes"]
    assert len(purged) == 2 and len(broker.run("kafka_quotas_info")["quotas"]) == 2
    bad = [{"ip": "no address", "limits": {"connection_creation_rate": 5}}]
    assert "Kafka refused" in broker.run("kafka_quotas", check=True, quotas=bad)["msg"]


def test_topics_are_judged_created_grown_and_deleted_inside_the_fence(broker):
    declared = [
        {"name": "orders-in", "partitions": 3, "replication_factor": 1, "config": {"retention.ms": 60000}},
        {"name": "orders-old", "partitions": 1, "replication_factor": 1},
        {"name": "order", "partitions": 1, "replication_factor": 1},
    ]
    assert broker.run("kafka_topics", check=True, topics=declared)["changed"]
    assert broker.run("kafka_topics_info")["topics"] == []
    assert (
        broker.run("kafka_topics", topics=declared)["changed"]
        and not broker.run("kafka_topics", topics=declared)["changed"]
    )
    grown = [{**declared[0], "partitions": 5, "config": {"retention.ms": 70000}}]
    assert (
        broker.run("kafka_topics", topics=grown)["changed"] and not broker.run("kafka_topics", topics=grown)["changed"]
    )
    assert "cannot take partitions away" in broker.run("kafka_topics", topics=declared[:1])["msg"]
    assert (
        "INVALID_CONFIG"
        in broker.run("kafka_topics", check=True, topics=[{**grown[0], "config": {"retention.ms": -5}}])["msg"]
    )
    assert (
        "but the cluster has 1 broker"
        in broker.run("kafka_topics", topics=[{**grown[0], "replication_factor": 2}])["msg"]
    )
    assert "write the words: delete 1 topic." in broker.run("kafka_topics", topics=grown, **FENCE)["msg"]
    assert broker.run("kafka_topics", topics=grown, confirm="delete 1 topic", **FENCE)["changed"]
    assert [each["name"] for each in broker.run("kafka_topics_info")["topics"]] == ["order", "orders-in"]


def test_a_user_without_the_right_is_refused_in_a_sentence(broker):
    broker.users([{"name": "weak", "password": "weaks-password"}])
    login = broker.login("weak", "weaks-password")
    for name, given in (("acls", [rule(name="x")]), ("users", [{"name": "x", "password": SECRET}]), ("quotas", [])):
        result = broker.run("kafka_" + name, **{name: given}, **login)
        assert result["failed"] and "CLUSTER_AUTHORIZATION_FAILED" in result["msg"], result
    topic = {"name": "weak-topic", "partitions": 1, "replication_factor": 1}
    assert "AUTHORIZATION_FAILED" in broker.run("kafka_topics", topics=[topic], **login)["msg"]
    assert not [each for each in every_rule(broker) if each.name == "x"]


def test_more_records_than_a_controller_takes_at_once_are_sent_in_parts(broker):
    # QuorumController.MAX_RECORDS_PER_USER_OP is 10,000.
    many = [rule("User:u%d" % number, name="many-%d" % (number % 7), operations=["read"]) for number in range(10500)]
    if broker.mode == "zookeeper":
        many = many[:450]
    fence = {"owned_prefixes": ["many-"], "purge": True}
    assert broker.run("kafka_acls", acls=many)["changed"]
    assert not broker.run("kafka_acls", acls=many)["changed"]
    assert len(broker.run("kafka_acls", acls=[], **fence)["changes"]) == len(many)


def test_the_playbooks_declare_and_export_and_what_was_exported_changes_nothing(broker, tmp_path):
    port = int(broker.plain.rpartition(":")[2])
    plays = Plays(tmp_path / "plays", ("kafka_roll_lock",), broker.mode, port)
    login = {"objects_login_servers": [broker.scram], "objects_login_protocol": "SASL_PLAINTEXT"}
    declared = {
        "kafka_topics": [{"name": "play-in", "partitions": 2, "replication_factor": 1}],
        "kafka_users": [{"name": "play-app", "password": SECRET}],
        "kafka_quotas": [{"user": "play-app", "limits": {"producer_byte_rate": 1000}}],
        "kafka_acls": [rule("User:play-app", name="play-", pattern_type="prefixed")],
    }
    code, said = plays.run("objects", "-vvvv", **declared, **login)
    assert code == 0 and "create: topic play-in" in said and "c4n4ry" not in said, said[-3000:]
    again = plays.run("objects", **declared, **login)
    assert "changed=0" in again[1] and "Nothing differs." in again[1], again
    file = tmp_path / "exported.yml"
    code, said = plays.run("export_objects", kafka_objects_file=str(file))
    assert code == 0, said
    exported = yaml.safe_load(file.read_text())
    assert {"name": "play-app"} in exported["kafka_users"] and exported["kafka_acls"]
    applied = plays.run("objects", "-e", "@%s" % file, **login)
    assert "changed=0" in applied[1] and "Nothing differs." in applied[1], applied
    # A purge of what the file no longer has.
    purge = {"objects_owned_prefixes": ["play-"], "objects_purge": ["topics", "users", "quotas", "acls"]}
    empty = {name: [] for name in declared}
    code, said = plays.run("objects", **empty, **purge, **login, kafka_confirm="delete 1 topic")
    assert code == 0 and said.count("remove: ") == 5, said[-3000:]
    left = plays.run("export_objects", kafka_objects_file=str(file))
    assert left[0] == 0 and "play-" not in file.read_text()


def test_a_cluster_without_an_authorizer_says_so(tmp_path):
    with SecuredBroker("kraft", tmp_path, authorizer=False) as open_broker:
        open_broker.start_all()
        result = run_module("kafka_acls", bootstrap_servers=[open_broker.plain], acls=[rule()])
        assert result["msg"].startswith("The cluster has no authorizer and therefore no ACLs;")
        info = run_module("kafka_acls_info", bootstrap_servers=[open_broker.plain])
        assert (info["authorizer"], info["acls"]) == (False, [])


def test_what_kafka_acls_lists_is_imported_as_it_is_read(broker):
    rules = [
        rule(name="imported, name=x", pattern_type="prefixed", principal="User:CN=app,OU=shop,O=example"),
        rule(name="imported", operations=["describe_configs"], permission="deny", host="198.51.100.7"),
        {"principal": "User:imported", "resource_type": "cluster", "operations": ["idempotent_write"]},
        {"principal": "User:imported", "resource_type": "transactional_id", "name": "*", "operations": ["all"]},
    ]
    assert broker.run("kafka_acls", acls=rules)["changed"]
    main = {"kraft": "org.apache.kafka.tools.AclCommand", "zookeeper": "kafka.admin.AclCommand"}[broker.mode]
    tool = ["java", "-cp", "%s/*" % broker.libs, main, "--bootstrap-server", broker.plain, "--list"]
    printed = subprocess.run(tool, check=True, capture_output=True, text=True, timeout=120).stdout
    assert imports.imported(printed)["kafka_acls"] == broker.run("kafka_acls_info")["acls"]
    removed = [{**each, "state": "absent"} for each in rules]
    assert broker.run("kafka_acls", acls=removed)["changed"]
