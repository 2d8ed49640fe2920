"""main() of the modules for declared objects: check, apply, again, and the error; what was sent, and what was not."""

from __future__ import annotations

import importlib
from types import SimpleNamespace as Made

import pytest
import yaml
from documented import declared, documented
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import secrets
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import batches, users
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import CONNECTION_SPEC
from ansible_collections.rackaware.kafka.plugins.module_utils._objects import login
from ansible_collections.rackaware.kafka.plugins.modules import (
    kafka_acls,
    kafka_acls_info,
    kafka_quotas,
    kafka_quotas_info,
    kafka_topics,
    kafka_topics_info,
    kafka_users,
    kafka_users_info,
)

SERVERS = {"bootstrap_servers": ["one:9092"]}
WRITERS = (kafka_acls, kafka_users, kafka_quotas, kafka_topics)
READERS = (kafka_acls_info, kafka_users_info, kafka_quotas_info, kafka_topics_info)
SECRET = 'it\'s "secret" \\ here'
NO_AUTHORIZER = 54


class Objects(FakeAdmin):
    """A cluster of three brokers in three racks that keeps what it is sent."""

    is_kraft = True

    def __init__(self):
        super().__init__()
        self.acls, self.users, self.quotas, self.topics = [], {}, {}, {}
        self.sent, self.code, self.deaf = [], 0, False

    def send(self, request, node=None):
        name = type(request).__name__.replace("Request", "")
        if not name.startswith(("Describe", "Metadata", "List")):
            self.sent.append((name, request))
        return super().send(request, node)

    def names(self):
        return [name for name, _request in self.sent]

    def cluster(self):
        brokers = [{"id": number, "rack": "abc"[number - 1], "fenced": False} for number in (1, 2, 3)]
        return {"controller_id": 1, "brokers": brokers}

    # ACLs, as (type, name, pattern, principal, host, operation, permission) in Kafka's codes.

    def DescribeAcls(self, request, node):
        resources = [
            Made(
                resource_type=kind,
                resource_name=name,
                pattern_type=pattern,
                acls=[Made(principal=principal, host=host, operation=operation, permission_type=permission)],
            )
            for kind, name, pattern, principal, host, operation, permission in self.acls
        ]
        return Made(error_code=self.code, error_message=None, resources=resources)

    def CreateAcls(self, request, node):
        made = [
            (
                *(each.resource_type, each.resource_name, each.resource_pattern_type),
                *(each.principal, each.host, each.operation, each.permission_type),
            )
            for each in request.creations
        ]
        if not self.deaf:
            self.acls += made
        return Made(results=[Made(error_code=0, error_message=None) for _each in made])

    def DeleteAcls(self, request, node):
        for each in request.filters:
            self.acls.remove(
                (
                    *(each.resource_type_filter, each.resource_name_filter, each.pattern_type_filter),
                    *(each.principal_filter, each.host_filter, each.operation, each.permission_type),
                )
            )
        return Made(
            filter_results=[Made(error_code=0, error_message=None, matching_acls=[]) for _each in request.filters]
        )

    # Users: (name, mechanism) to (iterations, salt, salted password).

    def DescribeUserScramCredentials(self, request, node):
        results = [
            Made(
                user=user,
                error_code=0,
                error_message=None,
                credential_infos=[Made(mechanism=mechanism, iterations=kept[0])],
            )
            for (user, mechanism), kept in self.users.items()
        ]
        return Made(error_code=self.code, error_message=None, results=results)

    def AlterUserScramCredentials(self, request, node):
        for each in request.deletions:
            del self.users[each.name, each.mechanism]
        for each in request.upsertions:
            self.users[each.name, each.mechanism] = (each.iterations, each.salt, each.salted_password)
        return Made(results=[])

    # Quotas: a tuple of (type, name) to limits.

    def DescribeClientQuotas(self, request, node):
        entries = [
            Made(
                entity=[Made(entity_type=kind, entity_name=name) for kind, name in entity],
                values=[Made(key=key, value=value) for key, value in limits.items()],
            )
            for entity, limits in self.quotas.items()
        ]
        return Made(error_code=self.code, error_message=None, entries=entries)

    def AlterClientQuotas(self, request, node):
        for entry in request.entries if not request.validate_only else ():
            entity = tuple((part.entity_type, part.entity_name) for part in entry.entity)
            limits = self.quotas.setdefault(entity, {})
            for op in entry.ops:
                limits.pop(op.key, None) if op.remove else limits.update({op.key: op.value})
            if not limits:
                del self.quotas[entity]
        return Made(entries=[])

    # Topics.

    def partitions(self, topics=None):
        return {
            name: [
                {"partition": index, "leader": ids[0], "replicas": ids, "isr": ids}
                for index, ids in enumerate(found["replicas"])
            ]
            for name, found in self.topics.items()
            if topics is None or name in topics
        }

    def topic_configs(self, topics):
        return {
            name: {key: {"value": value, "own": True} for key, value in self.topics[name]["config"].items()}
            for name in topics
        }

    def create_topic(self, name, partitions, factor, config, assignment, *, validate_only):
        if not validate_only:
            self.topics[name] = {"replicas": [[1, 2, 3][:factor]] * partitions, "config": dict(config)}

    def alter_topic_config(self, name, config, *, validate_only):
        if not validate_only:
            self.topics[name]["config"].update(config)

    def add_partitions(self, name, count, assignment, *, validate_only):
        if not validate_only:
            self.topics[name]["replicas"] += [[1, 2]] * (count - len(self.topics[name]["replicas"]))

    def delete_topic(self, name):
        del self.topics[name]


@pytest.fixture
def cluster(monkeypatch):
    fake = Objects()
    for module in (*WRITERS, *READERS):
        monkeypatch.setattr(module, "Admin", fake)
    return fake


@pytest.fixture
def run(run_main, cluster):
    return lambda module, check=False, **params: run_main(module, check=check, **{**SERVERS, **params})


@pytest.mark.parametrize("module", WRITERS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_writer_takes_what_is_documented(module):
    assert documented(module) == declared(module.SPEC)


@pytest.mark.parametrize("module", READERS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_reader_takes_the_connection_only(module):
    assert documented(module) == declared(CONNECTION_SPEC)


READ = {"principal": "User:app", "resource_type": "topic", "name": "orders", "operations": ["read"]}


class TestAcls:
    def test_check_apply_again(self, run, cluster):
        check = run(kafka_acls, check=True, acls=[READ])
        assert check["changed"] and cluster.sent == []
        assert run(kafka_acls, acls=[READ])["changes"] == check["changes"]
        assert cluster.acls == [(2, "orders", 3, "User:app", "*", 3, 3)]
        again = run(kafka_acls, acls=[READ])
        assert not again["changed"] and cluster.names() == ["CreateAcls"]

    def test_rules_are_created_before_any_is_deleted(self, run, cluster):
        run(kafka_acls, acls=[READ])
        other = {**READ, "operations": ["write"]}
        result = run(kafka_acls, acls=[other], owned_prefixes=["orders"], purge=True)
        assert cluster.names()[1:] == ["CreateAcls", "DeleteAcls"] and len(cluster.acls) == 1
        assert result["changes"] == [
            "remove: allow User:app from * to read topic orders (literal)",
            "create: allow User:app from * to write topic orders (literal)",
        ]

    def test_removals_can_come_later(self, run, cluster):
        run(kafka_acls, acls=[READ])
        fence = {"owned_prefixes": ["orders"], "purge": True}
        later = run(kafka_acls, acls=[], removals="later", **fence)
        assert not later["changed"] and len(later["removals"]) == 1 and cluster.names() == ["CreateAcls"]
        assert run(kafka_acls, acls=[], **fence)["changed"] and cluster.acls == []

    def test_all_rules_of_a_resource_are_in_one_request(self, run, cluster, monkeypatch):
        monkeypatch.setattr(batches, "KRAFT_RECORDS", 3)
        run(kafka_acls, acls=[{**READ, "name": name, "operations": ["read", "write"]} for name in "abc"])
        sent = [[each.resource_name for each in request.creations] for _name, request in cluster.sent]
        assert sent == [["a", "a"], ["b", "b"], ["c", "c"]]

    def test_a_rule_that_does_not_arrive_is_an_error(self, run, cluster):
        cluster.deaf = True
        result = run(kafka_acls, acls=[READ], request_timeout_seconds=1)
        assert result["failed"] and "1 are missing, 0 are still there" in result["msg"]

    def test_without_an_authorizer_one_sentence_says_so(self, run, cluster):
        cluster.code = NO_AUTHORIZER
        assert run(kafka_acls, acls=[READ])["msg"].startswith(
            "The cluster has no authorizer and therefore no ACLs; set"
        )
        info = run(kafka_acls_info)
        assert (info["acls"], info["authorizer"]) == ([], False)

    def test_the_user_of_the_connection_keeps_its_access(self, run, cluster, tmp_path):
        (tmp_path / "p").write_text("x")
        login = {
            "security_protocol": "SASL_PLAINTEXT",
            **{"sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "app", "sasl_password_file": str(tmp_path / "p")},
        }
        run(kafka_acls, acls=[READ])
        assert not run(kafka_acls, acls=[], owned_prefixes=["orders"], purge=True, **login)["changed"]

    def test_an_unknown_word_is_refused_with_those_that_are_known(self, run, cluster):
        for change in ({"operations": ["reed"]}, {"resource_type": "topik"}, {"pattern_type": "prefix"}):
            said = run(kafka_acls, acls=[{**READ, **change}])["msg"]
            assert next(iter(change)) in said and ("read" in said or "topic" in said or "prefixed" in said)
        assert cluster.opened == []

    def test_what_is_read_is_declared_again(self, run, cluster):
        run(kafka_acls, acls=[READ])
        assert not run(kafka_acls, acls=run(kafka_acls_info)["acls"])["changed"]


class TestUsers:
    APP = {"name": "app", "password": SECRET}

    @pytest.fixture(autouse=True)
    def logins(self, monkeypatch):
        """Passwords that the brokers take, by user; what was tried."""
        self.right, self.tried = {"app": SECRET}, []

        def refused(where, server, credentials, seconds):
            self.tried.append((where.security_protocol, server, [each.user for each in credentials]))
            return [each for each in credentials if self.right.get(each.user) != each.password]

        monkeypatch.setattr(users, "refused", refused)
        monkeypatch.setattr(login, "listening", iter)
        self.login = {"login_servers": ["two:9094"], "login_protocol": "SASL_PLAINTEXT"}

    def test_check_apply_again(self, run, cluster):
        check = run(kafka_users, check=True, users=[self.APP], **self.login)
        assert check["changed"] and cluster.sent == [] and self.tried == []
        result = run(kafka_users, users=[self.APP], **self.login)
        assert result["changes"] == ["create: user app, SCRAM-SHA-512, 8192 iterations"] and result["verified"]
        assert self.tried == [("SASL_PLAINTEXT", "two:9094", ["app"])]
        again = run(kafka_users, users=[self.APP], **self.login)
        assert not again["changed"] and len(self.tried) == 2 and len(cluster.sent) == 1

    def test_a_changed_password_is_found_by_logging_in(self, run, cluster):
        run(kafka_users, users=[self.APP], **self.login)
        before = dict(cluster.users)
        self.right = {}
        check = run(kafka_users, check=True, users=[self.APP], **self.login)
        assert check["changed"] and "another password" in check["changes"][0] and cluster.users == before

    def test_a_password_that_is_never_taken_is_an_error(self, run, cluster):
        self.right = {}
        said = run(kafka_users, users=[self.APP], request_timeout_seconds=1, **self.login)["msg"]
        assert "the new passwords to be taken; last seen: refused for app (SCRAM-SHA-512)." in said

    def test_only_those_that_were_refused_are_tried_again(self, run, cluster, monkeypatch):
        self.right = {"app": SECRET, "late": "not yet"}

        def wait(fetch, predicate, **_more):
            while not predicate(fetch()):
                self.right["late"] = SECRET

        monkeypatch.setattr(login, "wait_until", wait)
        assert run(kafka_users, users=[self.APP, {"name": "late", "password": SECRET}], **self.login)["changed"]
        assert [names for _protocol, _server, names in self.tried] == [["app", "late"], ["late"]]

    def test_the_password_is_salted_here_and_shown_nowhere(self, run, cluster, capsys, monkeypatch):
        logged = []
        monkeypatch.setattr(kafka_users.AnsibleModule, "log", lambda self, *given, **more: logged.append(given))
        shown = [run(kafka_users, users=[self.APP], **self.login), run(kafka_users, users=[], **self.login), logged]
        ((iterations, salt, salted),) = cluster.users.values()
        assert (iterations, len(salt), len(salted)) == (8192, 32, 64)
        for text in (SECRET, repr(SECRET), repr(SECRET)[1:-1], "secret"):
            assert text not in str(shown)

    def test_the_servers_of_the_connection_are_those_of_the_login_when_it_is_one(self, run, cluster, tmp_path):
        (tmp_path / "p").write_text("x")
        login = {
            "security_protocol": "SASL_SSL",
            **{"sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "root", "sasl_password_file": str(tmp_path / "p")},
        }
        assert run(kafka_users, users=[self.APP], **login)["verified"]
        assert self.tried == [("SASL_SSL", "one:9092", ["app"])]
        assert (
            "operator and is never removed"
            in run(kafka_users, users=[{"name": "root", "state": "absent"}], **login)["msg"]
        )

    def test_without_a_listener_for_logins_passwords_are_not_compared(self, run, cluster):
        assert run(kafka_users, users=[self.APP])["verified"] is False
        self.right = {}
        assert not run(kafka_users, users=[self.APP])["changed"] and self.tried == []

    def test_a_password_comes_from_a_file_and_one_that_cannot_be_read_is_named(self, run, cluster, tmp_path):
        file = tmp_path / "password"
        user = {"name": "app", "password_file": str(file)}
        assert "%s cannot be read: No such file or directory; correct" % file in run(kafka_users, users=[user])["msg"]
        file.write_text(SECRET + "\n")
        assert run(kafka_users, users=[user], **self.login)["changed"]

    def test_nothing_that_listens_is_an_error(self, run, cluster, monkeypatch):
        run(kafka_users, users=[self.APP], **self.login)
        monkeypatch.setattr(login, "listening", lambda servers: iter(()))
        assert (
            "Nothing listens at two:9094, where users log in" in run(kafka_users, users=[self.APP], **self.login)["msg"]
        )

    def test_an_unforeseen_error_has_no_text(self, run, cluster, monkeypatch):
        def broken(*_):
            raise ValueError(SECRET)

        monkeypatch.setattr(users, "upsert", broken)
        result = run(kafka_users, users=[self.APP])
        assert result["msg"] == "The users could not be compared: ValueError." and "secret" not in str(result)

    def test_removal_by_name_later_and_now(self, run, cluster):
        run(kafka_users, users=[self.APP], **self.login)
        gone = [{"name": "app", "state": "absent"}]
        assert run(kafka_users, users=gone, removals="later")["removals"] and cluster.users
        assert run(kafka_users, users=gone)["changed"] and not cluster.users

    def test_a_user_with_two_mechanisms_is_once_in_each_request(self, run, cluster):
        both = [{**self.APP, "mechanism": mechanism} for mechanism in users.MECHANISMS]
        run(kafka_users, users=[*both, {"name": "other", "password": SECRET}])
        run(kafka_users, users=[], owned_prefixes=["app"], purge=True)
        sent = [[each.name for each in [*request.upsertions, *request.deletions]] for _name, request in cluster.sent]
        assert sent == [["app", "other"], ["app"], ["app"], ["app"]]

    def test_what_is_read_is_declared_again(self, run, cluster):
        run(kafka_users, users=[{**self.APP, "iterations": 9000}], **self.login)
        assert not run(kafka_users, users=run(kafka_users_info)["users"], **self.login)["changed"]


class Kept:
    """A stand-in of what AWS keeps: .values by source; .made has what was created."""

    def __init__(self):
        self.values, self.made = {}, []

    def read(self, sources):
        return {where: self.values.get(where) for where in sources}

    def create(self, passwords):
        for where, password in passwords.items():
            self.made.append(where)
            self.values.setdefault(where, secrets.Password(password.text, "v-%d" % len(self.made)))
        return {where: self.values[where] for where in passwords}


class TestPasswordsInAws:
    WHERE = secrets.Source("secret", "kafka/demo/app")
    APP = {"name": "app", "password_from": {"secret": "kafka/demo/app"}}

    @pytest.fixture(autouse=True)
    def brokers(self, monkeypatch, cluster, tmp_path):
        """What each login was tried with; the brokers take what was written last."""
        self.kept, self.tried, self.right = Kept(), [], {}
        upsert = users.upsert

        def upserted(admin, credentials):
            self.right.update({each.user: each.password for each in credentials})
            upsert(admin, credentials)

        def refused(where, server, credentials, seconds):
            self.tried += [each.user for each in credentials]
            return [each for each in credentials if self.right.get(each.user) != each.password]

        monkeypatch.setattr(users, "upsert", upserted)
        monkeypatch.setattr(users, "refused", refused)
        monkeypatch.setattr(login, "listening", iter)
        monkeypatch.setattr(secrets, "connect", lambda: self.kept)
        monkeypatch.setattr(cluster, "metadata", lambda topics: Made(cluster_id="one"), raising=False)
        self.record = tmp_path / "record.json"
        self.given = {
            **{"login_servers": ["two:9094"], "login_protocol": "SASL_PLAINTEXT"},
            "versions_file": str(self.record),
        }

    def versions(self, result):
        return [each["version"] for each in result["versions"]]

    def test_check_mode_says_what_would_be_made_and_makes_nothing(self, run, cluster):
        check = run(kafka_users, check=True, users=[self.APP], **self.given)
        assert check["changes"] == [
            "create: secret kafka/demo/app, with a new password",
            "create: user app, SCRAM-SHA-512, 8192 iterations",
        ]
        assert (self.kept.made, cluster.sent, self.versions(check)) == ([], [], []) and not self.record.exists()

    def test_a_new_password_is_kept_first_and_then_no_login_is_needed(self, run, cluster):
        result = run(kafka_users, users=[self.APP], **self.given)
        assert self.kept.made == [self.WHERE] and self.right["app"] == self.kept.values[self.WHERE].text
        assert (result["changed"], self.versions(result), self.tried) == (True, ["v-1"], ["app"])
        again = run(kafka_users, users=[self.APP], **self.given)
        assert (again["changed"], self.versions(again), self.tried) == (False, ["v-1"], ["app"])
        assert self.right["app"] not in str([result, again]) + self.record.read_text()

    def test_another_host_was_first(self, run):
        theirs = secrets.Password(SECRET, "v-theirs")
        self.kept.create = lambda passwords: {where: theirs for where in passwords}
        result = run(kafka_users, users=[self.APP], **self.given)
        assert (self.right["app"], self.versions(result)) == (SECRET, ["v-theirs"])

    def test_a_new_version_is_compared_by_login_and_written(self, run):
        run(kafka_users, users=[self.APP], **self.given)
        self.kept.values[self.WHERE] = secrets.Password(SECRET, "v-2")
        check = run(kafka_users, check=True, users=[self.APP], **self.given)
        assert "another password" in check["changes"][0] and self.right["app"] != SECRET
        result = run(kafka_users, users=[self.APP], **self.given)
        assert result["changed"] and self.right["app"] == SECRET
        assert not run(kafka_users, users=[self.APP], **self.given)["changed"]
        # After the write: refused in the check, refused in the run, verified.
        assert self.tried == ["app"] * 4

    def test_a_run_that_breaks_off_leaves_nothing_known(self, run, monkeypatch):
        run(kafka_users, users=[self.APP], **self.given)
        old = self.kept.values[self.WHERE]
        self.kept.values[self.WHERE] = secrets.Password(SECRET, "v-2")
        monkeypatch.setattr(kafka_users, "write", lambda *_: 1 / 0)
        assert run(kafka_users, users=[self.APP], **self.given)["failed"]
        # A person goes back to the version that the record had.
        self.kept.values[self.WHERE], before = old, len(self.tried)
        assert not run(kafka_users, users=[self.APP], **self.given)["changed"]
        assert len(self.tried) == before + 1

    def test_a_refusal_makes_no_secret(self, run, cluster):
        both = [self.APP, {"name": "no-password"}]
        assert "no password is given" in run(kafka_users, users=both, **self.given)["msg"]
        run(kafka_users, users=[{"name": "app", "password": SECRET}], **self.given)
        assert "would shut its clients out" in run(kafka_users, users=[self.APP], **self.given)["msg"]
        assert self.kept.made == []

    def test_without_a_login_nothing_is_recorded(self, run):
        result = run(kafka_users, users=[self.APP], versions_file=str(self.record))
        assert result["changed"] and not result["verified"] and not self.record.exists()

    def test_no_name_of_a_secret_asks_nothing(self, run, monkeypatch):
        monkeypatch.setattr(secrets, "connect", lambda: 1 / 0)
        assert run(kafka_users, users=[{"name": "app", "password": SECRET}], **self.given)["changed"]
        assert not self.record.exists()


class TestQuotas:
    APP = {"user": "app", "limits": {"producer_byte_rate": 5}}

    def test_check_lets_kafka_judge_apply_again(self, run, cluster):
        assert run(kafka_quotas, check=True, quotas=[self.APP])["changed"]
        assert [request.validate_only for _name, request in cluster.sent] == [True] and cluster.quotas == {}
        assert run(kafka_quotas, quotas=[self.APP])["changed"]
        assert cluster.quotas == {(("user", "app"),): {"producer_byte_rate": 5.0}}
        assert not run(kafka_quotas, quotas=[self.APP])["changed"] and len(cluster.sent) == 2

    def test_a_refusal_names_the_entity_in_words(self, run, cluster, monkeypatch):
        refused = Made(
            error_code=42,
            error_message="producer_byte_rate cannot be a fractional value",
            entity=[Made(entity_type="user", entity_name="app")],
        )
        answer = Made(entries=[refused])
        monkeypatch.setattr(cluster, "AlterClientQuotas", lambda request, node: answer)
        assert "Kafka refused to change the quota of user app: INVALID" in run(kafka_quotas, quotas=[self.APP])["msg"]

    def test_removals_later_and_now(self, run, cluster):
        run(kafka_quotas, quotas=[self.APP])
        fence = {"quotas": [], "owned_prefixes": ["app"], "purge": True}
        assert run(kafka_quotas, removals="later", **fence)["removals"] and cluster.quotas
        assert run(kafka_quotas, **fence)["changed"] and not cluster.quotas

    def test_what_is_read_is_declared_again(self, run, cluster):
        run(
            kafka_quotas,
            quotas=[self.APP, {"user": "<default>", "client_id": "<default>", "limits": {"request_percentage": 0.5}}],
        )
        assert not run(kafka_quotas, quotas=run(kafka_quotas_info)["quotas"])["changed"]


class TestTopics:
    IN = {"name": "orders-in", "partitions": 2, "replication_factor": 3, "config": {"retention.ms": 5}}

    def test_check_lets_kafka_judge_apply_again(self, run, cluster):
        assert run(kafka_topics, check=True, topics=[self.IN])["changed"] and cluster.topics == {}
        assert [request.validate_only for _name, request in cluster.sent] == [True]
        assert run(kafka_topics, topics=[self.IN])["changed"] and list(cluster.topics) == ["orders-in"]
        assert not run(kafka_topics, topics=[self.IN])["changed"] and len(cluster.sent) == 2

    def test_many_topics_travel_in_one_request_of_each_kind(self, run, cluster):
        names = ["orders-%d" % number for number in range(5)]
        run(kafka_topics, topics=[{**self.IN, "name": name} for name in names[:4]])
        run(
            kafka_topics,
            topics=[{**self.IN, "name": name, "partitions": 3, "config": {"retention.ms": 6}} for name in names],
        )
        assert cluster.names() == ["CreateTopics", "CreateTopics", "IncrementalAlterConfigs", "CreatePartitions"]
        assert [len(found["replicas"]) for found in cluster.topics.values()] == [3] * 5

    def test_a_request_has_no_more_records_than_the_controller_takes(self, run, cluster, monkeypatch):
        monkeypatch.setattr(batches, "KRAFT_RECORDS", 10)
        run(kafka_topics, topics=[{**self.IN, "name": name, "partitions": 3} for name in "abcde"])
        assert [len(request.topics) for _name, request in cluster.sent] == [2, 2, 1]

    def test_only_declared_keys_are_asked_for(self, run, cluster, monkeypatch):
        asked = []
        whole = cluster.DescribeConfigs

        def ask(request, node):
            asked.append([(each.resource_name, each.configuration_keys) for each in request.resources])
            return whole(request, node)

        monkeypatch.setattr(cluster, "DescribeConfigs", ask, raising=False)
        cluster.topics = {name: {"replicas": [[1]], "config": {}} for name in ("orders-in", "other")}
        run(kafka_topics, check=True, topics=[{"name": "orders-in"}])
        run(kafka_topics, check=True, topics=[{"name": "orders-in", "config": {"retention.ms": 5}}])
        assert asked == [[("orders-in", ["retention.ms"])]]

    def test_a_deletion_needs_its_words_before_anything_is_created(self, run, cluster):
        run(kafka_topics, topics=[self.IN])
        fence = {"topics": [{**self.IN, "name": "orders-new"}], "owned_prefixes": ["orders-"], "purge": True}
        assert run(kafka_topics, check=True, **fence)["confirm"] == "delete 1 topic"
        assert "delete 1 topic." in run(kafka_topics, removals="later", **fence)["msg"]
        assert list(cluster.topics) == ["orders-in"]
        later = run(kafka_topics, removals="later", confirm="delete 1 topic", **fence)
        assert later["changed"] and later["removals"] and set(cluster.topics) == {"orders-in", "orders-new"}
        assert run(kafka_topics, confirm="delete 1 topic", **fence)["changed"] and set(cluster.topics) == {"orders-new"}

    def test_another_replication_factor_is_refused_with_the_plan(self, run, cluster):
        cluster.topics = {"orders-in": {"replicas": [[1, 2]], "config": {}}}
        result = run(kafka_topics, topics=[{**self.IN, "partitions": None}, {**self.IN, "name": "orders-new"}])
        assert result["failed"] and result["moves"] == [
            {"topic": "orders-in", "partition": 0, "replicas": [1, 2], "wanted": [1, 2, 3]}
        ]
        assert cluster.sent == []

    def test_what_is_read_is_declared_again(self, run, cluster):
        run(kafka_topics, topics=[self.IN])
        assert not run(kafka_topics, topics=run(kafka_topics_info)["topics"])["changed"]


FENCED = {"kafka_acls": "acls", "kafka_users": "users", "kafka_quotas": "quotas", "kafka_topics": "topics"}


@pytest.mark.parametrize("name", FENCED)
def test_a_purge_without_a_prefix_asks_nothing_of_the_cluster(run, cluster, name):
    module = importlib.import_module("ansible_collections.rackaware.kafka.plugins.modules." + name)
    assert "purge has no fence" in run(module, purge=True, **{FENCED[name]: []})["msg"] and cluster.sent == []


@pytest.mark.parametrize("module", (*WRITERS, *READERS), ids=lambda module: module.__name__.rpartition(".")[2])
def test_an_example_has_what_the_module_takes(module):
    (task,) = yaml.safe_load(module.EXAMPLES)
    name = "rackaware.kafka." + module.__name__.rpartition(".")[2]
    assert set(task[name]) <= set(documented(module))
