"""The end of finalize_upgrade under Ansible itself: what becomes of the lock when the host that is asked is lost."""

from __future__ import annotations

import pytest
import yaml
from stand_ins import ROOT, groups, hosts, one_line, plugins


@pytest.fixture(scope="module")
def files():
    plays = yaml.safe_load((ROOT / "playbooks/finalize_upgrade.yml").read_text())
    names = [play["name"] for play in plays]
    plays = plays[names.index("Take the lock of the cluster") : names.index("Release the lock of the cluster") + 1]
    facts = {"upgrade_finalization": {"features": {"metadata.version": 25}}}
    keep = {"name": "Keep", "hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.set_fact": facts}]}
    return {
        **plugins("operation", ("kafka_service_info", "kafka_roll_lock", "kafka_features")),
        "playbooks/raise.yml": yaml.safe_dump([keep, *plays], sort_keys=False),
    }


def test_a_host_that_is_lost_while_features_are_raised_keeps_no_lock(project, collections):
    code, said = project.run(
        collections / "ansible_collections/rackaware/kafka/playbooks/raise.yml",
        inventory=groups(brokers=hosts(("b1", "b2", "b3"), kafka_cluster="demo")),
        case={"unreachable": ["kafka_features on localhost"]},
    )
    assert code != 0 and "b1, from which the cluster is asked, cannot be reached; bring it back" in one_line(said)
    assert project.called()[-1] == "kafka_roll_lock released on localhost"
