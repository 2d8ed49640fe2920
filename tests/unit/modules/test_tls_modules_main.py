"""The three modules for certificates, one after another as the role runs them, on hosts that are directories."""

from __future__ import annotations

import os
import stat

import pytest
from certificates import Authority
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from tls_cluster import NOW, Cluster, LocalKey

from ansible_collections.rackaware.kafka.plugins.module_utils import _durable
from ansible_collections.rackaware.kafka.plugins.module_utils._aws import authority_key
from ansible_collections.rackaware.kafka.plugins.module_utils._host import staging, tls_files
from ansible_collections.rackaware.kafka.plugins.module_utils._tls import authority as tls_authority
from ansible_collections.rackaware.kafka.plugins.module_utils._tls import certificates, identity


@pytest.fixture
def cluster(tmp_path, capsys, monkeypatch):
    made = Cluster(tmp_path / "hosts", capsys, monkeypatch)
    made.use(monkeypatch, LocalKey())
    return made


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class TestFirstRun:
    def test_every_host_gets_what_the_inventory_says(self, cluster):
        changed, signed = cluster.run()
        assert set(changed.values()) == {True}
        assert signed["reasons"]["z1"] == "z1 needs a certificate (keystore: it has none)."
        here = cluster.directory("b1")
        assert sorted(path.name for path in here.iterdir()) == ["keystore.pem", "operator.pem", "truststore.pem"]
        assert [path.name for path in sorted(cluster.directory("z1").iterdir())] == ["keystore.pem", "truststore.pem"]
        assert [mode(here / name) for name in (".", "keystore.pem", "operator.pem", "truststore.pem")] == [
            *(0o750, 0o640, 0o400, 0o644)
        ]
        leaf = cluster.leaf("b1")
        assert leaf.subject.rfc4514_string() == "CN=kafka,OU=demo,O=rackaware"
        assert certificates.names(leaf) == {"127.0.0.1", "b1.example.com"}
        assert certificates.names(cluster.leaf("z1")) == {"::1"}
        operator = cluster.leaf("b1", "operator.pem")
        assert operator.subject.rfc4514_string() == "CN=operator,OU=demo,O=rackaware" and not certificates.names(
            operator
        )
        assert (here / "keystore.pem").read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
        # The CA, five identities.
        assert cluster.kms.signatures == 6

    def test_a_second_run_changes_nothing_and_asks_no_kms(self, cluster, monkeypatch):
        cluster.run()
        before = cluster.files()
        monkeypatch.setattr(authority_key, "named", lambda *_: pytest.fail("KMS was asked"))
        for check in (False, True):
            changed, signed = cluster.run(check)
            assert set(changed.values()) == {False} and not signed["changed"] and signed["hosts"] == []
        assert cluster.files() == before

    def test_check_mode_says_who_would_get_one_and_makes_nothing(self, cluster, monkeypatch):
        made = []
        cluster.kms = None
        monkeypatch.setattr(authority_key, "make", lambda *_: made.append(1))
        changed, signed = cluster.run(check=True)
        assert signed["changed"] and set(signed["reasons"]) == {"b1", "b2", "z1"}
        assert signed["reasons"]["b1"] == "b1 needs a certificate (keystore: it has none; operator: it has none)."
        assert signed["key"] == "alias/kafka-demo-ca" and set(changed.values()) == {True}
        assert not made and not cluster.home.exists()

    def test_a_key_that_waits_is_read_by_its_owner_only_from_its_first_moment(self, cluster, monkeypatch):
        real, seen = os.open, []

        def watched(path, flags, mode=0o777, **more):
            seen.append(mode) if flags & os.O_CREAT else None
            return real(path, flags, mode, **more)

        monkeypatch.setattr(os, "open", watched)
        cluster.request("b1")
        assert seen == [0o600, 0o600]
        assert [mode(path) for path in sorted(cluster.directory("b1").iterdir())] == [0o400, 0o400]

    def test_no_private_key_is_in_what_modules_print(self, cluster):
        cluster.request("b1")
        # The keys that wait, and those in place.
        keys = cluster.private_lines()
        cluster.run()
        cluster.running = True
        cluster.run(renew=True)
        keys |= cluster.private_lines()
        assert len(keys) > 9
        said = "".join(cluster.said)
        assert "PRIVATE KEY" not in said and not [line for line in keys if line in said]

    def test_half_a_private_key_is_not_printed_either(self, cluster):
        cluster.run()
        file = cluster.directory("b1") / "keystore.pem"
        file.write_text(file.read_text().partition("-----END")[0])
        keys = cluster.private_lines()
        cluster.run()
        said = "".join(cluster.said)
        assert keys and "PRIVATE KEY" not in said and not [line for line in keys if line in said]

    @pytest.mark.parametrize("left", [None, "", "damaged"], ids=str)
    def test_what_a_running_service_cannot_use_is_replaced_at_once(self, cluster, left):
        """The modules that ask the cluster need the CA in place, and without it no roll would put it there."""
        cluster.run()
        cluster.running, before = True, cluster.files()
        for file in cluster.directory("b1").iterdir():
            file.unlink() if left is None else file.write_text(left)
        cluster.run()
        assert not [file for file in cluster.files() if file.endswith(".staged")]
        assert cluster.files()["b1/tls/truststore.pem"] == before["b1/tls/truststore.pem"]
        assert tls_files.look(str(cluster.directory("b1")), "keystore").matches


class TestRenewal:
    def test_a_renewal_waits_for_the_restart_and_is_not_repeated(self, cluster):
        cluster.run()
        cluster.running = True
        old = {name: certificates.public_key(cluster.leaf(name)) for name in cluster.variables}
        operator = cluster.leaf("b1", "operator.pem").serial_number
        before = {name: text for name, text in cluster.files().items() if "keystore" in name}
        cluster.run(renew=True)
        now = cluster.files()
        assert {name: now[name] for name in before} == before
        for name in cluster.variables:
            assert certificates.public_key(cluster.leaf(name, "keystore.pem.staged")) != old[name]
        # No service reads it.
        assert cluster.leaf("b1", "operator.pem").serial_number != operator
        changed, _ = cluster.run(renew=True)
        assert set(changed.values()) == {False} and cluster.files() == now
        cluster.promote()
        changed, _ = cluster.run()
        assert set(changed.values()) == {False}

    def test_a_certificate_that_is_not_valid_yet_by_the_clock_of_its_host_is_refused(self, cluster, monkeypatch):
        """After a restart its peers would refuse it; site compares the clocks, rotate_certificates does not."""
        cluster.run()
        cluster.running, before = True, cluster.files()
        answers = {name: cluster.request(name, renew=True) for name in cluster.variables}
        monkeypatch.setattr(tls_authority, "BACK", -certificates.DAY / 24)
        signed = cluster.decide(answers)
        said = cluster.write("b1", signed)["msg"]
        assert "is not valid before" in said and "correct the time" in said
        assert {name: cluster.files()[name] for name in before} == before
        assert not [file for file in cluster.files() if file.endswith(".staged")]

    def test_what_expires_soon_gets_a_new_key(self, cluster):
        cluster.run(days=61)
        old = certificates.public_key(cluster.leaf("b1"))
        changed, _ = cluster.run()
        assert set(changed.values()) == {False}
        answers = {name: cluster.request(name, renew_days=62) for name in cluster.variables}
        signed = cluster.decide(answers, renew_days=62)
        assert "keystore: its certificate expires in 60 days" in signed["reasons"]["b1"]
        cluster.write("b1", signed)
        assert certificates.public_key(cluster.leaf("b1")) != old

    def test_a_new_name_needs_a_new_certificate_and_no_new_key(self, cluster):
        cluster.run()
        old = certificates.public_key(cluster.leaf("b2"))
        cluster.variables["b2"]["kafka_tls_names"] = ["127.0.0.9"]
        changed, signed = cluster.run()
        assert changed == {"b1": False, "b2": True, "z1": False}
        assert signed["reasons"] == {
            "b2": "b2 needs a certificate (keystore: its certificate lacks the name 127.0.0.9)."
        }
        assert certificates.names(cluster.leaf("b2")) == {"127.0.0.2", "127.0.0.9"}
        assert certificates.public_key(cluster.leaf("b2")) == old

    def test_the_ca_stays_for_a_new_host_and_is_renewed_with_its_key(self, cluster, monkeypatch):
        gone = cluster.variables.pop("z1")
        cluster.run()
        authority = (cluster.directory("b1") / "truststore.pem").read_text()
        cluster.variables["z1"] = gone
        changed, _ = cluster.run()
        assert changed == {"b1": False, "b2": False, "z1": True}
        assert (cluster.directory("z1") / "truststore.pem").read_text() == authority
        # It would not outlive what it signs: same key, so that old and new certificates hold under both.
        monkeypatch.setattr(tls_authority, "YEARS", 20)
        changed, signed = cluster.run(days=3660)
        assert set(changed.values()) == {True} and not signed["reasons"]
        new = certificates.read(signed["authority"], "x")[0]
        assert new.subject == certificates.read(authority, "x")[0].subject and signed["authority"] != authority
        assert certificates.trusted([cluster.leaf("b1")], [new], NOW)


GAPS = {
    "before the key is written": (_durable, "write"),
    "before the request is made": (tls_files, "request"),
    "before anything is staged": (staging, "apply"),
    "before the key that waited is removed": (tls_files, "remove"),
}


class Crash(BaseException):
    """No module catches it, as none catches a power cut."""


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize("running", [False, True])
def test_a_run_that_broke_off_is_completed_by_the_next(cluster, monkeypatch, gap, at, running):
    if running:
        cluster.run()
        cluster.running = True
    where, name = GAPS[gap]
    real, calls = getattr(where, name), []

    def breaks(*args, **more):
        calls.append(args)
        if len(calls) == at:
            raise Crash
        return real(*args, **more)

    monkeypatch.setattr(where, name, breaks)
    with pytest.raises(Crash):
        cluster.run(renew=running)
    monkeypatch.setattr(where, name, real)
    cluster.run(renew=running)
    here = cluster.files()
    assert not [file for file in here if file.endswith(".key") or "/." in file]
    if running:
        assert {file for file in here if file.endswith(".staged")} == {
            "%s/tls/keystore.pem.staged" % host for host in cluster.variables
        }
    for host in cluster.variables:
        place = tls_files.look(str(cluster.directory(host)), "keystore")
        assert place.matches and place.staged == running
    changed, _ = cluster.run(renew=running)
    assert not running or set(changed.values()) == {False}
    changed, _ = cluster.run()
    assert set(changed.values()) == {False}


class TestRefusals:
    def refused(self, result, sentence):
        assert result["failed"] and sentence in result["msg"], result

    def test_a_host_that_claims_to_be_the_operator_gets_nothing(self, cluster):
        answers = {name: cluster.request(name) for name in cluster.variables}
        wanted = cluster.decide(answers)["certificates"]
        assert wanted["b2"]
        signatures = cluster.kms.signatures
        answers["b2"]["identities"]["keystore"]["csr"] = answers["b2"]["identities"]["operator"]["csr"]
        self.refused(
            cluster.decide(answers),
            "The request of b2 for keystore claims to be CN=operator,OU=demo,O=rackaware instead of"
            " CN=kafka,OU=demo,O=rackaware; look at the host.",
        )
        answers["b2"]["identities"]["keystore"]["csr"] = answers["b1"]["identities"]["keystore"]["csr"]
        self.refused(
            cluster.decide(answers), "The request of b2 for keystore claims the name 127.0.0.1, unlike the inventory"
        )
        # Nothing is signed for the others either.
        assert cluster.kms.signatures == signatures + 2

    @pytest.mark.parametrize(
        ("csr", "sentence"),
        [("", "Host b2 sent no request for keystore"), ("no PEM", "The request of b2 for keystore cannot be read")],
    )
    def test_a_request_that_is_none(self, cluster, csr, sentence):
        answers = {name: cluster.request(name) for name in cluster.variables}
        answers["b2"]["identities"]["keystore"]["csr"] = csr
        self.refused(cluster.decide(answers), sentence)

    def test_a_request_that_its_key_did_not_sign(self, cluster):
        answers = {name: cluster.request(name) for name in cluster.variables}
        text = answers["b2"]["identities"]["keystore"]["csr"]
        lines = text.splitlines()
        lines[-2] = ("A" if lines[-2][5] != "A" else "B").join([lines[-2][:5], lines[-2][6:]])
        answers["b2"]["identities"]["keystore"]["csr"] = "\n".join(lines) + "\n"
        self.refused(cluster.decide(answers), "is not signed by its key")

    def test_a_host_that_did_not_answer(self, cluster):
        answers = {name: cluster.request(name) for name in cluster.variables}
        self.refused(cluster.decide({**answers, "b1": {}}), "Host b1 did not answer what certificates it has")

    def test_another_ca_than_the_one_that_hosts_trust(self, cluster):
        cluster.run()
        before = cluster.files()
        cluster.kms = LocalKey()
        cluster.variables["b1"]["kafka_tls_names"] = ["127.0.0.8"]
        self.refused(cluster.run()[1], "has another CA than the one that would sign")
        cluster.kms = None
        self.refused(
            cluster.run()[1], "Hosts b1, b2, z1 trust a CA already, but there is no KMS key alias/kafka-demo-ca; give"
        )
        assert cluster.files() == before

    def test_a_ca_of_clients_that_signs_nodes_as_well(self, cluster):
        cluster.run()
        before = cluster.files()
        signer = tls_authority.remote_key(cluster.kms.public, cluster.kms.sign)
        # Another certificate of the same key.
        again = certificates.pem([tls_authority.make("demo", signer, NOW)])
        assert again != (cluster.directory("b1") / "truststore.pem").read_text()
        for name in ("b1", "b2"):
            cluster.variables[name].update(kafka_client_ca_certificates=again, kafka_tls_names=["127.0.0.8"])
        self.refused(
            cluster.run()[1],
            "kafka_client_ca_certificates of b1, b2 has the CA that signs nodes, or one below it, so that the nodes' listeners would let its"
            " clients in; have clients' certificates signed by another CA. See docs/security.md.",
        )
        cluster.variables["b2"]["kafka_client_ca_certificates"] = "-----BEGIN CERTIFICATE-----\nnone"
        self.refused(cluster.run()[1], "kafka_client_ca_certificates has no certificate that can be read")
        assert cluster.files() == before

    def test_another_ca_of_clients_is_no_matter(self, cluster, tmp_path):
        (tmp_path / "clients").mkdir()
        cluster.variables["b1"]["kafka_client_ca_certificates"] = Authority(tmp_path / "clients", "ca").file.read_text()
        assert set(cluster.run()[0].values()) == {True}
        assert set(cluster.run()[0].values()) == {False}

    @pytest.mark.parametrize(
        ("kind", "argv"),
        [
            ("EC ", ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"]),
            ("RSA ", ["openssl", "genrsa", "-traditional", "2048"]),
        ],
    )
    def test_a_key_that_kafka_does_not_read(self, cluster, kind, argv):
        code, out, _ = tls_files._command.run(argv)
        assert code == 0
        cluster.directory("b1").mkdir(parents=True)
        (cluster.directory("b1") / "keystore.key").write_text(out)
        result = cluster.request("b1")
        self.refused(
            result, "has a key of the kind BEGIN %sPRIVATE KEY, and Kafka reads unencrypted PKCS#8 only" % kind
        )
        assert not [line for line in cluster.private_lines() if line in "".join(cluster.said)]

    def test_a_key_that_is_none(self, cluster):
        cluster.directory("b1").mkdir(parents=True)
        (cluster.directory("b1") / "keystore.key").write_text("")
        self.refused(cluster.request("b1"), "is no private key that openssl can read; remove the file")

    def test_a_certificate_of_another_key(self, cluster):
        answers = {name: cluster.request(name) for name in cluster.variables}
        signed = cluster.decide(answers)
        signed["certificates"]["b1"] = {"keystore": signed["certificates"]["b2"]["keystore"]}
        self.refused(cluster.write("b1", signed), "The certificate for keystore is of another key than the one in")
        assert [path.name for path in cluster.directory("b1").glob("*.pem")] == []

    def test_a_damaged_file_is_written_again(self, cluster):
        cluster.run()
        for name in ("keystore.pem", "truststore.pem"):
            (cluster.directory("b1") / name).write_text("-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n")
        changed, signed = cluster.run()
        assert changed == {"b1": True, "b2": False, "z1": False}
        assert signed["reasons"]["b1"] == "b1 needs a certificate (keystore: its certificate cannot be read)."
        assert cluster.run()[0]["b1"] is False

    def test_a_host_without_openssl(self, cluster, monkeypatch):
        monkeypatch.setattr(tls_files._command, "PATH", str(cluster.home))
        monkeypatch.setenv("PATH", str(cluster.home))
        self.refused(cluster.request("b1"), "openssl cannot be run: No such file or directory; install the package")


class OwnAuthority(Authority):
    """A user's CA that signs requests as they are, or with a fault."""

    def take(self, directory, stem, **fault):
        request = x509.load_pem_x509_csr((directory / (stem + ".csr")).read_bytes())
        builder = self._certificate(request.subject, fault.get("key", request), fault.get("days", 300))
        if "begins" in fault:
            builder = _with_begin(builder, fault["begins"])
        names = fault.get("names", _names(request))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if "usage" in fault:
            builder = builder.add_extension(x509.ExtendedKeyUsage([fault["usage"]]), critical=False)
        text = certificates.pem([builder.sign(fault.get("by", self).key, hashes.SHA256())])
        (directory / (stem + ".pem")).write_text(text)


def _with_begin(builder, begins):
    builder._not_valid_before = begins.replace(tzinfo=None)
    return builder


def _names(request):
    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


FILES = ("b1", "b1.operator", "b2", "b2.operator", "z1")


class TestOwnCa:
    @pytest.fixture
    def own(self, tmp_path):
        home = tmp_path / "requests"
        home.mkdir()
        made = OwnAuthority(home, "ca")
        made.directory = home
        return made

    def run(self, cluster, own, check=False, **more):
        return cluster.run(check, source="requests", requests_directory=str(own.directory), **more)

    def test_requests_go_out_and_certificates_come_in(self, cluster, own):
        _, refused = self.run(cluster, own)
        assert refused["msg"] == (
            "Signed certificates are missing: have b1.csr, b1.operator.csr, b2.csr and 2 more in %s signed, put what your"
            " CA makes of each beside it with the ending .pem, its chain included, and run this again."
            " See docs/runbooks/certificates.md." % own.directory
        )
        assert sorted(path.name for path in own.directory.glob("*.csr")) == sorted(name + ".csr" for name in FILES)
        texts = {path.name: path.read_text() for path in own.directory.iterdir()}
        self.run(cluster, own)
        assert {path.name: path.read_text() for path in own.directory.iterdir()} == texts
        for stem in FILES:
            own.take(own.directory, stem)
        changed, signed = self.run(cluster, own)
        assert set(changed.values()) == {True} and signed["authority"] == own.file.read_text()
        changed, signed = self.run(cluster, own)
        assert set(changed.values()) == {False} and not signed["changed"]

    def test_a_ca_that_signs_clients_as_well_gets_no_request(self, cluster, own):
        cluster.variables["b2"]["kafka_client_ca_certificates"] = own.file.read_text()
        _, refused = self.run(cluster, own)
        assert "kafka_client_ca_certificates of b2 has the CA that signs nodes" in refused["msg"]
        assert [path.name for path in own.directory.glob("*.csr")] == []

    def test_a_renewal_does_not_stop_runs_while_it_is_not_signed(self, cluster, own):
        self.run(cluster, own)
        for stem in FILES:
            own.take(own.directory, stem)
        self.run(cluster, own)
        _, signed = self.run(cluster, own, renew=True)
        assert sorted(signed["missing"]) == [name + ".csr" for name in FILES] and signed["changed"]
        assert "Signed certificates are missing: have b1.csr" in " ".join(cluster.said[-1].split())
        assert not self.run(cluster, own)[1]["changed"]
        assert not signed["certificates"]
        for stem in FILES:
            own.take(own.directory, stem)
        changed, _ = self.run(cluster, own)
        assert set(changed.values()) == {True} and self.run(cluster, own)[0] == dict.fromkeys(cluster.variables, False)

    def test_check_mode_writes_no_request(self, cluster, own):
        _, signed = self.run(cluster, own, check=True)
        assert signed["changed"] and set(signed["reasons"]) == {"b1", "b2", "z1"}
        assert not list(own.directory.glob("*.csr")) and not cluster.home.exists()

    @pytest.mark.parametrize(
        ("fault", "sentence"),
        [
            ({"names": []}, "lacks the name 127.0.0.1"),
            ({"days": -1}, "expired on "),
            ({"begins": NOW + 2 * certificates.DAY}, "is not valid before "),
            ({"usage": x509.ExtendedKeyUsageOID.SERVER_AUTH}, "is not for servers and clients"),
            ({"by": "other"}, "is not signed by the CA of the cluster"),
            ({"key": "other"}, "b1.pem is of another key than the request b1.csr"),
        ],
    )
    def test_a_certificate_that_does_not_fit_reaches_no_host(self, cluster, own, tmp_path, fault, sentence):
        other = Authority(tmp_path, "other")
        self.run(cluster, own)
        for stem in FILES:
            own.take(own.directory, stem)
        before = cluster.files()
        fault = {name: other if value == "other" else value for name, value in fault.items()}
        if "key" in fault:
            fault["key"] = other.key
        own.take(own.directory, "b1", **fault)
        _, result = self.run(cluster, own)
        assert result["failed"] and sentence in result["msg"] and "b1.pem" in result["msg"], result
        assert result["msg"].endswith(" See docs/runbooks/certificates.md.") and cluster.files() == before

    def test_what_is_signed_is_not_judged_without_a_ca(self, cluster, own):
        self.run(cluster, own)
        own.take(own.directory, "b1")
        own.file.unlink()
        assert "There is no ca.pem in %s" % own.directory in self.run(cluster, own)[1]["msg"]

    def test_a_private_key_or_rubbish_in_the_directory(self, cluster, own):
        self.run(cluster, own)
        (own.directory / "b1.pem").write_text("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n")
        assert "b1.pem has a private key in it" in self.run(cluster, own)[1]["msg"]
        (own.directory / "b1.pem").write_text("rubbish")
        assert "b1.pem has no certificate that can be read" in self.run(cluster, own)[1]["msg"]

    def test_a_ca_that_others_do_not_trust_yet_comes_after_a_restart(self, cluster, own, tmp_path):
        self.run(cluster, own)
        for stem in FILES:
            own.take(own.directory, stem)
        self.run(cluster, own)
        cluster.running = True
        new = OwnAuthority(tmp_path, "new")
        new.directory = own.directory
        own.file.write_text(new.file.read_text())
        assert "has another CA than the one that would sign" in self.run(cluster, own)[1]["msg"]
        old = (cluster.directory("b1") / "truststore.pem").read_text()
        own.file.write_text(old + new.file.read_text())
        self.run(cluster, own, renew=True)
        for stem in FILES:
            new.take(own.directory, stem)
        refused = self.run(cluster, own)[1]["msg"]
        assert "b1.pem is signed by a CA that b1 does not trust yet; take it out of the directory" in refused
        cluster.promote()
        assert not self.run(cluster, own)[1].get("failed")

    def test_a_ca_stays_trusted_until_no_node_shows_its_certificates(self, cluster, own, tmp_path):
        self.run(cluster, own)
        for stem in FILES:
            own.take(own.directory, stem)
        self.run(cluster, own)
        cluster.start()
        old = own.file.read_text()
        new = OwnAuthority(tmp_path, "new")
        new.directory = own.directory
        own.file.write_text(old + new.file.read_text())
        self.run(cluster, own)
        cluster.promote()
        # Signed by the new one, and staged only: a node that is restarted with the new truststore would meet old ones.
        self.run(cluster, own, renew=True)
        for stem in FILES:
            new.take(own.directory, stem)
        own.file.write_text(new.file.read_text())
        before = cluster.files()
        refused = self.run(cluster, own)[1]["msg"]
        assert "A CA would be taken out of the truststores, and Hosts b1, b2, z1 still show its certificates" in refused
        assert cluster.files() == before
        own.file.write_text(old + new.file.read_text())
        assert not self.run(cluster, own)[1].get("failed")
        own.file.write_text(new.file.read_text())
        assert "still show its certificates" in self.run(cluster, own)[1]["msg"]
        cluster.promote()
        assert not self.run(cluster, own)[1].get("failed")

    def test_what_ends_within_a_day_is_no_renewal_that_can_wait(self, cluster, own):
        self.run(cluster, own)
        for stem in FILES:
            own.take(own.directory, stem, days=0.5)
        self.run(cluster, own)
        assert self.run(cluster, own)[1]["msg"].startswith("Signed certificates are missing: have b1.csr")


def test_the_names_of_the_cluster_are_the_same_in_certificates_and_in_super_users():
    assert identity.super_users("demo") == [
        "User:CN=kafka,OU=demo,O=rackaware",
        "User:CN=operator,OU=demo,O=rackaware",
    ]
