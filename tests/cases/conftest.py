"""Cases on a real cluster of the lab: molecule/<scenario>/molecule.yml lists the files that run on it, in that order.

The first failure ends a scenario, because each case finds the cluster as the one before left it.
"""

from __future__ import annotations

import concurrent.futures
import os
from pathlib import Path

import pytest
import yaml

pytest.register_assert_rewrite("cluster", "encrypted_broker", "hosts", "ports")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """In the order of the scenario; molecule gives the files in that of the alphabet."""
    scenario = os.environ.get("MOLECULE_SCENARIO_DIRECTORY")
    if scenario:
        verifier = yaml.safe_load(Path(scenario, "molecule.yml").read_text())["verifier"]
        listed = [Path(name).name for name in verifier["additional_files_or_dirs"]]
        items.sort(key=lambda item: listed.index(item.path.name))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    from cluster import Cluster

    return Cluster(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def pool():
    """Two runs at a time, of those that change nothing."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield pool
        pool.shutdown(cancel_futures=True)
