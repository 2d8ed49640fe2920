"""Is a rack of many brokers back? Real code on a clock that only answers move, while topics come and go all the time."""

from __future__ import annotations

import threading

import pytest
from fake_admin import FakeAdmin

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import poll

RACK = 100
# Seconds between the end of one visit and the first question of the next: a module's process.
BETWEEN = 1.5


class BigCluster(FakeAdmin):
    """300 brokers in three racks, of which rack a was restarted; a topic is made or deleted every few seconds. Each own answer takes a while.

    truth is what is in sync at a moment; behind are brokers that are out of sync in a topic until then, dead those that do not answer between two moments.
    """

    is_kraft = True

    def __init__(self, seconds, every, topics=600):
        self.seconds, self.every, self.now, self.lock = seconds, every, 0.0, threading.Lock()
        self.topics = ["t%d" % number for number in range(topics)]
        self.asked, self.own, self.behind, self.dead = 300, [], {}, {}

    def replicas(self, name):
        number = int(name[1:])
        # Of rack a mostly one whose turn to be asked is yet to come.
        return [(number * 61 + 53) % RACK, RACK + (number * 7) % RACK, 2 * RACK + (number * 13) % RACK]

    def there(self):
        """Every so often one is made and, once there are ten more, the oldest deleted: each time it is one that a broker of rack a holds."""
        made = int(self.now / self.every)
        return self.topics[made:] + ["t%d" % (len(self.topics) + number) for number in range(made)]

    def listed(self, names):
        out = {}
        for name in names:
            replicas = self.replicas(name)
            isr = [id_ for id_ in replicas if self.now >= self.behind.get(id_, 0)]
            out[name] = [{"partition": 0, "leader": isr[0], "replicas": replicas, "isr": isr, "offline": []}]
        return out

    def gone(self, broker):
        return any(begin <= self.now < end for begin, end in self.dead.get(broker, ()))

    def cluster(self):
        self.now += 0.1
        brokers = [
            {"id": id_, "host": "h", "port": 9092, "rack": "abc"[id_ // RACK], "fenced": False}
            for id_ in range(3 * RACK)
        ]
        return {"cluster_id": "c", "controller_id": 299, "brokers": [*brokers, {**brokers[-1], "id": self.asked}]}

    def quorum(self):
        members = [{"id": 300, "last_caught_up_ms": int(self.now * 1000), "log_end_offset": 1}]
        return {"leader": 900, "epoch": 1, "voters": [{**members[0], "id": 900}], "observers": members}

    def partitions(self, topics=None):
        self.now += 0.4 if topics is None else 0.05
        there = self.there()
        return self.listed(there if topics is None else [name for name in topics if name in there])

    def answers(self, broker):
        if self.gone(broker):
            raise KafkaError("Broker %d did not answer Metadata; check that it runs." % broker)

    def view(self, broker, topics):
        with self.lock:
            self.now += self.seconds
            self.own.append(broker)
            self.answers(broker)
            named = self.listed(
                name for name in self.there() if broker in self.replicas(name) and (topics is None or name in topics)
            )
            return {"brokers": [{"id": id_} for id_ in range(3 * RACK)], "partitions": named}

    def ping(self, broker):
        with self.lock:
            self.now += 0.01
            self.answers(broker)


def wait(cluster, limit=1800.0, nodes=range(RACK)):
    """As kafka_roll_wait asks: visit after visit, each a process of its own that is given what the one before returned; when it opened, and the visits."""
    visits, proven = 0, {}
    while cluster.now < limit:
        params = {
            "nodes": list(nodes),
            "in_flight": [],
            "out": [],
            "log_sizes": False,
            "proven": proven,
            "addresses": {},
        }
        session = poll.PollSession(proven=poll.read_proven(params))

        def pause(seconds):
            cluster.now += seconds

        def clock():
            return cluster.now

        def ask(params=params, session=session):
            return poll.brokers_back(cluster, params, session, clock=clock, sleep=pause)

        answer = poll.poll_until_open(ask, 5.0, clock=clock, sleep=pause)
        visits += 1
        if answer["open"]:
            return cluster.now, visits
        proven = answer["proven"]
        cluster.now += BETWEEN
    return None, visits


@pytest.mark.parametrize("seconds", [0.3, 0.6])
@pytest.mark.parametrize("every", [60.0, 20.0, 10.0, 5.0, 1.0])
def test_a_rack_is_back_within_half_a_pass_more_than_one_pass(seconds, every):
    cluster = BigCluster(seconds, every)
    opened, _visits = wait(cluster)
    assert opened is not None and opened <= 1.5 * RACK * seconds
    assert len(cluster.own) == RACK


def test_one_that_is_late_is_asked_alone():
    cluster = BigCluster(0.6, 5.0)
    # The others say that it is behind for the first 100 s, when all that they say of the rest was proven long ago.
    cluster.behind = {17: 100.0}
    opened, visits = wait(cluster)
    assert opened is not None and 100 <= opened <= 100 + 1.5 * RACK * 0.6 and visits > 2
    assert cluster.own.count(17) == 1 and len(cluster.own) <= 2 * RACK


def test_a_broker_gone_after_it_was_proven_keeps_the_gate_shut_until_it_is_proven_again():
    cluster = BigCluster(0.6, 5.0)
    # It dies after it was proven, comes back, and is in sync again only much later. The others list it all the time.
    cluster.dead = {0: [(30.0, 90.0)]}
    opened, _visits = wait(cluster)
    assert opened is not None and opened >= 90.0 and cluster.own.count(0) >= 2
    assert cluster.own.count(50) == 1


def test_a_broker_that_falls_out_of_sync_after_it_was_proven_keeps_the_gate_shut():
    cluster = BigCluster(0.6, 5.0)
    listed = cluster.listed

    def falls_out(names):
        out = listed(names)
        for partitions in out.values():
            for each in partitions:
                if 0 in each["isr"] and 30.0 < cluster.now < 90.0:
                    each["isr"].remove(0)
        return out

    cluster.listed = falls_out
    opened, _visits = wait(cluster)
    assert opened is not None and opened >= 90.0


def test_where_all_answer_at_once_the_others_are_looked_at_once():
    opened, visits = wait(BigCluster(0.001, 1e9))
    assert visits == 1 and opened < poll.FRESH
