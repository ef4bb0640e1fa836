"""`cppn.checkpoint`: what we write comes back, and what a hostile stranger writes is refused with a word of why."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cppn.checkpoint import (
    HEADER_LIMIT,
    CheckpointError,
    load,
    parse_config,
    save,
    sha256_of,
    to_bytes,
    write_atomically,
)
from cppn.flags.network import GiftConfig, MysteryNet

LIMIT = 256 * 1024  # bytes


@dataclass(frozen=True)
class TinyConfig:
    width: int = 3
    label: str | None = None
    flat: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 8:
            raise ValueError(f"width must lie between 1 and 8, not {self.width}")


class TinyNet(nn.Module):
    """One dense layer and a counter: float32 and int64, shapes of rank 0, 1 and 2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, 1)
        self.register_buffer("seen", torch.tensor(7))


def build_tiny(config: TinyConfig) -> TinyNet:
    return TinyNet(config.width)


def tiny(width: int = 3) -> TinyNet:
    """A network whose weights count from 1."""
    net = TinyNet(width)
    with torch.no_grad():
        net.dense.weight.copy_(torch.arange(1.0, width + 1))
        net.dense.bias.fill_(-0.5)
    return net


# --- there and back


@pytest.mark.parametrize("config", [TinyConfig(), TinyConfig(5, "five", True)])
def test_a_network_comes_back_as_it_was(tmp_path, config):
    path, net = tmp_path / "new folder" / "net.safetensors", tiny(config.width)
    save(path, net, config)
    loaded = load(path, build_tiny, TinyConfig, LIMIT)
    assert loaded.config == config
    assert list(loaded.net.state_dict()) == list(net.state_dict())
    for name, tensor in net.state_dict().items():
        back = loaded.net.state_dict()[name]
        assert back.dtype == tensor.dtype
        assert torch.equal(back, tensor)
    assert not loaded.net.training
    assert loaded.parameters == config.width + 1
    assert loaded.size == path.stat().st_size
    assert loaded.sha256 == sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_mystery_net_comes_back_as_it_was():
    torch.manual_seed(0)
    net = MysteryNet()
    loaded = load(to_bytes(net, GiftConfig(320, 160)), lambda _: MysteryNet(), GiftConfig, LIMIT)
    assert loaded.config == GiftConfig(320, 160)
    assert loaded.parameters == 6675
    for name, tensor in net.state_dict().items():
        assert torch.equal(loaded.net.state_dict()[name], tensor)
    x = torch.rand(5, 2)
    assert torch.equal(loaded.net(x), net.eval()(x))


def test_a_loaded_network_can_be_trained_on():
    net = load(to_bytes(tiny(), TinyConfig()), build_tiny, TinyConfig, LIMIT).net
    net.dense(torch.ones(3)).backward()
    assert torch.equal(net.dense.weight.grad, torch.ones(1, 3))


def test_the_same_state_gives_the_same_bytes():
    assert len({to_bytes(tiny(), TinyConfig(3, "a")) for _ in range(20)}) == 1
    assert to_bytes(tiny(), TinyConfig(3, "b")) != to_bytes(tiny(), TinyConfig(3, "a"))


def test_a_file_holds_the_config_as_canonical_json_and_the_weights_as_they_are():
    data = to_bytes(tiny(), TinyConfig(3, "a"))
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert header["__metadata__"] == {"config": '{"flat":false,"label":"a","width":3}'}
    assert header["dense.weight"]["shape"] == [1, 3]
    start, end = header["dense.weight"]["data_offsets"]
    np.testing.assert_array_equal(np.frombuffer(data[8 + length :][start:end], "<f4"), [1, 2, 3])


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    assert path.stat().st_mode & 0o777 == 0o644

    def interrupt(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", interrupt)
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


# --- files made by hand

WEIGHT = {"dtype": "F32", "shape": [1, 3], "data_offsets": [8, 20]}
BIAS = {"dtype": "F32", "shape": [1], "data_offsets": [20, 24]}
SEEN = {"dtype": "I64", "shape": [], "data_offsets": [0, 8]}
TENSORS = {"seen": SEEN, "dense.weight": WEIGHT, "dense.bias": BIAS}
VALUES = np.int64(7).tobytes() + np.array([1, 2, 3, -0.5], "<f4").tobytes()


def raw(header: object, values: bytes = VALUES) -> bytes:
    """The bytes of a safetensors file: length of the header, header, values."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def with_metadata(metadata: object) -> bytes:
    return raw({"__metadata__": metadata, **TENSORS})


def with_config(text: str) -> bytes:
    return with_metadata({"config": text})


def with_weight(values: bytes = VALUES, **changes: object) -> bytes:
    return raw({**TENSORS, "dense.weight": {**WEIGHT, **changes}}, values)


def with_number(number: float) -> bytes:
    return raw(TENSORS, VALUES[:8] + np.array([1, number, 3, -0.5], "<f4").tobytes())


@pytest.mark.parametrize(
    "data",
    [
        raw(TENSORS),
        with_metadata({}),
        with_metadata({"format": "pt"}),
        with_metadata({"format": "pt", "config": "{}"}),
        with_config('{"label": null}'),
        raw(dict(reversed(TENSORS.items()))),
    ],
)
def test_a_file_from_elsewhere_is_read_with_the_default_config(data):
    loaded = load(data, build_tiny, TinyConfig, LIMIT)
    assert loaded.config == TinyConfig()
    for name, tensor in tiny().state_dict().items():
        assert torch.equal(loaded.net.state_dict()[name], tensor)


@pytest.mark.parametrize("length", [640, 896, 1152, 1408])
def test_a_header_whose_length_looks_like_a_pickle_is_read(length):
    """The first two bytes of such a file are those of a pickle of protocol 2, 3, 4 or 5."""
    data = raw(json.dumps(TENSORS).encode().ljust(length))
    assert data[0] == 0x80
    assert load(data, build_tiny, TinyConfig, LIMIT).config == TinyConfig()


def torch_zip() -> bytes:
    buffer = io.BytesIO()
    torch.save(tiny().state_dict(), buffer)
    return buffer.getvalue()


def many_tensors(count: int) -> bytes:
    nothing = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    return raw({f"t{number}": nothing for number in range(count)}, b"")


def without(name: str) -> bytes:
    return raw({key: value for key, value in TENSORS.items() if key != name})


def with_extra(name: str) -> bytes:
    return raw({**TENSORS, name: {"dtype": "F32", "shape": [0], "data_offsets": [24, 24]}})


def twice(name: str) -> bytes:
    header = json.dumps(TENSORS)
    return raw((header[:-1] + f', "{name}": {json.dumps(TENSORS[name])}}}').encode())


HOSTILE = {
    # name: (bytes of the file, words that the message must contain)
    "empty": (b"", "this is empty"),
    "seven bytes": (b"\x01" * 7, "too short"),
    "zeros": (bytes(64), "not JSON"),
    "noise": (np.random.default_rng(0).bytes(5000), "not a safetensors file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "this is a picture"),
    "file above the limit": (bytes(LIMIT + 1), "at most 262,144 are accepted"),
    "zip of torch.save": (torch_zip(), "pickle or a zip"),
    **{f"pickle {n}": (pickle.dumps({"w": [1.0] * 50}, protocol=n), "pickle or a zip") for n in (2, 3, 4, 5)},
    "pickle 0": (pickle.dumps({"w": [1.0] * 50}, protocol=0), "not a safetensors file"),
    "header longer than the file": (raw(TENSORS)[:100], "does not fit"),
    "header above the limit": (raw(b"{" + b" " * HEADER_LIMIT + b"}"), "does not fit"),
    "header of 2^64 - 1 bytes": (b"\xff" * 100, "does not fit"),
    "header not JSON": (raw(b"{'weight': 1}"), "not JSON"),
    "header not UTF-8": (raw(b'{"\xff\xfe": 1}'), "not JSON"),
    "header nested deeply": (raw(b"[" * 10_000 + b"]" * 5_000), "not JSON"),
    "header nested in objects": (raw(b'{"a":' * 2_000), "not JSON"),
    "header a list": (raw([1, 2]), "not a JSON object"),
    "header a number of 5,000 digits": (raw(b"9" * 5000), "not JSON"),
    "metadata a text": (with_metadata("config"), "metadata"),
    "metadata null": (with_metadata(None), "metadata"),
    "metadata with a number": (with_metadata({"format": 5}), "metadata"),
    "config an object": (with_metadata({"config": {"width": 3}}), "metadata"),
    "config not JSON": (with_config("width=3"), "config is not JSON"),
    "config empty": (with_config(""), "config is not JSON"),
    "config nested deeply": (with_config("[" * 10_000), "config is not JSON"),
    "config with a number of 5,000 digits": (with_config('{"width": ' + "9" * 5000 + "}"), "config is not JSON"),
    "config that says a thing twice": (with_config('{"width": 1, "width": 3}'), "repeats a name"),
    "config a list": (with_config("[3]"), "not a JSON object"),
    "config with an unknown key": (with_config('{"depth": 3}'), "unknown key: 'depth'"),
    "config with a hidden method": (with_config('{"__class__": "os"}'), "unknown key: '__class__'"),
    "config with half a character": (with_config('{"\\ud800": 3}'), r"unknown key: '\ud800'"),
    "config of a wrong type": (with_config('{"width": "3"}'), "wrong type for width"),
    "config of a float for int": (with_config('{"width": 3.0}'), "wrong type for width"),
    "config of a bool for int": (with_config('{"width": true}'), "wrong type for width"),
    "config of an int for bool": (with_config('{"flat": 1}'), "wrong type for flat"),
    "config of null for int": (with_config('{"width": null}'), "wrong type for width"),
    "config not a number": (with_config('{"width": NaN}'), "wrong type for width"),
    "config out of range": (with_config('{"width": 9}'), "between 1 and 8, not 9"),
    "config with a huge number": (with_config('{"width": 1' + "0" * 4000 + "}"), "between 1 and 8, not 1000"),
    "config for another shape": (with_config('{"width": 4}'), "tensor dense.weight is 1 x 3, not 1 x 4"),
    "tensor missing": (without("dense.bias"), "tensor dense.bias is missing"),
    "no tensors": (raw({}, b""), "is missing"),
    "tensor too many": (with_extra("dense.scale"), "unexpected tensor 'dense.scale'"),
    "tensor named as a path": (with_extra("../../<script>"), "unexpected tensor '../../<script>'"),
    "tensor with a long name": (with_extra("x" * 9000), "unexpected tensor 'xxx"),
    "tensor with half a character": (with_extra("\ud800"), r"unexpected tensor '\ud800'"),
    "tensor without a name": (with_extra(""), "unexpected tensor ''"),
    "200 000 tensors": (many_tensors(200_000), "are accepted"),
    "300 tensors": (many_tensors(300), "holds 300 tensors; at most 256"),
    "tensor a number": (raw({**TENSORS, "seen": 7}), "tensor seen has no description"),
    "tensor of F16": (with_weight(dtype="F16"), "tensor dense.weight holds F16 numbers where F32 is expected"),
    "tensor of F8": (with_weight(dtype="F8_E4M3"), "holds F8_E4M3 numbers where F32"),
    "tensor of no known type": (with_weight(dtype="F33"), "holds 'F33' and not floating-point numbers"),
    "tensor whose type is a list": (with_weight(dtype=["F32"]), "and not floating-point numbers"),
    "tensor without a type": (raw({**TENSORS, "seen": {"shape": []}}), "tensor seen has no description"),
    "tensor turned around": (with_weight(shape=[3, 1]), "tensor dense.weight is 3 x 1, not 1 x 3"),
    "tensor of no numbers in a huge shape": (with_weight(shape=[0, 10**12]), "is 0 x huge, not 1 x 3"),
    "tensor of a huge shape": (with_weight(shape=[2**63, 2**63]), "is huge x huge, not 1 x 3"),
    "tensor of rank 5,000": (with_weight(shape=[1] * 5000), "is 1 x 1 x 1 x 1 x 1 x 1 x ..., not 1 x 3"),
    "tensor of rank 10,000": (with_weight(shape=[1] * 10_000), "is 1 x 1 x 1 x 1 x 1 x 1 x ..., not 1 x 3"),
    "shape nested deeply": (with_weight(shape=json.loads("[" * 500 + "]" * 500)), "has no description"),
    "shape of floats": (with_weight(shape=[1.0, 3.0]), "has no description"),
    "shape of bools": (with_weight(shape=[True, 3]), "has no description"),
    "NaN": (with_number(np.nan), "not finite"),
    "infinity": (with_number(np.inf), "not finite"),
    "minus infinity": (with_number(-np.inf), "not finite"),
    "tensor named twice": (twice("seen"), "repeats a name"),
    "offsets overlap": (with_weight(data_offsets=[4, 16]), "damaged"),
    "offsets leave a hole": (with_weight(VALUES + bytes(4), data_offsets=[12, 24]), "damaged"),
    "offsets negative": (with_weight(data_offsets=[-4, 8]), "damaged"),
    "offsets backwards": (with_weight(data_offsets=[20, 8]), "damaged"),
    "offsets beyond the file": (with_weight(data_offsets=[8, 10**18]), "damaged"),
    "offsets of 30 digits": (with_weight(data_offsets=[8, 10**30]), "damaged"),
    "offsets missing": (raw({**TENSORS, "seen": {"dtype": "I64", "shape": []}}), "damaged"),
    "trailing bytes": (raw(TENSORS, VALUES + b"#!/bin/sh"), "damaged"),
    "cut off": (raw(TENSORS)[:-1], "damaged"),
    "values cut off": (raw(TENSORS, b""), "damaged"),
}


def assert_refused(source: bytes | Path, words: str, build: object, config_type: type, adapt: bool = False) -> None:
    """Refused as a `CheckpointError`, within a second of processor time, in words that are short and can be sent."""
    start = time.process_time()
    with pytest.raises(CheckpointError) as refusal:
        load(source, build, config_type, LIMIT, adapt)
    assert time.process_time() - start < 1
    message = str(refusal.value)
    assert words in message
    assert len(message.encode("utf-8")) < 300


@pytest.mark.parametrize(("data", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_words(tmp_path, data, words):
    assert_refused(data, words, build_tiny, TinyConfig)
    (tmp_path / "hostile").write_bytes(data)
    assert_refused(tmp_path / "hostile", words, build_tiny, TinyConfig)


# what `adapt` makes good, since it leaves no doubt which numbers are meant; the rest of the table stays refused
HARMLESS = {
    *("metadata a text", "metadata null", "metadata with a number", "tensor too many", "tensor named as a path"),
    *("tensor with a long name", "tensor without a name"),
    *(name for name in HOSTILE if name.startswith("config") and name != "config for another shape"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_adapting_lets_nothing_harmful_through(name):
    data, _ = HOSTILE[name]
    if name in HARMLESS:
        loaded = load(data, build_tiny, TinyConfig, LIMIT, adapt=True)
        assert loaded.config == TinyConfig()
        assert torch.equal(loaded.net.dense.weight, tiny().dense.weight)
        assert loaded.done
        assert max(len(sentence.encode("utf-8")) for sentence in loaded.done) < 300
    else:
        assert_refused(data, "", build_tiny, TinyConfig, adapt=True)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_mystery_net_is_not_made_from_a_hostile_file(name):
    for adapt in (False, True):
        assert_refused(HOSTILE[name][0], "", lambda _: MysteryNet(), GiftConfig, adapt)


@pytest.mark.parametrize("name", [name for name in MysteryNet().state_dict() if "num_batches" not in name])
def test_a_mystery_net_with_one_number_that_is_not_finite_is_refused(name):
    net = MysteryNet()
    net.state_dict()[name].view(-1)[-1] = torch.nan
    assert_refused(to_bytes(net, GiftConfig()), f"tensor {name} holds", lambda _: MysteryNet(), GiftConfig)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('{"width":0}', "between 1 and 4096, not 0"),
        ('{"height":4097}', "between 1 and 4096, not 4097"),
        ('{"width":-1' + "0" * 4000 + "}", "between 1 and 4096"),
        ('{"width":320.5}', "wrong type for width"),
        ('{"widht":320}', "unknown key: 'widht'"),
    ],
)
def test_a_gift_of_an_impossible_size_is_refused(config, words):
    with pytest.raises(CheckpointError, match=words):
        parse_config(config, GiftConfig)


def test_a_config_whose_check_overflows_is_refused():
    @dataclass(frozen=True)
    class Scaled:
        scale: int = 1

        def __post_init__(self) -> None:
            float(self.scale)

    with pytest.raises(CheckpointError, match="does not fit"):
        parse_config('{"scale": 1' + "0" * 400 + "}", Scaled)


def test_a_config_that_lacks_what_it_must_have_is_refused():
    @dataclass(frozen=True)
    class Strict:
        width: int

    with pytest.raises(CheckpointError, match=r"does not fit.*width"):
        parse_config(None, Strict)


def test_nothing_is_allocated_before_the_header_is_checked():
    """A config may ask for a network that no machine can hold; the file that follows it cannot be its weights."""

    @dataclass(frozen=True)
    class Huge:
        width: int = 2**40

    assert_refused(raw(TENSORS), "tensor weight is missing", lambda config: nn.Linear(config.width, 9), Huge)
