"""Identity: read, decided, written once, and never guessed again."""

from __future__ import annotations

import uuid

import pytest

from ansible_collections.rackaware.kafka.plugins.module_utils._host import storage
from ansible_collections.rackaware.kafka.plugins.module_utils._host.storage import (
    ABSENT,
    EMPTY,
    FOREIGN,
    FORMATTED,
    Directory,
    StorageError,
)

CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
OTHER = "c3pBEHUKSRSvxzST7SNC_Q"
CONTROLLERS = [{"id": number, "host": "h%d" % number, "port": 9093} for number in (1, 2, 3)]
META = (
    "#\n#Tue Nov 24 04:51:43 UTC 2026\nnode.id=1\ndirectory.id=gYb04gdet6Bk88J868hVJA\nversion=1\ncluster.id=%s\n"
    % CLUSTER
)
OURS = Directory("/d0", FORMATTED, CLUSTER, 1, "x", 1)


def plan(*directories, **changed):
    given = dict(
        cluster_id=CLUSTER,
        node_id=1,
        initial_controllers=CONTROLLERS,
        metadata_log_dir="/d0",
        is_controller=True,
        quorum_exists=False,
    )
    return storage.plan(directories, **{**given, **changed})


class TestRead:
    def test_kraft(self, tmp_path):
        (tmp_path / "meta.properties").write_text(META)
        assert storage.read(str(tmp_path)) == Directory(
            str(tmp_path), FORMATTED, CLUSTER, 1, "gYb04gdet6Bk88J868hVJA", 1
        )

    def test_a_node_that_has_run(self, tmp_path):
        (tmp_path / "meta.properties").write_text(META)
        (tmp_path / "__cluster_metadata-0").mkdir()
        (tmp_path / "__cluster_metadata-0" / "quorum-state").write_text("{}")
        assert storage.read(str(tmp_path)).started

    def test_zookeeper_mode(self, tmp_path):
        (tmp_path / "meta.properties").write_text("broker.id=7\nversion=0\ncluster.id=%s\n" % OTHER)
        seen = storage.read(str(tmp_path))
        assert (seen.node_id, seen.version, seen.cluster_id) == (7, 0, OTHER)

    @pytest.mark.parametrize(
        ("content", "state"), [([], EMPTY), (["lost+found"], EMPTY), (["orders-0"], FOREIGN), ([".hidden"], FOREIGN)]
    )
    def test_without_meta_properties(self, tmp_path, content, state):
        for name in content:
            (tmp_path / name).mkdir()
        assert storage.read(str(tmp_path)).state == state

    def test_absent(self, tmp_path):
        assert storage.read(str(tmp_path / "no")).state == ABSENT

    def test_unreadable_is_not_empty(self, tmp_path):
        path = tmp_path / "file"
        path.write_text("")
        with pytest.raises(StorageError, match="cannot be read: Not a directory"):
            storage.read(str(path))


class TestIds:
    def test_directory_ids_are_the_same_everywhere_and_differ_by_node_and_cluster(self):
        assert storage.directory_id(CLUSTER, 1) == storage.directory_id(CLUSTER, 1)
        made = {storage.directory_id(cluster, node) for cluster in (CLUSTER, OTHER) for node in range(200)}
        assert len(made) == 400
        assert all(len(each) == 22 and not each.startswith("-") for each in made)

    def test_a_new_cluster_id_never_begins_with_a_hyphen(self):
        ids = iter([uuid.UUID(int=0xF8 << 120), uuid.UUID(int=5)])
        assert storage.new_cluster_id(lambda: next(ids)) == "AAAAAAAAAAAAAAAAAAAABQ"
        storage.check_cluster_id(storage.new_cluster_id())

    @pytest.mark.parametrize("wrong", ["", "demo", "x" * 22 + "yz", "!" * 22])
    def test_what_kraft_does_not_take_is_refused(self, wrong):
        with pytest.raises(StorageError, match="is no cluster id for KRaft"):
            storage.check_cluster_id(wrong)


class TestPlan:
    def test_a_new_controller_begins_with_all_voters(self):
        todo = plan(Directory("/d0", EMPTY), Directory("/d1", ABSENT))
        assert (todo.paths, todo.ignore_formatted) == (("/d0", "/d1"), False)
        voters = todo.quorum[1].split(",")
        assert todo.quorum[0] == "--initial-controllers"
        assert voters[0] == "1@h1:9093:%s" % storage.directory_id(CLUSTER, 1)
        assert len(voters) == 3

    def test_every_node_writes_down_the_same_voters(self):
        assert plan(Directory("/d0", EMPTY), node_id=1).quorum == plan(Directory("/d0", EMPTY), node_id=3).quorum

    def test_a_broker_names_no_voters(self):
        assert plan(Directory("/d0", EMPTY), is_controller=False, node_id=9).quorum == ()

    def test_nothing_to_do_for_what_is_formatted(self):
        assert plan(OURS).paths == ()

    def test_an_added_data_directory_is_formatted_alone(self):
        todo = plan(OURS, Directory("/d1", EMPTY))
        assert (todo.paths, todo.ignore_formatted) == (("/d1",), True)

    @pytest.mark.parametrize(
        ("directories", "changed"),
        [
            ([Directory("/d0", EMPTY)], {"quorum_exists": True}),
            ([Directory("/d0", EMPTY)], {"node_id": 4}),
            ([Directory("/d0", EMPTY), Directory("/d1", FORMATTED, CLUSTER, 1, "x", 1)], {}),
        ],
        ids=["the quorum has voted", "not one of the first", "its metadata is gone"],
    )
    def test_a_controller_that_cannot_know_what_it_voted_begins_as_an_observer(self, directories, changed):
        assert plan(*directories, **changed).quorum == ("--no-initial-controllers",)

    @pytest.mark.parametrize(
        ("directory", "sentence"),
        [
            (Directory("/d0", FOREIGN), "/d0 holds files, but no meta.properties.*never formatted"),
            (
                Directory("/d0", FORMATTED, OTHER, 1, "x", 1),
                "/d0 belongs to cluster %s, but this node shall join %s" % (OTHER, CLUSTER),
            ),
            (Directory("/d0", FORMATTED, CLUSTER, 2, "x", 1), "/d0 belongs to node 2, but this is node 1"),
            (Directory("/d0", FORMATTED, CLUSTER, 1, None, 0), "version 0, but KRaft needs version 1"),
        ],
        ids=["foreign", "another cluster", "another node", "from ZooKeeper mode"],
    )
    def test_what_is_not_ours_is_refused_even_beside_an_empty_one(self, directory, sentence):
        with pytest.raises(StorageError, match=sentence):
            plan(Directory("/d1", EMPTY), directory)


def test_the_command_runs_as_the_owner():
    todo = plan(OURS, Directory("/d1", EMPTY), is_controller=False)
    argv = storage.command(todo, java="java", libs="/libs", cluster_id=CLUSTER, properties="/p", user="kafka")
    assert argv[:4] == ["runuser", "-u", "kafka", "--"]
    assert argv[4:8] == ["java", "-Xmx128m", "-cp", "/libs/*"]
    assert argv[-1] == "--ignore-formatted"
    assert storage.command(todo, java="java", libs="/l", cluster_id=CLUSTER, properties="/p", user=None)[0] == "java"


class TestVerify:
    DONE_WHEN = storage.Plan(("/d0",))

    def test_success(self):
        storage.verify([OURS], self.DONE_WHEN, cluster_id=CLUSTER, node_id=1, code=0, output="")

    def test_a_failure_carries_what_the_tool_said_without_the_noise(self):
        with pytest.raises(StorageError, match="Formatting /d0 failed with code 1: log.dirs is wrong; nothing"):
            storage.verify(
                [],
                self.DONE_WHEN,
                cluster_id=CLUSTER,
                node_id=1,
                code=1,
                output="SLF4J: Failed to load\nlog.dirs is wrong\n",
            )

    def test_success_that_did_nothing_is_a_failure(self):
        with pytest.raises(StorageError, match="/d0 is still not formatted"):
            storage.verify([Directory("/d0", EMPTY)], self.DONE_WHEN, cluster_id=CLUSTER, node_id=1, code=0, output="")


def node(host, *directories):
    return {"host": host, "directories": [directory.as_dict() for directory in directories]}


class TestIdentity:
    def test_one_id_is_used_by_all(self):
        assert storage.identity([node("a", OURS), node("b", Directory("/d0", EMPTY))]) == CLUSTER

    def test_none_is_none(self):
        assert storage.identity([node("a", Directory("/d0", EMPTY))]) is None

    def test_two_are_refused_with_their_places(self):
        with pytest.raises(
            StorageError, match="disks of 2 clusters: %s has /d0 on a; %s has /d1 on b" % (CLUSTER, OTHER)
        ):
            storage.identity([node("a", OURS), node("b", Directory("/d1", FORMATTED, OTHER, 2, "x", 1))])

    def test_a_quorum_exists_once_a_node_has_run(self):
        assert not storage.quorum_exists([node("a", OURS)])
        assert storage.quorum_exists(
            [node("a", OURS), node("b", Directory("/d0", FORMATTED, CLUSTER, 2, "x", 1, True))]
        )
