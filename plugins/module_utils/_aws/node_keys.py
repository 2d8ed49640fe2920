# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""All wrapped keys of nodes whose hosts are gone.

They are found by their names in the bucket: only the bucket shows how many stores such a host had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

from .._errors import RackawareError
from . import data_key, policies
from .client import asking

# What DeleteObjects takes at once (S3 API, DeleteObjects).
BATCH = 1000


class NodeKeysError(RackawareError):
    """The keys of these nodes cannot be destroyed, or are not all gone."""


@dataclass(frozen=True)
class Version:
    """One version or delete marker of an object."""

    object_key: str
    version_id: str
    marker: bool


@dataclass(frozen=True)
class NodeKeys:
    """What is below a node's prefix: its wrapped keys, and objects that are none and are left alone."""

    node: int
    versions: tuple[Version, ...]
    others: tuple[str, ...]

    def wrapped(self) -> list[dict[str, Any]]:
        """{node, object_key, versions, markers} of each wrapped key."""
        out: dict[str, dict[str, Any]] = {}
        for version in self.versions:
            count = out.setdefault(
                version.object_key, {"node": self.node, "object_key": version.object_key, "versions": 0, "markers": 0}
            )
            count["markers" if version.marker else "versions"] += 1
        return list(out.values())


def confirmation(cluster: str, nodes: Sequence[int]) -> str:
    """The text that confirms the destruction."""
    return "erase-%s-%s" % (cluster, ",".join(str(node) for node in nodes))


def check(cluster: str, nodes: Sequence[int], present: Sequence[int]) -> list[int]:
    """The nodes in order, once each.

    present are the nodes of the inventory. Raises NodeKeysError for a list that is refused.
    """
    if not policies.CLUSTER.fullmatch(cluster):
        raise NodeKeysError(
            "%s is no name of a cluster; give the first part of the names of its wrapped keys."
            % (cluster or "The empty text")
        )
    if not nodes or min(nodes) < 0:
        raise NodeKeysError(
            'No node is named, or one that is none; add -e followed by {"kafka_selected_nodes": [7]} in quotes.'
        )
    here = sorted(set(nodes) & set(present))
    if here:
        names = ", ".join(map(str, here))
        raise NodeKeysError(
            "Node %s is in the inventory, so that its keys are not destroyed from here: use erase_stores, which asks"
            " the other brokers, stops it, and erases the headers, too; or take it out of the inventory, if its host"
            " is gone." % names
            if len(here) == 1
            else "The nodes %s are in the inventory, so that their keys are not destroyed from here:"
            " use erase_stores, which asks the other brokers, stops them, and erases the headers, too; or take them out"
            " of the inventory, if their hosts are gone." % names
        )
    return sorted(set(nodes))


def check_confirmation(cluster: str, nodes: Sequence[int], all_keys: Sequence[NodeKeys], confirm: str | None) -> None:
    """Raise NodeKeysError without the confirmation; where there is nothing to destroy, none is needed."""
    keys = [key for node_keys in all_keys for key in node_keys.wrapped()]
    if keys and confirm != confirmation(cluster, nodes):
        raise NodeKeysError(
            "%d wrapped key%s of the cluster %s, node%s %s, would be destroyed for ever, with all versions: whatever"
            " is on the stores of these nodes can never be read again; to confirm, add -e kafka_confirm=%s."
            % (
                *(
                    len(keys),
                    "" if len(keys) == 1 else "s",
                    cluster,
                    "" if len(nodes) == 1 else "s",
                    ", ".join(map(str, nodes)),
                ),
                confirmation(cluster, nodes),
            )
        )


class Bucket:
    """The questions to S3, one method a question; each raises AwsError or NodeKeysError."""

    def __init__(self, s3: Any, bucket: str, owner: str) -> None:
        self._s3, self.bucket, self._owner = s3, bucket, owner

    def find(self, cluster: str, node: int) -> NodeKeys:
        """All versions and delete markers of a node's wrapped keys.

        The prefix ends with a slash: node 7 is not node 70.
        """
        prefix = "%s/%d/" % (cluster, node)
        versions, others = [], set()
        with asking("list the wrapped keys below s3://%s/%s" % (self.bucket, prefix)):
            pages = self._s3.get_paginator("list_object_versions").paginate(
                Bucket=self.bucket, Prefix=prefix, ExpectedBucketOwner=self._owner
            )
            for page in pages:
                for kind in ("Versions", "DeleteMarkers"):
                    for entry in page.get(kind, []):
                        name = entry["Key"][len(prefix) :]
                        # Nothing is deleted outside an owned name.
                        if "/" not in name and name.startswith(data_key.NAME):
                            versions.append(Version(entry["Key"], entry["VersionId"], kind == "DeleteMarkers"))
                        else:
                            others.add(entry["Key"])
        return NodeKeys(node, tuple(versions), tuple(sorted(others)))

    def destroy(self, versions: Sequence[Version]) -> None:
        """Delete these versions and markers for ever, many at once."""
        for batch in _batches(versions):
            objects = [{"Key": version.object_key, "VersionId": version.version_id} for version in batch]
            with asking("destroy %d versions of wrapped keys in s3://%s" % (len(batch), self.bucket)):
                answer = self._s3.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True}, ExpectedBucketOwner=self._owner
                )
            for error in answer.get("Errors", [])[:1]:
                raise NodeKeysError(
                    "%d of %d versions were not destroyed, the first of them version %s of %s: AWS says %s; allow"
                    " s3:DeleteObjectVersion, look at the bucket's Object Lock, and run this again."
                    % (len(answer["Errors"]), len(batch), error.get("VersionId"), error.get("Key"), error.get("Code"))
                )


def _batches(versions: Sequence[Version]) -> Iterator[Sequence[Version]]:
    for start in range(0, len(versions), BATCH):
        yield versions[start : start + BATCH]


def left(all_keys: Sequence[NodeKeys]) -> None:
    """Raise NodeKeysError if anything is left of what was destroyed."""
    keys = [key["object_key"] for node_keys in all_keys for key in node_keys.wrapped()]
    if keys:
        raise NodeKeysError(
            "%s is still there after all its versions were destroyed: another run makes it again at this moment, as"
            " site does for a host of the inventory; stop that run, and run this again." % keys[0]
        )


def lines(all_keys: Sequence[NodeKeys], *, gone: bool) -> list[str]:
    """For people: what was destroyed, or would be, and what is left alone."""
    out = []
    for node_keys in all_keys:
        for key in node_keys.wrapped():
            what = "%d version%s and %d delete marker%s" % (
                *(key["versions"], "" if key["versions"] == 1 else "s"),
                *(key["markers"], "" if key["markers"] == 1 else "s"),
            )
            out.append(
                "%s: %s %s"
                % (key["object_key"], what, "destroyed, and nothing is left" if gone else "would be destroyed")
            )
        if not node_keys.versions:
            out.append("Node %d: no wrapped key" % node_keys.node)
        out += ["%s: no wrapped key, left alone" % name for name in node_keys.others]
    return out
