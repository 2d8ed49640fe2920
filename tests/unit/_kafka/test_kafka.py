"""The wrapper around kafka-python: each trap that kafka-python or Kafka sets has a test here."""

from __future__ import annotations

import contextlib
import inspect
import threading
import uuid
from dataclasses import replace
from types import SimpleNamespace as Made

import kafka
import kafka.errors
import pytest
from kafka.protocol.admin import ElectionType

from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import client as kafka_client
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import (
    configs,
    connection,
    connection_check,
    features,
    groups,
    kraft,
    leader_election,
    log_dirs,
    metadata,
    reassignments,
    round_trip,
    topic_admin,
    zstd,
)
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.client import Admin
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import Connection, KafkaError
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.topic import Wanted

KRAFT = {60: (0, 2), 55: (0, 2), 75: (0, 0)}
ZOOKEEPER = {60: (0, 1)}
HOSTS = {1: "one", 2: "two", 3: "three"}
WHERE = Connection(("one:9092", "two:9092"), request_timeout_seconds=7)
PARAMS = dict.fromkeys(connection.CONNECTION_SPEC) | {
    "bootstrap_servers": ["one:9092"],
    "security_protocol": "PLAINTEXT",
    "ssl_check_hostname": True,
    "request_timeout_seconds": 30,
}


class Manager:
    """Stands in for kafka-python's connection manager: answers by the name of the request, and encodes each as the real one would."""

    def __init__(self, answers, brokers):
        self.answers = answers
        self.sent = []
        self.refreshed = 0
        self.dead = set()
        self.cluster = Made(
            brokers=lambda: [Made(node_id=node, host=HOSTS.get(node, "other"), port=9092) for node in brokers],
            bootstrap_brokers=lambda: [Made(node_id="bootstrap-0")],
            broker_metadata=lambda node: node if node in brokers else None,
            refresh_metadata=self._refresh,
        )

    def _refresh(self, _node):
        self.refreshed += 1

    def run(self, function, *arguments):
        return function(*arguments)

    def send(self, request, node):
        type(request).encode(request, version=type(request).max_version)
        name = type(request).__name__.replace("Request", "")
        self.sent.append((name, request, node))
        if node in self.dead:
            raise kafka.errors.KafkaConnectionError("ECONNREFUSED")
        if isinstance(node, int) and self.cluster.broker_metadata(node) is None:
            raise kafka.errors.UnknownBrokerIdError(node)
        answer = self.answers[name]
        return answer.pop(0) if isinstance(answer, list) else answer

    def only(self, name):
        return [request for sent, request, _ in self.sent if sent == name]

    def asked(self, name):
        return [node for sent, _, node in self.sent if sent == name]


def partition(index, leader=1, replicas=(1, 2, 3), isr=(1, 2, 3), offline=()):
    return Made(
        partition_index=index,
        leader_id=leader,
        replica_nodes=list(replicas),
        isr_nodes=list(isr),
        offline_replicas=list(offline),
    )


def answered(*topics, controller=2, brokers=(1, 2, 3)):
    return Made(
        topics=list(topics),
        controller_id=controller,
        brokers=[Made(node_id=node, host="h", port=9092, rack=None) for node in brokers],
    )


def topic(name, *partitions, error=0):
    return Made(name=name, error_code=error, partitions=list(partitions))


@pytest.fixture
def cluster(monkeypatch):
    """Returns open(answers, versions, **arguments of Admin), which gives the Admin and the Manager behind it."""
    import kafka.admin

    def start(answers=None, versions=KRAFT, brokers=(1, 2, 3), dead=(), servers=WHERE.bootstrap_servers, **arguments):
        """Servers called down… refuse, those called hang… listen and never answer."""
        manager = Manager({"Metadata": answered(), **(answers or {})}, brokers)
        manager.dead = set(dead)
        manager.tried = []
        made = {}

        def client(**options):
            manager.tried.append((options["bootstrap_servers"], options["bootstrap_timeout_ms"]))
            if options["bootstrap_servers"][0].startswith(("hang", "down")):
                raise kafka.errors.KafkaTimeoutError("No bootstrap")
            made.clear()
            made.update(options)
            return Made(
                _manager=manager,
                close=lambda: made.update(closed=True),
                get_broker_version_data=lambda node: Made(api_versions=versions),
            )

        monkeypatch.setattr(kafka.admin, "KafkaAdminClient", client)
        monkeypatch.setattr(kafka_client, "dials", lambda server: not server.startswith("down"))
        manager.made = made
        try:
            admin = Admin(replace(WHERE, bootstrap_servers=tuple(servers)), **arguments)
        except KafkaError as error:
            error.manager = manager
            raise
        manager.sent.clear()
        return admin, manager

    return start


class TestLibrary:
    def test_the_private_parts_we_use_are_there(self):
        from kafka.admin import KafkaAdminClient
        from kafka.cluster import ClusterMetadata
        from kafka.net.manager import KafkaConnectionManager

        assert "self._manager" in inspect.getsource(KafkaAdminClient.__init__)
        assert list(inspect.signature(KafkaConnectionManager.send).parameters)[1:3] == ["request", "node_id"]
        assert list(inspect.signature(KafkaConnectionManager.run).parameters)[1:] == ["coro", "args"]
        for name in ("brokers", "bootstrap_brokers", "broker_metadata", "refresh_metadata"):
            assert callable(getattr(ClusterMetadata, name))

    @pytest.mark.parametrize("version", ["2.0.2", "3.0.11", "3.1.0", "4.0"])
    def test_another_version_is_refused_with_the_way_out(self, monkeypatch, version):
        monkeypatch.setattr(kafka, "__version__", version)
        with pytest.raises(KafkaError, match="has kafka-python %s, which does not fit.*opt/kafka-admin" % version):
            Admin(WHERE)

    def test_a_missing_library_is_one_sentence(self, monkeypatch):
        monkeypatch.setattr(kafka_client, "kafka", None)
        with pytest.raises(KafkaError, match="has no kafka-python; put kafka-python >= 3.0.12, < 3.1 there"):
            Admin(WHERE)


class TestConnection:
    def test_plain_parameters_become_a_connection(self):
        assert connection.connection(PARAMS) == Connection(("one:9092",))

    @pytest.mark.parametrize("server", ["one", "one:", ":9092", "one:http", "one:70000", "one:0"])
    def test_an_address_without_host_or_port_is_refused(self, server):
        with pytest.raises(RackawareError, match="%s is not an address of a broker" % server):
            connection.connection(dict(PARAMS, bootstrap_servers=[server]))

    def test_no_server_at_all_is_refused(self):
        with pytest.raises(KafkaError, match="bootstrap_servers is empty"):
            connection.connection(dict(PARAMS, bootstrap_servers=[]))

    def test_sasl_without_its_parts_names_them(self):
        with pytest.raises(KafkaError, match="SASL_SSL needs sasl_mechanism and sasl_password_file; set them"):
            connection.connection(dict(PARAMS, security_protocol="SASL_SSL", sasl_username="me"))

    def test_a_timeout_of_nothing_is_refused(self):
        with pytest.raises(KafkaError, match="request_timeout_seconds is 0"):
            connection.connection(dict(PARAMS, request_timeout_seconds=0))

    def test_the_password_is_read_from_its_file_only_when_needed(self, tmp_path):
        secret = tmp_path / "password"
        secret.write_text("canary\n")
        where = connection.connection(
            dict(
                PARAMS,
                security_protocol="SASL_PLAINTEXT",
                sasl_mechanism="SCRAM-SHA-512",
                sasl_username="me",
                sasl_password_file=str(secret),
            )
        )
        assert "canary" not in repr(where)
        assert where.options()["sasl_plain_password"] == "canary"
        assert "ssl_cafile" not in where.options()

    def test_an_unreadable_password_file_is_one_sentence(self, tmp_path):
        where = Connection(("one:9092",), security_protocol="SASL_SSL", sasl_password_file=str(tmp_path / "absent"))
        with pytest.raises(KafkaError, match="absent, cannot be read: No such file"):
            where.options()

    def test_ipv6_in_brackets_is_an_address(self):
        assert kafka_client.address("[::1]:9092") == ("::1", 9092)


class TestWhomToAsk:
    def test_the_first_bootstrap_server_that_answers(self, cluster):
        admin, manager = cluster(servers=["two:9092", "one:9092"])
        metadata.partitions(admin)
        assert manager.asked("Metadata") == ["bootstrap-0"] and manager.made["bootstrap_servers"] == ["two:9092"]

    def test_a_server_that_hangs_costs_a_third_and_one_that_refuses_nothing(self, cluster):
        _, manager = cluster(servers=["down:1", "hang:1", "one:9092", "two:9092"])
        assert manager.tried == [(["hang:1"], 2000), (["one:9092"], 2000)]

    def test_servers_that_are_silent_are_waited_for_together(self, monkeypatch):
        together = threading.Barrier(3)
        monkeypatch.setattr(kafka_client, "dials", lambda server: together.wait(5) is None or server != "silent:1")
        assert list(kafka_client.listening(["silent:1", "one:9092", "two:9092"])) == ["one:9092", "two:9092"]

    def test_one_that_listens_does_not_wait_for_those_after_it(self, monkeypatch):
        later = threading.Event()
        monkeypatch.setattr(kafka_client, "dials", lambda server: server == "one:9092" or later.wait(5))
        found = kafka_client.listening(["one:9092", "silent:1"])
        assert next(found) == "one:9092" and not later.is_set()
        found.close()
        later.set()

    @pytest.mark.parametrize(
        ("servers", "checked"), [(["hang:1", "hang:2", "one:9092"], []), (["hang:1", "hang:2"], ["hang:2"])]
    )
    def test_why_a_server_hangs_is_looked_at_once_and_only_when_none_answers(
        self, cluster, monkeypatch, servers, checked
    ):
        seen = []
        monkeypatch.setattr(connection_check, "failure", lambda where, server, seconds: seen.append(server))
        with contextlib.suppress(KafkaError):
            cluster(servers=servers)
        assert seen == checked

    @pytest.mark.parametrize("servers", [["hang:1", "hang:2"], ["down:1", "down:2"]])
    def test_no_server_that_answers_is_one_sentence_that_names_all(self, cluster, servers):
        with pytest.raises(KafkaError, match="No broker answered at %s" % ", ".join(servers)):
            cluster(servers=servers)

    def test_a_single_server_has_the_whole_time(self, cluster):
        assert cluster(servers=["one:9092"])[1].tried == [(["one:9092"], 7000)]

    def test_the_broker_that_answered_first_is_asked_on(self, cluster):
        admin, manager = cluster(servers=["three:9092", "one:9092"], exclude=[2])
        metadata.partitions(admin)
        assert manager.asked("Metadata") == [3]

    def test_one_address_is_asked_whatever_its_id_is(self, cluster):
        admin, manager = cluster(ask=("three", 9092))
        metadata.partitions(admin)
        assert manager.made["bootstrap_servers"] == ["three:9092"]
        assert manager.asked("Metadata") == ["bootstrap-0"]

    def test_one_broker_by_id(self, cluster):
        admin, manager = cluster(ask=2)
        metadata.partitions(admin)
        assert manager.asked("Metadata") == [2]

    def test_excluded_brokers_are_not_asked(self, cluster):
        admin, manager = cluster(exclude=[1, 2])
        metadata.partitions(admin)
        assert manager.asked("Metadata") == [3]

    def test_a_dead_candidate_is_passed_over(self, cluster):
        admin, manager = cluster(exclude=[1], dead={2})
        metadata.partitions(admin)
        assert manager.asked("Metadata") == [3]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"exclude": [1, 2, 3]}, "No broker is left to ask: the cluster knows 1, 2, 3"),
            ({"ask": 9}, "does not know broker 9; it knows 1, 2, 3"),
            ({"ask": 1, "exclude": [1]}, "Broker 1 is to be asked and to be left alone"),
            ({"ask": 1, "dead": {1}}, "Broker 1 did not answer Metadata: KafkaConnectionError.*check that it runs"),
        ],
        ids=["no broker is left", "unknown", "both", "dead"],
    )
    def test_no_broker_to_ask_is_one_sentence_and_the_client_is_closed(self, cluster, arguments, sentence):
        with pytest.raises(KafkaError, match=sentence) as caught:
            cluster(**arguments)
        assert caught.value.manager.made["closed"]

    def test_no_broker_at_all_is_one_sentence(self):
        where = Connection(("127.0.0.1:1",), request_timeout_seconds=1)
        with pytest.raises(KafkaError, match=r"No broker answered at 127.0.0.1:1 \(PLAINTEXT, within 1 s\)"):
            Admin(where)

    def test_a_brokers_own_view_is_asked_of_that_broker(self, cluster):
        admin, manager = cluster({"Metadata": answered(topic("t", partition(0, isr=[1])), brokers=(1, 3))})
        view = metadata.view_of(admin, 3, held=True)
        assert [broker["id"] for broker in view["brokers"]] == [1, 3]
        assert view["partitions"] == {"t": [dict(partition=0, leader=1, replicas=[1, 2, 3], isr=[1], offline=[])]}
        assert manager.asked("Metadata") == [3]

    def test_and_tells_only_what_it_holds(self, cluster):
        admin, manager = cluster({"Metadata": answered(topic("t", partition(0), partition(1, replicas=[1, 2])))})
        assert [each["partition"] for each in metadata.view_of(admin, 3, ["t"], held=True)["partitions"]["t"]] == [0]
        assert [each.name for each in manager.only("Metadata")[0].topics] == ["t"]

    def test_a_broker_that_came_later_is_looked_up_before_giving_up(self, cluster):
        admin, manager = cluster()
        with pytest.raises(KafkaError, match="does not know broker 7"):
            metadata.view_of(admin, 7)
        assert manager.refreshed == 1


class TestReading:
    def test_fenced_brokers_are_asked_for_from_kafka_4_on(self, cluster):
        brokers = [
            Made(broker_id=2, host="h2", port=1, rack="b", is_fenced=True),
            Made(broker_id=1, host="h1", port=1, rack="a", is_fenced=False),
        ]
        answer = Made(error_code=0, error_message=None, cluster_id="c", controller_id=3, brokers=brokers)
        admin, manager = cluster({"DescribeCluster": answer})
        assert [(broker["id"], broker["fenced"]) for broker in metadata.cluster(admin)["brokers"]] == [
            (1, False),
            (2, True),
        ]
        assert manager.only("DescribeCluster")[0].include_fenced_brokers is True

    def test_older_brokers_are_not_sent_what_they_do_not_know(self, cluster):
        answer = Made(
            error_code=0,
            error_message=None,
            cluster_id="c",
            controller_id=3,
            brokers=[Made(broker_id=1, host="h", port=1, rack=None, is_fenced=None)],
        )
        admin, manager = cluster({"DescribeCluster": answer}, ZOOKEEPER)
        assert metadata.cluster(admin)["brokers"][0]["fenced"] is False
        assert manager.only("DescribeCluster")[0].include_fenced_brokers is False

    def test_an_absent_topic_is_not_an_answer(self, cluster):
        admin, _ = cluster(
            {"Metadata": answered(topic("gone", error=3), topic("new", partition(1), partition(0, leader=-1), error=5))}
        )
        found = metadata.partitions(admin, ["gone", "new"])
        assert list(found) == ["new"]
        assert [(each["partition"], each["leader"]) for each in found["new"]] == [(0, -1), (1, 1)]

    def test_a_topic_that_may_not_be_seen_is_an_error(self, cluster):
        admin, _ = cluster({"Metadata": answered(topic("secret", error=29))})
        with pytest.raises(
            KafkaError, match="Kafka refused to describe topic secret: TOPIC_AUTHORIZATION_FAILED"
        ) as caught:
            metadata.partitions(admin)
        assert caught.value.code == 29

    def test_metadata_never_creates_topics(self, cluster):
        admin, manager = cluster()
        metadata.partitions(admin, ["t"])
        assert manager.only("Metadata")[0].allow_auto_topic_creation is False

    def test_defaults_count_for_min_insync_replicas(self, cluster):
        def config(value, source):
            return Made(name="min.insync.replicas", value=value, config_source=source)

        results = [
            Made(error_code=0, error_message=None, resource_name="default", configs=[config("1", 5)]),
            Made(error_code=0, error_message=None, resource_name="own", configs=[config("2", 1)]),
            Made(error_code=3, error_message="gone", resource_name="gone", configs=[]),
        ]
        admin, manager = cluster({"DescribeConfigs": Made(results=results)})
        assert configs.min_insync_replicas(admin, ["default", "own", "gone"]) == {
            "default": (1, False),
            "own": (2, True),
        }
        assert [each.configuration_keys for each in manager.only("DescribeConfigs")[0].resources] == [
            ["min.insync.replicas"]
        ] * 3

    def test_a_topics_own_configuration_is_told_from_the_default(self, cluster):
        entries = [Made(name="a", value="1", config_source=1), Made(name="b", value="2", config_source=5)]
        admin, _ = cluster(
            {
                "DescribeConfigs": Made(
                    results=[Made(error_code=0, error_message=None, resource_name="t", configs=entries)]
                )
            }
        )
        assert configs.topic_configs(admin, ["t"]) == {
            "t": {"a": {"value": "1", "own": True}, "b": {"value": "2", "own": False}}
        }

    def test_each_broker_is_asked_for_what_it_enforces_and_who_does_not_answer_is_left_out(self, cluster):
        def own(broker, value, code=0):
            configs = [Made(name="min.insync.replicas", value=value, config_source=4)]
            return Made(error_code=code, error_message=None, resource_name=str(broker), configs=configs)

        admin, manager = cluster({"DescribeConfigs": Made(results=[own(1, "1"), own(2, "2"), own(3, "9")])}, dead=[3])
        assert configs.own_minimums(admin, [3, 2, 1]) == {2: 2, 1: 1} and configs.own_minimums(admin, []) == {}
        assert sorted(manager.asked("DescribeConfigs")) == [1, 2, 3]
        admin, _ = cluster({"DescribeConfigs": Made(results=[own(1, "1", code=31)])})
        with pytest.raises(KafkaError, match="CLUSTER_AUTHORIZATION_FAILED"):
            configs.own_minimums(admin, [1])

    def test_a_brokers_configuration_is_asked_of_that_broker(self, cluster):
        answer = Made(
            results=[
                Made(
                    error_code=0,
                    error_message=None,
                    resource_name="2",
                    configs=[Made(name="a", value="1", config_source=4)],
                )
            ]
        )
        admin, manager = cluster({"DescribeConfigs": answer})
        assert configs.broker_configs(admin, 2) == {"a": "1"}
        assert manager.asked("DescribeConfigs") == [2]

    def test_the_controller_of_kraft_is_the_leader_of_the_quorum(self, cluster):
        voter = Made(replica_id=1, replica_directory_id=uuid.UUID(int=1), log_end_offset=9, last_caught_up_timestamp=5)
        old = Made(replica_id=4, replica_directory_id=None, log_end_offset=8, last_caught_up_timestamp=-1)
        found = Made(
            error_code=0, leader_id=1, leader_epoch=2, high_watermark=9, current_voters=[voter], observers=[old]
        )
        admin, _ = cluster({"DescribeQuorum": Made(error_code=0, topics=[Made(partitions=[found])])})
        quorum = kraft.quorum(admin)
        assert quorum["leader"] == 1
        assert quorum["voters"] == [
            {"id": 1, "directory_id": "AAAAAAAAAAAAAAAAAAAAAQ", "log_end_offset": 9, "last_caught_up_ms": 5}
        ]
        assert quorum["observers"][0]["directory_id"] is None

    @pytest.mark.parametrize(
        ("answers", "slept"),
        [
            ([[1, 2]], 0),
            ([[1], [1], [1, 2]], 2),
            ([[1]] * 99, 10),
            ([[1], None, [1, 2]], 1),
        ],
        ids=["all follow", "a new leader hears of them", "one never follows", "no leader for a moment"],
    )
    def test_a_new_leader_is_asked_again_until_it_knows_its_followers(self, monkeypatch, answers, slept):
        def answer(listed):
            members = [{"id": id_, "log_end_offset": 9, "last_caught_up_ms": 5} for id_ in (101, *(listed or ()))]
            return {"leader": 101 if listed else -1, "voters": members[:1], "observers": members[1:]}

        left, waits = [answer(listed) for listed in answers], []
        monkeypatch.setattr(kraft, "quorum", lambda admin: left.pop(0))
        found = kraft.settled(None, kraft.quorum(None), [1, 2], sleep=waits.append)
        assert waits == [kraft.AGAIN] * slept and found == answer(answers[slept])

    def test_zookeeper_has_no_quorum(self, cluster):
        admin, manager = cluster(versions=ZOOKEEPER)
        assert kraft.quorum(admin) is None
        assert manager.sent == []

    def test_eligible_leader_replicas_are_read_page_by_page(self, cluster):
        def page(index, elr, cursor):
            return Made(
                topics=[
                    Made(name="t", error_code=0, partitions=[Made(partition_index=index, eligible_leader_replicas=elr)])
                ],
                next_cursor=cursor,
            )

        answers = [page(0, [3], Made(topic_name="t", partition_index=1)), page(1, None, None)]
        admin, manager = cluster({"DescribeTopicPartitions": answers})
        assert metadata.eligible_leader_replicas(admin, ["t"]) == {("t", 0): [3]}
        assert manager.only("DescribeTopicPartitions")[1].cursor.partition_index == 1

    def test_a_topic_that_may_not_be_described_is_refused_also_there(self, cluster):
        hidden = Made(topics=[Made(name="t", error_code=29, partitions=[])], next_cursor=None)
        admin, _ = cluster({"DescribeTopicPartitions": hidden, "Metadata": answered(topic("t", error=29))})
        for ask in (metadata.eligible_leader_replicas, metadata.partitions):
            with pytest.raises(KafkaError, match="refused to describe topic t: TOPIC_AUTHORIZATION_FAILED") as raised:
                ask(admin, ["t"])
            assert raised.value.code == 29

    def test_all_that_another_broker_says(self, cluster):
        told = Made(
            topics=[topic("t", partition(1, replicas=(2, 3)), partition(0))],
            controller_id=3,
            brokers=[Made(node_id=2, host="two", port=9092, rack="b")],
        )
        admin, manager = cluster({"Metadata": told}, versions=ZOOKEEPER)
        view = metadata.view_of(admin, 2)
        assert view["controller_id"] == 3 and view["brokers"] == [{"id": 2, "host": "two", "port": 9092, "rack": "b"}]
        assert [each["partition"] for each in view["partitions"]["t"]] == [0, 1] and manager.asked("Metadata") == [2]
        assert manager.only("Metadata")[0].topics is None

    def test_whom_brokers_take_for_the_controller(self, cluster):
        admin, manager = cluster({"Metadata": answered(controller=3)}, versions=ZOOKEEPER)
        manager.dead = {2}
        assert metadata.controllers_named(admin, [1, 2, 3]) == {1: 3, 3: 3} and all(
            request.topics == [] for request in manager.only("Metadata")
        )

    def test_what_is_on_disk_without_what_moves_to_another_disk(self, cluster):
        def replica(index, future=False):
            return Made(partition_index=index, partition_size=1, offset_lag=0, is_future_key=future)

        def place(*replicas, error=0):
            return Made(
                log_dir="/d",
                error_code=error,
                total_bytes=1,
                usable_bytes=1,
                topics=[Made(name="t", partitions=list(replicas))] if replicas else [],
            )

        found = [place(replica(0), replica(1)), place(replica(2, future=True)), place(error=56)]
        admin, manager = cluster({"DescribeLogDirs": Made(error_code=0, results=found)})
        assert log_dirs.sizes(admin, 2) == {("t", 0): 1, ("t", 1): 1} and manager.asked("DescribeLogDirs") == [2]

    @pytest.mark.parametrize("code", [31, 0], ids=["by name", "by an empty answer, as brokers before 3.0 say it"])
    def test_disks_that_may_not_be_seen_are_refused(self, cluster, code):
        admin, _ = cluster({"DescribeLogDirs": Made(error_code=code, results=[])})
        with pytest.raises(KafkaError, match="log directories of broker 2: CLUSTER_AUTHORIZATION_FAILED") as raised:
            log_dirs.sizes(admin, 2)
        assert raised.value.code == 31

    def test_a_minimum_is_asked_of_the_broker_that_knows_the_topic(self, cluster):
        entry = Made(name="min.insync.replicas", value="2", config_source=1)
        answer = Made(results=[Made(error_code=0, error_message=None, resource_name="t", configs=[entry])])
        admin, manager = cluster({"DescribeConfigs": answer})
        assert configs.min_insync_replicas(admin, ["t"], 3) == {"t": (2, True)} and manager.asked(
            "DescribeConfigs"
        ) == [3]

    def test_brokers_without_eligible_leader_replicas_are_not_asked(self, cluster):
        admin, _ = cluster(versions=ZOOKEEPER)
        assert metadata.eligible_leader_replicas(admin, ["t"]) == {}

    def test_reassignments_can_be_narrowed_to_topics(self, cluster):
        def moving(name):
            return Made(
                name=name,
                partitions=[Made(partition_index=0, replicas=[1, 2, 4], adding_replicas=[4], removing_replicas=[1])],
            )

        admin, _ = cluster(
            {"ListPartitionReassignments": Made(error_code=0, error_message=None, topics=[moving("b"), moving("a")])}
        )
        assert [each["topic"] for each in reassignments.under_way(admin)] == ["a", "b"]
        assert reassignments.under_way(admin, ["b"]) == [
            {"topic": "b", "partition": 0, "replicas": [1, 2, 4], "adding": [4], "removing": [1]}
        ]

    def test_features_say_supported_and_finalized(self, cluster):
        supported = [
            Made(name="metadata.version", min_version=7, max_version=30),
            Made(name="kraft.version", min_version=0, max_version=1),
        ]
        finalized = [Made(name="metadata.version", max_version_level=25, min_version_level=25)]
        admin, _ = cluster(
            {"ApiVersions": Made(error_code=0, supported_features=supported, finalized_features=finalized)}
        )
        assert features.levels(admin) == {
            "kraft.version": {"supported": [0, 1], "finalized": None},
            "metadata.version": {"supported": [7, 30], "finalized": 25},
        }

    def test_the_series_follows_from_the_requests_and_the_protocol_from_the_configuration(self, cluster):
        keys = [Made(api_key=1, min_version=0, max_version=17), Made(api_key=0, min_version=0, max_version=11)]
        configs = [
            Made(
                resource_name="2",
                error_code=0,
                error_message=None,
                configs=[Made(name="inter.broker.protocol.version", value="3.8-IV0", config_source=5)],
            )
        ]
        answers = {
            "ApiVersions": Made(error_code=0, api_keys=keys, supported_features=None),
            "DescribeConfigs": Made(results=configs),
        }
        admin, manager = cluster(answers, ZOOKEEPER)
        assert features.versions_of(admin, 2) == {
            "series": [3, 9],
            "newest_known": False,
            "supported": {},
            "protocol": "3.8-IV0",
        }
        assert manager.asked("ApiVersions") == [2] and manager.asked("DescribeConfigs") == [2]

    def test_in_kraft_there_is_no_protocol_and_the_newest_known_says_so(self, cluster):
        keys = [Made(api_key=35, min_version=1, max_version=5)]
        known = [Made(name="metadata.version", min_version=7, max_version=30)]
        admin, _ = cluster({"ApiVersions": Made(error_code=0, api_keys=keys, supported_features=known)})
        assert features.versions_of(admin, 2) == {
            "series": [4, 3],
            "newest_known": True,
            "supported": {"metadata.version": [7, 30]},
            "protocol": None,
        }

    def test_members_tell_how_they_subscribed(self, cluster):
        listed = Made(
            error_code=0,
            groups=[Made(group_id="g", protocol_type="consumer"), Made(group_id="c", protocol_type="connect")],
        )
        member = Made(client_id="old", client_host="/198.18.0.9", member_metadata=b"\x00\x01\x00")
        parsed = Made(client_id="other", client_host="/198.18.0.8", member_metadata=Made())
        described = [
            Made(group_id="g", error_code=0, members=[member, parsed]),
            Made(group_id="h", error_code=69, members=[]),
        ]
        admin, manager = cluster({"ListGroups": listed, "DescribeGroups": Made(groups=described)})
        assert groups.members(admin, 3) == [
            {"group": "g", "client_id": "old", "host": "198.18.0.9", "subscription": 1},
            {"group": "g", "client_id": "other", "host": "198.18.0.8", "subscription": None},
        ]
        assert manager.asked("DescribeGroups") == [3] and manager.only("DescribeGroups")[0].groups == ["g"]

    def test_a_broker_without_groups_is_not_asked_about_them(self, cluster):
        admin, manager = cluster({"ListGroups": Made(error_code=0, groups=[])})
        assert groups.members(admin, 3) == [] and manager.asked("DescribeGroups") == []

    def test_log_directories_are_asked_for_all_partitions_or_for_some(self, cluster):
        where = Made(log_dir="/d1", error_code=0, total_bytes=-1, usable_bytes=-1, topics=[])
        admin, manager = cluster({"DescribeLogDirs": Made(error_code=0, results=[where])})
        assert log_dirs.sizes(admin, 3) == log_dirs.sizes(admin, 3, [("u", 1), ("t", 2), ("t", 0)]) == {}
        everything, some = manager.only("DescribeLogDirs")
        assert everything.topics is None and [(each.topic, each.partitions) for each in some.topics] == [
            ("t", [0, 2]),
            ("u", [1]),
        ]
        assert manager.asked("DescribeLogDirs") == [3, 3]


class TestChanging:
    def test_under_kraft_the_chosen_broker_passes_on_what_is_for_the_controller(self, cluster):
        answer = Made(topics=[Made(name="t", error_code=0, error_message=None)])
        admin, manager = cluster({"CreateTopics": answer, "Metadata": answered(controller=1)}, exclude=[1])
        topic_admin.create_topics(admin, [Wanted("t", 3, 2, {"a": "b", "c": None})], validate_only=True)
        (sent,) = manager.only("CreateTopics")[0].topics
        assert [(each.name, each.value) for each in sent.configs] == [("a", "b")]
        assert manager.asked("CreateTopics") == [2]
        assert manager.only("CreateTopics")[0].validate_only is True

    def test_under_zookeeper_the_controller_is_asked_and_once_more_when_it_moved(self, cluster):
        answers = [
            Made(topics=[Made(name="t", error_code=41, error_message=None)]),
            Made(topics=[Made(name="t", error_code=0, error_message=None)]),
        ]
        admin, manager = cluster({"CreateTopics": answers, "Metadata": answered(controller=2)}, ZOOKEEPER)
        topic_admin.create_topics(admin, [Wanted("t", 3, 2)], validate_only=False)
        assert manager.asked("CreateTopics") == [2, 2]

    def test_an_assignment_goes_without_numbers(self, cluster):
        admin, manager = cluster({"CreateTopics": Made(topics=[Made(name="t", error_code=0, error_message=None)])})
        topic_admin.create_topics(admin, [Wanted("t", 1, 2, {}, [[1, 2]])], validate_only=False)
        made = manager.only("CreateTopics")[0].topics[0]
        assert (made.num_partitions, made.replication_factor, made.assignments[0].broker_ids) == (-1, -1, [1, 2])

    def test_a_refusal_carries_kafkas_reason_and_code(self, cluster):
        admin, _ = cluster(
            {"CreateTopics": Made(topics=[Made(name="t", error_code=38, error_message="Only 3 brokers.")])}
        )
        with pytest.raises(
            KafkaError, match=r"^Kafka refused to create topic t: INVALID_REPLICATION_FACTOR \(Only 3 brokers\)\.$"
        ) as caught:
            topic_admin.create_topics(admin, [Wanted("t", 1, 9)], validate_only=False)
        assert caught.value.code == 38

    def test_throttles_are_set_although_brokers_do_not_list_them(self, cluster):
        answer = Made(responses=[Made(resource_name="t", error_code=0, error_message=None)])
        admin, manager = cluster({"IncrementalAlterConfigs": answer})
        configs.alter_topic_configs(
            admin, {"t": {"leader.replication.throttled.replicas": "*", "old": None}}, validate_only=False
        )
        assert [name for name, _, _ in manager.sent] == ["IncrementalAlterConfigs"]
        changes = manager.only("IncrementalAlterConfigs")[0].resources[0].configs
        assert [(change.name, change.config_operation, change.value) for change in changes] == [
            ("leader.replication.throttled.replicas", 0, "*"),
            ("old", 1, None),
        ]

    def test_a_bad_value_is_refused_in_validation(self, cluster):
        admin, _ = cluster(
            {
                "IncrementalAlterConfigs": Made(
                    responses=[Made(resource_name="t", error_code=40, error_message="Value must be at least -1")]
                )
            }
        )
        with pytest.raises(KafkaError, match=r"INVALID_CONFIG \(Value must be at least -1\)"):
            configs.alter_topic_configs(admin, {"t": {"retention.ms": "-5"}}, validate_only=True)

    def test_the_default_of_all_brokers_is_changed_at_the_chosen_one(self, cluster):
        answer = Made(responses=[Made(resource_name="", error_code=0, error_message=None)])
        admin, manager = cluster({"IncrementalAlterConfigs": answer})
        configs.alter_broker_config(admin, None, {"a": "1"}, validate_only=False)
        configs.alter_broker_config(admin, 3, {"a": "1"}, validate_only=False)
        assert manager.asked("IncrementalAlterConfigs") == ["bootstrap-0", 3]

    def test_an_election_that_is_not_needed_is_fine_and_others_are_named(self, cluster):
        def each(index, code):
            return Made(partition_id=index, error_code=code)

        results = [Made(topic="t", partition_result=[each(0, 0), each(1, 84), each(2, 80)])]
        admin, manager = cluster({"ElectLeaders": Made(error_code=0, replica_election_results=results)})
        assert leader_election.elect_preferred(admin, [("t", 1), ("t", 0), ("t", 2)]) == {
            ("t", 2): "PREFERRED_LEADER_NOT_AVAILABLE"
        }
        request = manager.only("ElectLeaders")[0]
        assert request.election_type == ElectionType.PREFERRED
        assert leader_election.elect_preferred(admin, []) == {}

    def test_many_partitions_are_elected_in_requests_that_a_controller_takes(self, cluster):
        done = Made(error_code=0, replica_election_results=[])
        admin, manager = cluster({"ElectLeaders": done})
        assert leader_election.elect_preferred(admin, [("t", index) for index in range(2500)]) == {}
        assert [
            [len(indexes) for _, indexes in request.topic_partitions] for request in manager.only("ElectLeaders")
        ] == [[1000], [1000], [500]]

    def test_an_election_that_fails_half_way_is_an_error_or_is_told_of_those_that_are_left(self, cluster):
        refused = Made(error_code=44, replica_election_results=[])
        wanted = [("t", index) for index in range(1500)]
        admin, _ = cluster({"ElectLeaders": [Made(error_code=0, replica_election_results=[]), refused] * 2})
        with pytest.raises(KafkaError, match="Kafka refused the election of preferred leaders: POLICY_VIOLATION"):
            leader_election.elect_preferred(admin, wanted)
        told = leader_election.elect_preferred(admin, wanted, tolerant=True)
        assert list(told) == wanted[1000:] and set(told.values()) == {
            "Kafka refused the election of preferred leaders: POLICY_VIOLATION."
        }

    def test_what_many_brokers_say_is_told_one_by_one_and_errors_are_answers(self):
        def ask(broker):
            if broker == 2:
                raise KafkaError("No.")
            return broker * 10

        found = kafka_client.at_once(ask, [3, 2, 1])
        assert list(found) == [3, 2, 1] and (found[3], found[1]) == (30, 10) and str(found[2]) == "No."
        assert kafka_client.at_once(ask, []) == {}

    def test_a_refused_reassignment_names_the_partition_and_cancelling_nothing_is_fine(self, cluster):
        def answer(code):
            return Made(
                error_code=0,
                error_message=None,
                responses=[Made(name="t", partitions=[Made(partition_index=0, error_code=code, error_message=None)])],
            )

        admin, _ = cluster({"AlterPartitionReassignments": [answer(85), answer(39), answer(85)]})
        reassignments.reassign(admin, {("t", 0): None})
        with pytest.raises(KafkaError, match="to reassign t-0: INVALID_REPLICATION_ASSIGNMENT"):
            reassignments.reassign(admin, {("t", 0): [9]})
        with pytest.raises(KafkaError, match="to reassign t-0: NO_REASSIGNMENT_IN_PROGRESS"):
            reassignments.reassign(admin, {("t", 0): [1]})

    def test_partitions_are_added_with_places_for_the_new_ones(self, cluster):
        admin, manager = cluster({"CreatePartitions": Made(results=[Made(name="t", error_code=0, error_message=None)])})
        topic_admin.add_partitions(admin, {"t": (4, [[1, 2]])}, validate_only=False)
        assert manager.only("CreatePartitions")[0].topics[0].assignments[0].broker_ids == [1, 2]

    def test_a_feature_that_cannot_be_finalized_is_named(self, cluster):
        answer = Made(
            error_code=0,
            error_message=None,
            results=[Made(feature="metadata.version", error_code=95, error_message="too high")],
        )
        admin, _ = cluster({"UpdateFeatures": answer})
        with pytest.raises(KafkaError, match="to finalize feature metadata.version"):
            features.finalize(admin, {"metadata.version": 99}, validate_only=True)

    def test_a_topic_is_deleted_by_name(self, cluster):
        admin, manager = cluster({"DeleteTopics": Made(responses=[Made(name="t", error_code=0, error_message=None)])})
        topic_admin.delete_topics(admin, ["t"])
        assert manager.only("DeleteTopics")[0].topics[0].name == "t"


class TestRecords:
    def test_a_record_that_is_not_acknowledged_names_its_partition(self, monkeypatch):
        class Producer:
            def __init__(self, **options):
                assert options["acks"] == "all"
                self.closed = False

            def send(self, topic, value, key, partition):
                def get(timeout):
                    if partition == 1:
                        raise kafka.errors.NotEnoughReplicasError()
                    return Made(offset=5)

                return Made(get=get)

            def close(self, timeout):
                self.closed = True

        monkeypatch.setattr(kafka, "KafkaProducer", Producer)
        assert round_trip.produce(WHERE, "t", {0: b"x"}, key=b"k") == {0: 5}
        with pytest.raises(
            KafkaError,
            match="A record for t-1 was not acknowledged by all in-sync replicas within 7 s: NotEnoughReplicasError",
        ):
            round_trip.produce(WHERE, "t", {0: b"x", 1: b"y"}, key=b"k")

    def test_zstd_needs_no_library(self, monkeypatch):
        from kafka import codec

        monkeypatch.setattr(codec, "zstd", None)
        monkeypatch.setattr(
            kafka, "KafkaProducer", lambda **options: (_ for _ in ()).throw(kafka.errors.KafkaTimeoutError())
        )
        with pytest.raises(KafkaError):
            round_trip.produce(WHERE, "t", {0: b"x"}, key=b"k", compression="zstd")
        assert codec.has_zstd() and codec.zstd_decode(codec.zstd_encode(b"a" * 99 + b"b")) == b"a" * 99 + b"b"

    def test_a_record_that_the_broker_recompressed_is_one_sentence(self, monkeypatch):
        def consumer(**options):
            raise zstd.ZstdError("a block of another kind")

        monkeypatch.setattr(kafka, "KafkaConsumer", consumer)
        with pytest.raises(KafkaError, match="could not be read back: ZstdError: a block of another kind"):
            round_trip.consume(WHERE, "t", {0: 4})

    def test_reading_back_stops_at_the_timeout_and_returns_what_came(self, monkeypatch):
        from kafka import TopicPartition

        class Consumer:
            def __init__(self, **options):
                assert options["group_id"] is None

            def assign(self, places):
                self.places = places

            def seek(self, place, offset):
                assert offset == 4

            def poll(self, timeout_ms):
                return {
                    TopicPartition("t", 0): [Made(offset=3, key=b"", value=b""), Made(offset=4, key=b"k", value=b"v")]
                }

            def pause(self, place):
                pass

            def close(self):
                pass

        ticks = iter(range(0, 100, 3))
        monkeypatch.setattr(kafka, "KafkaConsumer", Consumer)
        assert round_trip.consume(WHERE, "t", {0: 4, 1: 4}, clock=lambda: next(ticks)) == {0: (b"k", b"v")}
