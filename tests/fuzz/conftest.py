"""The fuzzer's one option, which is there when it is run by itself: `pytest tests/fuzz --cases 1000`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, help="files that the fuzzer makes for each door")
