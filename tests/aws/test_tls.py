"""Certificates from a CA whose key is in KMS: the role as Ansible runs it, against a stand-in of AWS, on hosts that are directories."""

from __future__ import annotations

import datetime
import grp
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading

import boto3
import pytest
from stand_ins import ROOT, Project, overlay

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import authority_key
from ansible_collections.rackaware.kafka.plugins.module_utils._aws.client import AwsError

ALIAS = "alias/kafka-secure-ca"
OWN_GROUP = grp.getgrgid(os.getgid()).gr_name
# Below a directory of the test, one for each host.
REDIRECTED = """

_tls_host = tls_host


def tls_host(host, *args):
    import os

    found = _tls_host(host, *args)
    return {**found, "directory": os.path.join(os.environ["TLS_ROOT"], host + found["directory"])}
"""
JOURNAL = """
import os


def send(*args, **fields):
    with open(os.environ["TLS_JOURNAL"], "a") as out:
        out.write(repr((args, fields)) + "\\n")


sendv = send
"""
SYSTEMCTL = '#!/bin/sh\necho "ActiveState=$(cat "$TLS_ROOT/state" 2>/dev/null || echo inactive)"\n'
PLAY = """
- name: Certificates
  hosts: kafka_brokers:kafka_zookeepers
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Keep them
      ansible.builtin.import_role:
        name: rackaware.kafka.tls
"""
ROTATE = (
    PLAY
    + """
        tasks_from: rotate
      vars: {__tls_confirm: "{{ kafka_confirm | default('') }}"}
    - name: Verify
      ansible.builtin.import_role:
        name: rackaware.kafka.tls
        tasks_from: rotated
      vars: {__tls_ports: [9091]}
""".removeprefix("\n")
)
HOSTS = {"b1": "127.0.0.1", "b2": "127.0.0.2", "z1": "127.0.0.3"}


def inventory():
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "kafka_cluster": "secure"}
    hosts = {name: {**common, "ansible_host": address} for name, address in HOSTS.items()}
    hosts["b1"]["kafka_tls_names"] = ["localhost"]
    return {
        "all": {
            "vars": {"tls_region": "eu-west-1"},
            "children": {
                "kafka_brokers": {"hosts": {name: hosts[name] for name in ("b1", "b2")}},
                "kafka_zookeepers": {"hosts": {"z1": hosts["z1"]}},
            },
        }
    }


@pytest.fixture(scope="module")
def kms(account):
    keys = {name: account.env[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return boto3.client(
        "kms",
        endpoint_url=account.env["AWS_ENDPOINT_URL"],
        region_name="eu-west-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )


class Hosts:
    """The role on these hosts; said has all that was shown, logged or kept."""

    def __init__(self, account, place):
        files = {
            "plugins/filter/tls.py": (ROOT / "plugins/filter/tls.py")
            .read_text()
            .replace("\n\nclass FilterModule", REDIRECTED + "\n\nclass FilterModule"),
            **{
                name: (ROOT / name).read_text().replace("group: kafka", "group: " + OWN_GROUP)
                for name in ("roles/tls/tasks/request.yml", "roles/tls/tasks/sign.yml")
            },
        }
        self.account, self.place, self.root, self.said = account, place, place / "disk", []
        self.root.mkdir()
        self.collections = overlay(place / "collections", files)
        for name, text in {
            "python/systemd/journal.py": JOURNAL,
            "python/systemd/daemon.py": "def booted():\n    return True\n",
            "python/systemd/__init__.py": "",
            "bin/systemctl": SYSTEMCTL,
            "play.yml": PLAY,
            "rotate.yml": ROTATE,
        }.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        (place / "bin/systemctl").chmod(0o755)

    def run(self, *options, playbook=None):
        aws = {name: value for name, value in self.account.env.items() if name.startswith("AWS_")}
        code, said = Project(self.collections, self.place).run(
            playbook or self.place / "play.yml",
            "-vvvv",
            "--diff",
            *options,
            inventory=inventory(),
            PATH="%s:%s" % (self.place / "bin", os.environ["PATH"]),
            PYTHONPATH="%s:%s" % (self.place / "python", ROOT / "tests"),
            ANSIBLE_LOG_PATH=str(self.place / "log"),
            TLS_ROOT=str(self.root),
            TLS_JOURNAL=str(self.place / "journal"),
            **aws,
        )
        self.said.append(said)
        return code, said

    def file(self, host, name):
        return self.root / host / ("etc/zookeeper/tls" if host.startswith("z") else "etc/kafka/tls") / name

    def changed(self, said):
        return {
            name: int(number) for name, number in re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", said, re.MULTILINE)
        }


@pytest.fixture(scope="module")
def hosts(account, tmp_path_factory):
    return Hosts(account, tmp_path_factory.mktemp("tls"))


def keys(kms):
    return {each["AliasName"]: each.get("TargetKeyId") for each in kms.list_aliases()["Aliases"]}


def openssl(*argv):
    return subprocess.run(["openssl", *map(str, argv)], capture_output=True, text=True, check=False)


def test_bad_names_are_refused_before_a_host_is_touched(hosts, kms):
    for given, sentence in (
        ({"kafka_cluster": "a/b"}, "kafka_cluster is 'a/b', but a certificate names its cluster"),
        ({"kafka_tls_names": ["300.1.1.1"]}, "has the name '300.1.1.1', which is neither an IP address nor a DNS name"),
        ({"tls_days": 30}, "tls_days is 30 and tls_renew_days 60"),
        ({"tls_source": "requests"}, "tls_requests_dir is not set"),
    ):
        code, said = hosts.run("-e", json.dumps(given))
        assert code != 0 and sentence in " ".join(said.split()), said
    assert list(hosts.root.iterdir()) == [] and ALIAS not in keys(kms)


def test_check_mode_on_a_first_run_says_who_would_get_one(hosts, kms):
    code, said = hosts.run("--check")
    assert code == 0, said
    assert "b1 needs a certificate (keystore: it has none; operator: it has none)." in said
    assert list(hosts.root.iterdir()) == [] and ALIAS not in keys(kms)


def test_everything_is_made_and_the_chain_holds(hosts, kms):
    code, said = hosts.run()
    assert code == 0, said
    described = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]
    assert (described["KeySpec"], described["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=described["KeyId"])["Tags"]}
    assert tags == {"KafkaCluster": "secure", "KafkaMadeBy": "rackaware.kafka"}
    administer, never = json.loads(kms.get_key_policy(KeyId=described["KeyId"], PolicyName="default")["Policy"])[
        "Statement"
    ]
    assert "kms:Sign" in administer["Action"] and "kms:CreateGrant" not in administer["Action"]
    assert (never["Effect"], never["Action"]) == ("Deny", "kms:Sign")
    assert never["Condition"]["ArnLike"]["aws:PrincipalArn"] == "arn:aws:iam::123456789012:role/kafka-*-secure-*"
    for host in HOSTS:
        for name in ("keystore.pem", *(["operator.pem"] if host != "z1" else [])):
            verified = openssl(
                "verify",
                "-x509_strict",
                "-purpose",
                "sslserver",
                "-CAfile",
                hosts.file(host, "truststore.pem"),
                hosts.file(host, name),
            )
            assert verified.returncode == 0, verified
    text = openssl("x509", "-in", hosts.file("b1", "truststore.pem"), "-noout", "-text").stdout
    for part in (
        "CA:TRUE, pathlen:0",
        "Certificate Sign, CRL Sign",
        "Issuer: O = rackaware, OU = secure, CN = broker CA ",
    ):
        assert part in text
    text = openssl("x509", "-in", hosts.file("b1", "keystore.pem"), "-noout", "-text").stdout
    assert (
        "Subject: O = rackaware, OU = secure, CN = kafka" in text
        and "TLS Web Server Authentication, TLS Web Client" in text
    )
    assert len({hosts.file(host, "truststore.pem").read_text() for host in HOSTS}) == 1


def test_a_second_run_takes_two_tasks_a_host_and_asks_no_aws(hosts):
    code, said = hosts.run("-e", json.dumps({"tls_region": "nowhere-1"}))
    assert code == 0 and set(hosts.changed(said).values()) == {0}, said
    counts = dict(re.findall(r"^(b2|z1) +: ok=(\d+)", said, re.MULTILINE))
    # The one task of the request, and the validation of the role's inputs.
    assert counts == {"b2": "2", "z1": "2"}


def test_peers_meet_by_address_and_by_name_and_no_one_else_gets_in(hosts, tmp_path):
    def context(side, host, name="keystore.pem"):
        made = ssl.SSLContext(side)
        made.load_verify_locations(hosts.file(host, "truststore.pem"))
        made.verify_mode = ssl.CERT_REQUIRED
        if name:
            made.load_cert_chain(hosts.file(host, name))
        return made

    def meet(client, server, address, name):
        """Who the client is to the server; raises ssl.SSLError."""
        seen = []
        with socket.create_server((address, 0)) as listening:

            def answer():
                try:
                    with listening.accept()[0] as raw, server.wrap_socket(raw, server_side=True) as secured:
                        seen.append(secured.getpeercert()["subject"])
                        secured.sendall(b"x")
                except OSError as error:
                    seen.append(error)

            thread = threading.Thread(target=answer)
            thread.start()
            try:
                with (
                    socket.create_connection(listening.getsockname()) as raw,
                    client.wrap_socket(raw, server_hostname=name) as secured,
                ):
                    secured.recv(1)
            finally:
                thread.join()
        return seen[0]

    server = context(ssl.PROTOCOL_TLS_SERVER, "b1")
    for client, name in ((("b2", "keystore.pem"), "127.0.0.1"), (("z1", "keystore.pem"), "localhost")):
        assert meet(context(ssl.PROTOCOL_TLS_CLIENT, *client), server, "127.0.0.1", name)[-1] == (
            ("commonName", "kafka"),
        )
    operator = meet(context(ssl.PROTOCOL_TLS_CLIENT, "b2", "operator.pem"), server, "127.0.0.1", "127.0.0.1")
    assert operator == (
        (("organizationName", "rackaware"),),
        (("organizationalUnitName", "secure"),),
        (("commonName", "operator"),),
    )
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        meet(context(ssl.PROTOCOL_TLS_CLIENT, "b2"), server, "127.0.0.1", "127.0.0.2")
    with pytest.raises(ssl.SSLError, match="certificate required"):
        meet(context(ssl.PROTOCOL_TLS_CLIENT, "b2", ""), server, "127.0.0.1", "127.0.0.1")


def test_a_rotation_is_staged_beside_running_services(hosts):
    (hosts.root / "state").write_text("active")
    before = {host: hosts.file(host, "keystore.pem").read_text() for host in HOSTS}
    code, said = hosts.run("-e", "tls_renew=true", "--check")
    assert code == 0 and "b1 needs a certificate (keystore: a new key waits for its certificate" in said, said
    assert not list(hosts.root.rglob("*.key")) and not list(hosts.root.rglob("*.staged"))
    code, said = hosts.run("-e", "tls_renew=true")
    assert code == 0, said
    staged = {host: hosts.file(host, "keystore.pem.staged").read_text() for host in HOSTS}
    assert {host: hosts.file(host, "keystore.pem").read_text() for host in HOSTS} == before
    assert not set(staged.values()) & set(before.values()) and not list(hosts.root.rglob("*.key"))
    code, said = hosts.run("-e", "tls_renew=true")
    assert code == 0 and set(hosts.changed(said).values()) == {0}, said


def test_no_private_key_was_shown_logged_or_kept(hosts):
    lines = set()
    for path in hosts.root.rglob("*.pem*"):
        block = path.read_text().partition("PRIVATE KEY-----\n")[2].partition("-----END")[0]
        lines |= set(block.split())
    assert len(lines) >= 20
    texts = [
        *hosts.said,
        *(path.read_text(errors="replace") for path in (hosts.place / "log", hosts.place / "journal")),
    ]
    assert "Invoked with" in texts[-1] and "keystore.pem" in texts[0 - 2]
    for text in texts:
        assert "PRIVATE KEY" not in text and not [line for line in lines if line in text]


@pytest.mark.parametrize(
    ("spec", "usage", "sentence"),
    [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "is for ENCRYPT_DECRYPT with SYMMETRIC_DEFAULT, but a CA signs"),
        (
            "RSA_2048",
            "SIGN_VERIFY",
            "is for SIGN_VERIFY with RSA_2048, but a CA signs (SIGN_VERIFY) with ECC_NIST_P256",
        ),
    ],
)
def test_a_key_of_another_kind_is_refused(kms, spec, usage, sentence):
    ident = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
    with pytest.raises(authority_key.AuthorityKeyError) as refused:
        authority_key.find(kms, ident)
    assert sentence in str(refused.value)


def test_a_key_that_is_disabled_or_about_to_go_is_refused(hosts, kms):
    ident = keys(kms)[ALIAS]
    kms.disable_key(KeyId=ident)
    code, said = hosts.run("-e", json.dumps({"tls_days": 400, "tls_renew_days": 380}))
    assert code != 0 and "The KMS key %s is Disabled; enable it, or cancel its deletion, by hand" % ALIAS in " ".join(
        said.split()
    )
    kms.enable_key(KeyId=ident)
    kms.schedule_key_deletion(KeyId=ident)
    with pytest.raises(authority_key.AuthorityKeyError, match="is PendingDeletion"):
        authority_key.find(kms, ALIAS)


def test_a_run_that_was_slower_uses_the_key_of_the_other_and_leaves_none_behind(account, kms):
    """Between the look and the alias, another run made it."""
    sts = boto3.client(
        "sts",
        endpoint_url=account.env["AWS_ENDPOINT_URL"],
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    first = authority_key.make(kms, sts, "alias/kafka-race-ca", "race", {"Team": "a"})
    before = {each["KeyId"] for each in kms.list_keys()["Keys"]}
    second = authority_key.make(kms, sts, "alias/kafka-race-ca", "race", {})
    assert second.public == first.public
    (orphan,) = {each["KeyId"] for each in kms.list_keys()["Keys"]} - before
    assert kms.describe_key(KeyId=orphan)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    with pytest.raises(authority_key.AuthorityKeyError, match="would have 5000 bytes, and KMS signs 4096 at most"):
        first.sign(b"x" * 5000)
    with pytest.raises(AwsError):
        authority_key.make(kms, sts, "no alias", "race", {})


@pytest.fixture(scope="module")
def rotated(account, tmp_path_factory):
    made = Hosts(account, tmp_path_factory.mktemp("rotated"))
    code, said = made.run("-e", "kafka_cluster=rotated")
    assert code == 0, said
    return made


class TestRotation:
    """Another CA, on hosts whose services are stopped: what is new is in place at once."""

    def step(self, rotated, *options, confirm=""):
        words = ["-e", "kafka_confirm=" + confirm] if confirm else []
        code, said = rotated.run("-e", "kafka_cluster=rotated", *words, *options, playbook=rotated.place / "rotate.yml")
        return code, " ".join(said.split())

    def verified(self, rotated, trust):
        """Whether each host's certificate is of one of these CAs."""
        return {
            openssl("verify", "-CAfile", trust, rotated.file(host, "keystore.pem")).returncode == 0 for host in HOSTS
        }

    def test_three_runs_and_two_confirmations(self, rotated, kms, tmp_path):
        alias = authority_key.alias("rotated")
        old = keys(kms)[alias]
        before = tmp_path / "old.pem"
        before.write_text(rotated.file("b1", "truststore.pem").read_text())
        code, said = self.step(rotated, "--check")
        assert code == 0 and "A key is made as %s-next." % alias in said and alias + "-next" not in keys(kms), said
        code, said = self.step(rotated)
        assert code == 0, said
        new = keys(kms)[alias + "-next"]
        assert rotated.file("z1", "truststore.pem").read_text().count("BEGIN CERTIFICATE") == 2
        assert self.verified(rotated, before) == {True}
        tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=new)["Tags"]}
        assert tags == {"KafkaCluster": "rotated", "KafkaMadeBy": "rackaware.kafka"}
        words = re.search(r"run rotate_ca again with -e kafka_confirm=(clients-trust-[0-9a-f]{8})", said)[1]
        for wrong in ("", "clients-trust-rotated"):
            code, said = self.step(rotated, confirm=wrong)
            assert code != 0 and "to confirm, add -e kafka_confirm=%s." % words in said
        assert keys(kms)[alias] == old
        code, said = self.step(rotated, confirm=words)
        assert code == 0, said
        assert (keys(kms)[alias], keys(kms)[alias + "-previous"]) == (new, old)
        assert alias + "-next" not in keys(kms)
        assert self.verified(rotated, before) == {False}
        code, _ = rotated.run("-e", "kafka_cluster=rotated")
        assert code == 0 and rotated.file("b1", "truststore.pem").read_text().count("BEGIN CERTIFICATE") == 2
        words = re.search(r"kafka_confirm=(retire-[0-9a-f]{8})", said)[1]
        code, said = self.step(rotated, confirm=words)
        assert code == 0 and "is deleted in 30 days" in said, said
        assert {name: ident for name, ident in keys(kms).items() if name.startswith(alias)} == {alias: new}
        described = kms.describe_key(KeyId=old)["KeyMetadata"]
        days = (described["DeletionDate"] - datetime.datetime.now(datetime.timezone.utc)).days
        assert described["KeyState"] == "PendingDeletion" and 28 <= days <= 30
        after = rotated.file("b1", "truststore.pem")
        assert after.read_text().count("BEGIN CERTIFICATE") == 1 and self.verified(rotated, after) == {True}
        code, said = self.step(rotated, confirm=words)
        assert code != 0 and "confirms none; to begin one, leave it out" in said


class TestPrivateCa:
    """AWS Private CA; the stand-in has CAs for short-lived certificates only."""

    DAYS = {"tls_days": 7, "tls_renew_days": 3}

    def client(self, account, name):
        where = {"endpoint_url": account.env["AWS_ENDPOINT_URL"], "region_name": "eu-west-1"}
        return boto3.client(name, aws_access_key_id="testing", aws_secret_access_key="testing", **where)

    def authority(self, account, name, kind="ROOT"):
        acm = self.client(account, "acm-pca")
        own = {"KeyAlgorithm": "RSA_2048", "SigningAlgorithm": "SHA256WITHRSA", "Subject": {"CommonName": name}}
        arn = acm.create_certificate_authority(CertificateAuthorityConfiguration=own, CertificateAuthorityType=kind)[
            "CertificateAuthorityArn"
        ]
        csr = acm.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
        made = acm.issue_certificate(
            CertificateAuthorityArn=arn,
            Csr=csr.encode(),
            SigningAlgorithm="SHA256WITHRSA",
            TemplateArn="arn:aws:acm-pca:::template/RootCACertificate/V1",
            Validity={"Value": 3650, "Type": "DAYS"},
        )["CertificateArn"]
        certificate = acm.get_certificate(CertificateAuthorityArn=arn, CertificateArn=made)["Certificate"]
        acm.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=certificate.encode())
        return arn

    def run(self, hosts, arns, *options, **more):
        given = {"kafka_cluster": "private", "tls_source": "private_ca", "tls_private_cas": arns, **self.DAYS, **more}
        code, said = hosts.run("-e", json.dumps(given), *options)
        return code, " ".join(said.split())

    def test_requests_are_signed_and_another_ca_comes_in_three_steps(self, account, tmp_path_factory):
        hosts = Hosts(account, tmp_path_factory.mktemp("private"))
        old, new = (self.authority(account, name) for name in ("old", "new"))
        code, said = self.run(hosts, [old], "--check")
        assert code == 0 and "b1 needs a certificate" in said and not list(hosts.root.iterdir()), said
        code, said = self.run(hosts, [old])
        assert code == 0, said
        for host in HOSTS:
            file = hosts.file(host, "keystore.pem")
            done = openssl("verify", "-purpose", "sslserver", "-CAfile", hosts.file(host, "truststore.pem"), file)
            assert done.returncode == 0, done
        code, said = self.run(hosts, [old])
        assert code == 0 and set(hosts.changed(hosts.said[-1]).values()) == {0}
        for wrong, sentence in (
            ([new], "has another CA than the one that would sign"),
            ([new, old], "do not trust the CA"),
        ):
            code, said = self.run(hosts, wrong)
            assert code != 0 and sentence in said, said
        before = hosts.file("b1", "keystore.pem").read_text()
        assert self.run(hosts, [old, new])[0] == 0 and hosts.file("b1", "keystore.pem").read_text() == before
        code, said = self.run(hosts, [new])
        assert (
            code != 0 and "A CA would be taken out of the truststores, and Hosts b1, b2, z1 still show its" in said
        ), said
        assert self.run(hosts, [new, old])[0] == 0 and hosts.file("b1", "keystore.pem").read_text() != before
        assert self.run(hosts, [new])[0] == 0
        assert hosts.file("z1", "truststore.pem").read_text().count("BEGIN CERTIFICATE") == 1

    def test_what_cannot_sign_is_refused(self, account, tmp_path_factory):
        hosts = Hosts(account, tmp_path_factory.mktemp("refused"))
        good = self.authority(account, "good")
        acm = self.client(account, "acm-pca")
        own = {"KeyAlgorithm": "RSA_2048", "SigningAlgorithm": "SHA256WITHRSA", "Subject": {"CommonName": "x"}}
        pending, below = (
            acm.create_certificate_authority(CertificateAuthorityConfiguration=own, CertificateAuthorityType=kind)[
                "CertificateAuthorityArn"
            ]
            for kind in ("ROOT", "SUBORDINATE")
        )
        for arns, more, sentence in (
            ([pending], {}, "is PENDING_CERTIFICATE, and only one that is ACTIVE signs; activate it"),
            ([good, below], {}, "is below another one, so that nodes would have to trust all that its root signs"),
            ([good], {"tls_days": 365, "tls_renew_days": 60}, "signs for 7 days at most, and tls_days is 365"),
            ([good.replace("eu-west-1", "eu-west-2")], {}, "is in eu-west-2, and the cluster's Region is eu-west-1"),
            (
                [good.replace("123456789012", "210987654321")],
                {},
                "belongs to the account 210987654321, and the caller is",
            ),
            (["arn:aws:acm:x"], {}, "which is no ARN of a CA of AWS Private CA"),
        ):
            code, said = self.run(hosts, arns, **more)
            assert code != 0 and sentence in said, said
        assert not list(hosts.root.rglob("*.pem"))
