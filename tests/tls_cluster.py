"""Three hosts that are directories, for tests of the modules for certificates: each module runs as Ansible would run it."""

from __future__ import annotations

import datetime
import grp
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.rackaware.kafka.plugins.filter import tls as tls_filters
from ansible_collections.rackaware.kafka.plugins.module_utils._aws import authority_key
from ansible_collections.rackaware.kafka.plugins.module_utils._config import units
from ansible_collections.rackaware.kafka.plugins.module_utils._host import service_state
from ansible_collections.rackaware.kafka.plugins.module_utils._tls import certificates
from ansible_collections.rackaware.kafka.plugins.modules import tls_certificates, tls_keystore, tls_request

GROUPS = {"broker": ["b1", "b2"], "zookeeper": ["z1"], "controller": []}
VARIABLES = {
    "b1": {"ansible_host": "127.0.0.1", "kafka_tls_names": ["B1.example.com"]},
    "b2": {"ansible_host": "127.0.0.2"},
    "z1": {"ansible_host": "::1"},
}
NOW = datetime.datetime.now(datetime.timezone.utc)


class LocalKey:
    """A key that signs as KMS does; signatures counts."""

    def __init__(self):
        self.key, self.signatures = ec.generate_private_key(ec.SECP256R1()), 0
        self.public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, text):
        self.signatures += 1
        return self.key.sign(text, ec.ECDSA(hashes.SHA256()))


class Cluster:
    """The hosts; running says whether their services run, said collects all that modules print."""

    def __init__(self, home: Path, capsys, monkeypatch):
        self.home, self._capsys, self.running, self.said = home, capsys, False, []
        self.variables = {name: dict(values) for name, values in VARIABLES.items()}
        self.group = grp.getgrgid(os.getgid()).gr_name
        self.keys: dict[str, LocalKey | None] = {}
        monkeypatch.setattr(service_state, "runs", lambda unit, run: self.running)
        # All hosts have one, because they are one machine; it names files by their whole paths.
        monkeypatch.setattr(units, "STARTED", str(home.parent / "started"))

    def use(self, monkeypatch, key: LocalKey) -> None:
        """Sign with a key of the test instead of one in KMS."""
        self.kms = key
        monkeypatch.setattr(tls_certificates.client, "client", lambda *_args, **_more: None)
        monkeypatch.setattr(authority_key, "named", self.named)

    def named(self, _kms: Any, cluster: str, more: Any, _retired: str) -> dict[str, LocalKey]:
        found = {each: self.keys.get(authority_key.alias(cluster, each)) for each in more}
        return {each: key for each, key in found.items() if key}

    @property
    def kms(self) -> LocalKey | None:
        """The key that signs."""
        return self.keys.get(authority_key.alias("demo"))

    @kms.setter
    def kms(self, key: LocalKey | None) -> None:
        self.keys[authority_key.alias("demo")] = key

    def directory(self, host: str) -> Path:
        return self.home / host / "tls"

    def _main(self, module, check: bool, **params):
        given = dict(params, _ansible_check_mode=check, _ansible_diff=True)
        with patch_module_args(given), pytest.raises(SystemExit):
            module.main()
        shown = self._capsys.readouterr()
        self.said.append(shown.out + shown.err)
        return json.loads(shown.out)

    def _host(self, host: str):
        return tls_filters.tls_host(host, self.variables, GROUPS, "demo")

    def request(self, host: str, check=False, **more):
        return self._main(
            tls_request,
            check,
            directory=str(self.directory(host)),
            group=self.group,
            held_by=self._host(host)["held_by"],
            identities=self._host(host)["identities"],
            **more,
        )

    def decide(self, answers, check=False, **more):
        seen = {name: {**self.variables[name], "answer": answer} for name, answer in answers.items()}
        hosts = tls_filters.tls_hosts(list(answers), seen, GROUPS, "demo", "answer")
        return self._main(tls_certificates, check, cluster="demo", hosts=hosts, **more)

    def write(self, host: str, signed, check=False):
        return self._main(
            tls_keystore,
            check,
            directory=str(self.directory(host)),
            group=self.group,
            held_by=self._host(host)["held_by"],
            certificates=signed["certificates"].get(host, {}),
            authority=signed["authority"],
        )

    def run(self, check=False, renew=False, **more):
        """The role; (changed by host, what was decided)."""
        answers = {name: self.request(name, check, renew=renew) for name in self.variables}
        bad = [answer for answer in answers.values() if answer.get("failed")]
        if bad:
            return {}, bad[0]
        signed = self.decide(answers, check, **more)
        if signed.get("failed"):
            return {}, signed
        written = {name: self.write(name, signed, check) for name in self.variables if name in signed["hosts"]}
        assert not [each for each in written.values() if each.get("failed")], written
        changed = {
            name: answers[name]["changed"] or written.get(name, {}).get("changed", False) for name in self.variables
        }
        return changed, signed

    def promote(self) -> None:
        """What a restart does."""
        for file in self.home.rglob("*.staged"):
            file.rename(file.with_suffix(""))
        self.start()

    def start(self) -> None:
        """Services are started with what is in place, as their units write it down."""
        lines = "".join(
            "%s  %s\n" % (hashlib.sha256(file.read_bytes()).hexdigest(), file) for file in self.home.rglob("*.pem")
        )
        for unit in ("kafka", "zookeeper"):
            record = Path(units.started(unit + ".service"))
            record.parent.mkdir(exist_ok=True)
            record.write_text(lines)
        self.running = True

    def leaf(self, host: str, name="keystore.pem"):
        text = "".join(
            part for part in (self.directory(host) / name).read_text().partition("-----BEGIN CERTIFICATE-----")[1:]
        )
        return certificates.read(text, name)[0]

    def files(self) -> dict[str, str]:
        """Every file of every host with the digest of its content."""
        return {
            str(path.relative_to(self.home)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.home.rglob("*"))
            if path.is_file()
        }

    def private_lines(self) -> set[str]:
        """Every line of every private key that is on the hosts now."""
        found = set()
        for path in self.home.rglob("*"):
            if path.is_file() and "PRIVATE KEY" in path.read_text():
                block = path.read_text().partition("PRIVATE KEY-----\n")[2].partition("-----END")[0]
                found |= set(block.split())
        return found
