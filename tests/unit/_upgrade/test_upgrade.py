"""Which way a cluster may go between versions of Kafka, from where a run goes on, and when it is finalized."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._upgrade import rules
from ansible_collections.rackaware.kafka.plugins.module_utils._upgrade.rules import KRAFT, ZOOKEEPER, UpgradeError

NOW = 1_800_000_000.0
DAY = 86400


def nodes(brokers, quorum_nodes=None, kind="zookeeper", state="active"):
    """Brokers and quorum nodes of these versions."""
    out = [
        {"name": "b%d" % number, "id": number, "kind": "broker", "version": version, "state": state}
        for number, version in enumerate(brokers, 1)
    ]
    quorum_nodes = [brokers[0]] * 3 if quorum_nodes is None else quorum_nodes
    return out + [
        {"name": "k%d" % number, "id": number, "kind": kind, "version": version, "state": state}
        for number, version in enumerate(quorum_nodes, 1)
    ]


def spoken(series, protocol="3.8-IV0", count=3):
    """What brokers in ZooKeeper mode say."""
    each = series if isinstance(series, list) else [series] * count
    brokers = [
        {"id": number, "series": list(one), "newest_known": False, "supported": {}, "protocol": protocol}
        for number, one in enumerate(each, 1)
    ]
    return {"brokers": brokers, "features": {}, "members": []}


def raised(level, series=(4, 0), highest=25, count=3, **more):
    """What brokers in KRaft mode say."""
    features = {rules.METADATA_VERSION: {"supported": [7, highest], "finalized": level}, **more}
    known = {name: each["supported"] for name, each in features.items()}
    brokers = [
        {"id": number, "series": list(series), "newest_known": series == (4, 3), "supported": known, "protocol": None}
        for number in range(1, count + 1)
    ]
    return {"brokers": brokers, "features": features, "members": []}


def record(start="3.8.1", to="3.9.2", **more):
    base = {
        "from": start,
        "to": to,
        "metadata": ZOOKEEPER,
        "protocol": "3.8",
        "features": {},
        "began": "2027-01-01T00:00:00Z",
    }
    return {**base, "rolled": None, "finalizing": None, "finalized": None, **more}


def kraft_record(**more):
    return record(
        "4.0.2", "4.3.1", **{"metadata": KRAFT, "protocol": None, "features": {"metadata.version": 25}, **more}
    )


class TestVersions:
    @pytest.mark.parametrize("text", ["4", "4.3", "4.3.1-rc1", "", None, "latest"])
    def test_only_a_full_version_is_one(self, text):
        with pytest.raises(UpgradeError, match="full one like 4.3.1"):
            rules.numbers(text)

    @pytest.mark.parametrize(
        ("text", "found"),
        [("3.8.1", (3, 8)), ("3.8", (3, 8)), ("3.8-IV0", (3, 8)), ("3.10-IV2", (3, 10)), ("4.3.1", (4, 3))],
    )
    def test_the_series_of_versions_and_protocols(self, text, found):
        assert rules.series(text) == found

    def test_what_is_no_series(self):
        with pytest.raises(UpgradeError, match="neither a version"):
            rules.series("IBP_3_8")

    def test_brokers_of_4_need_java_17(self):
        assert rules.java("4.0.0") == 17 and rules.java("3.9.2") == 8


class TestSupported:
    @pytest.mark.parametrize("start", ["2.1.0", "2.8.2", "3.0.0", "3.8.1", "3.9.1"])
    def test_3_9_takes_every_zookeeper_cluster_from_2_1_on(self, start):
        rules.supported(start, "3.9.2", metadata=ZOOKEEPER, level=None)

    @pytest.mark.parametrize(("start", "level"), [("3.3.2", 7), ("3.9.2", 21), ("4.0.2", 25), ("4.2.0", 29)])
    def test_4_takes_every_kraft_cluster_from_3_3_on(self, start, level):
        rules.supported(start, "4.3.1", metadata=KRAFT, level=level)

    def test_a_kraft_cluster_may_stay_in_3(self):
        rules.supported("3.2.0", "3.9.2", metadata=KRAFT, level=3)

    @pytest.mark.parametrize(
        ("start", "target", "metadata", "level", "sentence"),
        [
            ("3.9.2", "4.0.0", ZOOKEEPER, None, "cannot run with ZooKeeper"),
            ("2.0.1", "3.9.2", ZOOKEEPER, None, "older than 2.1"),
            ("0.11.0", "3.9.2", ZOOKEEPER, None, "older than 2.1"),
            ("3.2.3", "4.0.0", KRAFT, 7, "older than 3.3"),
            ("3.9.2", "4.0.0", KRAFT, 6, "metadata.version is 6"),
            ("3.9.2", "4.0.0", KRAFT, None, "metadata.version is unknown"),
            ("4.3.1", "5.0.0", KRAFT, 30, "newer than this collection"),
        ],
    )
    def test_what_kafka_does_not_support(self, start, target, metadata, level, sentence):
        with pytest.raises(UpgradeError, match=sentence):
            rules.supported(start, target, metadata=metadata, level=level)


class TestMerge:
    def test_brokers_without_a_record_do_not_count(self):
        assert rules.merge([None, record(), None]) == record()
        assert rules.merge([None]) is None and rules.merge([]) is None

    def test_the_newest_upgrade_counts(self):
        old = record("3.7.0", "3.8.1", began="2026-01-01T00:00:00Z", finalized="2026-02-01T00:00:00Z")
        assert rules.merge([old, record(), old]) == record()

    def test_the_most_advanced_copy_counts(self):
        ahead = record(rolled="2027-01-02T00:00:00Z", finalizing="2027-01-03T00:00:00Z")
        assert rules.merge([record(), ahead]) == ahead


class TestPin:
    def test_while_it_is_open_new_brokers_speak_the_old_protocol(self):
        assert rules.pin([record(), None], "3.9.2") == "3.8"

    @pytest.mark.parametrize(
        ("records", "version"),
        [
            ([None], "3.9.2"),
            ([record()], "3.8.1"),
            ([record(finalizing="2027-01-03T00:00:00Z"), record()], "3.9.2"),
            ([record(finalizing="2027-01-03T00:00:00Z", finalized="2027-01-03T00:00:00Z")], "3.9.2"),
            ([kraft_record()], "4.3.1"),
        ],
        ids=[
            "no upgrade",
            "the old version speaks it anyway",
            "one copy says that finalizing began",
            "finalized",
            "KRaft has none",
        ],
    )
    def test_no_broker_is_held_otherwise(self, records, version):
        assert rules.pin(records, version) is None


def decide(asked, *arguments, **more):
    return rules.decide(asked, *arguments, now=NOW, **more)


class TestUp:
    def test_a_new_upgrade_writes_down_the_way_back(self):
        found = decide("3.9.2", nodes(["3.8.1"] * 3), [None] * 3, spoken((3, 8)))
        assert (found.way, found.start, found.target) == ("up", "3.8.1", "3.9.2")
        assert found.record == record(began=rules.text(NOW))
        assert "keep speaking inter.broker.protocol.version 3.8" in " ".join(found.lines)

    def test_in_kraft_the_way_back_is_the_levels(self):
        extra = {
            "transaction.version": {"supported": [0, 2], "finalized": 2},
            "share.version": {"supported": [0, 1], "finalized": None},
        }
        found = decide("4.3.1", nodes(["4.0.2"] * 3, kind="controller"), [None], raised(25, **extra))
        assert (
            found.record["features"] == {"metadata.version": 25, "transaction.version": 2}
            and found.record["protocol"] is None
        )
        assert "metadata.version 25" in " ".join(found.lines)

    def test_a_run_that_was_broken_off_goes_on_with_its_record(self):
        found = decide(
            "3.9.2",
            nodes(["3.9.2", "3.8.1", "3.8.1"], ["3.9.2"] * 3),
            [record(), record(), None],
            spoken([(3, 9), (3, 8), (3, 8)]),
        )
        assert (found.way, found.start, found.record) == ("up", "3.8.1", record())
        assert "An earlier run was broken off: 2 on 3.8.1, 4 on 3.9.2." in found.lines

    def test_quorum_nodes_that_are_behind_count_too(self):
        found = decide("3.9.2", nodes(["3.9.2"] * 3, ["3.9.2", "3.9.2", "3.8.1"]), [record()], spoken((3, 9)))
        assert (found.way, found.start) == ("up", "3.8.1")

    def test_mixed_without_a_record_goes_up_from_what_the_brokers_speak(self):
        found = decide("3.9.2", nodes(["3.9.2", "3.8.1", "3.8.1"]), [None], spoken([(3, 9), (3, 8), (3, 8)]))
        assert found.record["from"] == "3.8.1" and found.record["protocol"] == "3.8"

    def test_all_nodes_have_it_already(self):
        found = decide("3.9.2", nodes(["3.9.2"] * 3), [None], spoken((3, 9), "3.9-IV0"))
        assert (found.way, found.record, found.lines) == ("none", None, ["All nodes run Kafka 3.9.2."])

    def test_all_nodes_have_it_and_it_is_not_finalized(self):
        found = decide("3.9.2", nodes(["3.9.2"] * 3), [record()], spoken((3, 9)))
        assert (found.way, found.record) == ("none", record())

    def test_the_next_upgrade_before_this_one_is_finalized_keeps_the_older_rollback(self):
        found = decide("3.9.2", nodes(["3.9.1"] * 3), [record(to="3.9.1")], spoken((3, 9)))
        assert (found.record["from"], found.record["to"], found.record["protocol"]) == ("3.9.1", "3.9.2", "3.8")

    def test_a_record_of_another_time_does_not_count(self):
        old = record("3.6.0", "3.7.0", protocol="3.6", began="2026-01-01T00:00:00Z")
        assert decide("3.9.2", nodes(["3.8.1"] * 3), [old], spoken((3, 8))).record["protocol"] == "3.8"

    def test_with_all_nodes_down_the_record_tells(self):
        found = decide("3.9.2", nodes(["3.8.1", "3.9.2", "3.8.1"], state="inactive"), [record()], None)
        assert (found.way, found.record) == ("up", record())
        level = decide("4.3.1", nodes(["4.0.2"] * 3, kind="controller", state="inactive"), [kraft_record()], None)
        assert level.record == kraft_record()

    def test_with_all_nodes_down_and_no_record_it_is_not_known(self):
        with pytest.raises(UpgradeError, match="No broker answers"):
            decide("3.9.2", nodes(["3.8.1"] * 3, state="inactive"), [None], None)

    def test_a_broker_newer_than_the_client_library_knows_is_believed(self):
        newer = raised(30, series=(4, 3), highest=31)
        assert decide("4.4.1", nodes(["4.4.0"] * 3, kind="controller"), [None], newer).way == "up"

    def test_no_broker_says_a_protocol(self):
        with pytest.raises(UpgradeError, match="No broker says which"):
            decide("3.9.2", nodes(["3.8.1"] * 3), [None], spoken((3, 8), None))


class TestRefused:
    def test_a_third_version(self):
        with pytest.raises(
            UpgradeError,
            match=r"Kafka 3\.8\.1 on b2, b3, k1 and 2 more and Kafka 3\.9\.1 on b1, and 3\.9\.2 would be one version more",
        ):
            decide("3.9.2", nodes(["3.9.1", "3.8.1", "3.8.1"], ["3.8.1"] * 3), [record(to="3.9.1")], None)

    def test_three_versions_that_run(self):
        with pytest.raises(UpgradeError, match="one version more"):
            decide("3.9.2", nodes(["3.9.2", "3.8.1", "3.7.1"]), [None], None)

    def test_a_host_without_kafka(self):
        with pytest.raises(UpgradeError, match="Host b2 has no Kafka yet"):
            decide("3.9.2", nodes(["3.8.1", None, "3.8.1"]), [None], None)

    def test_a_broker_that_answers_as_something_else(self):
        with pytest.raises(UpgradeError, match=r"Broker 2 answers as Kafka 3\.9, but b2 would start 3\.8\.1"):
            decide("3.9.2", nodes(["3.8.1"] * 3), [None], spoken([(3, 8), (3, 9), (3, 8)]))
        with pytest.raises(UpgradeError, match=r"Broker 1 answers as Kafka 4\.0"):
            decide("4.4.0", nodes(["4.3.1"] * 3, kind="controller"), [None], raised(25))

    def test_an_upgrade_while_another_is_being_finalized(self):
        with pytest.raises(UpgradeError, match="run finalize_upgrade to its end first"):
            decide("3.9.3", nodes(["3.9.2"] * 3), [record(finalizing="2027-01-03T00:00:00Z")], spoken((3, 9)))

    def test_what_kafka_does_not_support_is_asked_with_the_level_that_is_told(self):
        with pytest.raises(UpgradeError, match="metadata.version is 4"):
            decide("4.3.1", nodes(["3.9.2"] * 3, kind="controller"), [None], raised(4, series=(3, 9)))

    @pytest.mark.parametrize(("own", "fine"), [("3.9", False), ("3.7", False), ("3.8", True), (None, True)])
    def test_a_protocol_that_the_inventory_asks_for_must_be_the_one_before(self, own, fine):
        those = [dict(node, protocol=own if node["name"] == "b2" else None) for node in nodes(["3.8.1"] * 3)]
        if fine:
            assert decide("3.9.2", those, [None], spoken((3, 8))).way == "up"
        else:
            with pytest.raises(
                UpgradeError,
                match="broker_config of b2 sets inter.broker.protocol.version to %s, but 3.8 is what all brokers must speak"
                % own,
            ):
                decide("3.9.2", those, [None], spoken((3, 8)))


class TestBack:
    def test_to_the_version_before(self):
        found = decide("3.8.1", nodes(["3.9.2"] * 3), [record(rolled="2027-01-02T00:00:00Z")], spoken((3, 9)))
        assert (found.way, found.start, found.target) == ("back", "3.9.2", "3.8.1")
        assert (
            found.record == record("3.9.2", "3.8.1", began=rules.text(NOW))
            and "nothing was finalized" in found.lines[0]
        )

    def test_from_the_middle(self):
        found = decide("3.8.1", nodes(["3.9.2", "3.8.1", "3.8.1"]), [record()], spoken([(3, 9), (3, 8), (3, 8)]))
        assert found.way == "back"

    def test_on_the_way_back_it_goes_on(self):
        turned = record("3.9.2", "3.8.1")
        found = decide("3.8.1", nodes(["3.9.2", "3.8.1", "3.8.1"]), [turned], spoken([(3, 9), (3, 8), (3, 8)]))
        assert (found.way, found.record) == ("back", turned)

    def test_and_from_there_up_again(self):
        found = decide("3.9.2", nodes(["3.8.1"] * 3), [record("3.9.2", "3.8.1")], spoken((3, 8)))
        assert (found.way, found.record["protocol"]) == ("up", "3.8")

    def test_an_upgrade_that_never_began_is_turned_round(self):
        found = decide("3.8.1", nodes(["3.8.1"] * 3), [record()], spoken((3, 8)))
        assert (found.way, found.record["from"], found.record["to"]) == ("none", "3.9.2", "3.8.1")

    def test_with_all_nodes_down(self):
        found = decide("3.8.1", nodes(["3.9.2", "3.8.1", "3.8.1"], state="inactive"), [record()], None)
        assert (found.way, found.record["protocol"], found.record["to"]) == ("back", "3.8", "3.8.1")

    def test_in_kraft(self):
        assert (
            decide("4.0.2", nodes(["4.3.1"] * 3, kind="controller"), [kraft_record()], raised(25, (4, 3), 30)).way
            == "back"
        )

    @pytest.mark.parametrize(
        ("asked", "running", "records", "told", "sentence"),
        [
            ("3.8.1", "3.9.2", [None], spoken((3, 9)), "no record of coming from there"),
            ("3.7.2", "3.9.2", [record()], spoken((3, 9)), "no record of coming from there"),
            (
                "3.8.1",
                "3.9.2",
                [record(finalized="2027-02-01T00:00:00Z")],
                spoken((3, 9), "3.9"),
                "finalized on 2027-02-01",
            ),
            ("3.8.1", "3.9.2", [record(finalizing="2027-02-01T00:00:00Z")], spoken((3, 9)), "being finalized since"),
            (
                "3.8.1",
                "3.9.2",
                [record()],
                spoken((3, 9), "3.9-IV0"),
                r"Broker 1 speaks inter.broker.protocol.version 3\.9-IV0, above the 3\.8",
            ),
        ],
        ids=["no record of it", "two steps", "finalized", "half finalized", "raised by hand"],
    )
    def test_there_is_no_other_way_down(self, asked, running, records, told, sentence):
        with pytest.raises(UpgradeError, match=sentence):
            decide(asked, nodes([running] * 3), records, told)

    def test_not_across_a_level_that_was_raised(self):
        with pytest.raises(UpgradeError, match=r"metadata.version was raised from 25 to 30 since the upgrade began"):
            decide("4.0.2", nodes(["4.3.1"] * 3, kind="controller"), [kraft_record()], raised(30, (4, 3), 30))

    def test_not_across_a_feature_that_is_new(self):
        more = {"share.version": {"supported": [0, 1], "finalized": 1}}
        with pytest.raises(UpgradeError, match="share.version was raised from 0 to 1"):
            decide("4.0.2", nodes(["4.3.1"] * 3, kind="controller"), [kraft_record()], raised(25, (4, 3), 30, **more))


class TestRolled:
    def test_once_all_nodes_run_it(self):
        assert rules.rolled(record(), nodes(["3.9.2"] * 3), now=NOW)["rolled"] == rules.text(NOW)

    def test_since_the_first_time(self):
        done = record(rolled="2027-01-02T00:00:00Z")
        assert rules.rolled(done, nodes(["3.9.2"] * 3), now=NOW) == done

    @pytest.mark.parametrize(
        "those",
        [
            nodes(["3.9.2", "3.8.1", "3.9.2"]),
            nodes(["3.9.2"] * 3, ["3.8.1"] * 3),
            nodes(["3.9.2"] * 3, state="failed"),
            [{**node, "restart_needed": True} for node in nodes(["3.9.2"] * 3)],
        ],
        ids=["broker", "quorum node", "down", "in place only"],
    )
    def test_not_before(self, those):
        assert rules.rolled(record(), those, now=NOW) == record()

    def test_nothing_to_write_down(self):
        assert rules.rolled(None, nodes(["3.9.2"] * 3), now=NOW) is None


def finalization(asked, *arguments, soak=DAY):
    return rules.finalization(asked, *arguments, soak_seconds=soak, now=NOW)


ROLLED = record(rolled=rules.text(NOW - 2 * DAY))
LEVELS = {"metadata.version": 30, "transaction.version": 2, "kraft.version": 1, "share.version": 1}


def kraft_told(level=25, highest=30, share=None):
    more = {
        "transaction.version": {"supported": [0, 2], "finalized": 2},
        "share.version": {"supported": [0, 1], "finalized": share},
        "kraft.version": {"supported": [0, 1], "finalized": 0},
    }
    return raised(level, (4, 3), highest, **more)


class TestFinalization:
    def test_the_protocol_is_raised_after_the_soak(self):
        found = finalization("3.9.2", nodes(["3.9.2"] * 3), [ROLLED], spoken((3, 9)), {})
        assert (found.needed, found.closes, found.protocol, found.features) == (True, True, "3.9", {})
        assert found.record == dict(ROLLED, finalizing=rules.text(NOW))
        assert "no rollback to 3.8.1" in found.lines[0] and "from 3.8 to 3.9" in found.lines[1]

    def test_the_features_are_raised_except_the_quorums_own(self):
        done = kraft_record(rolled=rules.text(NOW - 2 * DAY))
        found = finalization("4.3.1", nodes(["4.3.1"] * 3, kind="controller"), [done], kraft_told(), LEVELS)
        assert found.features == {"metadata.version": 30, "share.version": 1} and found.protocol is None
        assert "metadata.version from 25 to 30" in found.lines and "share.version from 0 to 1" in found.lines

    def test_a_broker_that_still_speaks_the_old_protocol_is_left_over(self):
        told = spoken((3, 9), "3.9-IV0")
        told["brokers"][2]["protocol"] = "3.8"
        begun = dict(ROLLED, rolled=rules.text(NOW), finalizing=rules.text(NOW))
        found = finalization("3.9.2", nodes(["3.9.2"] * 3), [begun], told, {})
        assert found.needed and found.record == begun

    def test_once_nothing_is_left_it_is_written_down(self):
        begun = dict(ROLLED, finalizing="2027-01-14T00:00:00Z")
        found = finalization("3.9.2", nodes(["3.9.2"] * 3), [begun], spoken((3, 9), "3.9-IV0"), {})
        assert not found.needed and found.record == dict(begun, finalized=rules.text(NOW))

    def test_a_second_time_there_is_nothing(self):
        done = dict(ROLLED, finalizing="2027-01-14T00:00:00Z", finalized="2027-01-14T00:01:00Z")
        found = finalization("3.9.2", nodes(["3.9.2"] * 3), [done], spoken((3, 9), "3.9-IV0"), {})
        assert (found.needed, found.closes, found.record) == (False, False, done)
        new = finalization("4.3.1", nodes(["4.3.1"] * 3, kind="controller"), [None], kraft_told(30, share=1), LEVELS)
        assert (new.needed, new.closes, new.record) == (False, False, None)

    def test_a_patch_release_only_closes_the_way_back(self):
        patch = record("3.9.1", "3.9.2", protocol="3.9", rolled=rules.text(NOW - 2 * DAY))
        found = finalization("3.9.2", nodes(["3.9.2"] * 3), [patch], spoken((3, 9), "3.9-IV0"), {})
        assert (found.needed, found.closes, found.record["finalized"]) == (False, True, rules.text(NOW))

    def test_without_a_soak_no_record_is_needed(self):
        found = finalization("3.9.2", nodes(["3.9.2"] * 3), [None], spoken((3, 9)), {}, soak=0)
        assert (found.needed, found.record) == (True, None)

    @pytest.mark.parametrize(
        ("those", "records", "told", "sentence"),
        [
            (
                nodes(["3.9.2", "3.8.1", "3.9.2"]),
                [ROLLED],
                spoken((3, 9)),
                "Host b2 would start Kafka 3.8.1, but all nodes must run 3.9.2",
            ),
            (nodes(["3.9.2"] * 3, ["3.8.1"] * 3), [ROLLED], spoken((3, 9)), "Host k1 would start"),
            (nodes(["3.9.2"] * 3, state="failed"), [ROLLED], spoken((3, 9)), r"does not run \(failed\)"),
            (nodes(["3.9.2"] * 3), [ROLLED], spoken((3, 9), count=2), "Broker 3 does not answer"),
            (nodes(["3.9.2"] * 3), [ROLLED], spoken([(3, 9), (3, 8), (3, 9)]), "Broker 2 answers as Kafka 3.8"),
            (nodes(["3.9.2"] * 3), [None], spoken((3, 9)), "no record of an upgrade"),
            (nodes(["3.9.2"] * 3), [record()], spoken((3, 9)), "is not known to have ended"),
            (nodes(["3.9.2"] * 3), [record(rolled=rules.text(NOW - 60))], spoken((3, 9)), "wait 86340 s more"),
        ],
    )
    def test_what_is_too_early(self, those, records, told, sentence):
        with pytest.raises(UpgradeError, match=sentence):
            finalization("3.9.2", those, records, told, {})

    def test_a_broker_that_does_not_know_the_level(self):
        with pytest.raises(UpgradeError, match="Broker 1 knows metadata.version only up to 25, not 30"):
            finalization(
                "4.3.1", nodes(["4.3.1"] * 3, kind="controller"), [None], kraft_told(highest=25), LEVELS, soak=0
            )

    def test_a_protocol_that_the_inventory_holds_down(self):
        those = [dict(node, protocol="3.8") for node in nodes(["3.9.2"] * 3)]
        with pytest.raises(UpgradeError, match="remove it from broker_config"):
            finalization("3.9.2", those, [ROLLED], spoken((3, 9)), {})

    def test_a_record_whose_time_is_none(self):
        with pytest.raises(UpgradeError, match="has the time yesterday"):
            finalization("3.9.2", nodes(["3.9.2"] * 3), [record(rolled="yesterday")], spoken((3, 9)), {})


class TestClients:
    BEFORE = {
        "0": ["Produce", 0, 11],
        "1": ["Fetch", 0, 17],
        "4": ["LeaderAndIsr", 0, 7],
        "18": ["ApiVersions", 0, 4],
        "99": ["Gone", 0, 1],
    }
    AFTER = {"0": ["Produce", 3, 12], "1": ["Fetch", 4, 17], "18": ["ApiVersions", 0, 4]}

    def test_what_is_not_answered_any_more(self):
        assert rules.dropped(self.BEFORE, self.AFTER) == ["Produce below 3", "Fetch below 4", "Gone at all"]
        assert rules.dropped(self.AFTER, self.BEFORE) == []

    def test_members_that_may_be_too_old_are_named(self):
        members = [
            {"group": "g", "client_id": "old", "host": "198.18.0.9", "subscription": 0},
            {"group": "g", "client_id": "new", "host": "198.18.0.8", "subscription": 3},
            {"group": "h", "client_id": "", "host": "198.18.0.7", "subscription": None},
        ]
        found = rules.warnings("3.9.2", "4.0.2", ["Produce below 3"], members)
        assert "does not answer requests that 3.9.2 answers: Produce below 3." in found[0]
        assert "old at 198.18.0.9 (group g)." in found[1] and "new" not in found[1]

    def test_a_long_list_is_cut(self):
        assert "and 4 more" in rules.warnings("3.9.2", "4.0.2", ["A below %d" % number for number in range(10)], [])[0]

    def test_nothing_lost_no_client_named(self):
        assert (
            rules.warnings("4.0.2", "4.3.1", [], [{"group": "g", "client_id": "old", "host": "h", "subscription": 0}])
            == []
        )
