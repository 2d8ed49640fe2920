"""Cases on a real cluster of the lab: molecule/<scenario>/molecule.yml lists the files that run on it, in that order.

The first failure ends a scenario, because each case finds the cluster as the one before left it.
"""

from __future__ import annotations

import concurrent.futures
import os
from pathlib import Path

import pytest
import yaml

pytest.register_assert_rewrite("cluster", "encrypted_broker", "hosts", "intruder", "ports")


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


@pytest.fixture(scope="module")
def broker(cluster):
    """The address of one."""
    return next(iter(cluster.brokers.values()))


@pytest.fixture(scope="module")
def trust(cluster):
    """The file of the CA of a secured cluster."""
    import client_file

    return Path(client_file.client_options(cluster.client_file)["ssl_cafile"])


@pytest.fixture(scope="module")
def signer(cluster, trust, tmp_path_factory):
    """What the CA of a secured cluster would sign, if it were misused."""
    from intruder import Signer

    return Signer(cluster.name, trust, tmp_path_factory.mktemp("signer"))
