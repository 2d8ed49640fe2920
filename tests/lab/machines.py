"""Real hosts: a container with systemd, or a virtual machine where the instance type has an instance store."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import disks, images, network
from .settings import INSTANCES, KNOWN_HOSTS, LABEL, NAME, NETWORK, SSH_KEY
from .shell import LabError, podman, run, succeeds

GIB = 1024**3
# Enough for a broker of the tests; the instance type's real memory would not fit on one machine.
VM_MEMORY_MB = 1536
VM_STORE_GIB = 2
HOTPLUG_PORTS = 6
# mov dx, 0xf4; mov al, 0x10; out dx, al; hlt
BOOT_SECTOR = bytes([0xBA, 0xF4, 0x00, 0xB0, 0x10, 0xEE, 0xF4])
# A machine that is virtual itself does not let its guests have every register that arch-capabilities names.
PROCESSOR = {"kvm": "max,-arch-capabilities", "tcg": "max"}


@dataclass(frozen=True)
class Wanted:
    """What the API says of one instance: volumes as {id: GiB}, instance_stores as the number of its local disks."""

    id: str
    address: str
    release: str
    instance_stores: int = 0
    volumes: dict[str, int] = field(default_factory=dict)


def folder(instance: str) -> Path:
    """Where an instance keeps what outlives a stop."""
    return INSTANCES / instance


def identity(wanted: Wanted) -> dict[str, tuple[int, str]]:
    """The files that make a machine this instance, as {path: (mode, text)}; its host key is made once."""
    home = folder(wanted.id)
    home.mkdir(parents=True, exist_ok=True)
    key = home / "ssh_host_ed25519_key"
    if not key.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", wanted.id, "-f", key)
    return {
        "/etc/ssh/ssh_host_ed25519_key": (0o600, key.read_text()),
        "/etc/ssh/ssh_host_ed25519_key.pub": (0o644, key.with_suffix(".pub").read_text()),
        "/root/.ssh/authorized_keys": (0o600, SSH_KEY.with_suffix(".pub").read_text()),
        "/etc/hostname": (0o644, hostname(wanted.address) + "\n"),
        "/etc/systemd/network/10-lab.network": (
            0o644,
            "[Match]\nName=en* eth*\n[Network]\nAddress=%s/%d\n" % (wanted.address, NETWORK.prefixlen),
        ),
    }


def hostname(address: str) -> str:
    """What EC2 calls a host."""
    return "ip-" + address.replace(".", "-")


def remember_host_key(wanted: Wanted) -> None:
    """Let ssh know the machine's host key, so that the check need not be switched off."""
    public = (folder(wanted.id) / "ssh_host_ed25519_key.pub").read_text().split()
    lines = KNOWN_HOSTS.read_text().splitlines() if KNOWN_HOSTS.exists() else []
    kept = [line for line in lines if line.split()[:1] != [wanted.address]]
    KNOWN_HOSTS.write_text("\n".join([*kept, " ".join([wanted.address, *public[:2]])]) + "\n")


def answers(address: str, timeout: float) -> None:
    """Wait until sshd greets. Raises LabError after timeout seconds."""
    end = time.monotonic() + timeout
    while True:
        try:
            with socket.create_connection((address, 22), timeout=2) as connection:
                connection.settimeout(5)
                if connection.recv(4).startswith(b"SSH"):
                    return
        except OSError:
            pass
        if time.monotonic() > end:
            raise LabError("The machine at %s did not answer on port 22 within %d seconds." % (address, timeout))
        time.sleep(0.1)


class Container:
    """A container that runs systemd."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.name = "%s-%s" % (NAME, instance)

    def exists(self) -> bool:
        return succeeds("podman", "container", "exists", self.name)

    def pid(self) -> int:
        """The process id of its systemd, 0 when it is stopped, or when its removal was broken off."""
        return int(podman("inspect", "--format", "{{.State.Pid}}", self.name, check=False).strip() or 0)

    def running(self) -> bool:
        return self.exists() and self.pid() > 0

    def start(self, wanted: Wanted) -> None:
        """Create it if needed, boot it, plug it in, give it its disks."""
        loops = {volume: disks.loop(volume) for volume in wanted.volumes}
        if not self.exists():
            self._create(wanted)
        podman("start", self.name)
        network.plug_container(self.instance, self.pid(), wanted.address)
        self.show_disks(list(loops.values()))

    def _create(self, wanted: Wanted) -> None:
        options = [
            "--label",
            "%s=machine" % LABEL,
            "--hostname",
            hostname(wanted.address),
            "--network",
            "none",
            "--systemd=always",
            "--privileged",
        ]
        limits = [
            "--ulimit",
            "nofile=20000:20000",
            "--ulimit",
            "nproc=20000:20000",
            "--stop-timeout",
            "10",
            "--log-driver",
            "none",
        ]
        podman("create", "--name", self.name, *options, *limits, images.tag(wanted.release), "/sbin/init")
        root = Path(podman("mount", self.name).strip())
        try:
            for name, (mode, text) in identity(wanted).items():
                path = root / name.lstrip("/")
                path.parent.mkdir(mode=0o700 if ".ssh" in name else 0o755, parents=True, exist_ok=True)
                path.write_text(text)
                path.chmod(mode)
        finally:
            podman("unmount", self.name)

    def stop(self) -> None:
        """Shut it down; what it wrote on its root disk stays."""
        if self.running():
            # systemd in a container takes the default stop signal for something else.
            podman("kill", "--signal", "SIGRTMIN+4", self.name)
            if not self._gone(20):
                podman("stop", "--time", "2", self.name)
        network.unplug(self.instance)

    def _gone(self, timeout: float) -> bool:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.pid() == 0:
                return True
            time.sleep(0.1)
        return False

    def remove(self) -> None:
        """End it and forget its root disk."""
        if self.exists():
            # One that is ending when podman wants to end it makes podman give up.
            podman("kill", self.name, check=False)
            self._gone(10)
            podman("rm", "--force", "--time", "1", self.name)
        network.unplug(self.instance)

    def show_disks(self, devices: list[str]) -> None:
        """Let exactly these block devices be in its /dev, and its udev know them."""
        pid = self.pid()
        inside = ("nsenter", "-t", pid, "-m")
        wanted = {Path(device).name: os.stat(device).st_rdev for device in devices}
        present = {
            name.rsplit("/", 1)[-1] for name in run(*inside, "find", "/dev", "-maxdepth", "1", "-type", "b").split()
        }
        foreign = [name for name in present if name not in wanted]
        if foreign:
            run(*inside, "rm", "-f", *["/dev/" + name for name in foreign])
        for name, number in wanted.items():
            if name not in present:
                run(*inside, "mknod", "/dev/" + name, "b", os.major(number), os.minor(number))
        self._look_at(sorted({*wanted, *(name for name in foreign if name.startswith("loop"))}))

    def _look_at(self, names: list[str]) -> None:
        # With the container's processes too: Debian 13's udevadm looks itself up in /proc.
        tool = ("nsenter", "-t", self.pid(), "-m", "-n", "-p", "udevadm")
        end = time.monotonic() + 30
        while not succeeds(*tool, "control", "--ping", "--timeout=5") and time.monotonic() < end:
            time.sleep(0.2)
        # A systemd that found no /run/udev when it began does not listen to udev (sd-device, device_monitor_new_full), and the mounts of a
        # second boot would wait for their devices in vain; after a fresh start it listens.
        within = tool[:-1]
        if not succeeds(*within, "test", "-e", "/run/lab-listens"):
            run(*within, "systemctl", "daemon-reexec")
            run(*within, "touch", "/run/lab-listens")
        if names:
            run(*tool, "trigger", "--action=change", "--settle", *["--sysname-match=" + name for name in names])


class VirtualMachine:
    """A QEMU machine with its own kernel, so that dm-crypt is real, and with emulated NVMe disks."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.home = folder(instance)
        self.root = self.home / "root.img"
        self.pid_file = self.home / "qemu.pid"
        self.starts = self.home / "starts"
        self.control = self.home / "qmp.sock"

    def exists(self) -> bool:
        return self.root.exists()

    def running(self) -> bool:
        try:
            pid = int(self.pid_file.read_text())
            return NAME.encode() in Path("/proc/%d/cmdline" % pid).read_bytes()
        except (OSError, ValueError):
            return False

    def start(self, wanted: Wanted) -> None:
        """Make its root disk if needed, blank its instance stores, boot it."""
        built = images.ensure_vm(wanted.release, lambda _line: None)
        if not self.exists():
            self._create(wanted, built)
        stores = []
        # Another host, and so other disks: neither their contents nor their serial numbers are those of before.
        start = int(self.starts.read_text()) + 1 if self.starts.exists() else 0
        self.starts.write_text("%d" % start)
        for number in range(wanted.instance_stores):
            store = self.home / ("store%d.img" % number)
            store.unlink(missing_ok=True)
            run("truncate", "-s", VM_STORE_GIB * GIB, store)
            stores.append(store)
        tap = network.plug_vm(self.instance)
        # With a thread for each virtual processor, a JVM was seen to crash in code that another of its threads had just compiled.
        accelerator = "kvm" if _kvm_works() else "tcg,thread=single"
        processor = PROCESSOR[accelerator.partition(",")[0]]
        command = [
            "qemu-system-x86_64",
            "-name",
            "%s-%s" % (NAME, self.instance),
            "-machine",
            "q35",
            "-accel",
            accelerator,
            "-cpu",
            processor,
            "-smp",
            "2",
        ]
        command += ["-m", str(VM_MEMORY_MB), "-kernel", str(built / "vmlinuz"), "-initrd", str(built / "initrd.img")]
        command += [
            "-append",
            "root=LABEL=root console=ttyS0 quiet panic=-1",
            "-display",
            "none",
            "-serial",
            "file:%s" % (self.home / "console.log"),
        ]
        command += [
            "-drive",
            "if=virtio,format=raw,discard=unmap,file=%s" % self.root,
            "-qmp",
            "unix:%s,server=on,wait=off" % self.control,
        ]
        command += ["-netdev", "tap,id=net0,ifname=%s,script=no,downscript=no" % tap]
        command += ["-device", "virtio-net-pci,netdev=net0,mac=%s" % network.mac(wanted.address)]
        for number, store in enumerate(stores):
            command += ["-drive", "if=none,id=store%d,format=raw,discard=unmap,file=%s" % (number, store)]
            command += [
                "-device",
                "nvme,drive=store%d,serial=AWS%s%02d%d"
                % (number, self.instance.removeprefix("i-")[-12:].upper(), start % 100, number),
            ]
        for port in range(HOTPLUG_PORTS):
            command += ["-device", "pcie-root-port,id=ebs%d,chassis=%d,slot=%d" % (port, port + 1, port + 1)]
        run(*command, "-daemonize", "-pidfile", self.pid_file)
        self.show_volumes(list(wanted.volumes))

    def _create(self, wanted: Wanted, built: Path) -> None:
        files = identity(wanted)
        fresh = self.root.with_suffix(".new")
        run("cp", "--sparse=always", "--reflink=auto", built / "disk.img", fresh)
        script = []
        for name, (mode, text) in files.items():
            source = self.home / ("file-" + name.strip("/").replace("/", "-"))
            source.write_text(text)
            script += ["rm %s" % name, "mkdir %s" % os.path.dirname(name), "write %s %s" % (source, name)]
            script += [
                "set_inode_field %s mode 0%o" % (name, 0o100000 | mode),
                "set_inode_field %s uid 0" % name,
                "set_inode_field %s gid 0" % name,
            ]
        run("debugfs", "-w", "-f", "-", fresh, data="\n".join(script) + "\n")
        os.replace(fresh, self.root)

    def stop(self) -> None:
        """Power it off, in order if it can within 60 seconds."""
        if self.running():
            self._ask("system_powerdown")
            end = time.monotonic() + 60
            while self.running() and time.monotonic() < end:
                time.sleep(0.2)
            self.kill()
        network.unplug(self.instance)

    def kill(self) -> None:
        """Cut its power."""
        if self.running():
            pid = int(self.pid_file.read_text())
            os.kill(pid, signal.SIGKILL)
            while Path("/proc/%d" % pid).exists() and self.running():
                time.sleep(0.05)
        network.unplug(self.instance)

    def reboot(self) -> None:
        """Reset it; its disks keep what they hold."""
        self._ask("system_reset")

    def remove(self) -> None:
        """End it and forget its disks."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def show_volumes(self, volumes: list[str]) -> None:
        """Let exactly these EBS volumes be attached."""
        attached = self._attached()
        for volume in sorted(set(attached) - set(volumes)):
            self._ask("device_del", id="disk-" + volume)
            self._wait_detached(volume)
            self._ask("blockdev-del", **{"node-name": volume[:31]})
        free = [port for port in range(HOTPLUG_PORTS) if port not in attached.values()]
        for volume in sorted(set(volumes) - set(attached)):
            port = free.pop(0)
            file = {"driver": "file", "filename": str(disks.path(volume)), "discard": "unmap"}
            self._ask("blockdev-add", **{"node-name": volume[:31], "driver": "raw", "file": file})
            self._ask(
                "device_add",
                driver="nvme",
                id="disk-" + volume,
                drive=volume[:31],
                serial=volume.replace("-", "")[:20],
                bus="ebs%d" % port,
            )

    def _attached(self) -> dict[str, int]:
        found = {}
        for bus in self._ask("query-pci"):
            for bridge in bus["devices"]:
                for device in bridge.get("pci_bridge", {}).get("devices", []):
                    if device["qdev_id"].startswith("disk-"):
                        found[device["qdev_id"].removeprefix("disk-")] = int(bridge["qdev_id"].removeprefix("ebs"))
        return found

    def _wait_detached(self, volume: str) -> None:
        end = time.monotonic() + 30
        while volume in self._attached():
            if time.monotonic() > end:
                raise LabError("The virtual machine %s did not let go of %s." % (self.instance, volume))
            time.sleep(0.2)

    def _ask(self, command: str, **arguments: object) -> object:
        end = time.monotonic() + 10
        while not self.control.exists() and time.monotonic() < end:
            time.sleep(0.05)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(self.control))
            stream = connection.makefile("rw")
            stream.readline()
            for question in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                stream.write(json.dumps(question) + "\n")
                stream.flush()
                answer = json.loads(stream.readline())
                while "event" in answer:
                    answer = json.loads(stream.readline())
        if "error" in answer:
            raise LabError(
                "The virtual machine %s refused %s: %s" % (self.instance, command, answer["error"].get("desc"))
            )
        return answer["return"]


def _kvm_works() -> bool:
    """Whether a virtual processor really runs, and fast: inside another virtual machine /dev/kvm may be there, and slower than emulation."""
    if not os.access("/dev/kvm", os.W_OK):
        return False
    with tempfile.NamedTemporaryFile(suffix=".img") as floppy:
        floppy.write(BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa")
        floppy.flush()
        command = [
            "qemu-system-x86_64",
            "-machine",
            "pc",
            "-accel",
            "kvm",
            "-cpu",
            PROCESSOR["kvm"],
            "-m",
            "64",
            "-display",
            "none",
            "-nic",
            "none",
        ]
        command += [
            "-drive",
            "format=raw,if=floppy,file=" + floppy.name,
            "-boot",
            "a",
            "-device",
            "isa-debug-exit,iobase=0xf4,iosize=0x04",
        ]
        try:
            # The device ends QEMU with twice the written number and one.
            return (
                subprocess.run(
                    command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=2
                ).returncode
                == 2 * 0x10 + 1
            )
        except subprocess.TimeoutExpired:
            return False


def machine(wanted: Wanted) -> Container | VirtualMachine:
    """The kind of host that an instance needs: dm-crypt can only be tried on a kernel of its own."""
    return VirtualMachine(wanted.id) if wanted.instance_stores else Container(wanted.id)
