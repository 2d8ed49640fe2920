"""EC2 on one machine: lab up, sync, status, env, down."""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import archives, images, kernel, network, world
from .server import serve
from .settings import (
    API_PORT,
    CACHE,
    GATEWAY,
    IMAGES,
    KNOWN_HOSTS,
    METADATA_PORT,
    NAME,
    REGION,
    REPORT,
    SERVER_LOG,
    SERVER_PID,
    SSH_KEY,
    STATE,
    VM_IMAGES,
)
from .shell import LabError, podman, run

ENDPOINT = "http://%s:%d" % (GATEWAY, API_PORT)


def say(line: str) -> None:
    """Tell the person who waits."""
    print(line, flush=True)


def server_pid() -> int:
    """The process id of the lab's server, 0 if none runs."""
    try:
        pid = int(SERVER_PID.read_text())
        return pid if b"serve" in Path("/proc/%d/cmdline" % pid).read_bytes() else 0
    except (OSError, ValueError):
        return 0


def up(fresh: bool, virtual: bool) -> None:
    """Build what is missing and serve; fresh takes everything of an earlier lab away first, virtual builds what instance stores need, too."""
    if os.geteuid():
        raise LabError("The lab makes bridges, block devices and machines, and needs root for it; run it with sudo.")
    if fresh or not server_pid():
        # What a run that died left behind belongs to an API that is gone.
        down(caches=False)
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    kernel.remember()
    if not SSH_KEY.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", NAME, "-f", SSH_KEY)
    # Maven, mmdebstrap and pip wait for the network most of the time.
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        work = [pool.submit(images.ensure_container, release, say) for release in IMAGES.values()]
        work += [pool.submit(archives.ensure, version, say) for version in archives.VERSIONS]
        work.append(pool.submit(archives.ensure_wheels, say))
        if virtual:
            work += [pool.submit(images.ensure_vm, release, say) for release in VM_IMAGES]
        for done in work:
            done.result()
    network.up()
    if not server_pid():
        start_server()
    say("The lab is up: the AWS API answers at %s." % ENDPOINT)


def start_server() -> None:
    """Start the server in the background and wait until it answers."""
    package = Path(__file__).resolve().parents[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(package),
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        "INITIAL_NO_AUTH_ACTION_COUNT": "inf",
    }
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment.update(AWS_ACCESS_KEY_ID="lab", AWS_SECRET_ACCESS_KEY="lab", AWS_DEFAULT_REGION=REGION)
    environment.pop("INITIAL_NO_AUTH_ACTION_COUNT")
    with open(SERVER_LOG, "ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "lab", "serve"],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(ENDPOINT + "/moto-api/", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                raise LabError(
                    "The lab's server did not start; its log is %s:\n%s" % (SERVER_LOG, SERVER_LOG.read_text()[-2000:])
                ) from None
            time.sleep(0.1)


def down(caches: bool) -> None:
    """Remove everything that the lab made, also what a run that died left; keep the caches unless told otherwise."""
    pid = server_pid()
    if pid:
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 10
        while server_pid() and time.monotonic() < end:
            time.sleep(0.05)
        if server_pid():
            os.kill(pid, signal.SIGKILL)
    world.remove_everything()
    kernel.restore()
    shutil.rmtree(STATE, ignore_errors=True)
    if caches:
        for name in podman("images", "--quiet", "--filter", "label=rackaware.lab=image").split():
            podman("rmi", "--force", name)
        shutil.rmtree(CACHE, ignore_errors=True)


def require_server() -> None:
    """Raise LabError unless the lab is up."""
    if not server_pid():
        raise LabError("The lab is down; run: python -m lab up")


def sync() -> None:
    """Bring the machines to what the API says, now."""
    require_server()
    urllib.request.urlopen(ENDPOINT + "/lab/sync", timeout=600).close()


def status() -> None:
    """Say what there is; exit code 1 if something is not as the API says."""
    if not server_pid():
        say("The lab is down.")
        sys.exit(3)
    rows = json.loads(REPORT.read_text()) if REPORT.exists() else []
    say("The lab is up: %d instances, AWS API at %s." % (len(rows), ENDPOINT))
    for row in sorted(rows, key=lambda row: (row["zone"], row["name"])):
        say(
            "  %-20s %-22s %-12s %-16s %-9s %s %s"
            % (row["id"], row["name"], row["zone"], row["address"], row["state"], row["kind"], row["problem"])
        )
    if any(row["problem"] for row in rows):
        sys.exit(1)


def environment() -> None:
    """Print what a shell exports to reach the lab with boto3, Ansible and ssh."""
    require_server()
    values = {
        "AWS_ENDPOINT_URL": ENDPOINT,
        "AWS_ACCESS_KEY_ID": "lab",
        "AWS_SECRET_ACCESS_KEY": "lab",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://%s:%d" % (GATEWAY, METADATA_PORT),
        "ANSIBLE_PRIVATE_KEY_FILE": str(SSH_KEY),
        "ANSIBLE_REMOTE_USER": "root",
        "ANSIBLE_SSH_COMMON_ARGS": "-o UserKnownHostsFile=%s -o GlobalKnownHostsFile=/dev/null -o HashKnownHosts=no"
        % KNOWN_HOSTS,
    }
    for name, value in values.items():
        say("export %s='%s'" % (name, value))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="build what is missing, and serve")
    start.add_argument("--fresh", action="store_true", help="start from an empty account")
    start.add_argument(
        "--vm",
        action="store_true",
        help="build the virtual machines' image too, for instance types with an instance store",
    )
    commands.add_parser("sync", help="bring the machines to what the API says")
    commands.add_parser("status", help="say what there is")
    commands.add_parser("env", help="print what a shell exports to reach the lab")
    commands.add_parser("down", help="remove what the lab made").add_argument(
        "--caches", action="store_true", help="remove images and archives too"
    )
    commands.add_parser("serve", help="serve in the foreground (lab up does it in the background)")
    options = parser.parse_args()
    try:
        if options.command == "up":
            up(options.fresh, options.vm)
        elif options.command == "down":
            down(options.caches)
        else:
            {"sync": sync, "status": status, "env": environment, "serve": serve}[options.command]()
    except LabError as error:
        sys.exit("lab: %s" % error)


if __name__ == "__main__":
    main()
