"""Positive controls: the ledger sees it when brokers are stopped without asking, as by a roll with a fault."""

from __future__ import annotations

from hosts import until

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import events


def restart(cluster, names):
    """Restart these brokers at once, and write down what a roll writes down."""

    def note(event):
        happened = [{"event": event, "broker": cluster.ids[name]} for name in names]
        events.append(str(cluster.happened), events.stamped(happened))

    note("stopping")
    cluster.each(names, "systemctl stop kafka")
    note("stopped")
    cluster.each(names, "systemctl start kafka")
    note("started")
    cluster.heal()
    note("back")


def test_a_roll_that_trusts_racks_is_seen_at_the_partition_with_two_replicas_in_one(cluster):
    first, second, _third = cluster.by_rack.values()
    with cluster.ledger("trusting") as report:
        cluster.create_topic("blind", {0: [cluster.ids[name] for name in (*first[:2], second[0])]})
        isr = cluster.scratch / "ledger-trusting" / "isr.jsonl"
        # Once when it appears, and once when its minimum is known.
        until(lambda: isr.read_text().count('"blind"') > 1, "the ledger to see the new topic", 30)
        restart(cluster, first)
    cluster.delete_topic("blind")
    assert not report["ok"]
    assert {found["topic"] for found in report["isr"]["violations"] if found["self_inflicted"]} == {"blind"}


def test_a_roll_that_forgets_which_brokers_are_stopped_is_seen(cluster):
    first, second, _third = cluster.by_rack.values()
    with cluster.ledger("forgetting") as report:
        restart(cluster, first + second)
    assert not report["ok"]
    assert report["isr"]["self_inflicted"] > 10, report["isr"]["violations"]
