"""Kafka as the tests of modules' main() replace it."""

from __future__ import annotations


class FakeAdmin:
    """Stands in the place of Admin, and is what that opens; remembers how it was opened, and raises error instead when there is one."""

    def __init__(self):
        self.opened, self.error = [], None

    def __call__(self, where, **arguments):
        self.opened.append((where, arguments))
        if self.error:
            raise self.error
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
