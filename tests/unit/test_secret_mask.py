"""What may be shown of a configuration file, and that what is written of it is what was asked."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.rackaware.kafka.plugins.module_utils import _secret_mask
from ansible_collections.rackaware.kafka.plugins.module_utils._config import properties, units
from ansible_collections.rackaware.kafka.plugins.module_utils._host import staging
from ansible_collections.rackaware.kafka.plugins.module_utils._secret_mask import (
    CHANGED,
    NOT_SHOWN,
    masked,
    masked_pair,
)

S = "c4n4ry"
FIXED = settings(derandomize=True, deadline=None, max_examples=150, database=None)
KEY = "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----" % S
LEFT_OUT = {
    "a password": "ssl.key.password=%s" % S,
    "with blanks around the sign": "ssl.keystore.password = %s" % S,
    "with a colon": "ssl.truststore.password: %s" % S,
    "with neither": "ssl.truststore.password %s" % S,
    "of another spelling": "ssl.quorum.keyStore.passwordPath=%s" % S,
    "in a comment": "#sasl.plain.password=%s" % S,
    "over two lines": "ssl.keystore.password=x\\\n  %s" % S,
    "over two lines of another system": "ssl.keystore.password=x\\\r\n  %s\r" % S,
    "a key": "listener.name.internal.ssl.keystore.key=%s" % S,
    "a key after a blank": "ssl.keystore.key %s" % S,
    "a key of the shell": "export AWS_SECRET_ACCESS_KEY=%s" % S,
    "a key in JSON": '{"apiKey": "%s"}' % S,
    "a private key": KEY,
    "a private key on one line": "x=%s" % KEY.replace("\n", "\\n"),
    "a private key with blanks": "x=%s" % KEY.replace("\n", " "),
    "a private key in a properties file": "x=%s" % KEY.replace("\n", "\\\n"),
    "a private key below its name": "x: |\n  %s\nb: 1" % KEY.replace("\n", "\n  "),
    "an encrypted private key": KEY.replace("PRIVATE", "ENCRYPTED PRIVATE"),
    "an elliptic private key": KEY.replace("PRIVATE", "EC PRIVATE"),
    "half a private key": KEY[: KEY.index("-----END")],
    "a log-in": 'sasl.jaas.config=a.b.PlainLoginModule required username="u" password="%s";' % S,
    "a log-in with users": 'x=a.b.PlainLoginModule required user_alice="a;%s";' % S,
    "a log-in file": 'KafkaServer {\n  a.b.PlainLoginModule required\n  username="a"\n  user_bob="%s";\n};' % S,
    "a log-in over lines": 'listener.jaas.config=a.b.ScramLoginModule required \\\n  username="a" \\\n  password="%s";'
    % S,
    "a flag": "-Djavax.net.ssl.keyStorePassword=%s" % S,
    "a short flag": "-Dstorepass=%s" % S,
    "an option": "ExecStart=/bin/x --password %s --verbose" % S,
    "the environment of a unit": 'Environment="A=1" "KAFKA_PASSWORD=%s"' % S,
    "YAML": "sasl:\n  password: %s\n" % S,
    "YAML below": "password:\n  - %s\nb: 1" % S,
    "YAML in a block": "password: >-\n  %s\n\n  %s\nb: 1" % (S, S),
    "XML": '<param name="Password" value="%s"/>' % S,
    "a token": "sasl.oauthbearer.token=%s" % S,
    "a credential": "credentials: %s" % S,
    "a proxy": "HTTPS_PROXY=http://user:%s@proxy:3128" % S,
    "a pass phrase": "ssl.passphrase=%s" % S,
    "a password of one character more": "db_pass=%s" % S,
    "a log-in whose flag is in capitals": 'KafkaServer {\n  a.b.PlainLoginModule REQUIRED\n  user_alice="%s";\n};' % S,
    "a log-in whose flag is on the next line": 'x=a.b.plainloginmodule \\\n  Required user_alice="%s";' % S,
    "a YAML list as deep as its name": "passwords:\n- %s\n- x\nb: 1" % S,
    "a YAML list behind a comment": "passwords: # of two\n# the first\n- x\n\n- %s\nb: 1" % S,
    "a YAML list in a list": "users:\n- passwords:\n  - %s\n- name: x" % S,
    "YAML in a list": "users:\n- name: x\n  password: >-\n    %s\n- name: y" % S,
    "a vault of Ansible": "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  %s\nb: 1" % S,
    "a text over two lines": 'password: "x\n  %s"\nb: 1' % S,
    "JSON that is not indented": '{\n"passwords": [\n"a]",\n"%s"\n],\n"b": 1\n}' % S,
    "JSON over two lines": '{\n"passwords": ["a",\n"%s"],\n"b": 1\n}' % S,
    "a proxy with a slash in the password": "P=http://user:pa/%s@proxy:3128" % S,
    "a proxy with two signs": "P=http://u:p@%s@proxy:3128" % S,
    "a proxy with a token": "P=https://%s@proxy" % S,
    "a proxy in JSON": '{"proxy": "http:\\/\\/u:%s@proxy"}' % S,
    "the administrator of ZooKeeper": "-Dzookeeper.DigestAuthenticationProvider.superDigest=super:%s" % S,
    **{"the name " + name: "%s=%s" % (name, S) for name in ("bind_pw", "PW", "userPw", "bindPW", "creds", "db_creds")},
    **{"the name " + name: "%s=%s" % (name, S) for name in ("passkey", "ENCRYPTIONKEY", "accesskey")},
}
SHOWN = (
    *(
        "key.converter=org.apache.kafka.connect.json.JsonConverter",
        "key.serializer=x",
        "ssl.keystore.location=/etc/kafka/k.pem",
        "log.cleaner.threads=2",
    ),
    *(
        "ssl.keystore.certificate.chain=-----BEGIN CERTIFICATE----- MII -----END CERTIFICATE-----",
        "Where=/mnt/secretfs",
        "keystone=1",
        "num.io.threads=8",
    ),
    *(
        "listeners=CLIENT://198.51.100.1:9092,REPLICATION://198.51.100.1:9091",
        "advertised.listeners=CLIENT://[2001:db8::1]:1",
        "controller.quorum.voters=1@a:9093,2@b:9093",
        "message.digest=sha256",
        "spwn=1",
        "-XX:+UseG1GC",
        "# a comment, bypassed",
        "",
    ),
)


@pytest.mark.parametrize("title", LEFT_OUT)
def test_a_secret_is_left_out_and_its_neighbours_are_not(title):
    text = "first=1\n%s\nlast=1\n" % LEFT_OUT[title]
    shown = masked(text)
    assert S not in shown and NOT_SHOWN in shown and shown.startswith("first=1\n")
    # Half a key has no end.
    assert shown.endswith("last=1\n") is (title != "half a private key")


def test_what_is_no_secret_is_shown():
    text = "\n".join(SHOWN)
    assert masked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "- password: x\n  name: y\n",
        "- password:\n- name: y\n",
        "passwords:\n  - s[\nname: y\n",
        "password: [x\nname: y\n",
        "password: x\nname: y\n",
        '{"a": ["password=x"],\n"name: y"\n',
    ],
)
def test_what_follows_a_secret_in_yaml_is_shown(text):
    assert "name: y" in masked(text)


@pytest.mark.parametrize(
    "part",
    [
        *(" ", "\t#", "://", "://a@", "key", "a_key ", "password", "LoginModule ", "LoginModule required;"),
        *("[", '"', "'", "- ", "\\"),
        *("-----BEGIN PRIVATE KEY-----", "pw:[,\n", "#pw\n", "pw\n#\n", "pw\n\n"),
    ],
)
def test_no_text_is_slow(part):
    """Eight times the text takes about eight times as long, not sixty-four times."""

    def seconds(count):
        text, times = part * count, []
        for _ in range(3):
            begun = time.process_time()
            masked(text)
            times.append(time.process_time() - begun)
        return min(times)

    assert seconds(16000) < 0.05 + 24 * seconds(2000)


def test_the_files_of_a_service_are_shown_but_for_their_secrets():
    text = units.jvm_options(
        "broker", version="4.3.1", heap_mb=512, flags=["-XX:+UseG1GC"], extra=["-Djavax.net.ssl.keyStorePassword=" + S]
    )
    assert masked(text) == text.replace(S, NOT_SHOWN)
    for text in (units.logging("broker", version="4.3.1"), units.logging("broker", version="3.9.2")):
        assert masked(text) == text


def test_a_secret_that_changes_is_said_to_change():
    before, after = masked_pair("a=1\npassword=old\ntoken=same\n", "a=2\npassword=new\ntoken=same\n")
    assert before == "a=1\npassword=%s\ntoken=%s\n" % (NOT_SHOWN, NOT_SHOWN)
    assert after == "a=2\npassword=%s\ntoken=%s\n" % (CHANGED, NOT_SHOWN)
    assert masked_pair("", "password=new\n") == ("", "password=%s\n" % NOT_SHOWN)


NAMES = st.sampled_from(
    [
        "ssl.keystore.password",
        "ssl.keystore.key",
        "sasl.jaas.config",
        "listener.name.a.plain.sasl.jaas.config",
        "my.secret",
        "x.api.key",
    ]
)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=20)


@FIXED
@given(st.lists(st.tuples(NAMES, VALUES, VALUES), min_size=1, max_size=4))
def test_no_value_of_a_secret_setting_is_shown_whatever_is_in_it(pairs):
    text = "".join(
        properties.render({"num.io.threads": 8, name: before + S + after, "log.dirs": "/d"})
        for name, before, after in pairs
    )
    shown = masked(text)
    assert S not in shown and shown.count("log.dirs=/d\n") == len(pairs)


@FIXED
@given(st.lists(st.text(max_size=200), min_size=1, max_size=5))
def test_what_is_packed_comes_out_as_it_went_in(texts):
    given_ = [{"dest": "/%d" % number, "content": text, "mode": "0640"} for number, text in enumerate(texts)]
    sent = staging.pack({"held_by": "x", "files": given_})
    assert [item["content"] for item in sent["files"]] == [staging.PACKED] * len(texts)
    assert staging.unpack(sent) == given_


@FIXED
@given(st.text())
def test_nothing_is_lost_or_garbled_outside_of_what_is_left_out(text):
    """Cut at what is left out, the pieces stand in the text in that order."""
    position = 0
    for piece in masked(text).split(NOT_SHOWN) if NOT_SHOWN not in text else []:
        position = text.index(piece, position) + len(piece)
    assert _secret_mask.masked_pair(text, text)[0] == masked(text)


@pytest.mark.parametrize(
    "contents",
    ["", "x", "!!!", "eJw=", "eJyLVkpUigUAA4MBSA=="],
    ids=["empty", "cut", "no base64", "half", "one of two"],
)
def test_what_was_not_packed_here_is_refused(contents):
    files = [{"dest": "/1", "content": ""}, {"dest": "/2", "content": ""}]
    with pytest.raises(staging.FilesError, match="leave it out"):
        staging.unpack({"files": files, "contents": contents})
