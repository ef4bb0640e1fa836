"""`cppn.matching`: a network's tensors are found under other people's names and types, and never by guessing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cppn.matching import Mismatch, adapted, described, exact

NET = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
EXPECTED = NET.state_dict()
COUNTER = "1.num_batches_tracked"


def header(prefix: str = "", dtype: str = "F32", without: tuple[str, ...] = (), **extra: list[int]) -> dict[str, dict]:
    """The network's tensors as a safetensors header describes them."""
    entries = {
        f"{prefix}{name}": {"dtype": dtype if tensor.is_floating_point() else "I64", "shape": list(tensor.shape)}
        for name, tensor in EXPECTED.items()
        if name not in without
    }
    return entries | {name.replace("__", "."): {"dtype": "F32", "shape": shape} for name, shape in extra.items()}


def test_our_own_tensors_need_nothing():
    for match in (exact, adapted):
        found = match(header(), EXPECTED)
        assert found.names == {name: name for name in EXPECTED}
        assert found.done == ()


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "model.", "net.", "module._orig_mod.", "model.module.net.", "state_dict.", "a.b.c.d.e."],
)
def test_whatever_stands_in_front_of_all_names_is_taken_off_and_said(prefix):
    found = adapted(header(prefix), EXPECTED)
    assert found.names == {name: prefix + name for name in EXPECTED}
    assert found.done == (f"the tensors' names were shortened: '{prefix}0.weight' is 0.weight",)
    with pytest.raises(Mismatch, match=r"0\.weight is missing"):
        exact(header(prefix), EXPECTED)


def test_a_wrapper_around_one_layer_is_seen_through():
    renamed = {name.replace("0.", "0._orig_mod."): entry for name, entry in header("net.").items()}
    assert adapted(renamed, EXPECTED).names["0.weight"] == "net.0._orig_mod.weight"


def test_counters_may_lack_and_nothing_else_may():
    found = adapted(header(without=(COUNTER,)), EXPECTED)
    assert COUNTER not in found.names
    assert "1 missing counter was set to 0" in found.done[0]
    for name in set(EXPECTED) - {COUNTER}:
        with pytest.raises(Mismatch, match=f"tensor {name} is missing"):
            adapted(header("module.", without=(name,)), EXPECTED)


@pytest.mark.parametrize(
    ("dtype", "word"), [("F64", "float64"), ("F16", "float16"), ("BF16", "bfloat16"), ("F8_E5M2", "float8")]
)
def test_other_precisions_are_taken_and_said(dtype, word):
    assert adapted(header(dtype=dtype), EXPECTED).done == (f"numbers in {word} were turned into float32",)
    with pytest.raises(Mismatch, match=f"holds {dtype} numbers where F32 is expected|not floating-point"):
        exact(header(dtype=dtype), EXPECTED)


@pytest.mark.parametrize("dtype", ["I8", "I64", "BOOL", "C64", "F33"])
def test_numbers_that_are_no_weights_are_refused(dtype):
    with pytest.raises(Mismatch, match=f"holds '{dtype}' and not floating-point numbers"):
        adapted(header(dtype=dtype), EXPECTED)


def test_an_optimiser_beside_the_network_is_passed_over_and_said():
    found = adapted(header("model_state_dict.", optimizer__0__exp_avg=[3, 2], optimizer__0__step=[]), EXPECTED)
    assert found.names["0.bias"] == "model_state_dict.0.bias"
    assert "2 tensors beside the network's were passed over, such as 'optimizer.0.exp_avg'" in found.done


def test_moments_under_the_names_of_the_parameters_are_no_second_network():
    statistics = tuple(name for name in EXPECTED if "running" in name)
    moments = {f"exp_avg.{name}": entry for name, entry in header(without=statistics).items()}
    assert adapted({**moments, **header("model.")}, EXPECTED).names["0.weight"] == "model.0.weight"


def test_of_two_networks_none_is_guessed():
    with pytest.raises(Mismatch, match=r"holds 2 of them \('ema\.', 'model\.'\); keep one|'model\.', 'ema\.'"):
        adapted(header("model.") | header("ema."), EXPECTED)
    assert adapted(header() | header("ema."), EXPECTED).names["0.weight"] == "0.weight"
    assert adapted(header() | header("module."), EXPECTED).names["0.weight"] == "0.weight"


def test_a_wrong_shape_is_named_with_the_right_one():
    entries = header("module.")
    entries["module.0.weight"]["shape"] = [64, 2]
    with pytest.raises(Mismatch, match=r"tensor 0\.weight is 64 x 2, not 3 x 2"):
        adapted(entries, EXPECTED)


def test_a_counter_may_come_as_a_list_of_one_and_in_any_whole_type():
    entries = header()
    entries[COUNTER] = {"dtype": "I32", "shape": [1]}
    assert adapted(entries, EXPECTED).names[COUNTER] == COUNTER


@pytest.mark.parametrize("entry", [7, None, [], {}, {"shape": [3, 2]}, {"dtype": "F32", "shape": [-3, 2]}, "F32"])
def test_an_entry_that_describes_nothing_is_refused(entry):
    with pytest.raises(Mismatch, match=r"0\.weight has no description"):
        adapted(header() | {"0.weight": entry}, EXPECTED)


def test_tensors_are_described_shortly():
    assert described(EXPECTED) == "'0.weight' 3 x 2, '0.bias' 3, ..."
    assert described({"a": torch.zeros(())}) == "'a' one number"
    assert len(described({"x" * 5000: {"dtype": "F32", "shape": [10**30] * 900}})) < 120
