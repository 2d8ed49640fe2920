"""One file of properties, for Kafka's own tools and for our clients."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import client_file
import pytest


@pytest.mark.parametrize("password", ["R1ght", 'with "quotes"', "back\\slash", 'both\\"', "equals=and;semicolon"])
def test_what_was_written_is_read(tmp_path, password):
    file = tmp_path / "client.properties"
    file.write_text(client_file.scram("app", password, Path("/ca.pem")))
    assert client_file.client_options(file) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "app",
        "sasl_plain_password": password,
        "ssl_cafile": "/ca.pem",
    }
    login = client_file.connection_options(file)
    assert (login["sasl_username"], login["sasl_password"]) == ("app", password)


def test_a_play_writes_the_same_text_and_hands_the_password_over_by_standard_input(tmp_path):
    file, password = tmp_path / "client.properties", 'with "quotes"'
    words = [sys.executable, client_file.__file__, str(file), "tests", "/ca.pem"]

    def run():
        return subprocess.run(words, input=password, check=True, capture_output=True, text=True).stdout

    assert (run(), run()) == ("written\n", "")
    assert file.read_text() == client_file.scram("tests", password, Path("/ca.pem"))
    assert file.stat().st_mode & 0o777 == 0o600 and password not in str(words)


def test_a_certificate_is_both_files_of_python(tmp_path):
    file = tmp_path / "client.properties"
    file.write_text("# a comment\n\n" + client_file.OPERATOR)
    pair = "/etc/kafka/tls/operator.pem"
    options = client_file.client_options(file)
    assert (options["ssl_certfile"], options["ssl_keyfile"], options["security_protocol"]) == (pair, pair, "SSL")


@pytest.mark.parametrize("line", ["sasl.mechanisms=PLAIN", "ssl.truststore.type=JKS", "nonsense"])
def test_what_is_not_understood_is_refused(tmp_path, line):
    file = tmp_path / "client.properties"
    file.write_text(line + "\n")
    with pytest.raises(ValueError, match="is not known here"):
        client_file.client_options(file)


def test_without_a_file_clients_speak_plaintext(tmp_path, monkeypatch):
    monkeypatch.setattr(client_file, "REPORTS", tmp_path)
    assert client_file.find("demo") is None and client_file.client_options(None) == {}
    (tmp_path / "demo-client.properties").touch()
    assert client_file.find("demo") == tmp_path / "demo-client.properties"


DOCS = Path(__file__).resolve().parents[2] / "docs"
TOOL = re.compile(r"/bin/(kafka-[\w-]+\.sh)((?:\\\n|[^\n])*)")


def open_to_no_one(text):
    """Commands of a page with Kafka's own tools that a secured cluster would not answer."""
    return [
        tool
        for tool, options in TOOL.findall(text)
        if not re.search(r"--(?:command-config|admin\.config) (?:\$OPERATOR|/run/controller\.properties)", options)
        or not re.search(r":909[13]\b", options)
    ]


def test_the_documentation_says_once_how_a_secured_cluster_is_asked_by_hand():
    page = (DOCS / "README.md").read_text()
    assert "cat >$OPERATOR <<END\n%sEND\n" % client_file.OPERATOR in page
    assert "export OPERATOR=%s\n" % client_file.OPERATOR_FILE in page
    word = client_file.zookeeper_word("srvr", "<address>").split("then ")[1].split("; else")[0]
    asked = page.partition("cd /etc/zookeeper/tls && ")[2].partition("\n```")[0].replace(" \\\n ", "")
    assert asked == word.replace("/etc/zookeeper/tls/", "")


@pytest.mark.parametrize("page", ["README.md", *("runbooks/" + path.name for path in (DOCS / "runbooks").glob("*.md"))])
def test_the_runbooks_ask_as_the_operator(page):
    assert open_to_no_one((DOCS / page).read_text()) == []


@pytest.mark.parametrize(
    "options", ["--bootstrap-server <x>:9092 --command-config $OPERATOR", "--bootstrap-server <x>:9091 --list", ""]
)
def test_a_command_that_would_not_be_answered_is_seen(options):
    assert open_to_no_one("/opt/kafka-<version>/bin/kafka-topics.sh %s\n" % options) == ["kafka-topics.sh"]
