"""A real MIT KDC on loopback, of one realm, with its own database: principals, keytabs, and the environment of its clients."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from ansible_collections.rackaware.kafka.plugins.module_utils._wait import wait_until


def tool(name: str) -> str:
    """A program of the KDC; sbin is not on every user's path."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert found, "%s is missing; run make setup" % name
    return found


class Kdc:
    """A context manager; .env is that of a client."""

    def __init__(self, home: Path, realm: str, port: int) -> None:
        self.home, self.realm, self.port = home, realm, port
        home.mkdir()
        (home / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n"
            f"[realms]\n {realm} = {{\n  database_name = {home}/principal\n  key_stash_file = {home}/stash\n  acl_file = {home}/acl\n"
            f"  max_life = 1h\n }}\n[logging]\n kdc = FILE:{home}/kdc.log\n"
        )
        self.config = home / "krb5.conf"
        self.config.write_text(
            f"[libdefaults]\n default_realm = {realm}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n"
            " dns_canonicalize_hostname = false\n udp_preference_limit = 1\n"
            f"[realms]\n {realm} = {{\n  kdc = 127.0.0.1:{port}\n }}\n"
        )
        self.env = {**os.environ, "KRB5_CONFIG": str(self.config), "KRB5_KDC_PROFILE": str(home / "kdc.conf")}
        self.process: subprocess.Popen | None = None

    def run(self, *command: str, **env: str) -> str:
        """A command of a client or an administrator; its output."""
        done = subprocess.run(
            [tool(command[0]), *command[1:]],
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def admin(self, query: str) -> str:
        """One command of the administrator."""
        return self.run("kadmin.local", "-q", query)

    def add(self, *principals: str) -> Path:
        """Make principals; a keytab with the keys of all."""
        keytab = self.home / (principals[0].replace("/", "-") + ".keytab")
        for each in principals:
            self.admin("addprinc -randkey %s" % each)
            self.admin("ktadd -k %s %s" % (keytab, each))
        return keytab

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(
            [tool("krb5kdc"), "-n", "-P", str(self.home / "pid")],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def listens() -> bool:
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(listens, bool, what="the KDC", timeout=30, interval=0.1)

    def stop(self) -> None:
        """Stop it, unless it is stopped."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def __enter__(self) -> Kdc:
        self.run("kdb5_util", "create", "-s", "-r", self.realm, "-P", "master-of-the-test")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
