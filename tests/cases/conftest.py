"""Cases on a real cluster of the lab: molecule/<scenario>/molecule.yml lists the files that run on it, in that order.

The first failure ends a scenario, because each case finds the cluster as the one before left it.
"""

from __future__ import annotations

import concurrent.futures

import pytest

pytest.register_assert_rewrite("cluster", "encrypted_broker", "hosts")


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
