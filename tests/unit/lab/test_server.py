"""What the lab's API says when a machine cannot be made what it shall be."""

from __future__ import annotations

import concurrent.futures
import itertools
import threading

from botocore.parsers import EC2QueryParser
from werkzeug.test import Client
from werkzeug.wrappers import Response

from lab.server import Api
from lab.shell import LabError


class Broken:
    """A world in which nothing can be moved."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.say = self.said.append

    def sync(self) -> None:
        raise LabError("podman rm ended with 1: <busy>")


class Slow:
    """A world that moves when it is let, and counts how often."""

    def __init__(self) -> None:
        self.moved = 0
        self.let = threading.Event()

    def sync(self) -> None:
        self.moved += 1
        assert self.let.wait(30)


def test_a_client_that_asks_again_with_the_same_token_gets_the_same_answer():
    world = Slow()
    api = Api(world)
    made = itertools.count(1)
    api.moto = lambda environ, start_response: Response("<i-%d/>" % next(made))(environ, start_response)

    def ask(token):
        return Client(api).post("/", data="Action=RunInstances&Version=2016-11-15&ClientToken=" + token).text

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        twice = [pool.submit(ask, "a"), pool.submit(ask, "a")]
        world.let.set()
        assert [each.result(30) for each in twice] == ["<i-1/>", "<i-1/>"]
    assert (ask("b"), world.moved) == ("<i-2/>", 2)


def test_what_the_lab_cannot_do_is_an_error_that_clients_understand_and_try_again():
    world = Broken()
    api = Api(world)
    api.moto = Response("<ok/>", status=200)
    asked = Client(api).post("/", data="Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1")
    parsed = EC2QueryParser().parse(
        {"body": asked.data, "headers": dict(asked.headers), "status_code": asked.status_code}, None
    )
    assert (asked.status_code, parsed["Error"]["Code"], parsed["Error"]["Message"]) == (
        500,
        "InternalError",
        "podman rm ended with 1: <busy>",
    )
    assert world.said == ["TerminateInstances: podman rm ended with 1: <busy>"]
    assert Client(api).post("/", data="Action=DescribeInstances&Version=2016-11-15").status_code == 200
