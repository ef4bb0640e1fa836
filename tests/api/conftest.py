"""A client of the running app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gradio_client import Client


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[Client]:
    client = Client(url, verbose=False)
    yield client
    client.close()
