"""What the tests of whole playbooks share."""

from __future__ import annotations

import pytest
from stand_ins import Project, overlay


@pytest.fixture(scope="module")
def collections(files, tmp_path_factory):
    """The collection with the files of the test's module, whose fixture `files` gives them as {path in the collection: text}."""
    return overlay(tmp_path_factory.mktemp("collections"), files)


@pytest.fixture
def project(collections, tmp_path):
    """A directory with an inventory, in which playbooks run."""
    return Project(collections, tmp_path)
