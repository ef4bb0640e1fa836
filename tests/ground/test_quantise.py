"""`cppn.quantise` in checkpoints: against numpy, there and back, and what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from torch import nn

from cppn import checkpoint, quantise

LIMIT = 64 * 1024  # bytes
SHAPES = {"small": (5, 7), "plain": (6, 3, 2, 2)}


@dataclass(frozen=True)
class Config:
    pass


class Net(nn.Module):
    """A matrix with an odd number of columns, a kernel, a vector, one number and a counter."""

    def __init__(self) -> None:
        super().__init__()
        self.small, self.plain = (nn.Parameter(torch.empty(shape)) for shape in SHAPES.values())
        self.vector, self.gain = nn.Parameter(torch.empty(9)), nn.Parameter(torch.empty(()))
        self.register_buffer("seen", torch.tensor(7))


def precision(name: str, tensor: torch.Tensor) -> int:
    return {"small": 4, "plain": 8}.get(name, 16)


def filled(seed: int = 0) -> Net:
    net, generator = Net(), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return net


def written(**changes: torch.Tensor | None) -> bytes:
    """A good file with some tensors replaced, or taken out."""
    tensors = safetensors.torch.load(checkpoint.to_bytes(filled(), Config(), precision))
    tensors |= {name.replace("_scale", ".scale"): tensor for name, tensor in changes.items()}
    return safetensors.torch.save({name: tensor for name, tensor in tensors.items() if tensor is not None})


def load(data: bytes) -> Net:
    return checkpoint.load(data, lambda _: Net(), Config, LIMIT, precision=precision).net


def by_hand(data: bytes) -> dict[str, np.ndarray]:
    """The two matrices of a file, from the format's description alone."""
    held = safetensors.numpy.load(data)
    digits = np.array(
        [[number for byte in row for number in (byte % 16, byte // 16)] for row in held["small"].tolist()]
    )
    return {
        "small": (digits[:, :7] - 8) * held["small.scale"][:, None],
        "plain": held["plain"] * held["plain.scale"][:, None, None, None],
    }


def test_a_file_is_read_as_its_description_says():
    data = checkpoint.to_bytes(filled(), Config(), precision)
    found = load(data)
    for name, values in by_hand(data).items():
        np.testing.assert_allclose(found.get_parameter(name).detach().numpy(), values, rtol=1e-6)
    assert {tensor.dtype for tensor in found.parameters()} == {torch.float32}
    assert torch.equal(found.vector, filled().vector.half().float())
    assert torch.equal(found.gain, filled().gain.half().float())
    assert int(found.seen) == 7


def test_a_file_holds_what_the_layout_says():
    data = checkpoint.to_bytes(filled(), Config(), precision)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header.pop("__metadata__") == {"config": "{}"}
    assert {name: (entry["dtype"], entry["shape"]) for name, entry in header.items()} == {
        "small": ("U8", [5, 4]),
        "small.scale": ("F32", [5]),
        "plain": ("I8", [6, 3, 2, 2]),
        "plain.scale": ("F32", [6]),
        "vector": ("F16", [9]),
        "gain": ("F16", []),
        "seen": ("I64", []),
    }
    held = safetensors.torch.load(data)
    layout = quantise.layout(Net().state_dict(), precision)
    assert {name: (t.dtype, t.shape) for name, t in layout.items()} == {n: (t.dtype, t.shape) for n, t in held.items()}


@pytest.mark.parametrize(("name", "top"), [("small", 7), ("plain", 127)])
def test_no_scale_of_a_finer_search_leaves_much_less_error(name, top):
    """Against a search in numpy over 2,000 scales a row, without any shortcut; nor is plain rounding any better."""
    data = checkpoint.to_bytes(filled(), Config(), precision)
    for row, got in zip(filled().get_parameter(name).detach().flatten(1).numpy(), by_hand(data)[name], strict=True):
        scales = np.linspace(0.2, 1, 2000)[:, None] * abs(row).max() / top
        errors = ((np.clip(np.rint(row / scales), -top, top) * scales - row) ** 2).sum(axis=1)
        error = ((got.ravel() - row) ** 2).sum()
        assert error <= errors[-1] * (1 + 1e-4)
        assert np.sqrt(error) <= np.sqrt(errors.min()) + 0.2 * np.sqrt((row**2).mean() * len(row)) / top


def test_many_numbers_cost_as_much_as_theory_says():
    """Max (1960): of normal numbers, 16 best levels lose 0.0115 of the variance and 256 lose 0.00012 at the most."""
    rows = torch.randn(16, 4000, generator=torch.Generator().manual_seed(1))
    for bits, most in ((4, 0.0145), (8, 0.00016)):  # one level fewer, and scales in steps
        state = {"w": rows}
        back = quantise.restored(quantise.quantised(state, lambda *_: bits), state, lambda *_: bits)["w"]  # noqa: B023
        assert float((back - rows).square().mean()) < most


def test_what_was_read_is_written_as_it_was():
    data = checkpoint.to_bytes(filled(), Config(), precision)
    found = load(checkpoint.to_bytes(load(data), Config(), precision))
    for name, tensor in load(data).state_dict().items():
        torch.testing.assert_close(found.state_dict()[name], tensor)
    assert checkpoint.to_bytes(filled(), Config(), precision) == data


def test_a_row_of_zeros_stays_zero():
    net = filled()
    with torch.no_grad():
        net.small[1], net.plain[2] = 0, 0
    found = load(checkpoint.to_bytes(net, Config(), precision))
    assert not found.small[1].any()
    assert not found.plain[2].any()
    assert found.small[0].any()


def test_what_is_not_finite_is_not_hidden():
    net = filled()
    with torch.no_grad():
        net.plain[3, 1, 0, 0] = torch.nan
    with pytest.raises(checkpoint.CheckpointError, match=r"plain\.scale"):
        load(checkpoint.to_bytes(net, Config(), precision))


SCALE = torch.ones(5)
REFUSED = {
    # name: (changed tensors, words of the message)
    "scale missing": ({"small_scale": None}, "tensor small.scale is missing"),
    "numbers missing": ({"plain": None}, "tensor plain is missing"),
    "scale of another length": ({"small_scale": torch.ones(4)}, "tensor small.scale is 4, not 5"),
    "scale of two axes": ({"small_scale": torch.ones(5, 1)}, "tensor small.scale is 5 x 1, not 5"),
    "scale in float16": ({"small_scale": SCALE.half()}, "tensor small.scale holds F16"),
    "scale zero": ({"small_scale": SCALE * 0}, "tensor small.scale holds scales that are not above 0"),
    "scale negative": ({"small_scale": -SCALE}, "tensor small.scale holds scales that are not above 0"),
    "scale NaN": ({"small_scale": SCALE * torch.nan}, "small.scale"),
    "scale infinite": ({"small_scale": SCALE * torch.inf}, "tensor small holds values that are not finite"),
    "scale too large": ({"plain_scale": torch.full((6,), 3e38)}, "tensor plain holds values that are not finite"),
    "one byte too few": ({"small": torch.zeros(5, 3, dtype=torch.uint8)}, "tensor small is 5 x 3, not 5 x 4"),
    "4 bits not packed": ({"small": torch.zeros(5, 7, dtype=torch.uint8)}, "tensor small is 5 x 7, not 5 x 4"),
    "4 bits with signs": ({"small": torch.zeros(5, 4, dtype=torch.int8)}, "small holds I8 numbers where U8"),
    "8 bits without signs": ({"plain": torch.zeros(6, 3, 2, 2, dtype=torch.uint8)}, "plain holds U8 numbers where I8"),
    "8 bits flat": ({"plain": torch.zeros(6, 12, dtype=torch.int8)}, "tensor plain is 6 x 12, not 6 x 3 x 2 x 2"),
    "float16 instead": ({"plain": torch.zeros(6, 3, 2, 2).half()}, "plain holds F16 numbers where I8"),
    "a scale that nothing has": ({"vector_scale": torch.ones(9)}, "unexpected tensor 'vector.scale'"),
    "vector not finite": ({"vector": torch.full((9,), torch.inf).half()}, "tensor vector holds values"),
}


@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED)
def test_a_file_of_another_layout_is_refused_by_name(changes, words):
    with pytest.raises(checkpoint.CheckpointError) as refusal:
        load(written(**changes))
    assert words in str(refusal.value)


def test_the_good_file_of_these_tests_is_read():
    assert torch.equal(load(written()).small, load(checkpoint.to_bytes(filled(), Config(), precision)).small)


def test_who_does_not_ask_for_it_does_not_take_it():
    for adapt in (False, True):
        with pytest.raises(checkpoint.CheckpointError):
            checkpoint.load(written(), lambda _: Net(), Config, LIMIT, adapt)
