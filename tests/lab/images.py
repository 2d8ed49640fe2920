"""The machines' images, built once from Debian's packages and cached by content."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

from .settings import API_PORT, CACHE, GATEWAY, LABEL, METADATA_PORT, NETWORK, REGION, VOLUMES
from .shell import LabError, podman, run, succeeds

Say = Callable[[str], None]

PACKAGES = (
    "ca-certificates chrony cryptsetup-bin curl dbus e2fsprogs ethtool fdisk iproute2 iputils-ping kmod less logrotate nvme-cli openssh-server"
    " procps python3 python3-apt python3-boto3 python3-packaging python3-venv sudo systemd systemd-sysv udev util-linux xfsprogs"
).split()
JAVA = {"bookworm": "openjdk-17-jre-headless", "trixie": "openjdk-21-jre-headless"}
VM_PACKAGES = ("fio", "initramfs-tools", "linux-image-cloud-amd64", "systemd-resolved")

# Units that have no meaning in a container, or would fail there.
MASKED = (
    "console-getty.service getty@.service systemd-networkd-wait-online.service systemd-remount-fs.service"
    " apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer e2scrub_reap.service systemd-firstboot.service"
    " systemd-timesyncd.service systemd-hwdb-update.service nvmf-autoconnect.service"
).split()

ENVIRONMENT = {
    "AWS_ENDPOINT_URL": "http://%s:%d" % (GATEWAY, API_PORT),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://%s:%d" % (GATEWAY, METADATA_PORT),
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}

# On EC2 the NVMe serial of an EBS volume is its id without the hyphen, and udev makes this link of it. Here the volume's
# file names it, and only the disks that this machine has are in its /dev.
VOLUME_RULE = (
    """\
SUBSYSTEM=="block", KERNEL=="loop*", TEST=="/dev/%%k", ATTR{loop/backing_file}=="%s/vol-*", \\
  PROGRAM="/usr/lib/rackaware-lab/volume-id /sys/block/%%k/loop/backing_file", SYMLINK+="disk/by-id/nvme-Amazon_Elastic_Block_Store_%%c"
SUBSYSTEM=="block", KERNEL=="nvme*n*", ENV{DEVTYPE}=="disk", ATTRS{serial}=="vol?*", SYMLINK+="disk/by-id/nvme-Amazon_Elastic_Block_Store_$attr{serial}"
SUBSYSTEM=="block", KERNEL=="nvme*n*", ENV{DEVTYPE}=="disk", ATTRS{serial}=="AWS?*", SYMLINK+="disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_$attr{serial}"
"""
    % VOLUMES
)

FILES: dict[str, tuple[int, str]] = {
    "etc/environment": (0o644, "".join("%s=%s\n" % item for item in ENVIRONMENT.items())),
    "etc/systemd/system.conf.d/lab.conf": (
        0o644,
        "[Manager]\nDefaultEnvironment=%s\n" % " ".join("%s=%s" % item for item in ENVIRONMENT.items()),
    ),
    "etc/udev/rules.d/65-rackaware-lab.rules": (0o644, VOLUME_RULE),
    "usr/lib/rackaware-lab/volume-id": (
        0o755,
        '#!/bin/sh\nread -r file < "$1"\nname=${file##*/vol-}\necho "vol${name%.img}"\n',
    ),
    "usr/lib/rackaware-lab/user-data": (
        0o755,
        """#!/usr/bin/python3
import os, subprocess, urllib.request
endpoint = os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
def ask(path, method="GET", **headers):
    request = urllib.request.Request(endpoint + path, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()
token = ask("/latest/api/token", "PUT", **{"X-aws-ec2-metadata-token-ttl-seconds": "60"}).decode()
head = {"X-aws-ec2-metadata-token": token}
os.makedirs("/var/lib/rackaware-lab", exist_ok=True)
try:
    script = ask("/latest/user-data", **head)
except urllib.error.HTTPError:
    script = b""
if script.startswith(b"#!"):
    path = "/var/lib/rackaware-lab/user-data"
    with open(path, "wb") as stream:
        stream.write(script)
    os.chmod(path, 0o700)
    subprocess.run([path], check=True)
open("/var/lib/rackaware-lab/first-boot-done", "w").close()
""",
    ),
    "etc/systemd/system/rackaware-user-data.service": (
        0o644,
        """[Unit]
Description=Run the instance's user data at the first boot
ConditionPathExists=!/var/lib/rackaware-lab/first-boot-done
After=network-online.target
Wants=network-online.target
[Service]
Type=oneshot
ExecStart=/usr/lib/rackaware-lab/user-data
Restart=on-failure
RestartSec=2
[Install]
WantedBy=multi-user.target
""",
    ),
    # A container may not set the clock, and has the right one already.
    "etc/systemd/system/chrony.service.d/lab.conf": (
        0o644,
        "[Unit]\nConditionCapability=\n[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x -F 0\n",
    ),
    "etc/chrony/chrony.conf": (0o644, "local stratum 10\ndriftfile /var/lib/chrony/chrony.drift\n"),
    "etc/ssh/sshd_config.d/lab.conf": (0o644, "UseDNS no\nPermitRootLogin prohibit-password\n"),
}


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Only one process at a time builds one thing."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / (name + ".lock"), "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def packages(release: str) -> list[str]:
    """The Debian packages of a container."""
    return sorted([*PACKAGES, JAVA[release]])


def key(release: str, extra: tuple[str, ...] = ()) -> str:
    """What the image is made from, as a short digest."""
    return hashlib.sha256(repr((release, packages(release), MASKED, FILES, extra)).encode()).hexdigest()[:12]


def tag(release: str) -> str:
    """The container image's name."""
    return "localhost/rackaware-lab:%s-%s" % (release, key(release))


def _sources() -> list[str]:
    """The mirror that this machine itself uses; none, where it is no Debian, lets mmdebstrap take its own."""
    listing = run(
        "apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI) $(CODENAME)", "Created-By: Packages", check=False
    )
    mirrors = [
        line.split()[1]
        for line in listing.splitlines()
        if line.startswith("Debian ") and line.split()[-1:] in (["bookworm"], ["trixie"])
    ]
    return mirrors[:1]


def bootstrap(release: str, target: Path, extra: tuple[str, ...] = ()) -> None:
    """Make a tar archive of a Debian release with the machine's packages and the lab's files."""
    with tempfile.TemporaryDirectory(prefix=".overlay-", dir=CACHE) as overlay:
        for name, (mode, text) in FILES.items():
            path = Path(overlay, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(mode)
        Path(overlay).chmod(0o755)
        hooks = [
            "--customize-hook=copy-in %s/etc %s/usr /" % (overlay, overlay),
            '--customize-hook=chroot "$1" systemctl --quiet mask %s' % " ".join(MASKED),
            '--customize-hook=chroot "$1" systemctl --quiet enable rackaware-user-data.service ssh.service chrony.service',
            '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id "$1"/var/lib/dbus/machine-id; touch "$1"/etc/machine-id',
            '--customize-hook=rm -rf "$1"/usr/share/doc/* "$1"/usr/share/locale/* "$1"/var/cache/apt/*',
        ]
        include = ",".join([*packages(release), *extra])
        run(
            "mmdebstrap",
            "--variant=apt",
            "--quiet",
            "--include=" + include,
            *hooks,
            release,
            target,
            *_sources(),
            timeout=1200,
        )


def ensure_container(release: str, say: Say) -> str:
    """Build the container image of a release unless it is there; return its name."""
    name = tag(release)
    with lock("image-" + release):
        if not succeeds("podman", "image", "exists", name):
            say("Building the %s image (about a minute, once) …" % release)
            archive = CACHE / ("%s-%s.tar" % (release, key(release)))
            try:
                bootstrap(release, archive)
                podman("import", "--quiet", "--change", "LABEL %s=image" % LABEL, archive, name)
            finally:
                archive.unlink(missing_ok=True)
    return name


def vm_folder(release: str) -> Path:
    """Where the virtual machine's disk, kernel and initrd of a release are, or will be."""
    return CACHE / ("vm-%s-%s" % (release, key(release, VM_PACKAGES)))


def ensure_vm(release: str, say: Say) -> Path:
    """Build the virtual machine's disk, kernel and initrd unless they are there; return their folder (disk.img, vmlinuz, initrd.img)."""
    folder = vm_folder(release)
    with lock("vm-" + release):
        if folder.is_dir():
            return folder
        say("Building the %s virtual machine (two minutes, once) …" % release)
        building = Path(tempfile.mkdtemp(prefix=".vm-", dir=CACHE))
        try:
            tree = building / "tree"
            tree.mkdir()
            bootstrap(release, building / "root.tar", VM_PACKAGES)
            run("tar", "--numeric-owner", "-xf", building / "root.tar", "-C", tree)
            (building / "root.tar").unlink()
            _vm_files(tree)
            kernel = next((tree / "boot").glob("vmlinuz-*"))
            shutil.copy(kernel, building / "vmlinuz")
            shutil.copy(next((tree / "boot").glob("initrd.img-*")), building / "initrd.img")
            run("truncate", "-s", "6G", building / "disk.img")
            run("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", tree, building / "disk.img")
            shutil.rmtree(tree)
            os.replace(building, folder)
        except Exception:
            shutil.rmtree(building, ignore_errors=True)
            raise
    return folder


def _vm_files(tree: Path) -> None:
    for name in ("systemd-remount-fs.service", "systemd-networkd-wait-online.service", "fstrim.timer"):
        (tree / "etc/systemd/system" / name).unlink(missing_ok=True)
    (tree / "etc/fstab").write_text("LABEL=root / ext4 rw,noatime 0 1\n")
    wants = tree / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "systemd-networkd.service").symlink_to("/lib/systemd/system/systemd-networkd.service")
    if not any((tree / "boot").glob("initrd.img-*")):
        raise LabError("The virtual machine's image has no initrd; remove %s and run lab up again." % CACHE)


def netmask() -> int:
    """The prefix length of the lab's network, for the machines' interfaces."""
    return NETWORK.prefixlen
