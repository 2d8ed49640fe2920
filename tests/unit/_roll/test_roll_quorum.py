"""The gate for KRaft voters and ZooKeeper servers, as tables."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.connection import KafkaError
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import quorum_gate as gate
from ansible_collections.rackaware.kafka.plugins.module_utils._roll.snapshot import RollError

NOW = 1_000_000


def quorum(ago, leader=101, lag=(), observers=()):
    """Voters by id and the milliseconds since the leader saw them caught up."""

    def members(listed):
        return [
            {"id": id_, "last_caught_up_ms": NOW - ms, "log_end_offset": 500 - dict(lag).get(id_, 0)}
            for id_, ms in dict(listed).items()
        ]

    return {"leader": leader, "epoch": 3, "voters": members(ago), "observers": members(observers)}


def zookeeper_answer(id_, mode="follower", error=None):
    return {
        "server": "z%d:2181" % id_,
        "mode": None if error else mode,
        "ok": error is None,
        "error": error,
        "synced_followers": None,
    }


def ensemble(following=None, **modes):
    """Servers by id; following is how many the leader says follow it, all of those that do unless given."""
    servers = {
        int(name[1:]): zookeeper_answer(int(name[1:]), **({"error": mode} if " " in mode else {"mode": mode}))
        for name, mode in modes.items()
    }
    for each in servers.values():
        if each["mode"] == "leader":
            each["synced_followers"] = list(modes.values()).count("follower") if following is None else following
    return servers


WELL = {101: 0, 102: 300, 103: 450}
SINCE = NOW - 500
ONE_LATE = {**WELL, 103: 3000}


class TestVotersAdmit:
    def ask(self, seen, nodes, in_flight=()):
        return gate.voters_admit(seen, SINCE, nodes, in_flight)

    @pytest.mark.parametrize(
        ("ago", "node", "more"),
        [
            (WELL, 102, {}),
            (WELL, 101, {}),
            ({**WELL, 104: 0, 105: 9000}, 102, {}),
            (ONE_LATE, 103, {}),
            ({101: 0, 102: 10, 103: NOW + 1}, 103, {}),
        ],
        ids=[
            "a follower",
            "the leader",
            "one of five is down already",
            "the one that is late itself",
            "one never seen",
        ],
    )
    def test_goes(self, ago, node, more):
        assert self.ask(quorum(ago), [node], **more) == {"admitted": [node], "held": []}

    @pytest.mark.parametrize(
        ("seen", "node", "more", "why"),
        [
            (quorum({**WELL, 102: 3000}), 101, {}, "Of 3 voters only 1 would be left caught up without it"),
            (
                quorum(WELL),
                102,
                {"in_flight": [103]},
                "Node 103, a voter like it, is stopped or being restarted; they go one at a time.",
            ),
            (quorum(WELL), 102, {"in_flight": [102]}, "It is stopped or being restarted already."),
            (quorum(ONE_LATE), 102, {}, "Of 3 voters only 1 would be left caught up without it, which is no majority."),
            (quorum({101: 0, 102: 0}), 102, {}, "Of 2 voters only 1 would be left"),
            (quorum({101: 0}), 101, {}, "Of 1 voters only 0 would be left"),
            (quorum(WELL, leader=-1), 102, {}, "No voter is known to lead."),
        ],
        ids=[
            "the leader without a majority",
            "another is out",
            "itself is out",
            "another is late",
            "two voters",
            "one voter",
            "no leader",
        ],
    )
    def test_is_held(self, seen, node, more, why):
        result = self.ask(seen, [node], **more)
        assert result["admitted"] == [] and why in result["held"][0]["reason"]

    def test_of_two_that_are_asked_about_one_goes(self):
        result = self.ask(quorum(WELL), [102, 103])
        assert result["admitted"] == [102] and [each["broker"] for each in result["held"]] == [103]

    def test_a_stranger_is_an_error(self):
        with pytest.raises(RollError, match="Node 9 is not a voter of the quorum, which are nodes 101, 102 and 103"):
            self.ask(quorum(WELL), [9])


class TestLeadershipThatMoves:
    """The plan has the leader last; by the time it is reached another may lead, and the roll must not wait for what only it can end."""

    def test_the_whole_plan_goes_wherever_the_lead_is_when_a_voter_has_its_turn(self):
        for first, second, third in ((101, 102, 103), (101, 103, 102), (103, 102, 101)):
            left = [102, 103, 101]
            for leader, node in zip((first, second, third), tuple(left)):
                assert gate.voters_admit(quorum(WELL, leader=leader), SINCE, [node], ())["admitted"] == [node]
                left.remove(node)
        for boss in (1, 2, 3):
            modes = {"z%d" % id_: "leader" if id_ == boss else "follower" for id_ in (1, 2, 3)}
            assert all(gate.zookeepers_admit(ensemble(**modes), [node], ())["admitted"] == [node] for node in (1, 2, 3))

    def test_it_is_said_when_a_leader_goes_before_others(self):
        said = "Node 103 leads, and goes before node 101: leadership has moved since the plan was made."
        assert (
            gate.early(103, [103], [103, 101]) == said
            and gate.early(103, [103], [103, 101, 9], [101, 102, 103]) == said
        )
        assert (
            gate.early(103, [103], [103]) is None
            and gate.early(101, [103], [103, 101]) is None
            and gate.early(None, [103], [103, 101]) is None
        )
        assert (
            gate.leading(ensemble(z1="follower", z2="leader", z3="follower")) == 2
            and gate.leading(ensemble(z1="follower")) is None
        )


class TestVotersBack:
    @pytest.mark.parametrize(
        ("seen", "node", "why"),
        [
            (quorum(WELL), 102, None),
            (quorum(WELL), 101, None),
            (quorum(ONE_LATE, lag={103: 7}.items()), 103, "it is 7 records behind"),
            (quorum(WELL), 9, "not a voter of the quorum (nodes 101, 102 and 103)"),
            (quorum(WELL, leader=-1), 102, "No voter leads"),
        ],
        ids=[
            "a follower that fetched since",
            "the leader",
            "one that was caught up only before",
            "a stranger",
            "no leader",
        ],
    )
    def test_each_case(self, seen, node, why):
        (found,) = gate.voters_back(seen, SINCE, [node])
        assert found["id"] == node and found["back"] == (why is None)
        assert why is None or why in found["reason"]


class TestStale:
    @pytest.mark.parametrize(
        ("seen", "broker", "why"),
        [
            (None, 4, None),
            (quorum(WELL), None, None),
            (quorum(WELL, observers={4: 900}), 4, None),
            (quorum(WELL, observers={4: 5000}), 4, "Broker 4, which was asked, is 5 s behind"),
            (quorum(WELL), 4, "does not follow the quorum"),
            (quorum(ONE_LATE), 103, "is 3 s behind"),
            (quorum(WELL), 101, None),
        ],
        ids=["ZooKeeper", "only an address", "fresh", "old", "not listed", "an old voter", "the leader"],
    )
    def test_each_case(self, seen, broker, why):
        found = gate.stale(seen, broker)
        assert found is None if why is None else why in found

    def test_without_a_leader_it_is_not_known(self):
        with pytest.raises(KafkaError, match="leads the quorum; wait for an election"):
            gate.stale(quorum(WELL, leader=-1), 4)


class TestZookeepers:
    THREE = ensemble(z1="follower", z2="leader", z3="follower")
    TWO = ensemble(z1="follower", z2="leader", z3="cannot be asked")

    @pytest.mark.parametrize(
        ("servers", "node", "more", "why"),
        [
            (THREE, 1, {}, None),
            (THREE, 2, {}, None),
            (TWO, 3, {}, None),
            (TWO, 2, {}, "Of 3 ZooKeeper servers only 1 would be left serving without it"),
            (THREE, 1, {"in_flight": [3]}, "Node 3, a ZooKeeper server like it, is stopped or being restarted"),
            (TWO, 1, {}, "Of 3 ZooKeeper servers only 1 would be left serving without it"),
            (ensemble(z1="follower", z2="follower", z3="follower"), 1, {}, "None of the 3 ZooKeeper servers leads"),
            (ensemble(z1="standalone"), 1, {}, "no majority"),
            (
                ensemble(1, z1="follower", z4="follower", z5="leader"),
                1,
                {},
                "z5:2181 leads and says that 1 follow it, but 2 say that they follow",
            ),
        ],
        ids=[
            "a follower",
            "the leader",
            "one that is down",
            "the leader without a majority",
            "another out",
            "another down",
            "no leader",
            "only one",
            "two ensembles",
        ],
    )
    def test_may_stop(self, servers, node, more, why):
        result = gate.zookeepers_admit(servers, [node], more.get("in_flight", ()))
        assert result["admitted"] == ([node] if why is None else [])
        assert why is None or why in result["held"][0]["reason"]

    @pytest.mark.parametrize(
        ("servers", "node", "why"),
        [
            (THREE, 1, None),
            (THREE, 2, None),
            (TWO, 3, "cannot be asked"),
            (ensemble(z1="observer", z2="leader", z3="follower"), 1, "runs as observer, and does not vote"),
            (ensemble(z1="follower", z2="no answer", z3="no answer"), 1, "None of the 3 ZooKeeper servers leads"),
        ],
        ids=["a follower", "the leader", "no answer", "an observer", "no majority yet"],
    )
    def test_back(self, servers, node, why):
        (found,) = gate.zookeepers_back(servers, [node])
        assert found["back"] == (why is None) and (why is None or why in found["reason"])

    def test_a_stranger_is_an_error(self):
        with pytest.raises(RollError, match="Node 9 is not a server of the ensemble"):
            gate.zookeepers_back(self.THREE, [9])
