"""Gifts as strangers bring them: whatever holds the weights opens, whatever does not is called by its name."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import Tensor

from cppn import checkpoint
from cppn.checkpoint import CheckpointError
from cppn.faults import VisitorError
from cppn.flags import endpoints
from cppn.flags.decode import FILE_LIMIT, open_gift
from cppn.hub import BUNDLED

MALAYSIA = BUNDLED / "flags" / "malaysia.safetensors"
STATE = safetensors.torch.load_file(MALAYSIA)
State = dict[str, Tensor]


def saved(state: State, metadata: dict[str, str] | None = None) -> bytes:
    return safetensors.torch.save({name: tensor.clone().contiguous() for name, tensor in state.items()}, metadata)


def prefixed(prefix: str) -> State:
    return {prefix + name: tensor for name, tensor in STATE.items()}


def in_type(dtype: torch.dtype) -> State:
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in STATE.items()}


def without_counters() -> State:
    return {name: tensor for name, tensor in STATE.items() if not name.endswith("num_batches_tracked")}


def optimiser() -> State:
    """What Adam remembers of each parameter."""
    moments = [t for name, t in STATE.items() if "running" not in name and "num_batches" not in name]
    kinds = ("exp_avg", "exp_avg_sq")
    return {f"optimizer.state.{i}.{kind}": torch.zeros_like(t) for i, t in enumerate(moments) for kind in kinds}


def with_header(change: Callable[[dict], None]) -> bytes:
    """The file with its header changed by hand, as the library would not write it."""
    data = MALAYSIA.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def pickled() -> bytes:
    buffer = io.BytesIO()
    torch.save(STATE, buffer)
    return buffer.getvalue()


LOG = json.dumps([{"step": step, "loss": 1 / (step + 1)} for step in range(1000)])
OPENS = {
    # name: (the file, words in what is said to have been done; none if nothing had to be)
    "as we write it": (MALAYSIA.read_bytes(), ""),
    "no metadata": (saved(STATE), ""),
    "DataParallel": (saved(prefixed("module.")), "'module.dense1.weight' is dense1.weight"),
    "torch.compile": (saved(prefixed("_orig_mod.")), "'_orig_mod.dense1.weight' is dense1.weight"),
    "compiled DataParallel": (saved(prefixed("module._orig_mod.")), "'module._orig_mod.dense1.weight' is"),
    "Lightning": (saved(prefixed("model.")), "'model.dense1.weight' is dense1.weight"),
    "wrapped twice": (saved(prefixed("model.net.")), "'model.net.dense1.weight' is dense1.weight"),
    "no counters": (saved(without_counters()), "4 missing counters"),
    "float16": (saved(in_type(torch.float16)), "float16 were turned into float32"),
    "bfloat16": (saved(in_type(torch.bfloat16)), "bfloat16 were turned into float32"),
    "float64": (saved(in_type(torch.float64)), "float64 were turned into float32"),
    "metadata null": (with_header(lambda header: header.update(__metadata__=None)), "metadata is not a table"),
    "metadata with numbers": (with_header(lambda h: h.update(__metadata__={"epoch": 5})), "metadata is not a table"),
    "a long log": (saved(STATE, {"format": "pt", "training_log": LOG}), ""),
    "config of others": (saved(STATE, {"config": '{"lr": 0.001, "country": "Malaysia"}'}), "config is somebody else's"),
    "config in YAML": (saved(STATE, {"config": "lr: 0.001"}), "config is not JSON"),
    "config of an impossible size": (saved(STATE, {"config": '{"width": 5000}'}), "not 5000; it was passed over"),
    "training checkpoint": (saved(prefixed("model_state_dict.") | optimiser()), "52 tensors beside the network's"),
    "state dict and counter of steps": (saved(STATE | {"epoch": torch.tensor(3)}), "1 tensor beside the network's"),
    "all at once": (
        saved({f"state_dict.{n}": t.double() for n, t in without_counters().items()} | optimiser(), {"log": LOG}),
        "float64 were turned into float32",
    ),
}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return pixels(endpoints.open_gift(MALAYSIA).picture)


@pytest.mark.parametrize(("data", "words"), OPENS.values(), ids=OPENS)
def test_whatever_holds_the_weights_opens(tmp_path, expected, data, words):
    path = tmp_path / "GIFT.SAFETENSORS"
    path.write_bytes(data)
    picture, facts = endpoints.open_gift(path)
    shown = pixels(picture)
    assert shown.shape == expected.shape
    # bfloat16 keeps eight bits of each number, and the flag's edges move a little
    assert np.abs(shown - expected).mean() < (12 if b'"BF16"' in data else 1)
    assert words in "; ".join(facts["done"])
    assert bool(words) == bool(facts["done"])
    assert facts["bytes"] == len(data)
    json.dumps(facts)


def test_what_its_config_says_of_the_size_counts_beside_what_is_foreign(tmp_path):
    data = saved(STATE, {"config": '{"height": 320, "lr": 0.1, "width": 640}'})
    gift = open_gift(data, adapt=True)
    assert gift.size == (640, 320)
    assert gift.checkpoint.done == ("what its config says of 'lr' was passed over",)


def state_of_a_quine() -> bytes:
    return (BUNDLED / "quine" / "exact_mlp.safetensors").read_bytes()


REFUSED = {
    # name: (the file, words that it is refused with)
    "empty": (b"", "this is empty"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n", "a Git LFS pointer"),
    "web page": (b"<!doctype html><html>Sign in</html>", "a web page and not the file"),
    "torch.save": (pickled(), "which could run code when opened; save the weights with `safetensors"),
    "GGUF": (b"GGUF\x03\0\0\0" + bytes(99), "a GGUF file"),
    "too large": (bytes(FILE_LIMIT + 1), "at most 524,288 are accepted"),
    "too large a pickle": (pickled() + bytes(FILE_LIMIT), "a pickle or a zip"),
    "a quine": (state_of_a_quine(), "this is a quine; open it in the Quine tab"),
    "a quine saved again": (saved(safetensors.torch.load(state_of_a_quine())), "open it in the Quine tab"),
    "glyphs": ((BUNDLED / "glyphs" / "seed.safetensors").read_bytes(), "it belongs to the Glyphs tab"),
    "odd shapes": ((BUNDLED / "odd_shapes" / "seed.safetensors").read_bytes(), "it belongs to the Odd shapes tab"),
    "another network": (
        saved({"fc.weight": torch.ones(2, 2)}),
        "expected the 38 tensors of a MysteryNet ('dense1.weight' 16 x 2, 'dense1.bias' 16, ...), "
        "found 1 ('fc.weight' 2 x 2): tensor dense1.weight is missing",
    ),
    "a wider one": (
        saved(STATE | {"dense1.weight": torch.ones(16, 40)}),
        "tensor dense1.weight is 16 x 40, not 16 x 2",
    ),
    "a layer less": (
        saved({name: tensor for name, tensor in prefixed("module.").items() if "dense5" not in name}),
        "tensor dense5.weight is missing",
    ),
    "two of them": (saved(prefixed("model.") | prefixed("ema.")), "it holds 2 of them"),
    "whole numbers": (saved(in_type(torch.int8)), "holds 'I8' and not floating-point numbers"),
    "too large for float32": (
        saved({n: t.double() * 1e300 if n == "dense1.bias" else t for n, t in STATE.items()}),
        "tensor dense1.bias holds values that are not finite",
    ),
    "negative variance": (
        saved({n: -t if n == "bn2.running_var" else t for n, t in STATE.items()}),
        "bn2.running_var holds negative numbers",
    ),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_whatever_does_not_is_called_by_its_name(tmp_path, data, words):
    path = tmp_path / "gift.safetensors"
    path.write_bytes(data)
    with pytest.raises(VisitorError) as refusal:
        endpoints.open_gift(path)
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", [name for name, (_, words) in OPENS.items() if words])
def test_our_own_files_are_read_strictly(name):
    with pytest.raises(CheckpointError):
        open_gift(OPENS[name][0])


def test_all_that_we_ship_is_as_we_write_it():
    for path in sorted((BUNDLED / "flags").glob("*.safetensors")):
        gift = open_gift(path)
        assert gift.checkpoint.done == ()
        assert checkpoint.to_bytes(gift.checkpoint.net, gift.checkpoint.config) == path.read_bytes()
