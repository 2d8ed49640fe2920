"""A change of the CA: at every moment of every order of runs, crashes and restarts all nodes trust each other.

What decides is real, KMS and hosts are models. All states that can be reached are visited.
"""

from __future__ import annotations

import contextlib
import functools
import itertools

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tls_cluster import NOW, LocalKey

from ansible_collections.rackaware.kafka.plugins.module_utils._aws import authority_key
from ansible_collections.rackaware.kafka.plugins.module_utils._errors import RackawareError
from ansible_collections.rackaware.kafka.plugins.module_utils._tls import authority, certificates, decision, rotation
from ansible_collections.rackaware.kafka.plugins.module_utils._tls.identity import TlsError, fingerprint, identity
from ansible_collections.rackaware.kafka.plugins.modules import tls_certificates, tls_rotation

NODES = ("b1", "b2")
WHO = {"name": "keystore", "subject": {"CN": "kafka", "OU": "demo", "O": "rackaware"}, "names": []}
PARAMS = {
    "cluster": "demo",
    "region": None,
    "profile": None,
    "days": 365,
    "renew_days": 60,
    "tags": {},
    "rotate": False,
    "listeners": {},
}


class BrokenOff(BaseException):
    """No module catches it."""


class Kms:
    """As much of KMS as is asked; writes counts down to the call before which the run is broken off."""

    def __init__(self, keys, aliases, states):
        self.keys, self.aliases, self.states, self.writes = keys, dict(aliases), dict(states), None

    def _written(self):
        if self.writes == 0:
            raise BrokenOff
        self.writes = None if self.writes is None else self.writes - 1

    def _id(self, name):
        found = self.aliases.get(name, name)
        if found not in self.keys:
            raise ClientError({"Error": {"Code": "NotFoundException", "Message": "none"}}, "DescribeKey")
        return found

    def describe_key(self, KeyId):
        ident = self._id(KeyId)
        more = {"KeySpec": authority_key.SPEC, "KeyUsage": authority_key.USAGE}
        return {"KeyMetadata": {"KeyId": ident, "KeyState": self.states.get(ident, "Enabled"), **more}}

    def get_public_key(self, KeyId):
        return {"PublicKey": self.keys[self._id(KeyId)].public}

    def sign(self, KeyId, Message, **_more):
        assert self.states.get(KeyId) is None
        return {"Signature": self.keys[KeyId].sign(Message)}

    def create_key(self, **_more):
        self._written()
        (ident,) = [each for each in KEYS if each not in self.aliases.values()][:1]
        return {"KeyMetadata": {"KeyId": ident}}

    def create_alias(self, AliasName, TargetKeyId):
        self._written()
        assert AliasName not in self.aliases
        self.aliases[AliasName] = TargetKeyId

    def update_alias(self, AliasName, TargetKeyId):
        self._written()
        self.aliases[AliasName] = TargetKeyId

    def delete_alias(self, AliasName):
        self._written()
        del self.aliases[AliasName]

    def schedule_key_deletion(self, KeyId, PendingWindowInDays):
        self._written()
        assert PendingWindowInDays == 30
        self.states[KeyId] = "PendingDeletion"

    def get_caller_identity(self):
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/x"}


KEYS = {"old": LocalKey(), "new": LocalKey()}
BY_PUBLIC = {key.public: name for name, key in KEYS.items()}
SIGNER = {name: authority.remote_key(key.public, key.sign) for name, key in KEYS.items()}
CA = {name: authority.make("demo", key, NOW) for name, key in SIGNER.items()}
PEM = {name: certificates.pem([each]) for name, each in CA.items()}


@functools.cache
def csr(_node):
    built = x509.CertificateSigningRequestBuilder().subject_name(authority._name(identity(WHO).subject))
    made = built.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


@functools.cache
def leaf(node, ca):
    request = x509.load_pem_x509_csr(csr(node).encode())
    return certificates.pem([authority.sign(request, identity(WHO), CA[ca], SIGNER[ca], NOW, 365)])


# A node is (in place, staged, running), each of (CAs that are trusted, who signed the certificate); a state is (aliases, key states, nodes).
def answer(node, has):
    place, staged, running = has
    upcoming = staged or place
    own = {"certificate": leaf(node, upcoming[1]), "shown": leaf(node, place[1]), "key_matches": True, "csr": csr(node)}
    return {
        "identities": {"keystore": own},
        "authorities": "".join(PEM[each] for each in sorted(upcoming[0])),
        "trusted": "".join(PEM[each] for each in sorted(place[0])),
        "loaded": running == place,
    }


def given(nodes):
    return {name: {"identities": [WHO], "answer": answer(name, has)} for name, has in zip(NODES, nodes)}


def who(text):
    return frozenset(BY_PUBLIC[certificates.public_key(each)] for each in certificates.read(text, "x"))


def issuer(text):
    chain = certificates.read(text, "x")
    return next(name for name in KEYS if certificates.trusted(chain, [CA[name]], NOW))


class Model:
    """What can happen next."""

    def __init__(self, monkeypatch):
        self.kms = None
        monkeypatch.setattr(tls_certificates.client, "client", lambda *_args, **_more: self.kms)
        monkeypatch.setattr(authority_key, "ALIAS_SECONDS", 0)

    def open(self, state):
        self.kms = Kms(KEYS, *map(dict, state[:2]))
        return self.kms

    def saved(self, nodes):
        return (frozenset(self.kms.aliases.items()), frozenset(self.kms.states.items()), tuple(nodes))

    def site(self, state, reached, rotate=False):
        """A run of the role; reached are the nodes that it wrote to before it was broken off; rotate: after a step."""
        self.open(state)
        nodes = list(state[2])
        try:
            out = tls_certificates.from_kms(
                {**PARAMS, "rotate": rotate}, decision.hosts(given(nodes)), NOW, check_mode=False
            )
        except RackawareError:
            return state
        for number in reached:
            name, (place, staged, running) = NODES[number], nodes[number]
            if name not in out["hosts"]:
                continue
            chain = out["certificates"].get(name, {}).get("keystore")
            upcoming = (who(out["authority"]), issuer(chain) if chain else (staged or place)[1])
            nodes[number] = (place, None if upcoming == place else upcoming, running)
        return self.saved(nodes)

    def rotate(self, state, advance, writes):
        """The module of the step, broken off before so many calls have changed something."""
        kms = self.open(state)
        params = {**PARAMS, "hosts": given(state[2]), "advance": advance, "authority_file": "ca.pem"}
        with contextlib.suppress(RackawareError, BrokenOff):
            keys = tls_rotation.publics(tls_rotation.look(kms, "demo"))
            at = rotation.position(keys, decision.hosts(params["hosts"]))
            if at.step == 0 and BY_PUBLIC[keys[""]] == "new":
                # One change is enough.
                return state
            kms.writes = writes
            tls_rotation.work({**params, "confirm": rotation.confirmation(keys, at)}, kms, kms, check_mode=False)
        return self.saved(state[2])

    def restarted(self, state, number, promote, start=True):
        """In its turn of a roll, by systemd after a crash, or neither: files go in place, and the service stays as it is."""
        nodes = list(state[2])
        place, staged, running = nodes[number]
        place, staged = (staged or place, None) if promote else (place, staged)
        nodes[number] = (place, staged, place if start else running)
        return (*state[:2], tuple(nodes))

    def following(self, state):
        for count in range(len(NODES) + 1):
            for reached in itertools.combinations(range(len(NODES)), count):
                yield self.site(state, reached)
                yield self.site(state, reached, True)
        for advance in (True, False):
            for writes in (*range(4), None):
                yield self.rotate(state, advance, writes)
        for number in range(len(NODES)):
            for how in ((True,), (False,), (True, False)):
                yield self.restarted(state, number, *how)


def begin():
    only = (frozenset(["old"]), "old")
    return (frozenset({authority_key.alias("demo"): "old"}.items()), frozenset(), ((only, None, only),) * len(NODES))


def refusing(state):
    """The pairs of nodes that refuse each other."""
    running = dict(zip(NODES, (has[2] for has in state[2])))
    return [(a, b) for a in NODES for b in NODES if running[a][1] not in running[b][0]]


def search(model, most=20_000):
    """All states; stops at the first in which nodes refuse each other."""
    seen, left = {begin()}, [begin()]
    while left:
        state = left.pop()
        for reached in model.following(state):
            if reached not in seen:
                seen.add(reached)
                left.append(reached)
                if refusing(reached):
                    return seen, reached
        assert len(seen) < most
    return seen, None


@pytest.fixture(scope="module")
def seen():
    with pytest.MonkeyPatch.context() as monkeypatch:
        found, bad = search(Model(monkeypatch))
    assert bad is None
    return found


def test_nodes_never_refuse_each_other_and_a_signer_is_always_named(seen):
    for aliases, states, nodes in seen:
        named = dict(aliases)
        assert named[authority_key.alias("demo")] not in dict(states)
        # No key that a node needs is lost, or about to be.
        needed = {has[2][1] for has in nodes} - set(dict(states))
        assert needed == {has[2][1] for has in nodes} and needed <= set(named.values())
    only = (frozenset(["new"]), "new")
    finished = (((only, None, only),) * len(NODES), frozenset({"old": "PendingDeletion"}.items()))
    assert finished in {(nodes, states) for _, states, nodes in seen}
    assert len(seen) > 40


@pytest.mark.parametrize(
    "rule",
    [
        (rotation, "position", lambda keys, hosts: rotation.Position(_position(keys, hosts).step, ())),
        (
            rotation,
            "moves",
            lambda keys, at, **more: (
                [("point", "-previous", ""), ("point", "", "-next")] if "-next" in keys else _moves(keys, at, **more)
            ),
        ),
    ],
    ids=["steps begin before all nodes have done the one before", "the signer moves at once"],
)
def test_the_search_sees_a_rule_that_is_broken(monkeypatch, rule):
    for name in ("refuse_withdrawn", "refuse_signer"):
        monkeypatch.setattr(decision, name, lambda *_: None)
    monkeypatch.setattr(*rule)
    assert search(Model(monkeypatch))[1] is not None


_position, _moves = rotation.position, rotation.moves


def test_from_each_state_the_same_command_run_again_ends_the_change(seen, monkeypatch):
    model = Model(monkeypatch)
    for state in seen:
        for _ in range(4):
            state = model.site(model.rotate(state, True, None), range(len(NODES)), True)
            for number in range(len(NODES)):
                state = model.restarted(state, number, True)
            state = model.rotate(state, False, None)
        aliases, states, nodes = state
        assert dict(aliases) == {authority_key.alias("demo"): "new"} and dict(states) == {"old": "PendingDeletion"}
        assert {has[2] for has in nodes} == {(frozenset(["new"]), "new")}


ALIAS = authority_key.alias("demo")
BOTH, ONLY_OLD, ONLY_NEW = (frozenset(KEYS), "old"), (frozenset(["old"]), "old"), (frozenset(["new"]), "new")
STEP_1 = (frozenset({ALIAS: "old", ALIAS + "-next": "new"}.items()), frozenset(), ((BOTH, None, BOTH),) * 2)


def asked(nodes, confirm="", advance=True):
    return {**PARAMS, "hosts": given(nodes), "advance": advance, "authority_file": "ca.pem", "confirm": confirm}


class TestTwoRuns:
    """No lock holds a hand or another account, and KMS knows a changed alias a little later everywhere."""

    @pytest.fixture
    def model(self, monkeypatch):
        return Model(monkeypatch)

    @pytest.fixture
    def kms(self, model):
        return model.open(STEP_1)

    def rotate(self, kms):
        """The second step, confirmed."""
        words = "clients-trust-" + fingerprint(KEYS["new"].public)
        return tls_rotation.work(asked(STEP_1[2], words), kms, kms, check_mode=False)

    def test_a_second_run_moves_nothing_that_it_has_not_seen(self, kms, monkeypatch):
        real, begun = rotation.moves, []

        def moves(*args, **more):
            out = real(*args, **more)
            if not begun:
                begun.append(True)
                self.rotate(kms)
            return out

        monkeypatch.setattr(rotation, "moves", moves)
        with pytest.raises(RackawareError, match="is not what it was when this run looked.*run rotate_ca again"):
            self.rotate(kms)
        assert kms.aliases == {ALIAS: "new", ALIAS + "-previous": "old"}

    def test_names_that_move_while_they_are_read_are_read_again(self, kms, monkeypatch):
        real, begun = authority_key.find, []

        def find(kms_, name):
            found = real(kms_, name)
            if not begun:
                begun.append(True)
                self.rotate(kms)
            return found

        monkeypatch.setattr(authority_key, "find", find)
        out = tls_certificates.from_kms(
            {**PARAMS, "rotate": True}, decision.hosts(given(STEP_1[2])), NOW, check_mode=False
        )
        assert who(out["authority"]) == {"old", "new"}
        assert {issuer(each["keystore"]) for each in out["certificates"].values()} == {"new"}

    def test_names_that_never_rest_are_refused(self, kms, monkeypatch):
        real = kms.describe_key
        turns = itertools.cycle(KEYS)

        def describe_key(KeyId):
            if KeyId == ALIAS:
                kms.aliases[ALIAS] = next(turns)
            return real(KeyId)

        monkeypatch.setattr(kms, "describe_key", describe_key)
        with pytest.raises(RackawareError, match="changes all the time"):
            tls_rotation.look(kms, "demo")

    @pytest.mark.parametrize("stale", [{ALIAS: "new"}, {ALIAS: "old"}])
    def test_what_kms_says_too_late_takes_no_ca_away(self, model, stale):
        """Not even where no node shows its certificates."""
        for nodes in (STEP_1[2], (((frozenset(KEYS), "new"), None, (frozenset(KEYS), "new")),) * 2):
            model.open((frozenset(stale.items()), frozenset(), nodes))
            with pytest.raises(TlsError, match="Host b1 trusts the CA .*, and no alias"):
                tls_certificates.from_kms(
                    {**PARAMS, "rotate": True}, decision.hosts(given(nodes)), NOW, check_mode=False
                )

    @pytest.mark.parametrize("back", [ONLY_OLD, BOTH])
    def test_a_host_that_was_away_has_a_way_back(self, model, back):
        nodes = ((ONLY_NEW, None, ONLY_NEW), (back, None, back))
        model.open((frozenset({ALIAS: "new"}.items()), frozenset({"old": "PendingDeletion"}.items()), nodes))
        with pytest.raises(TlsError) as refused:
            tls_certificates.from_kms(PARAMS, decision.hosts(given(nodes)), NOW, check_mode=False)
        assert "b2" in str(refused.value) and "b1" not in str(refused.value)
        assert "stop its service, remove its directory of certificates, and run site" in str(refused.value)
        # What the host answers then.
        emptied = given(nodes)
        emptied["b2"]["answer"] = {
            **{"authorities": "", "trusted": "", "loaded": False},
            "identities": {"keystore": {"csr": csr("b2"), "certificate": "", "shown": ""}},
        }
        out = tls_certificates.from_kms(PARAMS, decision.hosts(emptied), NOW, check_mode=False)
        assert out["hosts"] == ["b2"] and who(out["authority"]) == {"new"}

    @pytest.mark.parametrize(
        "aliases",
        [
            {ALIAS: "old", ALIAS + "-retired": "old"},
            {ALIAS: "old", ALIAS + "-retired": "new", ALIAS + "-next": "new"},
            {ALIAS: "old", ALIAS + "-retired": "old", ALIAS + "-previous": "new"},
            {ALIAS: "new", ALIAS + "-retired": "old", ALIAS + "-previous": "new"},
        ],
    )
    @pytest.mark.parametrize("advance", [True, False])
    def test_a_retired_key_that_is_needed_is_not_deleted(self, model, aliases, advance):
        """As names are after a hand has moved them."""
        signs = (frozenset([aliases[ALIAS]]), aliases[ALIAS])
        kms = model.open((frozenset(aliases.items()), frozenset(), ((signs, None, signs),) * 2))
        with pytest.raises(TlsError, match="which no step leaves so.*take away the alias that is wrong"):
            tls_rotation.work(asked(((signs, None, signs),) * 2, advance=advance), kms, kms, check_mode=False)
        assert (kms.aliases, kms.states) == (aliases, {})

    def test_a_change_is_given_up_by_the_name_of_the_new_key(self, model):
        """docs/runbooks/certificates.md, D."""
        state = (frozenset({ALIAS: "old", ALIAS + "-retired": "new"}.items()), *STEP_1[1:])
        state = model.site(model.rotate(state, True, None), range(2), True)
        for number in range(2):
            state = model.restarted(state, number, True)
            assert not refusing(state)
        aliases, states, nodes = model.rotate(state, False, None)
        assert (dict(aliases), dict(states)) == ({ALIAS: "old"}, {"new": "PendingDeletion"})
        assert {has[2] for has in nodes} == {ONLY_OLD}


class TestSentences:
    UNDER_WAY = {"": KEYS["old"].public, "-next": KEYS["new"].public}

    def hosts(self, *nodes):
        return decision.hosts(given(nodes))

    def test_the_next_step_needs_words_that_name_the_key(self):
        both = (frozenset(KEYS), "old")
        at = rotation.position(self.UNDER_WAY, self.hosts((both, None, both), (both, None, both)))
        words = "clients-trust-" + fingerprint(self.UNDER_WAY["-next"])
        assert (at.step, at.done, rotation.confirmation(self.UNDER_WAY, at)) == (1, True, words)
        for given_ in ("", "clients-trust-00000000", "demo"):
            with pytest.raises(TlsError) as refused:
                rotation.refuse_unconfirmed(self.UNDER_WAY, at, given_, "reports/demo-ca.pem")
            assert "give all of them reports/demo-ca.pem first; to confirm, add -e kafka_confirm=%s." % words in str(
                refused.value
            )
        rotation.refuse_unconfirmed(self.UNDER_WAY, at, words, "x")
        assert words in rotation.progress(self.UNDER_WAY, at, "x")

    def test_a_host_that_runs_with_other_files_has_not_done_the_step(self):
        only, both = (frozenset(["old"]), "old"), (frozenset(KEYS), "old")
        at = rotation.position(self.UNDER_WAY, self.hosts((both, None, only), (only, both, only)))
        assert (at.step, at.lacking) == (1, NODES) and not rotation.confirmation(self.UNDER_WAY, at)
        with pytest.raises(
            TlsError, match="Hosts b1, b2 have not done step 1 of 3 after the restarts; run rotate_ca again"
        ):
            rotation.refuse_incomplete(at)

    def test_a_host_shows_what_it_was_started_with(self):
        keys, old, new = {"": KEYS["new"].public, "-previous": KEYS["old"].public}, "old", "new"
        before, after = ((frozenset(KEYS), who) for who in (old, new))
        at = rotation.position(keys, self.hosts((after, None, before), (after, None, after)))
        assert (at.step, at.lacking) == (2, NODES[:1])
        done = rotation.position(keys, self.hosts(*[(after, None, after)] * 2))
        assert rotation.confirmation(keys, done) == "retire-" + fingerprint(keys["-previous"])

    @pytest.mark.parametrize(
        ("step", "shows", "takes", "said"),
        [
            (1, "old", {"old", "new"}, ""),
            (1, "old", {"old"}, "takes certificates of"),
            (2, "new", {"old", "new"}, ""),
            (2, "old", {"old", "new"}, "shows no certificate of the CA NEW yet"),
            (3, "new", {"new"}, ""),
            (3, "new", {"old", "new"}, "takes certificates of"),
            (3, "new", set(), ""),
        ],
    )
    def test_what_listeners_do_counts(self, step, shows, takes, said):
        old, new = (KEYS[name].public for name in ("old", "new"))
        keys = {1: {"": old, "-next": new}, 2: {"": new, "-previous": old}, 3: {"": new, "-retired": b""}}[step]
        has = (frozenset(KEYS) if step < 3 else frozenset(["new"]), "old" if step == 1 else "new")
        hosts = self.hosts(*[(has, None, has)] * 2)
        at = rotation.position(keys, hosts)
        assert at == rotation.Position(step, ())
        names = ["CN=clients,O=example", *(CA[name].subject.rfc4514_string() for name in sorted(takes))]
        listening = {"b2": {"9091": {"certificate": leaf("b2", shows), "authorities": names}}}
        if not said:
            rotation.refuse_listeners(keys, at, hosts, listening, "demo")
            return
        # The key differs from run to run, and parallel workers compare the tests' names.
        said = said.replace("NEW", fingerprint(new))
        with pytest.raises(TlsError, match="The listener at port 9091 of b2 %s.*; run rotate_ca again" % said):
            rotation.refuse_listeners(keys, at, hosts, listening, "demo")

    def test_words_of_an_earlier_run_begin_no_other_change(self):
        with pytest.raises(TlsError, match="kafka_confirm=retire-0 confirms none; to begin one, leave it out"):
            rotation.refuse_unconfirmed({"": KEYS["new"].public}, rotation.Position(0, ()), "retire-0", "x")

    def test_two_cas_of_one_name(self):
        """ZooKeeper would trust the last only."""
        other = authority.make("demo", SIGNER["new"], NOW, [])
        decision.refuse_same_name([CA["old"], other])
        name = CA["old"].subject
        same = authority._builder(name, name, SIGNER["new"].public_key(), NOW, NOW + certificates.DAY)
        with pytest.raises(TlsError, match="Two CAs have the name CN=broker CA"):
            decision.refuse_same_name([CA["old"], same.sign(SIGNER["new"], hashes.SHA256())])

    def test_a_ca_that_is_made_again_keeps_its_name(self):
        name = authority._name({"CN": "broker CA", "OU": "demo", "O": "rackaware"})
        earlier = authority.make("demo", SIGNER["old"], NOW)
        plain = (
            authority._builder(name, name, SIGNER["old"].public_key(), NOW, NOW + certificates.DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(SIGNER["old"], hashes.SHA256())
        )
        assert authority.make("demo", SIGNER["old"], NOW, [CA["new"], plain]).subject == name != earlier.subject
