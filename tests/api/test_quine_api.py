"""The Quine wing through gradio_client: every endpoint, every kind of bad input, hostile files."""

from __future__ import annotations

import pickle
from pathlib import Path

import httpx
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from cppn.hub import BUNDLED
from cppn.quine.weights import SHIPPED

LIST, VERIFY, FILE, TAMPER, HEAL = (
    "/list_quines",
    "/verify_quine",
    "/verify_quine_file",
    "/tamper_quine",
    "/heal_quine",
)
EXACT = BUNDLED / "quine" / "exact_mlp.safetensors"


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def test_quines_are_listed(client: Client):
    quines = client.predict(api_name=LIST)
    assert [quine["name"] for quine in quines] == list(SHIPPED)
    assert quines[0]["weights"] == 1020


@pytest.mark.parametrize("slug", SHIPPED)
def test_every_quine_is_verified(client: Client, slug: str):
    report, *pictures = client.predict(slug, api_name=VERIFY)
    assert len(pictures) == 4
    assert all(pixels(picture).shape[1] == 720 for picture in pictures)
    assert (report["weights_from"], report["note"]) == ("bundled with this app", "")
    if slug.startswith("exact_"):
        assert (report["verdict"], report["max_delta"], report["bit_equal"]) == ("exact", 0, 1)
        assert report["sha256_weights"] == report["sha256_output"]
    else:
        assert report["verdict"] in ("float", "approximate")


def test_an_uploaded_file_is_verified(client: Client):
    report, *pictures = client.predict(handle_file(EXACT), api_name=FILE)
    assert report["is_quine"]
    assert len(pictures) == 4


def test_a_flipped_weight_never_verifies(client: Client):
    report, own, original = client.predict("exact_mlp", 700, 0.5, api_name=TAMPER)
    assert report["after"] == 0.5
    assert not report["verification"]["is_quine"]
    assert pixels(own).shape == pixels(original).shape


def test_a_shaken_network_heals(client: Client):
    report, curve = client.predict("exact_mlp", 0.05, 3, 10, api_name=HEAL)
    assert report["healed"]
    assert len(curve["data"]) == 11
    assert client.predict("exact_mlp", 0.05, 3, 10, api_name=HEAL) == (report, curve)


@pytest.mark.parametrize(
    ("api_name", "arguments", "word"),
    [
        (VERIFY, ("ouroboros",), "ouroboros"),
        (TAMPER, ("ouroboros", 0, 0), "ouroboros"),
        (TAMPER, ("exact_mlp", 1020, 0), "between 0 and 1019 in this network"),
        (TAMPER, ("exact_mlp", -1, 0), "index must be .*; -1 came instead"),
        (TAMPER, ("exact_mlp", 10**9, 0), "from 0 to 2,159; 1000000000 came instead"),
        (TAMPER, ("exact_mlp", 0, 1e9), "value must be .* 1,000,000"),
        (TAMPER, ("exact_mlp", None, 0), "index must .* nothing came"),
        (HEAL, ("exact_mlp", 99, 1, 10), "noise must be a number from 0 to 10; 99"),
        (HEAL, ("exact_mlp", 0.1, 1, 10**6), "steps must be .*; 1000000 came"),
        (HEAL, ("exact_mlp", 0.1, None, 10), "seed must .* nothing came"),
        (HEAL, ("exact_mlp", 0.1, 1, 0), "from 1 to 1,000; 0 came instead"),
    ],
)
def test_bad_requests_are_named(client: Client, api_name: str, arguments: tuple, word: str):
    with pytest.raises(AppError, match=word):
        client.predict(*arguments, api_name=api_name)
    assert client.predict("exact_rnn", api_name=VERIFY)[0]["is_quine"]  # the app lives on


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_a_value_that_is_no_number_is_refused(url: str, value: str):
    """Sent by hand, because the client writes no such JSON."""
    endpoint = f"{url}gradio_api/call{TAMPER}"
    body = f'{{"data": ["exact_mlp", 0, {value}]}}'
    answer = httpx.post(endpoint, content=body, headers={"content-type": "application/json"})
    events = httpx.get(f"{endpoint}/{answer.json()['event_id']}", timeout=30).text
    assert "event: error" in events
    assert "value must be a number from -1,000,000" in events


def hostile_files() -> dict[str, bytes]:
    """Files that are no quine, by the word that the refusal must contain."""
    data = EXACT.read_bytes()
    state = safetensors.numpy.load(data)
    with safetensors.safe_open(EXACT, "np") as file:
        config = file.metadata()
    nan = {**state, "l1.weight": np.full_like(state["l1.weight"], np.nan)}
    huge = {**state, "l1.weight": np.full_like(state["l1.weight"], 1e30)}
    shape = {**state, "l1.weight": np.zeros((20, 9), np.float32)}
    return {
        "damaged": data[:-100],
        "pickle": pickle.dumps({"a": 1}),
        "not finite": safetensors.numpy.save(nan, config),
        "beyond": safetensors.numpy.save(huge, config),
        "20 x 9, not 20 x 8": safetensors.numpy.save(shape, config),
        "accepted": data + bytes(300_000),
        "expected the 8 tensors of a Mlp": safetensors.numpy.save({"a": np.zeros(3, np.float32)}),
    }


def test_files_that_are_no_quine_are_refused_with_a_reason(client: Client, tmp_path: Path):
    for word, content in hostile_files().items():
        path = tmp_path / "file.safetensors"
        path.write_bytes(content)
        with pytest.raises(AppError, match=word):
            client.predict(handle_file(path), api_name=FILE)
    assert client.predict(handle_file(EXACT), api_name=FILE)[0]["is_quine"]


def test_a_quine_saved_again_without_its_config_is_recognised(client: Client, tmp_path: Path):
    path = tmp_path / "again.safetensors"
    path.write_bytes(safetensors.numpy.save(safetensors.numpy.load(EXACT.read_bytes())))
    report, *_ = client.predict(handle_file(path), api_name=FILE)
    assert (report["verdict"], report["environment"]) == ("exact", "quine/mlp/10")
    assert "does not name its environment" in report["note"]
