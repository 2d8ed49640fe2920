"""What a certificate must say, which one is none, and what the CA signs."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tls_cluster import NOW, LocalKey

from ansible_collections.rackaware.kafka.plugins.module_utils._tls import authority, certificates, decision, identity
from ansible_collections.rackaware.kafka.plugins.module_utils._tls.certificates import DAY

HOST = identity.Identity("keystore", identity.subject("kafka", "demo"), ("198.51.100.1", "b1.example.com"))


class Ca:
    """The cluster's own CA with a key of the test."""

    def __init__(self, cluster="demo"):
        self.kms, self.cluster = LocalKey(), cluster
        self.key = authority.remote_key(self.kms.public, self.kms.sign)
        self.certificate = authority.make(cluster, self.key, NOW)

    def sign(self, who=HOST, days=365, now=NOW, request=None):
        return authority.sign(request or csr(who), who, self.certificate, self.key, now, days)


def csr(who=HOST, key=None, names=None):
    built = x509.CertificateSigningRequestBuilder().subject_name(authority._name(who.subject))
    wanted = who.names if names is None else names
    if wanted:
        alternatives = [
            x509.IPAddress(authority.ip_address(name)) if identity.is_address(name) else x509.DNSName(name)
            for name in wanted
        ]
        built = built.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return built.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


def text(request):
    return request.public_bytes(serialization.Encoding.PEM).decode()


def broken(built, identifier):
    """One with an extension that is no ASN.1."""
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier(identifier), b"\xff")
    return built.add_extension(odd, critical=False).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


def odd_certificates():
    """The texts of what can be parsed and is none of ours: bad names, bad constraints, a curve that no client knows."""
    key, name = ec.generate_private_key(ec.SECP256R1()), authority._name(HOST.subject)
    built = authority._builder(name, name, key.public_key(), NOW, NOW + DAY)
    for identifier in ("2.5.29.17", "2.5.29.19"):
        yield certificates.pem([broken(built, identifier)])
    der = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    curve, unknown = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030106")
    yield certificates.pem([x509.load_der_x509_certificate(der.replace(curve, unknown))])


@pytest.fixture(scope="module")
def ca():
    return Ca()


class TestNames:
    def test_brokers_have_the_operator_and_addresses_are_canonical(self):
        own, operator = identity.identities("demo", "2001:DB8:0::1", ["B1.Example.com", "b1.example.com"], broker=True)
        assert own["names"] == ["2001:db8::1", "b1.example.com"] and operator["names"] == []
        assert [item["name"] for item in identity.identities("demo", "a", [], broker=False)] == ["keystore"]

    @pytest.mark.parametrize("name", ["b1", "demo_broker-1", "b1.example.com", "*.example.com", "198.51.100.1", "::1"])
    def test_a_name_that_fits(self, name):
        assert identity.findings("demo", {"b1": [name]}) == []

    @pytest.mark.parametrize(
        "name", ["", "a b", "300.1.1.1", "b1,DNS:evil", "b1\nx", "-b1", "b1.", "a" * 64, "[::1]", "a" + ".a" * 60, "b*"]
    )
    def test_a_name_that_does_not(self, name):
        assert "which is neither an IP address nor a DNS name" in identity.findings("demo", {"b1": [name]})[0]

    def test_too_many_names(self):
        names = ["b%d" % number for number in range(21)]
        assert identity.findings("demo", {"b1": names}) == ["Host b1 has 21 names; 20 are the most."]

    @pytest.mark.parametrize("cluster", ["", "a,b", "a/b", "a b", "a" * 65, "-a"])
    def test_a_cluster_that_no_certificate_can_name(self, cluster):
        assert identity.findings(cluster, {})[0].startswith("kafka_cluster is ")

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({}, None),
            ({"days": 60}, "tls_days is 60 and tls_renew_days 60"),
            ({"days": 1801}, "tls_days must be from 1 to 1800"),
            ({"renew_days": 0}, "tls_renew_days at least 1"),
            ({"source": "requests"}, "tls_requests_dir is not set"),
            ({"source": "private_ca"}, "tls_private_cas is empty"),
            (
                {"source": "private_ca", "private_cas": ["arn:aws:acm:x"]},
                "tls_private_cas has 'arn:aws:acm:x', which is",
            ),
        ],
    )
    def test_settings(self, given, sentence):
        found = identity.settings_findings(
            {"source": "kms", "days": 365, "renew_days": 60, "requests_dir": "", "private_cas": [], **given}, ["b1"]
        )
        assert len(found) == (0 if sentence is None else 1) and (sentence or "") in " ".join(found)

    @pytest.mark.parametrize("host", ["../../etc/x", "b1.operator", "a/b", ".hidden", "a b", ""])
    def test_a_host_whose_name_is_no_name_for_the_file_of_its_request(self, host):
        own = {"source": "requests", "days": 365, "renew_days": 60, "requests_dir": "/requests", "private_cas": []}
        found = identity.settings_findings(own, ["b1", "b2.example.com", host])
        assert len(found) == 1 and found[0].startswith("The host %r " % host)
        assert identity.settings_findings({**own, "source": "kms"}, [host]) == []

    def test_the_longest_names_still_fit_into_what_kms_signs(self, ca):
        names = tuple(("%02d" % number + ".abcdefgh" * 13)[:120] for number in range(20))
        assert identity.findings("d" * 64, {"b1": names}) == []
        who = identity.Identity("keystore", identity.subject("kafka", "d" * 64), names)
        assert len(Ca("d" * 64).sign(who).tbs_certificate_bytes) <= 4096


class TestSigned:
    def test_a_certificate_says_what_the_inventory_says(self, ca):
        made = ca.sign()
        assert certificates.faults([made], HOST, [ca.certificate], NOW, exact=True) == []
        assert made.subject.rfc4514_string() == HOST.dn == "CN=kafka,OU=demo,O=rackaware"
        assert (made.not_valid_before_utc, made.not_valid_after_utc) == tuple(
            moment.replace(microsecond=0) for moment in (NOW - authority.BACK, NOW + 365 * DAY)
        )
        assert ca.sign().serial_number != made.serial_number

    def test_names_come_from_the_inventory_only(self, ca):
        made = ca.sign(request=csr(names=["evil.example.com"]))
        assert certificates.names(made) == set(HOST.names)

    def test_none_outlives_the_ca(self, ca):
        assert ca.sign(days=9999).not_valid_after_utc == ca.certificate.not_valid_after_utc

    def test_the_ca_signs_nodes_and_no_other_ca(self, ca):
        basic = ca.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert basic.critical and (basic.value.ca, basic.value.path_length) == (True, 0)
        usage = ca.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.key_cert_sign and usage.crl_sign and not usage.digital_signature
        assert certificates.days_left(ca.certificate, NOW) >= 3649

    def test_a_key_of_kms_does_nothing_but_sign(self, ca):
        for what in (ca.key.private_numbers, lambda: ca.key.private_bytes(1, 2, 3), lambda: ca.key.exchange(1, 2)):
            with pytest.raises(NotImplementedError):
                what()


class TestFaults:
    @pytest.mark.parametrize(
        ("who", "now", "fault"),
        [
            (identity.Identity("keystore", HOST.subject, (*HOST.names, "b2")), NOW, "lacks the name b2"),
            (
                identity.Identity("keystore", HOST.subject, HOST.names[:1]),
                NOW,
                "has the name b1.example.com, which the",
            ),
            (
                identity.Identity("keystore", identity.subject("kafka", "other"), HOST.names),
                NOW,
                "is for CN=kafka,OU=demo,O=rackaware, not for CN=kafka,OU=other,O=rackaware",
            ),
            (HOST, NOW + 366 * DAY, "expired on "),
            (HOST, NOW - DAY, "is not valid before "),
        ],
    )
    def test_a_certificate_of_another(self, ca, who, now, fault):
        (found,) = certificates.faults([ca.sign()], who, [ca.certificate], now, exact=True)
        assert found.startswith(fault)

    def test_a_ca_of_the_same_name_is_not_the_ca(self, ca):
        assert certificates.faults([ca.sign()], HOST, [Ca().certificate], NOW, exact=True) == [
            "is not signed by the CA of the cluster"
        ]

    def test_a_node_is_no_ca(self, ca):
        """The owner of a node's key could sign otherwise."""
        key = ec.generate_private_key(ec.SECP256R1())
        node = ca.sign(request=csr(key=key))
        forged = authority.sign(csr(), HOST, node, key, NOW, 10)
        assert not certificates.trusted([forged, node], [ca.certificate], NOW)

    def test_a_chain_by_another_ca_holds_and_a_circle_ends(self, ca):
        sub = LocalKey()
        key = authority.remote_key(sub.public, sub.sign)
        name = authority._name(identity.subject("sub", "demo"))
        middle = (
            authority._builder(name, ca.certificate.subject, key.public_key(), NOW, NOW + 9 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(ca.key, hashes.SHA256())
        )
        leaf = authority.sign(csr(), HOST, middle, key, NOW, 5)
        assert certificates.trusted([leaf, middle], [ca.certificate], NOW)
        assert not certificates.trusted([leaf], [ca.certificate], NOW)
        assert not certificates.trusted([leaf, middle], [ca.certificate], NOW + 10 * DAY)
        one, two = Ca(), Ca()
        assert not certificates.trusted([one.certificate, one.certificate], [two.certificate], NOW)

    def test_a_waiting_key_and_another_key_are_reasons(self, ca):
        answer = {"certificate": certificates.pem([ca.sign()]), "key_matches": True, "waiting": False}

        def why(now=NOW, **more):
            return certificates.why({**answer, **more}, HOST, [ca.certificate], now, renew_days=60)

        assert why() == ""
        assert why(waiting=True) == "a new key waits for its certificate"
        assert why(key_matches=False) == "its certificate is of another key"
        assert why(now=NOW + 310 * DAY) == "its certificate expires in 54 days"
        assert why(now=NOW + 305 * DAY) == "its certificate expires in 59 days" and why(now=NOW + 304 * DAY) == ""
        assert why(certificate="") == "it has none"


class TestChosenAuthority:
    @pytest.mark.parametrize("odd", list(odd_certificates()), ids=["names", "constraints", "curve"])
    def test_what_one_host_has_never_stops_the_others(self, ca, odd):
        own = {"keystore": {"certificate": odd, "key_matches": True}}
        answer = {"identities": own, "authorities": odd, "trusted": odd}
        who = {"name": "keystore", "subject": HOST.subject, "names": HOST.names}
        hosts = decision.hosts({"b1": {"identities": [who], "answer": answer}})
        assert hosts[0].authorities == hosts[0].trusted == ()
        (need,) = decision.needs(hosts, [ca.certificate], NOW, renew_days=60, exact=True)
        assert need.reason == "its certificate cannot be read"

    def test_only_the_key_decides(self, ca, monkeypatch):
        def choose(*candidates, days=365, now=NOW):
            return authority.choose(candidates, "demo", ca.kms.public, now, days)

        assert choose(Ca().certificate, ca.certificate) == ca.certificate
        assert choose(Ca().certificate) is None
        assert choose(ca.certificate, now=NOW + 3300 * DAY) is None
        # What the CA signed for a node whose key is its own.
        assert choose(ca.sign(request=csr(key=ca.kms.key))) is None
        monkeypatch.setattr(authority, "YEARS", 11)
        newer = authority.make("demo", ca.key, NOW)
        assert choose(ca.certificate, newer) == choose(newer, ca.certificate) == newer
        assert certificates.trusted([ca.sign()], [newer], NOW)

    def test_kms_is_spared_only_where_all_hosts_have_the_same(self, ca):
        def host(*trusted):
            return decision.Host("b", (), {}, trusted, trusted)

        def shared(*hosts):
            return decision.shared_authority(hosts, "demo", NOW, 365)

        assert shared(host(ca.certificate), host(ca.certificate)) == ca.certificate
        assert shared(host(ca.certificate), host(Ca().certificate)) is None
        assert shared(host(ca.certificate), host()) is None
        assert shared(host(Ca("other").certificate)) is None


class TestRequests:
    def test_one_that_can_be_parsed_only_in_part_is_refused(self):
        built = x509.CertificateSigningRequestBuilder().subject_name(authority._name(HOST.subject))
        with pytest.raises(identity.TlsError, match="The request of b1 for keystore cannot be read"):
            authority.check_request(text(broken(built, "2.5.29.17")), HOST, "b1")

    def test_what_claims_nothing_else_passes(self):
        assert certificates.names(authority.check_request(text(csr()), HOST, "b1")) == set(HOST.names)

    @pytest.mark.parametrize(
        ("request_", "sentence"),
        [
            (
                lambda: csr(names=["evil.example.com", *HOST.names]),
                "claims the name evil.example.com, unlike the inventory",
            ),
            (lambda: csr(names=HOST.names[:1]), "lacks the name b1.example.com, unlike the inventory"),
            (
                lambda: csr(identity.Identity("x", identity.subject("operator", "demo"), HOST.names)),
                "claims to be CN=operator,OU=demo,O=rackaware instead of CN=kafka,OU=demo,O=rackaware",
            ),
            (lambda: csr(key=rsa.generate_private_key(65537, 2048)), "is of another kind of key than EC P-256"),
            (lambda: csr(key=ec.generate_private_key(ec.SECP384R1())), "is of another kind of key than EC P-256"),
        ],
    )
    def test_what_claims_more_is_refused(self, request_, sentence):
        with pytest.raises(identity.TlsError) as refused:
            authority.check_request(text(request_()), HOST, "b1")
        assert sentence in str(refused.value)


class TestPrivateCa:
    def test_what_comes_back_is_what_was_asked_for(self, ca):
        host = decision.Host("b1", (HOST,), {}, (), ())
        request = csr()
        made = ca.sign(request=request)
        need = decision.Need(host, HOST, "it has none")
        decision.refuse_unlike(need, request, [made], [ca.certificate], NOW)
        few = identity.Identity("keystore", HOST.subject, HOST.names[:1])
        for chain, said in (
            ([ca.sign(who=few, request=request)], "lacks the name b1.example.com"),
            ([ca.sign()], "is of another key"),
            ([Ca().sign(request=request)], "is not signed by the CA of the cluster"),
        ):
            with pytest.raises(
                identity.TlsError, match="made of the request of b1 for keystore %s, so that no host" % said
            ):
                decision.refuse_unlike(need, request, chain, [ca.certificate], NOW)
