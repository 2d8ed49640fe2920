"""Makes the machines and disks what the API says they are."""

from __future__ import annotations

import concurrent.futures
import json
import threading
from typing import Any, Callable, Iterable

from . import disks, images, machines, network
from .settings import ACCOUNT, IMAGES, INSTANCES, LABEL, REGION, REPORT, VOLUMES
from .shell import LabError, podman

GONE = ("terminated", "shutting-down")


class World:
    """Follows moto's EC2 backend: every running instance is a host, every volume a file."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.lock = threading.RLock()
        self.known: dict[str, machines.Wanted] = {}
        self.problems: dict[str, str] = {}

    def backend(self) -> Any:
        """moto's EC2 of the lab's account and Region."""
        from moto.ec2.models import ec2_backends

        return ec2_backends[ACCOUNT][REGION]

    def instances(self) -> list[Any]:
        """All instances that the API knows."""
        return [instance for reservation in self.backend().reservations.values() for instance in reservation.instances]

    def by_address(self, address: str) -> Any | None:
        """The running instance with this private address."""
        running = (instance for instance in self.instances() if instance.state == "running")
        return next((instance for instance in running if instance.private_ip == address), None)

    def holder(self, volume: str) -> str:
        """The id of the instance that has this volume."""
        attachment = getattr(self.backend().volumes.get(volume), "attachment", None)
        return attachment.instance.id if attachment else "i-none"

    def sync(self) -> None:
        """Bring every machine and disk to the state that the API describes; problems are kept for the report."""
        with self.lock:
            instances = self.instances()
            self._volumes()
            alive = [instance for instance in instances if instance.state not in GONE]
            for name in set(self.known) - {instance.id for instance in alive}:
                self._forget(name)
            self._all(self._settle, alive)
            self._volumes_gone()
            self.report()

    def _all(self, work: Callable[[Any], None], instances: Iterable[Any]) -> None:
        with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
            for _done in pool.map(work, instances):
                pass

    def wanted(self, instance: Any) -> machines.Wanted:
        """What the API says of an instance. Raises LabError for an address that is not the lab's, or an unknown image."""
        network.refuse_foreign(instance.private_ip)
        image = next((found for found in self.backend().describe_images(ami_ids=[instance.image_id])), None)
        if image is None or image.name not in IMAGES:
            raise LabError("The image %s is none of the lab's (%s)." % (instance.image_id, ", ".join(IMAGES)))
        volumes = {}
        for mapping in instance.block_device_mapping.values():
            if (
                mapping.volume_id
                and mapping.volume_id in self.backend().volumes
                and not is_root(self.backend().volumes[mapping.volume_id], instance)
            ):
                volumes[mapping.volume_id] = self.backend().volumes[mapping.volume_id].size
        return machines.Wanted(
            instance.id, instance.private_ip, IMAGES[image.name], instance_stores(instance.instance_type), volumes
        )

    def _settle(self, instance: Any) -> None:
        try:
            wanted = self.wanted(instance)
            machine = machines.machine(wanted)
            before = self.known.get(instance.id)
            if instance.state == "running":
                if not machine.running():
                    self._prepare(wanted)
                    machine.start(wanted)
                    machines.remember_host_key(wanted)
                    if not wanted.instance_stores:
                        # A virtual machine boots longer than a client of the API waits for an answer, as on EC2.
                        machines.answers(wanted.address, 60)
                elif before != wanted:
                    self._show(machine, wanted)
            elif machine.exists() and machine.running():
                machine.stop()
            self.known[instance.id] = wanted
            self.problems.pop(instance.id, None)
        except LabError as error:
            self.problems[instance.id] = str(error)
            self.say("%s: %s" % (instance.id, error))

    def _prepare(self, wanted: machines.Wanted) -> None:
        if not wanted.instance_stores:
            images.ensure_container(wanted.release, self.say)
        elif not images.vm_folder(wanted.release).is_dir():
            raise LabError("The image for instances with an instance store is not built; run: python -m lab up --vm")
        for volume, size in wanted.volumes.items():
            disks.ensure(volume, size)

    def _show(self, machine: Any, wanted: machines.Wanted) -> None:
        for volume, size in wanted.volumes.items():
            disks.ensure(volume, size)
        if wanted.instance_stores:
            machine.show_volumes(list(wanted.volumes))
        else:
            machine.show_disks([disks.loop(volume) for volume in wanted.volumes])

    def _forget(self, name: str) -> None:
        machines.machine(self.known[name]).remove()
        # moto keeps the address of an instance that is gone; EC2 gives it to the next one.
        for interface in self.backend().get_instance(name).nics.values():
            if interface.id in self.backend().enis:
                interface.delete()
        del self.known[name]
        self.problems.pop(name, None)

    def _volumes(self) -> None:
        for volume in self.backend().volumes.values():
            if volume.attachment and volume.attachment.instance and is_root(volume, volume.attachment.instance):
                continue
            disks.ensure(volume.id, volume.size)

    def _volumes_gone(self) -> None:
        if VOLUMES.is_dir():
            for file in VOLUMES.glob("vol-*.img"):
                if file.stem not in self.backend().volumes:
                    disks.delete(file.stem)
        attached = {volume for wanted in self.known.values() for volume in wanted.volumes}
        for file in disks.loops():
            volume = file.rsplit("/", 1)[-1].removesuffix(".img")
            if volume not in attached:
                disks.unloop(volume)

    def reboot(self, names: Iterable[str]) -> None:
        """Reboot machines as RebootInstances does: disks, instance stores and addresses stay."""
        with self.lock:
            for name in names:
                wanted = self.known.get(name)
                if wanted is None:
                    continue
                machine = machines.machine(wanted)
                if isinstance(machine, machines.VirtualMachine):
                    machine.reboot()
                else:
                    machine.stop()
                    machine.start(wanted)
                    machines.answers(wanted.address, 60)

    def report(self) -> None:
        """Write what there is for lab status."""
        rows = []
        for instance in self.instances():
            if instance.state in GONE:
                continue
            wanted = self.known.get(instance.id)
            tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
            kind = "virtual machine" if wanted and wanted.instance_stores else "container"
            row = {
                "id": instance.id,
                "name": tags.get("Name", ""),
                "address": instance.private_ip,
                "state": instance.state,
                "kind": kind,
            }
            rows.append(
                {
                    **row,
                    "zone": instance.placement.zone if instance.placement else "",
                    "problem": self.problems.get(instance.id, ""),
                }
            )
        REPORT.write_text(json.dumps(rows, indent=1))


def is_root(volume: Any, instance: Any) -> bool:
    """Whether a volume is the instance's root disk, which here is the machine's own."""
    root = instance.root_device_name or "/dev/sda1"
    mapping = instance.block_device_mapping.get(root)
    return bool(mapping and mapping.volume_id == volume.id)


def instance_stores(instance_type: str) -> int:
    """How many local disks a type has, by the API's own data."""
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    store = INSTANCE_TYPES.get(instance_type, {}).get("InstanceStorageInfo") or {}
    return min(2, sum(disk.get("Count", 0) for disk in store.get("Disks", [])))


def remove_everything() -> None:
    """Remove every machine, disk and cable that the lab made, also those of a run that died; caches stay."""
    for name in podman(
        "ps", "--all", "--quiet", "--filter", "label=%s=machine" % LABEL, "--format", "{{.Names}}"
    ).split():
        machines.Container(name.removeprefix("rackaware-lab-")).remove()
    if INSTANCES.is_dir():
        for home in INSTANCES.iterdir():
            if (home / "qemu.pid").exists():
                machines.VirtualMachine(home.name).remove()
    disks.down()
    network.down()
