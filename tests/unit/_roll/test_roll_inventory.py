"""Where a roll begins: who needs a restart, what forbids to begin, what a person is shown."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.filter.roll import kafka_roll_findings, kafka_roll_status
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import plan as roll_plan
from ansible_collections.rackaware.kafka.plugins.module_utils._roll import steps as roll_steps
from ansible_collections.rackaware.kafka.plugins.module_utils._roll.snapshot import RollError


def host(node, state="active", restart=False, looping=False):
    return {
        "kafka_node_id": node,
        "__kafka_service": {"unit_state": state, "restart_needed": restart, "crash_looping": looping},
    }


HOSTS = {"b1": host(1), "b2": host(2, restart=True), "b3": host(3, "failed"), "z1": host(1, restart=True)}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["b2", "b3", "z1"]),
        ({"everything": True}, ["b1", "b2", "b3", "z1"]),
        ({"only": ["b1", "b2"]}, ["b2"]),
        ({"only": ["b1"], "everything": True}, ["b1"]),
    ],
    ids=["those that need one or do not run", "all", "only some of those", "just this one"],
)
def test_who_gets_a_restart(options, expected):
    assert roll_steps.to_restart(HOSTS, list(HOSTS), **{"everything": False, "only": [], **options}) == expected


def test_an_unknown_name_is_refused():
    with pytest.raises(RollError, match="roll_only names b9"):
        roll_steps.check_names(["b9"], list(HOSTS))


def test_a_broker_that_crashes_again_and_again_counts_as_down_although_systemd_has_just_started_it():
    hosts = {"b1": host(1), "b2": host(2, looping=True), "b3": host(3)}
    seen = cluster(partition(isr=(1, 3)), fenced=(2,))
    assert roll_steps.to_restart(hosts, list(hosts), everything=False, only=[]) == ["b2"]
    assert roll_steps.findings(seen, {int(each["kafka_node_id"]): each for each in hosts.values()}) == []
    assert roll_steps.status(hosts, list(hosts))["down"] == [2] and roll_steps.status(HOSTS, ["b1", "b3"])["down"] == [
        3
    ]


def test_a_broker_that_crashed_once_and_reads_its_logs_is_waited_for():
    seen = cluster(partition(isr=(1, 3)), fenced=(2,))
    assert roll_steps.to_restart({"b2": host(2)}, ["b2"], everything=False, only=[]) == []
    assert (
        "Broker 2 runs, but the cluster does not list it as alive; it may be reading its logs"
        in roll_steps.findings(seen, BROKERS)[0]
    )


def partition(replicas=(1, 2, 3), isr=(1, 2, 3), leader=1, number=0):
    return {
        "topic": "t",
        "partition": number,
        "replicas": list(replicas),
        "isr": list(isr),
        "min_isr": 2,
        "leader": leader,
        "adding": [],
        "removing": [],
    }


def cluster(*partitions, ids=(1, 2, 3), fenced=(), racks="abc"):
    brokers = [{"id": id_, "rack": racks[number] or None, "fenced": id_ in fenced} for number, id_ in enumerate(ids)]
    return {
        "brokers": brokers,
        "partitions": list(partitions) or [partition()],
        "quorum": None,
        "controller_id": 1,
        "reassignments": [],
    }


BROKERS = {1: host(1), 2: host(2), 3: host(3)}


def test_a_healthy_cluster_that_is_the_inventory_may_begin():
    assert roll_steps.findings(cluster(), BROKERS) == []


@pytest.mark.parametrize(
    ("seen", "brokers", "sentence"),
    [
        (cluster(), {1: host(1), 2: host(2)}, "The cluster has broker 3, which the inventory does not know"),
        (cluster(ids=(1, 2)), BROKERS, "Broker 3 runs, but the cluster does not list it as alive"),
        (cluster(fenced=(3,)), BROKERS, "Broker 3 runs, but"),
        (cluster(racks=["a", "b", ""]), BROKERS, "Broker 3 has no rack in the cluster"),
        (
            cluster(partition(isr=(1, 2))),
            BROKERS,
            "not healthy: 1 partition is behind, one of them t-0 with 2 of 3 replicas in sync",
        ),
        (cluster(partition(leader=-1, isr=())), BROKERS, "not healthy"),
    ],
    ids=["unknown broker", "lost broker", "fenced broker", "no rack", "behind", "offline"],
)
def test_what_forbids_to_begin(seen, brokers, sentence):
    found = roll_steps.findings(seen, brokers)
    assert len(found) == 1 and sentence in found[0]


def test_brokers_that_a_broken_off_roll_left_down_do_not_forbid_to_go_on():
    seen = cluster(partition(isr=(1, 2)), fenced=(3,))
    assert roll_steps.findings(seen, {**BROKERS, 3: host(3, "inactive")}) == []
    # But trouble elsewhere does.
    other = cluster(partition(isr=(1, 2)), partition(replicas=(1, 2), isr=(1,), number=1), fenced=(3,))
    assert "t-1" in roll_steps.findings(other, {**BROKERS, 3: host(3, "inactive")})[0]


@pytest.mark.parametrize(
    ("partitions", "restart", "found"),
    [
        ([partition(isr=(1, 2))], [3], None),
        ([partition(isr=(1,))], [3, 2], None),
        ([partition(isr=(1, 2)), partition(isr=(1, 3), number=1)], [1, 2, 3], None),
        ([{**partition(replicas=(1, 2, 3, 4), isr=(1, 2)), "adding": [4]}], [3], None),
        ([partition(isr=(1, 2))], [], "t-0 with 2 of 3 replicas in sync"),
        (
            [partition(isr=(1, 2))],
            [1, 2],
            "If nothing but a restart heals broker 3, name it in roll_only, with roll_all.",
        ),
        ([partition(isr=(1,))], [3], "If nothing but a restart heals broker 2, name it in roll_only"),
        (
            [partition(isr=(1, 2), leader=-1)],
            [3],
            "t-0 with 2 of 3 replicas in sync; wait until it has healed, or find out why it does not.",
        ),
        ([partition(isr=(1, 2)), partition(isr=(2, 3), number=1)], [3], "t-1 with 2 of 3 replicas in sync"),
    ],
    ids=[
        "the one",
        "both",
        "each of them",
        "beside one that is added",
        "no broker",
        "others",
        "one of two",
        "without a leader",
        "another one too",
    ],
)
def test_what_only_a_restart_heals_forbids_nothing_where_it_gets_one(partitions, restart, found):
    said = roll_steps.findings(cluster(*partitions), BROKERS, (), restart)
    assert said == [] if found is None else len(said) == 1 and found in said[0]
    hosts = {"b%d" % id_: each for id_, each in BROKERS.items()}
    names = ["b%d" % id_ for id_ in restart]
    assert (
        kafka_roll_findings(cluster(*partitions), {**hosts, "c9": host(9)}, list(hosts), restart=[*names, "c9"]) == said
    )


def kraft(*voters):
    def members(ids):
        return [{"id": id_, "log_end_offset": 7, "last_caught_up_ms": 50_000} for id_ in ids]

    observers = members({1, 2, 3} - set(voters))
    return {**cluster(), "quorum": {"leader": voters[0], "voters": members(voters), "observers": observers}}


@pytest.mark.parametrize(
    ("voters", "controllers", "sentences"),
    [
        ((101, 102, 103), [103, 102, 101], []),
        ((1, 2, 3), [1, 2, 3], []),
        (
            (101, 102, 103),
            [101, 102, 103, 104],
            [
                "Controller 104 of the inventory does not vote in the quorum, the voters are nodes 101, 102 and 103; add it"
            ],
        ),
        (
            (101, 102, 103),
            [101, 102],
            ["Node 103 votes in the quorum, but is no controller of the inventory; add what is missing"],
        ),
        ((1, 2, 4), [1, 2, 3], ["Controller 3 of the inventory does not vote", "Node 4 votes in the quorum"]),
    ],
    ids=["dedicated", "combined", "one that only follows", "one that is not known", "combined, both"],
)
def test_the_voters_are_the_controllers_of_the_inventory(voters, controllers, sentences):
    found = roll_steps.findings(kraft(*voters), BROKERS, controllers)
    assert len(found) == len(sentences) and all(begin in each for each, begin in zip(found, sentences))
    hosts = {"c%d" % id_: host(id_) for id_ in controllers}
    hosts.update({"b%d" % id_: each for id_, each in BROKERS.items()})
    assert (
        kafka_roll_findings(kraft(*voters), hosts, ["b1", "b2", "b3"], controllers=["c%d" % id_ for id_ in controllers])
        == found
    )


@pytest.mark.parametrize(
    ("late", "stops", "found"),
    [
        ({3: 40_000}, [1, 2, 3], ["Broker 3 is 10 s behind in the cluster's metadata (0 records), so that"]),
        ({3: -1}, [101], ["Broker 3 does not follow the cluster's metadata, so that"]),
        ({2: -1, 3: -1}, [1], ["Broker 2 does not", "Broker 3 does not"]),
        ({3: 40_000}, [3], []),
        ({3: 40_000}, [], []),
        ({3: 41_000}, [1, 2, 3], []),
    ],
    ids=["behind", "never caught up", "two", "only that one stops", "none stops", "within the limit"],
)
def test_nothing_else_stops_while_a_broker_knows_what_was_so(late, stops, found):
    seen = kraft(101, 102, 103)
    for observer in seen["quorum"]["observers"]:
        observer["last_caught_up_ms"] = late.get(observer["id"], 50_000)
    said = roll_steps.findings(seen, BROKERS, (101, 102, 103), (), stops)
    assert [each.startswith(begin) for each, begin in zip(said, found)] == [True] * len(found) == [True] * len(said)
    hosts = {"n%d" % id_: host(id_) for id_ in (1, 2, 3, 101, 102, 103)}
    names = ["n%d" % id_ for id_ in stops]
    assert (
        kafka_roll_findings(seen, hosts, ["n1", "n2", "n3"], controllers=["n101", "n102", "n103"], stops=names) == said
    )
    # What is down is only started.
    down = {name: {**each, **host(1, "inactive")} if name in names else each for name, each in hosts.items()}
    if found == ["Broker 3 does not follow the cluster's metadata, so that"]:
        assert kafka_roll_findings(seen, down, ["n1", "n2", "n3"], controllers=["n102", "n103"], stops=names)[1:] == []


def plan(**more):
    snapshot = roll_plan.from_cluster(cluster(*more.pop("partitions", [partition()])), **more)
    made = roll_plan.plan(snapshot)
    return {**made, "steps": roll_plan.ramp(made["batches"], 1, None)}


def test_a_person_sees_the_steps_and_why_there_are_not_fewer():
    lines = roll_steps.lines(plan(), {1: "b1", 2: "b2", 3: "b3"}, ["z2", "z1"], "zookeeper")
    assert lines[0] == "ZooKeeper nodes, one after another, the leader last: z2, z1"
    assert [line for line in lines if line.startswith("step")] == [
        "step 1, batch 1 (the canary): b2",
        "step 2, batch 2: b3",
        "step 3, batch 3: b1",
    ]
    assert "at least 3 batches" in " ".join(lines)


def test_a_plan_without_nodes_is_said_too():
    assert roll_steps.lines({**plan(restart=[]), "notes": []}, {}, [], "controller") == ["No node needs a restart."]


def test_refusals_are_sentences_and_a_long_list_is_cut():
    many = [partition(replicas=(1,), isr=(1,), number=number) for number in range(9)]
    found = roll_steps.refusals(plan(partitions=many))
    assert len(found) == 6 and "Partition t-0 blocks broker 1: It has only one replica" in found[0]
    assert found[-1] == "So do 4 partitions more."


def test_for_an_upgrade_a_node_that_runs_another_version_gets_a_restart():
    hosts = {
        name: dict(each, __kafka_service=dict(each["__kafka_service"], version="3.8.1")) for name, each in HOSTS.items()
    }
    hosts["b1"]["__kafka_service"]["version"] = "3.9.2"
    assert roll_steps.to_restart(hosts, ["b1", "b2", "z1"], everything=False, only=[], version="3.9.2") == ["b2", "z1"]
    assert roll_steps.to_restart(hosts, ["b1"], everything=False, only=[], version="3.8.1") == ["b1"]


def test_a_restart_never_changes_the_version():
    hosts = {"b1": {"__kafka_service": {"version": "3.8.1"}}, "new": {"__kafka_service": {"version": None}}}
    with pytest.raises(RollError, match="b1 has Kafka 3.8.1, but kafka_version is 3.9.2"):
        roll_steps.check_version(hosts, "3.9.2")
    roll_steps.check_version(hosts, "3.8.1")
    roll_steps.check_version(hosts, None)


@pytest.mark.parametrize(
    ("told", "fenced", "restarted"),
    [
        ({"unit_state": "active", "restarts": 1}, True, True),
        ({"unit_state": "active", "restarts": 1}, None, True),
        ({"unit_state": "active", "restarts": 1}, False, False),
        ({"unit_state": "active", "restarts": 0}, True, False),
        ({"unit_state": "activating", "restarts": 0}, True, True),
        ({"unit_state": "inactive", "restarts": 1}, True, False),
    ],
    ids=["fenced", "not registered", "well", "never restarted", "about to be started", "stopped"],
)
def test_which_brokers_systemd_has_restarted(told, fenced, restarted):
    cluster = {"brokers": [{"id": 2}] + ([] if fenced is None else [{"id": 1, "fenced": fenced}])}
    hosts = {"b1": {"kafka_node_id": 1, "__kafka_service": told}, "b2": {"kafka_node_id": "2", "__kafka_service": told}}
    assert roll_steps.restarted_by_systemd(cluster, hosts, ["b1", "b2"]) == ["b1"] * restarted


@pytest.mark.parametrize(
    ("isr", "adding", "fenced", "third", "expected"),
    [
        ((1, 2), [], (), host("3"), [3]),
        ((1,), [], (), host("3"), [2, 3]),
        ((1, 2, 3), [], (), host("3"), []),
        ((1, 2), [3], (), host("3"), []),
        ((1, 2), [], (3,), host("3"), [3]),
        ((1, 2, 3), [], (3,), host("3"), [3]),
        ((1, 2), [], (3,), host("3", "inactive"), []),
        ((1, 2), [], (), host("3", looping=True), []),
        ((1, 2), [], (), host("3", "unknown"), [3]),
    ],
    ids=[
        "one",
        "two",
        "none",
        "added by a reassignment",
        "behind and not registered",
        "not registered",
        "stopped",
        "crashing again and again",
        "not known",
    ],
)
def test_which_brokers_recover(isr, adding, fenced, third, expected):
    seen = cluster({**partition(isr=isr), "adding": adding}, fenced=fenced)
    assert roll_steps.recovering(seen, {"b1": host(1), "b2": host(2), "b3": third}, ["b1", "b2", "b3"]) == expected


def test_the_status_has_all_four_and_nothing_of_a_cluster_that_was_not_asked():
    hosts = {"b1": host(1, restart=True), "b2": host(2, "failed"), "b3": host(3)}
    for variables in hosts.values():
        variables["__kafka_service"]["restarts"] = 1
    seen = cluster(partition(isr=(1,)), fenced=(3,))
    alone = {"restart": ["b1", "b2"], "down": [2]}
    assert kafka_roll_status(hosts, list(hosts)) == alone
    assert kafka_roll_status(hosts, list(hosts), seen) == {**alone, "recovering": [3], "restarted_by_systemd": ["b3"]}
    assert kafka_roll_status(hosts, list(hosts), seen, everything=True, only=["b3"])["restart"] == ["b3"]


class TestSteps:
    PLAN = {
        "steps": [
            {"kind": "canary", "brokers": [1]},
            {"kind": "batch", "brokers": [4, 7]},
            {"kind": "batch", "brokers": [2]},
        ],
        "quorum": {"batches": [[2], [1]]},
    }

    def steps(self, **more):
        return roll_steps.steps(
            self.PLAN,
            {1: "b1", 2: "b2", 4: "b4", 7: "b7"},
            {1: "c1", 2: "c2"},
            "controller",
            **{"quorum_first": True, **more},
        )

    def test_quorum_nodes_then_brokers_each_after_all_before(self):
        steps = self.steps()
        assert [step["members"] for step in steps] == [
            ["roll-1-step-1", "c2"],
            ["roll-1-step-2", "c1"],
            ["roll-1-step-3", "b1"],
            ["roll-1-step-4", "b4", "b7"],
            ["roll-1-step-5", "b2"],
        ]
        assert [step["group"] for step in steps] == ["kafka_roll_1_quorum_first"] * 2 + ["kafka_roll_1_brokers"] * 3
        assert [step["left"] for step in steps] == [[2, 1], [1], [1, 4, 7, 2], [4, 7, 2], [2]]
        assert steps[3]["before"] == ["roll-1-step-1", "roll-1-step-2", "roll-1-step-3"]

    def test_or_the_other_way_round(self):
        steps = self.steps(quorum_first=False)
        assert [(step["group"], step["kind"]) for step in steps[2:4]] == [
            ("kafka_roll_1_brokers", "broker"),
            ("kafka_roll_1_quorum_last", "controller"),
        ]
        assert steps[-1]["before"] == ["roll-1-step-%d" % number for number in range(1, 5)]

    def test_the_canary_and_the_last_are_known(self):
        steps = self.steps()
        assert [step["canary"] for step in steps] == [False, False, True, False, False]
        assert [step["last"] for step in steps] == [False] * 4 + [True]

    def test_a_second_roll_of_one_run_has_names_of_its_own(self):
        first, second = self.steps(), self.steps(roll=2)
        assert not {step["name"] for step in first} & {step["name"] for step in second}
        assert not {step["group"] for step in first} & {step["group"] for step in second}

    def test_no_quorum_no_steps_of_it(self):
        assert roll_steps.steps({"steps": []}, {}, {}, "zookeeper", quorum_first=True) == []

    @pytest.mark.parametrize(
        ("left", "reasons"),
        [
            ({"roll-1-step-4": {"__roll_failure": "The gate."}}, ["The gate."]),
            ({"b4": {"__roll_failure": "Broke."}, "b7": {"__roll_started": "roll-1-step-4"}}, ["Broke."]),
            (
                {"b4": {"__roll_started": "roll-1-step-4"}},
                ["b7 could not be reached in the middle of the step; look at the host."],
            ),
            (
                {"b4": {"__roll_failure": "Broke."}},
                ["Broke.", "b7 could not be reached in the middle of the step; look at the host."],
            ),
            (
                {"b4": {"__roll_started": "roll-1-step-4"}, "b7": {"__roll_started": "roll-1-step-4"}},
                ["Step roll-1-step-4 was broken off."],
            ),
            (
                {"b4": {"__roll_started": "roll-1-step-4"}, "b7": {"__roll_started": "roll-0-step-9"}},
                ["b7 could not be reached in the middle of the step; look at the host."],
            ),
            ({"roll-1-step-4": {"__roll_done": True}, "roll-1-step-5": {"__roll_done": True}}, []),
        ],
        ids=["the gate", "a node", "a lost node", "both", "not known", "of an earlier roll", "all is well"],
    )
    def test_why_it_ended(self, left, reasons):
        hosts = {name: {} for step in self.steps() for name in step["members"]}
        hosts.update({"roll-1-step-%d" % number: {"__roll_done": True} for number in range(1, 4)})
        hosts.update(left)
        assert roll_steps.ending(hosts, self.steps()) == reasons


@pytest.mark.parametrize(("days", "said"), [(-1, "has expired"), (0, "expires within a day"), (1, None), (None, None)])
def test_a_node_that_would_start_with_an_expired_certificate_is_not_restarted(days, said):
    hosts = {name: {**each} for name, each in HOSTS.items()}
    hosts["b2"]["__kafka_service"] = {**hosts["b2"].get("__kafka_service", {}), "next_certificate_days": days}
    found = kafka_roll_findings(cluster(), hosts, list(hosts))
    assert found == (
        [
            "Host b2 would start with a certificate that %s, which this run does not renew, so that the other nodes would"
            " refuse it; run rotate_certificates. See docs/runbooks/certificates.md." % said
        ]
        if said
        else []
    )
