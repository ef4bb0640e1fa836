"""The command that the README promises starts an app that answers, from the bundled weights, without a network."""

from __future__ import annotations

import sys

from cppn.startup import APP, seconds_to_first_answer


def test_the_app_starts_by_itself(monkeypatch):
    # anything that tried to reach out would meet these
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert seconds_to_first_answer([sys.executable, str(APP)]) > 0
