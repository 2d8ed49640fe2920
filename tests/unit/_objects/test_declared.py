"""The fence of a purge, and what a module says that it did."""

from __future__ import annotations

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._objects.declared import (
    Edit,
    ObjectsError,
    outcome,
    owned,
    protected,
)


@pytest.mark.parametrize("prefix", ["", " ", "*", "__consumer"])
def test_a_prefix_that_would_own_what_belongs_to_others_is_refused(prefix):
    with pytest.raises(ObjectsError, match="would own what belongs to others"):
        owned(["orders-", prefix], purge=True)


def test_a_purge_needs_a_prefix():
    with pytest.raises(ObjectsError, match="purge has no fence, because owned_prefixes is empty"):
        owned([], purge=True)
    assert owned(["orders-"], purge=True) == ("orders-",)
    assert owned(["orders-"], purge=False) == ()


EDITS = [Edit(None, "new"), Edit("gone", None), Edit("old", "other")]


def test_every_edit_is_a_line_and_a_part_of_the_difference():
    assert outcome(EDITS, "now") == {
        "changed": True,
        "changes": ["remove: gone", "create: new", "change: old -> other"],
        "removals": [],
        "diff": {"before": "gone\nold\n", "after": "new\nother\n"},
    }


def test_removals_can_come_later():
    said = outcome(EDITS[1:2], "later")
    assert (said["changed"], said["changes"], said["removals"], said["diff"]["before"]) == (
        False,
        [],
        ["remove: gone"],
        "",
    )


def test_the_user_of_the_connection_is_an_operator():
    assert protected({"sasl_username": "root", "protected_principals": ["User:a"]}) == {"User:a", "User:root"}
    assert protected({"sasl_username": None, "protected_principals": []}) == set()


@pytest.mark.parametrize("principal", ["operator", "User:", ":operator", "User:operator ", " User:operator", ""])
def test_a_name_that_would_protect_none_is_refused(principal):
    with pytest.raises(ObjectsError, match="is no principal"):
        protected({"sasl_username": None, "protected_principals": ["User:a", principal]})
