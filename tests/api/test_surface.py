"""The public endpoints are a promise: names, parameters and defaults are frozen in a snapshot.

After a change that is meant, write the new snapshot with: python -m pytest tests/api/test_surface.py --snapshot-update
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gradio_client import Client

SNAPSHOT = Path(__file__).with_name("surface.json")


def surface(client: Client) -> dict[str, object]:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    return {
        name: {
            "parameters": [
                {
                    "name": parameter["parameter_name"],
                    "type": parameter["python_type"]["type"],
                    "default": parameter["parameter_default"] if parameter["parameter_has_default"] else "required",
                }
                for parameter in endpoint["parameters"]
            ],
            "returns": {value["label"]: value["python_type"]["type"] for value in endpoint["returns"]},
        }
        for name, endpoint in endpoints.items()
    }


def test_the_public_endpoints_are_as_promised(client: Client, request: pytest.FixtureRequest):
    found = json.loads(json.dumps(surface(client)))
    if request.config.getoption("--snapshot-update"):
        SNAPSHOT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert found == json.loads(SNAPSHOT.read_text(encoding="utf-8"))
