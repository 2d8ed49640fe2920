"""What people are shown of a cluster: the model, the table and the page."""

from __future__ import annotations

import copy
import re
from dataclasses import asdict
from html.parser import HTMLParser

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka import snapshot as kafka_snapshot
from ansible_collections.rackaware.kafka.plugins.module_utils._report import cluster as report_cluster
from ansible_collections.rackaware.kafka.plugins.module_utils._report import page as report_page

PROOF = {"sentence": "A record was read back."}


def part(index=0, leader=1, replicas=(1, 2, 3), isr=(1, 2, 3), adding=()):
    return dict(
        topic="t",
        partition=index,
        leader=leader,
        replicas=list(replicas),
        isr=list(isr),
        offline=[],
        elr=[],
        min_isr=2,
        adding=list(adding),
        removing=[],
    )


def snapshot(*partitions, brokers=(1, 2, 3), quorum=None, fenced=(), reassignments=()):
    partitions = list(partitions or [part()])
    return {
        "cluster_id": "abc",
        "metadata": "kraft" if quorum else "zookeeper",
        "controller_id": quorum["leader"] if quorum else 2,
        "brokers": [
            {"id": number, "host": "h%d" % number, "port": 9092, "rack": "az-%d" % number, "fenced": number in fenced}
            for number in brokers
        ],
        "partitions": partitions,
        "reassignments": list(reassignments),
        "quorum": quorum,
        "counts": asdict(kafka_snapshot.count(partitions, 1)),
    }


def host(number, **more):
    disk = {"mount": "/data0", "size_gb": 500, "used_percent": 12, "encryption": None}
    given = dict(
        name="broker-%d" % number,
        id=number,
        rack="az-%d" % number,
        roles=["broker"],
        version="3.9.2",
        heap_mb=3584,
        disks=[disk],
        unit_state="active",
    )
    return {**given, **more}


def member(number, ago_ms=0, records=0):
    return {"id": number, "log_end_offset": 900 - records, "last_caught_up_ms": 50_000 - ago_ms if ago_ms >= 0 else -1}


def quorum(leader, *voters, observers=()):
    """Voters and observers by number, or as member() makes them."""
    listed = [[each if isinstance(each, dict) else member(each) for each in some] for some in (voters, observers)]
    return {"leader": leader, "voters": listed[0], "observers": listed[1]}


HOSTS = [host(number) for number in (1, 2, 3)]


def zookeeper(*modes):
    servers = [{"server": "zk%d:2181" % number, "mode": mode} for number, mode in enumerate(modes, 1)]
    ok = "leader" in modes
    return {"servers": servers, "quorum": {"ok": ok, "reason": None if ok else "No server leads."}}


def nodes(model):
    return {node["name"]: node for rack in model["racks"] for node in rack["nodes"]}


class TestModel:
    def test_a_healthy_cluster_has_no_findings(self):
        model = report_cluster.build(snapshot(), HOSTS, name="demo", proof=PROOF)
        assert model["healthy"] and model["findings"] == [] and model["restarts"] == []
        assert (model["name"], model["versions"], model["proof"]) == ("demo", ["3.9.2"], PROOF["sentence"])
        assert [rack["name"] for rack in model["racks"]] == ["az-1", "az-2", "az-3"]

    def test_leaders_and_replicas_are_counted_for_each_broker(self):
        seen = nodes(report_cluster.build(snapshot(part(0), part(1, leader=2, replicas=[2, 1], isr=[2])), HOSTS))
        assert [(node["leaders"], node["replicas"], node["out_of_sync"]) for node in seen.values()] == [
            (1, 2, 1),
            (1, 2, 0),
            (0, 1, 0),
        ]

    def test_racks_and_versions_are_in_natural_order(self):
        model = report_cluster.build(
            snapshot(),
            [host(1, rack="az-10", version="3.10.0"), host(2, rack="az-9", version="3.9.2"), host(3, rack=None)],
        )
        assert [rack["name"] for rack in model["racks"]] == ["az-3", "az-9", "az-10"]
        assert model["versions"] == ["3.9.2", "3.10.0"]

    def test_the_controller_is_marked_under_zookeeper(self):
        assert nodes(report_cluster.build(snapshot(), HOSTS))["broker-2"]["marks"] == ["controller"]

    def test_the_leader_of_the_quorum_is_marked_under_kraft(self):
        seen_quorum = quorum(102, 101, 102)
        controllers = [host(number, name="c%d" % number, roles=["controller"]) for number in (101, 102, 103)]
        seen = nodes(report_cluster.build(snapshot(quorum=seen_quorum), HOSTS + controllers))
        assert [seen["c%d" % number]["marks"] for number in (101, 102, 103)] == [
            ["voter"],
            ["quorum leader"],
            ["observer"],
        ]
        assert [seen["c%d" % number]["leader"] for number in (101, 102, 103)] == [False, True, False]
        assert seen["broker-2"]["marks"] == []

    def test_a_combined_node_is_both(self):
        node = nodes(
            report_cluster.build(snapshot(quorum=quorum(1, 1)), [host(1, roles=["controller", "broker"]), *HOSTS[1:]])
        )["broker-1"]
        assert (node["roles"], node["marks"], node["leaders"]) == (["broker", "controller"], ["quorum leader"], 1)

    def test_a_zookeeper_node_is_found_by_its_address_and_does_not_share_a_brokers_id(self):
        zookeepers = [
            host(number, name="zookeeper-%d" % number, address="zk%d" % number, roles=["zookeeper"])
            for number in (1, 2)
        ]
        seen = nodes(report_cluster.build(snapshot(), HOSTS + zookeepers, zookeeper=zookeeper("follower", "leader")))
        assert seen["zookeeper-2"]["marks"] == ["leader"]
        assert seen["zookeeper-1"]["leaders"] is None and seen["zookeeper-1"]["registered"] is None

    @pytest.mark.parametrize(
        ("changed", "hosts", "finding"),
        [
            ({"partitions": [part(isr=[1, 2])]}, HOSTS, "1 partition lacks an in-sync replica (t-0)."),
            (
                {"partitions": [part(n, isr=[1]) for n in range(5)]},
                HOSTS,
                "5 partitions have fewer in-sync replicas than min.insync.replicas",
            ),
            ({"partitions": [part(n, isr=[1]) for n in range(5)]}, HOSTS, "(t-0, t-1, t-2, …)"),
            ({"partitions": [part(leader=-1, isr=[])]}, HOSTS, "1 partition has no leader"),
            ({"fenced": [3]}, HOSTS, "Broker 3 (broker-3) is fenced"),
            ({"brokers": [1, 2]}, HOSTS, "Broker 3 (broker-3) belongs to the inventory, but is not registered"),
            ({"brokers": [1, 2, 3, 4]}, HOSTS, "Broker 4 (h4:9092) belongs to the cluster, but not to the inventory."),
            (
                {},
                [*HOSTS[:2], host(3, rack="az-1")],
                "Broker 3 (broker-3) calls its rack az-3, but the inventory says az-1.",
            ),
            ({}, [*HOSTS[:2], host(3, unit_state="failed")], "The service of broker-3 is failed."),
            (
                {},
                [*HOSTS[:2], host(3, disks=[{"mount": "/d", "used_percent": 91}])],
                "The disk /d of broker-3 is 91 % full.",
            ),
            ({"reassignments": [{}]}, HOSTS, "1 partition is under reassignment."),
            (
                {"quorum": {"leader": -1, "voters": [], "observers": []}},
                HOSTS,
                "The quorum of controllers has no leader.",
            ),
            (
                {"quorum": quorum(1, 1)},
                [*HOSTS, host(103, name="c103", roles=["controller"])],
                "The controller c103 does not vote in the quorum",
            ),
        ],
    )
    def test_each_trouble_is_one_sentence(self, changed, hosts, finding):
        partitions = changed.pop("partitions", [])
        model = report_cluster.build(snapshot(*partitions, **changed), hosts)
        assert not model["healthy"]
        assert any(finding in each for each in model["findings"]), model["findings"]

    def test_a_summary_makes_the_same_model_as_the_whole(self):
        parts = [
            part(0),
            part(1, leader=2, isr=[2]),
            part(2, leader=-1, isr=[]),
            part(3, replicas=(2, 3, 4), isr=(2, 3), adding=[4]),
            part(4, isr=[1, 2]),
        ]
        whole = snapshot(*parts, reassignments=[{}, {}])
        made = report_cluster.build(whole, HOSTS, proof=PROOF)
        assert made["findings"] and report_cluster.build(kafka_snapshot.summarize(whole), HOSTS, proof=PROOF) == made

    def test_a_user_that_passes_for_a_node_is_a_finding(self):
        seen = {**kafka_snapshot.summarize(snapshot()), "posing_users": ["CN=kafka,OU=demo,O=rackaware"]}
        (finding,) = report_cluster.build(seen, HOSTS)["findings"]
        assert finding.startswith(
            "The user CN=kafka,OU=demo,O=rackaware has the name of the cluster's nodes or operator"
        )

    def test_a_lost_zookeeper_quorum_is_a_finding(self):
        assert report_cluster.build(snapshot(), HOSTS, zookeeper=zookeeper("follower"))["findings"] == [
            "No server leads. See docs/runbooks/quorum_node_down.md."
        ]

    def test_a_pending_restart_is_told_but_no_trouble(self):
        model = report_cluster.build(snapshot(), [host(1, restart_needed=True), *HOSTS[1:]])
        assert model["restarts"] == ["broker-1"] and model["healthy"]

    def test_inputs_are_not_changed(self):
        before = snapshot(), copy.deepcopy(HOSTS)
        after = copy.deepcopy(before)
        report_cluster.build(*after)
        assert after == before

    @pytest.mark.parametrize(("cluster", "hosts"), [({}, HOSTS), (snapshot(), [{"name": "x"}]), (None, HOSTS)])
    def test_wrong_data_is_one_sentence(self, cluster, hosts):
        with pytest.raises(
            report_cluster.ModelError, match="The cluster cannot be shown, because .* is missing or of another kind"
        ):
            report_cluster.build(cluster, hosts)


class TestMetadataLag:
    """By the clock of the quorum's leader."""

    CONTROLLERS = [host(number, name="c%d" % number, roles=["controller"]) for number in (101, 102)]

    def build(self, *observers, voters=(101, 102), hosts=None, **more):
        seen = snapshot(quorum=quorum(101, *voters, observers=observers), **more)
        return report_cluster.build(seen, hosts or HOSTS + self.CONTROLLERS)

    def test_how_far_each_node_is_behind_is_shown(self):
        model = self.build(1, member(2, 400), member(3, 8_600, 40), voters=(101, member(102, 120)))
        assert model["healthy"] and [report_cluster.behind(node["metadata_lag"]) for node in nodes(model).values()] == [
            "0.0 s",
            "0.4 s",
            "8.6 s, 40 records",
            "0.0 s",
            "0.1 s",
        ]
        rows = {line.split()[0]: line for line in report_cluster.summary(model).splitlines() if line.startswith("  ")}
        assert "BEHIND" in rows["NODE"] and rows["broker-3"].rstrip().endswith("8.6 s, 40 records  ok")
        page = report_page.cluster_page(model)
        assert "<dt>behind</dt><dd>8.6 s, 40 records</dd>" in page

    def test_with_zookeeper_there_is_no_such_column(self):
        model = report_cluster.build(snapshot(), HOSTS)
        assert "BEHIND" not in report_cluster.summary(model) and "<dt>behind" not in report_page.cluster_page(model)

    @pytest.mark.parametrize(
        ("observers", "voters", "finding"),
        [
            (
                [1, 2, member(3, 10_000, 40)],
                [101, 102],
                "Broker 3 (broker-3) is 10 s behind in the cluster's metadata (40 records), so that what it knows is old;",
            ),
            ([1, 2], [101, 102], "Broker 3 (broker-3) does not follow the cluster's metadata, so that"),
            ([1, 2, member(3, -1)], [101, 102], "Broker 3 (broker-3) does not follow the cluster's metadata, so that"),
            ([1, 2, 3], [101, member(102, 40_000)], "Controller 102 (c102) is 40 s behind in the cluster's metadata"),
        ],
        ids=["behind", "not listed", "never caught up", "a controller"],
    )
    def test_one_whose_metadata_is_old_is_a_finding(self, observers, voters, finding):
        model = self.build(*observers, voters=voters)
        assert [each.startswith(finding) for each in model["findings"]] == [True], model["findings"]
        assert model["findings"][0].endswith("See docs/runbooks/metadata_behind.md.")
        assert report_cluster.summary(model).count("metadata is old") == 1
        assert "metadata is old</span>" in report_page.cluster_page(model)

    @pytest.mark.parametrize(
        ("observers", "voters", "more"),
        [
            ([1, 2, member(3, 9_000)], [101, 102], {}),
            ([member(1, -1), member(2, -1), 3], [member(101, -1), 102], {}),
            ([member(3, 60_000), 3, 2, 1], [101, 102], {}),
        ],
        ids=["within the limit", "the leader says no time", "another disk of the same broker"],
    )
    def test_what_is_no_finding(self, observers, voters, more):
        assert self.build(*observers, voters=voters, **more)["findings"] == []

    def test_what_does_not_run_has_a_finding_of_its_own(self):
        down = [host(102, name="c102", roles=["controller"], unit_state="failed")]
        model = self.build(1, 2, voters=(101, member(102, -1)), hosts=HOSTS + self.CONTROLLERS[:1] + down, fenced=[3])
        assert [each[:12] for each in model["findings"]] == ["Broker 3 (br", "The service "]


class TestSummary:
    def test_the_table(self):
        table = report_cluster.summary(
            report_cluster.build(snapshot(), [host(1, restart_needed=True), *HOSTS[1:]], name="demo", proof=PROOF)
        )
        lines = table.splitlines()
        assert lines[0] == "Kafka cluster demo (3.9.2, ZooKeeper)"
        assert lines[2].split() == ["NODE", "ID", "ROLE", "VERSION", "DISKS", "LEADS", "REPLICAS", "STATE"]
        assert lines[3] == "az-1"
        assert lines[4].split() == [
            "broker-1",
            "1",
            "broker",
            "3.9.2",
            "1",
            "x",
            "500",
            "GB",
            "1",
            "1",
            "restart",
            "pending",
        ]
        assert "1 partition in 1 topic: all have a leader and all their replicas in sync." in table
        assert "Restart pending on broker-1: run rackaware.kafka.rolling_restart." in table
        assert table.endswith(PROOF["sentence"] + "\n")

    def test_it_is_never_wider_than_100_columns(self):
        long = [
            host(
                number,
                name="a-very-long-name-of-a-broker-in-some-cluster-%d" % number,
                rack="a-rack" * 30,
                unit_state="activating" * 9,
            )
            for number in (1, 2, 3)
        ]
        table = report_cluster.summary(
            report_cluster.build(snapshot(*[part(n, isr=[1]) for n in range(9)]), long, name="n" * 200)
        )
        assert max(map(len, table.splitlines())) <= 100
        assert "…" in table

    def test_findings_stand_out(self):
        assert "! Broker 3 (broker-3) is fenced, and serves no client." in report_cluster.summary(
            report_cluster.build(snapshot(fenced=[3]), HOSTS)
        )

    def test_a_node_that_says_nothing_is_shown_with_dashes(self):
        bare = {"name": "b", "id": 1, "roles": ["broker"], "rack": "az-1"}
        row = next(
            line
            for line in report_cluster.summary(report_cluster.build(snapshot(brokers=[1]), [bare])).splitlines()
            if line.startswith("  b ")
        )
        assert row.split()[3:5] == ["-", "-"]

    def test_wrong_data_is_one_sentence(self):
        with pytest.raises(report_cluster.ModelError, match="The summary cannot be made"):
            report_cluster.summary({"name": "x"})


@pytest.mark.parametrize(
    ("gigabytes", "text"), [(0.5, "512 MB"), (3.5, "3.5 GB"), (500, "500 GB"), (2048, "2 TB"), (16384, "16 TB")]
)
def test_sizes_are_short(gigabytes, text):
    assert report_cluster.size(gigabytes) == text


class Checker(HTMLParser):
    VOID = {"meta", "br"}

    def __init__(self):
        super().__init__()
        self.stack, self.loads = [], []

    def handle_starttag(self, tag, attrs):
        self.loads += [(tag, name) for name, _ in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


class TestReportPage:
    def page(self, cluster=None, hosts=HOSTS, **more):
        return report_page.cluster_page(report_cluster.build(cluster or snapshot(), hosts, name="demo", **more))

    def test_it_is_well_formed_and_loads_nothing(self):
        page = self.page(proof=PROOF)
        checker = Checker()
        checker.feed(page)
        assert checker.stack == [] and checker.loads == []
        assert not re.search(r"https?:|url\(|@import|<script|<link", page)

    def test_it_is_dark_where_the_reader_is(self):
        assert "prefers-color-scheme: dark" in self.page()

    def test_every_text_from_outside_is_escaped(self):
        evil = "<script>alert('x')</script>"
        hosts = [
            host(
                number,
                name=evil,
                rack=evil,
                version=evil,
                unit_state=evil,
                restart_needed=True,
                disks=[{"mount": evil, "encryption": evil}],
            )
            for number in (1, 2, 3)
        ]
        cluster = dict(snapshot(part(isr=[1])), cluster_id=evil)
        cluster["partitions"][0]["topic"] = evil
        page = report_page.cluster_page(report_cluster.build(cluster, hosts, name=evil, proof={"sentence": evil}))
        assert "<script" not in page and "&lt;script&gt;" in page

    def test_a_rack_is_a_section_and_a_node_an_article(self):
        page = self.page()
        assert page.count('<section class="rack">') == 3
        assert page.count('<article class="node">') == 3

    def test_health_is_said_first(self):
        assert "<b>Healthy.</b> 1 partition in 1 topic" in self.page()
        assert "needs attention" in self.page(snapshot(part(isr=[1])))

    def test_a_node_in_trouble_and_one_that_waits_look_different(self):
        page = self.page(snapshot(fenced=[3]), [HOSTS[0], host(2, restart_needed=True), HOSTS[2]])
        assert page.count('<article class="node warn">') == 1 and page.count('<article class="node bad">') == 1
        assert "broker-2 waits for a rolling restart" in page

    def test_disks_are_bars_and_full_ones_stand_out(self):
        disks = [
            {"mount": "/a", "size_gb": 500, "used_percent": 20, "encryption": "luks"},
            {"mount": "/b", "size_gb": 500, "used_percent": 95, "encryption": True},
            {"mount": "/c"},
        ]
        page = self.page(hosts=[host(1, disks=disks), *HOSTS[1:]])
        assert (
            '<div class="bar"><i style="width:20.0%">' in page
            and '<div class="bar bad"><i style="width:95.0%">' in page
        )
        assert ">luks<" in page and ">encrypted<" in page and "20 % of 500 GB" in page

    def test_the_check_is_there_only_when_there_was_one(self):
        assert "<b>Verified.</b> A record was read back." in self.page(proof=PROOF)
        assert "Proven" not in self.page()

    def test_the_page_and_the_summary_say_when_the_cluster_was_seen(self):
        model = report_cluster.build(dict(snapshot(), checked_at="2026-11-30T08:45:12Z"), HOSTS)
        assert "checked 2026-11-30 08:45 UTC" in report_page.cluster_page(model)
        assert report_cluster.summary(model).splitlines()[1] == "Checked 2026-11-30 08:45 UTC"
        assert "hecked" not in self.page() + report_cluster.summary(report_cluster.build(snapshot(), HOSTS))

    def test_wrong_data_is_one_sentence(self):
        with pytest.raises(report_cluster.ModelError, match="The page cannot be made"):
            report_page.cluster_page({"name": "x"})


class TestSecurity:
    @pytest.mark.parametrize(
        ("days", "state", "finding"),
        [
            (None, "ok", None),
            (400, "ok", None),
            (30, "ok", None),
            (29, "certificate ends in 29 days", "The certificate of broker-1 ends in 29 days."),
            (1, "certificate ends in 1 day", "The certificate of broker-1 ends in 1 day."),
            (-1, "certificate expired", "The certificate of broker-1 has expired."),
        ],
    )
    def test_a_certificate_that_ends_soon_is_named(self, days, state, finding):
        model = report_cluster.build(snapshot(), [host(1, certificate_days=days), *HOSTS[1:]], security="tls")
        assert report_cluster.states(nodes(model)["broker-1"]) == [state]
        expected = [finding + " See docs/runbooks/certificates.md."] if finding else []
        assert model["findings"] == expected
        assert (state if days is not None and days < 30 else "ok") in report_cluster.summary(model)

    def test_an_insecure_cluster_says_so_everywhere(self):
        model = report_cluster.build(snapshot(), HOSTS, security="none")
        assert "! Insecure: every client" in report_cluster.summary(model)
        assert "<b>Insecure.</b>" in report_page.cluster_page(model)
        secured = report_cluster.build(snapshot(), [host(1, certificate_days=364), *HOSTS[1:]], security="tls")
        page = report_page.cluster_page(secured)
        assert "Insecure" not in page and "TLS, authentication, ACLs" in page and "364 days" in page
        assert "\nTLS, authentication and ACLs on every listener.\n" in report_cluster.summary(secured)


@pytest.mark.parametrize(
    ("declared", "runs", "shown"),
    [
        ("tls", ["tls", None, "tls"], "tls"),
        ("tls", ["tls", "moved", "tls"], "moved"),
        ("moved", ["opened", "moved", None], "opened"),
        ("none", ["none", None, "none"], "none"),
        ("", ["none", "none", "none"], ""),
    ],
)
def test_a_cluster_is_as_secure_as_its_least_secure_node(declared, runs, shown):
    hosts = [{**each, "security": step} for each, step in zip(HOSTS, runs)]
    model = report_cluster.build(snapshot(), hosts, security=declared)
    assert model["security"] == shown
    insecure = shown not in ("tls", "")
    assert ("! Insecure" in report_cluster.summary(model)) is insecure
    assert ("<b>Insecure.</b>" in report_page.cluster_page(model)) is insecure
