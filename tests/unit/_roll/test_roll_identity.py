"""Whose host answers for an id, as tables."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._roll import identity
from ansible_collections.rackaware.kafka.plugins.module_utils._roll.snapshot import RollError

NAMES = {
    "a.example": {"10.0.0.1"},
    "b.example": {"10.0.0.2"},
    "c.example": {"10.0.0.3"},
    "both.example": {"10.0.0.1", "192.0.2.1"},
}
HOSTS = {1: "10.0.0.1", 2: "10.0.0.2", 3: "10.0.0.3"}
PUBLIC = {1: "192.0.2.1", 2: "192.0.2.2", 3: "192.0.2.3"}


def resolve(host):
    """An unknown name has no address, an address is its own."""
    return frozenset(NAMES.get(host, {host} if host[0].isdigit() else ()))


def ask(advertised, addresses=HOSTS, ids=(1, 2, 3), fenced=()):
    brokers = [{"id": id_, "host": host, "fenced": id_ in fenced} for id_, host in advertised.items()]
    return identity.mistaken(brokers, addresses, ids, resolve)


@pytest.mark.parametrize(
    ("advertised", "addresses"),
    [
        (HOSTS, HOSTS),
        ({1: "A.example.", 2: "b.example"}, {1: "a.example", 2: "B.example"}),
        ({1: "a.example", 2: "b.example"}, HOSTS),
        ({1: "both.example", 2: "10.0.0.2"}, HOSTS),
        ({1: "nowhere.example", 2: "10.0.0.2"}, HOSTS),
        ({1: "10.0.0.9", 2: "10.0.0.2"}, {**HOSTS, 1: "nowhere.example"}),
        (HOSTS, PUBLIC),
        ({2: "10.0.0.2"}, HOSTS),
        (HOSTS, {}),
        ({1: "10.0.0.1", 2: None}, HOSTS),
    ],
    ids=[
        "the same",
        "names",
        "a name and its address",
        "one of several addresses",
        "a name that is not resolved",
        "a host that is not resolved",
        "another network",
        "not there",
        "no address is given",
        "no endpoint",
    ],
)
def test_nothing_is_held_against_a_broker_where_it_cannot_be_told(advertised, addresses):
    assert ask(advertised, addresses) == {}


def test_two_hosts_that_have_each_others_id():
    found = ask({1: "10.0.0.2", 2: "a.example", 3: "10.0.0.3"})
    assert sorted(found) == [1, 2]
    assert (
        found[1]
        == "Broker 1 is answered for by host 10.0.0.2, which the inventory has for node 2, not by 10.0.0.1: kafka_node_id is swapped; correct it."
    )
    assert "by host a.example, which the inventory has for node 1" in found[2]
    # Also where no other broker can be compared.
    assert sorted(ask({1: "10.0.0.2", 2: "10.0.0.1"})) == [1, 2]


def test_a_process_of_a_stranger():
    found = ask({1: "10.0.0.9", 2: "10.0.0.2"})
    said = "Broker 1 is answered for by host 10.0.0.9, not by 10.0.0.1: kafka_node_id is wrong, or another process has the id;"
    assert sorted(found) == [1] and found[1] == said + " correct it, or stop that process."
    assert (
        ask({1: "10.0.0.9", 2: "10.0.0.2"}, ids=(2,)) == {} and ask({1: "10.0.0.9", 2: "10.0.0.2"}, fenced=(1,)) == {}
    )


def test_the_option_comes_with_texts_for_keys():
    assert identity.read({"1": "a", 2: "b", "3": None}) == {1: "a", 2: "b"} and identity.read(None) == {}
    with pytest.raises(RollError, match="addresses has the keys one, but must give an address for each id"):
        identity.read({"one": "a"})


def test_names_are_resolved_and_one_that_is_none_is_no_fault():
    assert "127.0.0.1" in identity.resolve("127.0.0.1") and identity.resolve(
        "nobody.invalid"
    ) == frozenset() == identity.resolve("a" * 70 + ".b")
