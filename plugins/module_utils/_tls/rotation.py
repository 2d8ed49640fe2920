# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Another key for the CA of a running cluster, in three steps; how far it is, and what may be done next.

What KMS calls its keys is all that is remembered, so that every run goes on from there. Each step is done when all hosts
have restarted with what it gave them, and only then another one begins: so every two nodes trust each other at all times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from .._text import hosts_as_subject
from . import certificates
from .certificates import TlsError
from .decision import Host
from .identity import PAGE, fingerprint

# What is added to the name of the key of a cluster's CA. All but the retired one are trusted by all nodes.
SIGNS, NEXT, PREVIOUS, RETIRED = "", "-next", "-previous", "-retired"
TRUSTED = (SIGNS, NEXT, PREVIOUS)
NAMES = (*TRUSTED, RETIRED)
# Between two names: make a key, call the first what the second is called, take the name away, delete the key with its name.
MAKE, POINT, DROP, DELETE = "make", "point", "drop", "delete"
STEPS = 3


@dataclass(frozen=True)
class Position:
    """Step 0 is that no change is under way; lacking are the hosts that have not done the step."""

    step: int
    lacking: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether all hosts have."""
        return not self.lacking


def position(keys: Mapping[str, bytes], hosts: Sequence[Host]) -> Position:
    """How far the change is. keys: what is added to the name to the public key."""
    signs = keys[SIGNS]
    if RETIRED in keys:
        return _at(3, [host.name for host in hosts if not (host.loaded and host.trusted_keys == {signs})])
    if keys.get(PREVIOUS, signs) != signs:
        return _at(2, [host.name for host in hosts if not (host.loaded and _shows_only(host, signs))])
    if NEXT in keys:
        both = {signs, keys[NEXT]}
        return _at(1, [host.name for host in hosts if not (host.loaded and both <= host.trusted_keys)])
    return Position(0, ())


def _at(step: int, lacking: Sequence[str]) -> Position:
    return Position(step, tuple(lacking))


def _shows_only(host: Host, signs: bytes) -> bool:
    """Whether this key has signed all that the host shows."""
    own = [each for each in host.trusted if certificates.public_key(each) == signs]
    return len(host.shown) == len(host.identities) and all(
        certificates.trusted(chain, own, chain[0].not_valid_before_utc) for chain in host.shown
    )


def confirmation(keys: Mapping[str, bytes], at: Position) -> str:
    """The words without which nothing is moved, empty where none are needed. They name a key, so that none is old."""
    if not at.done or at.step not in (1, 2):
        return ""
    if at.step == 1:
        return "clients-trust-%s" % fingerprint(keys[NEXT])
    return "retire-%s" % fingerprint(keys[PREVIOUS])


def moves(keys: Mapping[str, bytes], at: Position, *, advance: bool = True) -> list[tuple[str, str, str]]:
    """What is done in KMS next, in this order; broken off after any of them, it is completed by the next run.

    The last step ends, by the deletion of the old key, when it has been verified: not with advance.

    There is a signer at each moment, and no key that a node needs is without a name.
    """
    if not advance:
        return [(DELETE, RETIRED, "")] if at.step == STEPS and at.done else []
    # What a run that broke off has left.
    left = [PREVIOUS] if at.step == STEPS and keys.get(PREVIOUS) == keys[RETIRED] else []
    if at.step == 2 and keys.get(NEXT) == keys[SIGNS]:
        left = [NEXT]
    begin = {
        0: [(MAKE, NEXT, "")],
        1: [(POINT, PREVIOUS, SIGNS), (POINT, SIGNS, NEXT), (DROP, NEXT, "")],
        2: [(POINT, RETIRED, PREVIOUS), (DROP, PREVIOUS, "")],
    }
    return [(DROP, name, "") for name in left] + (begin.get(at.step, []) if at.done else [])


def refuse_odd(keys: Mapping[str, bytes], name: str) -> None:
    """Raise TlsError where the retired key, which is deleted in the end, is one that is needed; name: what it begins with."""
    if RETIRED not in keys:
        return
    # The third step gives the previous key its last name before it takes the other away.
    odd = [
        more
        for more, key in keys.items()
        if more == NEXT or (more == SIGNS and key == keys[RETIRED]) or (more == PREVIOUS and key != keys[RETIRED])
    ]
    if odd:
        raise TlsError(
            "KMS has keys as %s and %s, which no step leaves so, and rotate_ca would delete that of the second; take away"
            " the alias that is wrong." % (name + odd[0], name + RETIRED) + PAGE
        )


def refuse_unconfirmed(keys: Mapping[str, bytes], at: Position, given: str, file: str) -> None:
    """Raise TlsError where the next step needs words that were not given; file: where clients find the CAs."""
    words = confirmation(keys, at)
    if at.step == 0 and given:
        raise TlsError(
            "No change of the CA is under way, and kafka_confirm=%s confirms none; to begin one, leave it out." % given
            + PAGE
        )
    if words and given != words:
        raise TlsError("%s; to confirm, add -e kafka_confirm=%s." % (_risk(keys, at, file), words) + PAGE)


def _risk(keys: Mapping[str, bytes], at: Position, file: str) -> str:
    if at.step == 1:
        return (
            "All nodes would get certificates of the CA %s, and clients that do not trust it could not connect: give all"
            " of them %s first" % (fingerprint(keys[NEXT]), file)
        )
    return (
        "All nodes would stop trusting the CA %s, and its key would be deleted, which is final 30 days later"
        % fingerprint(keys[PREVIOUS])
    )


def refuse_incomplete(at: Position) -> None:
    """Raise TlsError where hosts have not done the step, although they have been restarted."""
    if not at.done:
        raise TlsError(
            "%s not done step %d of %d after the restarts; run rotate_ca again."
            % (hosts_as_subject(at.lacking, "has", "have"), at.step, STEPS)
            + PAGE
        )


def refuse_listeners(
    keys: Mapping[str, bytes],
    at: Position,
    hosts: Sequence[Host],
    said: Mapping[str, Mapping[str, Mapping[str, Any]]],
    cluster: str,
) -> None:
    """Raise TlsError where a listener does not do what its host has done; said: host to what tls_listener_info returned.

    That the old CA opens nothing more is seen from outside: a listener names the CAs of which it takes certificates.
    """
    for host in hosts:
        names = {certificates.public_key(each): each.subject.rfc4514_string() for each in host.trusted}
        signer = [each for each in host.trusted if certificates.public_key(each) == keys[SIGNS]]
        wanted = {names.get(key) for name, key in keys.items() if name != RETIRED}
        for port, each in said.get(host.name, {}).items():
            (leaf, *_) = certificates.read(each["certificate"], "The listener at port %s of %s" % (port, host.name))
            taken = {name for name in each["authorities"] if certificates.is_own_name(name, cluster)}
            if at.step > 1 and not certificates.trusted([leaf], signer, leaf.not_valid_before_utc):
                raise TlsError(
                    "The listener at port %s of %s shows no certificate of the CA %s yet; run rotate_ca again."
                    % (port, host.name, fingerprint(keys[SIGNS]))
                    + PAGE
                )
            # Listeners for clients ask for no certificate, or for one of the CA of clients.
            if taken and taken != wanted:
                raise TlsError(
                    "The listener at port %s of %s takes certificates of %s, and should of %s; run rotate_ca again."
                    % (port, host.name, *(" and ".join(sorted(map(str, each))) for each in (taken, wanted)))
                    + PAGE
                )


def progress(keys: Mapping[str, bytes], at: Position, file: str) -> str:
    """How far it is and what comes next, for people."""
    if at.step == 0:
        return "No change of the CA is under way; rotate_ca begins one."
    if not at.done:
        return "Step %d of %d is under way; %s not done it." % (
            *(at.step, STEPS),
            hosts_as_subject(at.lacking, "has", "have"),
        )
    said = "Step %d of %d is done: %s." % (
        *(at.step, STEPS),
        {
            1: "all nodes trust the CA %s, which signs nothing yet" % fingerprint(keys.get(NEXT, b"")),
            2: "all nodes show certificates of the CA %s, and trust the one before" % fingerprint(keys[SIGNS]),
            3: "all nodes trust the CA %s only" % fingerprint(keys[SIGNS]),
        }[at.step],
    )
    words = confirmation(keys, at)
    if words:
        said += " %s; to confirm, run rotate_ca again with -e kafka_confirm=%s." % (_risk(keys, at, file), words)
    return said
