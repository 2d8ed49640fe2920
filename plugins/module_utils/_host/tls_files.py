# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Keys, certificates and requests on their host, by the program openssl; a private key is only ever in files."""

from __future__ import annotations

import grp
import math
import os
import pwd
import re
import ssl
import time
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from .. import _command, _durable
from .._address import join
from .._config import security, units
from .._config.units import STAGED
from .._errors import RackawareError
from .._tls.identity import KEYSTORE, PAGE, TRUSTSTORE, Identity, is_address, path
from . import staging

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
KEY = re.compile(r"-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----\n?", re.DOTALL)
# What openssl says of a listener that asks for a certificate; -nameopt makes each name one line.
TAKEN = re.compile(r"^Acceptable client certificate CA names\n((?:[A-Za-z0-9.]+=.*\n)*)", re.MULTILINE)
HANDSHAKE_SECONDS = 30
DAY = 24 * 3600


class TlsFilesError(RackawareError):
    """A key or a certificate on the host cannot be used."""


@dataclass(frozen=True)
class Found:
    """What a host has of an identity.

    place: the file that its service reads at its next start; shown: the certificates in place; waiting: the file of a key whose certificate has not come;
    leftover: the same of a key whose certificate is in place; matches: whether key and certificate belong together.
    """

    place: str
    certificate: str
    shown: str
    matches: bool
    staged: bool
    waiting: str | None
    leftover: str | None


def key_path(directory: str, identity: str) -> str:
    """Where a new key waits for its certificate."""
    return os.path.join(directory, identity + ".key")


def next_path(file: str) -> str:
    """What a service reads at its next start."""
    return file + STAGED if os.path.lexists(file + STAGED) else file


def private_key(file: str) -> str | None:
    """The text of the key in a file, None without one; raises TlsFilesError for one that Kafka would not read."""
    found = KEY.search(staging.read(file) or "")
    if found and found[1]:
        raise TlsFilesError(
            "%s has a key of the kind BEGIN %sPRIVATE KEY, and Kafka reads unencrypted PKCS#8 only (BEGIN PRIVATE KEY);"
            " convert it with openssl pkcs8 -topk8 -nocrypt, or remove the file." % (file, found[1]) + PAGE
        )
    return found[0] if found else None


def certificate(file: str) -> str:
    """The certificates in a file, without the key."""
    return _certificates(staging.read(file) or "")


def _certificates(text: str) -> str:
    return "".join(each.rstrip("\n") + "\n" for each in CERTIFICATE.findall(text))


def _public(argv: Sequence[str], text: str) -> str:
    """The public key that openssl sees, empty where it sees none."""
    code, out, _err = _command.run(argv, data=text.encode("utf-8"))
    return out if code == 0 else ""


def public_of_key(text: str | None) -> str:
    """The public half of a key."""
    return _public(["openssl", "pkey", "-pubout"], text) if text else ""


def public_of_certificate(text: str) -> str:
    """The public key of the first certificate."""
    return _public(["openssl", "x509", "-noout", "-pubkey"], text) if text else ""


def look(directory: str, identity: str) -> Found:
    """What the host has; raises RackawareError."""
    place = next_path(path(directory, identity))
    text, waiting = certificate(place), key_path(directory, identity)
    certified, key = public_of_certificate(text), private_key(waiting)
    if os.path.lexists(waiting) and not (key and public_of_key(key)):
        raise TlsFilesError("%s is no private key that openssl can read; remove the file." % (waiting) + PAGE)
    here = public_of_key(private_key(place))
    matches = bool(certified) and here == certified
    done = bool(key) and matches and public_of_key(key) == certified
    return Found(
        place=place,
        certificate=text,
        shown=certificate(path(directory, identity)),
        matches=matches,
        staged=place.endswith(STAGED),
        waiting=waiting if key and not done else None,
        leftover=waiting if done else None,
    )


def expires(text: str, days: int) -> bool:
    """Whether a certificate expires in fewer days, or cannot be read."""
    argv = ["openssl", "x509", "-noout", "-checkend", str(days * DAY)]
    return _command.run(argv, data=text.encode("utf-8"))[0] != 0


def _date(text: str, which: str) -> str:
    """The startdate or enddate of the first certificate, as ssl.cert_time_to_seconds reads it; raises ValueError."""
    code, out, err = _command.run(["openssl", "x509", "-noout", "-" + which], data=text.encode("utf-8"))
    if code != 0:
        raise ValueError((err.strip().splitlines() or ["code %d" % code])[0])
    return out.strip().partition("=")[2]


def days_left(service: str, *, staged: bool = False, clock: Callable[[], float] = time.time) -> int | None:
    """Full days until the end of the certificate that a service has in place, negative when it has ended.

    staged: of that which it would start with instead. None without one; raises TlsFilesError for one that cannot be read.
    """
    file = security.reads(units.service(service).directory)[0]
    file = next_path(file) if staged else file
    if not os.path.lexists(file):
        return None
    try:
        return math.floor((ssl.cert_time_to_seconds(_date(certificate(file), "enddate")) - clock()) / DAY)
    except ValueError as error:
        raise TlsFilesError(
            "%s has no certificate that can be read: %s; run rackaware.kafka.site." % (file, error) + PAGE
        ) from None


def listener(address: str, port: int) -> dict[str, Any]:
    """{certificate, authorities}: what a listener shows, and the CAs of which it takes clients' certificates.

    Raises TlsFilesError where none is shown.
    """
    where = join(address, port)
    argv = ["openssl", "s_client", "-connect", where, "-nameopt", "RFC2253"]
    # The code is that of the refusal, for which it is enough that we show none.
    _, out, _ = _command.run(argv, data=b"", timeout=HANDSHAKE_SECONDS)
    shown, taken = _certificates(out), TAKEN.search(out)
    if not shown:
        raise TlsFilesError("%s shows no certificate; look whether its service runs, and at its log." % where + PAGE)
    return {"certificate": shown, "authorities": taken[1].splitlines() if taken else []}


def refuse_from_the_future(name: str, text: str) -> None:
    """Raise TlsFilesError for a certificate that is not valid yet: peers would refuse the node after its restart."""
    begins = _date(text, "startdate")
    if ssl.cert_time_to_seconds(begins) > time.time():
        raise TlsFilesError(
            "The new certificate for %s is not valid before %s, and by this host's clock it is earlier; correct the"
            " time here or on the machine that runs Ansible, and run this again." % (name, begins)
        )


def needs_key(found: Found, *, renew_days: int, renew: bool) -> bool:
    """Whether a new key must be made: each certificate that is renewed gets one."""
    if found.waiting:
        return False
    return renew or not found.matches or expires(found.certificate, renew_days)


def make_key(file: str) -> None:
    """Make a private key, which only its owner reads from its first moment; raises TlsFilesError."""
    code, out, _err = _command.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    if code != 0 or not out.startswith("-----BEGIN PRIVATE KEY-----"):
        raise TlsFilesError("openssl makes no private key here; install OpenSSL 1.1.1 or later.")
    try:
        _durable.write(file, out, mode=0o400)
    except OSError as error:
        raise TlsFilesError("%s cannot be written: %s; look at the disk." % (file, error.strerror)) from None


def remove(file: str) -> None:
    """Remove a key that is in place elsewhere by now; raises TlsFilesError."""
    try:
        os.unlink(file)
    except OSError as error:
        raise TlsFilesError("%s cannot be removed: %s; look at the disk." % (file, error.strerror)) from None


def request(file: str, identity: Identity) -> str:
    """The signing request of the key in a file, which the key itself signs; raises TlsFilesError."""
    names = ",".join("%s:%s" % ("IP" if is_address(name) else "DNS", name) for name in identity.names)
    lines = [
        *("[req]", "prompt=no", "distinguished_name=dn", "string_mask=utf8only"),
        *(["req_extensions=more"] if names else []),
        *("[dn]", *("%s=%s" % (part, identity.subject[part]) for part in ("O", "OU", "CN"))),
        *(["[more]", "subjectAltName=" + names] if names else []),
    ]
    argv = ["openssl", "req", "-new", "-sha256", "-config", "/dev/stdin", "-key", file]
    code, out, _err = _command.run(argv, data="\n".join([*lines, ""]).encode("utf-8"))
    if code != 0:
        raise TlsFilesError("openssl makes no request from the key in %s; remove the file." % (file) + PAGE)
    return out


def owner(group: str, mode: int) -> staging.Owned:
    """Ours, with a group that may read it."""
    return staging.Owned(pwd.getpwuid(os.geteuid()).pw_name, group, mode)


def own_group() -> str:
    """The group of files that only we read."""
    return grp.getgrgid(os.getegid()).gr_name


def directory_steps(directory: str, group: str) -> list[tuple[str, staging.Owned]]:
    """The directory, where it is missing or is another's."""
    me = owner(group, 0o750)
    return staging.missing_directories([{"path": directory, "owner": me.owner, "group": group, "mode": "0750"}])


def keystore_steps(
    directory: str, group: str, certificates: Mapping[str, str], authorities: str, *, held: bool
) -> tuple[list[staging.Step], list[str]]:
    """The files to write, and the waiting keys that go last.

    certificates: identity to its chain as PEM. Raises TlsFilesError where a key is of another certificate.
    """
    me = owner(group, 0o640).owner
    store = path(directory, TRUSTSTORE)
    items: list[dict[str, Any]] = [
        {
            **{"dest": store, "content": authorities, "owner": me, "group": group, "mode": "0644"},
            "at_once": not certificate(store),
        }
    ]
    keys = []
    for name, chain in certificates.items():
        waiting, dest = key_path(directory, name), path(directory, name)
        source = waiting if os.path.lexists(waiting) else next_path(dest)
        key = private_key(source)
        if not key or public_of_key(key) != public_of_certificate(chain):
            raise TlsFilesError(
                "The certificate for %s is of another key than the one in %s; run this again." % (name, source) + PAGE
            )
        refuse_from_the_future(name, chain)
        service = name == KEYSTORE
        items.append(
            {
                "dest": dest,
                "content": key.rstrip("\n") + "\n" + chain,
                "owner": me,
                "group": group if service else own_group(),
                "mode": "0640" if service else "0400",
                # Only the service's own files wait for its restart, and it cannot start with one that has no
                # certificate.
                "at_once": not service or not certificate(dest),
            }
        )
        keys += [waiting] if source == waiting else []
    return staging.decide(items, held=held, promote=False), keys


def diff(step: staging.Step) -> dict[str, str]:
    """Before and after, with the certificates only: half a key is a secret, too."""
    header = step.writes or step.dest
    texts = {"before": _certificates(step.before), "after": _certificates(step.content)}
    return {"before_header": header, "after_header": header, **texts}
