"""An unexpected error in work with keys: its type is shown, and neither its text nor its traceback."""

from __future__ import annotations

import traceback

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError, unforeseen


def test_only_its_kind_gets_out():
    with pytest.raises(RackawareError) as raised, unforeseen("The key could not be read"):
        raise ValueError("canary")
    assert str(raised.value) == "The key could not be read: ValueError."
    shown = traceback.format_exception(type(raised.value), raised.value, None)
    assert "canary" not in "".join(shown)


def test_an_error_with_a_sentence_of_its_own_keeps_it():
    with pytest.raises(RackawareError, match="^Attach the disk.$"), unforeseen("The key could not be read"):
        raise RackawareError("Attach the disk.")
