"""A client of the running app, and a crowd of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from gradio_client import Client

from cppn.load_client import Visitor


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[Client]:
    # 60 seconds: cancelling waits for a busy app; over plain http no certificates need be read for each request
    client = Client(url, verbose=False, ssl_verify=False, httpx_kwargs={"timeout": 60})
    yield client
    client.close()


@pytest.fixture
def all_get_their_own(url: str) -> Callable[[str, Sequence[list], int], bool]:
    """Whether many callers, eight at a time, get what one gets who calls alone: (endpoint, questions, rounds) -> bool.

    Each call is a session of its own. A `Client` that threads share may lose an answer that the app has given.
    """

    def ask(name: str, question: list) -> list[object]:
        with Visitor(SimpleNamespace(port=urlsplit(url).port)) as visitor:
            picture, facts = visitor.call(name, question)
            return [visitor.pictures(picture), facts]

    def asked(name: str, questions: Sequence[list], rounds: int) -> bool:
        alone = [ask(name, question) for question in questions]
        with ThreadPoolExecutor(8) as crowd:
            return list(crowd.map(lambda question: ask(name, question), [*questions] * rounds)) == alone * rounds

    return asked
