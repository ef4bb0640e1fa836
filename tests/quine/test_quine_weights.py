"""What PyTorch users hold: opened as what it is and said so, or refused in one sentence."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import safetensors.torch
import test_verify
import torch

from cppn.checkpoint import CheckpointError, to_bytes
from cppn.hub import BUNDLED
from cppn.quine import endpoints
from cppn.quine.architectures import build
from cppn.quine.making.seed_training import draw_as_the_seed
from cppn.quine.network import DTYPES, QuineConfig, flatten
from cppn.quine.verify import verify
from cppn.quine.weights import SHIPPED, open_quine

save = safetensors.torch.save
UNNAMED = "the file does not name its environment; its weights print themselves best in "


def saved_again(slug: str, dtype: torch.dtype | None = None) -> dict[str, torch.Tensor]:
    """The state of a file of ours, as somebody who saves it again has it."""
    state = safetensors.torch.load((BUNDLED / SHIPPED[slug].file).read_bytes())
    return {name: tensor.to(dtype or tensor.dtype) for name, tensor in state.items()}


@pytest.mark.parametrize("slug", [slug for slug in SHIPPED if slug != "seed_rmsprop"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_quine_saved_again_without_its_config_is_recognised_in_either_precision(slug, dtype):
    quine = open_quine(save(saved_again(slug, DTYPES[dtype]), {"format": "pt"}), adapt=True)
    assert asdict(quine.config) == asdict(SHIPPED[slug].config) | {"dtype": dtype}
    assert quine.note == UNNAMED + SHIPPED[slug].config.environment
    ours = verify(open_quine(BUNDLED / SHIPPED[slug].file)).report
    assert verify(quine).report.verdict == ours.verdict


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batched", [True, False])
def test_the_articles_own_class_is_opened_in_either_precision_with_or_without_a_batch_axis(dtype, batched):
    net = draw_as_the_seed(3, dtype)
    state = {name: tensor.detach() for name, tensor in net.state_dict().items()}
    state["input_probe"] = state["input_probe"] if batched else state["input_probe"][0]
    quine = open_quine(save(state), adapt=True)
    assert quine.config == QuineConfig(dtype=dtype)
    assert torch.equal(flatten(quine.net), flatten(net))
    assert torch.equal(quine.net(quine.net.probe), net(net.probe))
    assert (quine.note, verify(quine).report.verdict) == ("", "not_a_quine")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_trained_one_of_the_articles_class_is_approximate(dtype):
    quine = open_quine(save(saved_again("seed_rmsprop", DTYPES[dtype])), adapt=True)
    assert (quine.note, verify(quine).report.verdict) == ("", "approximate")


def test_all_zero_weights_of_the_articles_class_are_trivial():
    state = {name: torch.zeros_like(tensor) for name, tensor in saved_again("seed_rmsprop", torch.float32).items()}
    assert verify(open_quine(save(state), adapt=True)).report.verdict == "trivial"


def test_wrapped_names_and_half_precision_are_opened_and_told():
    state = {f"module.{name}": tensor for name, tensor in saved_again("exact_cnn", torch.float16).items()}
    quine = open_quine(save(state), adapt=True)
    assert verify(quine).report.verdict == "exact"
    assert "names were shortened" in quine.note
    assert "numbers in float16 were turned into float32" in quine.note
    wrapped = {f"model.{name}": tensor for name, tensor in saved_again("seed_rmsprop").items()}
    wrapped["model.input_probe"] = wrapped["model.input_probe"][0]
    assert verify(open_quine(save(wrapped), adapt=True)).report.verdict == "approximate"


def test_a_changed_weight_is_found_in_a_file_saved_again():
    state = saved_again("exact_mlp")
    state["l2.weight"][3, 4] += 0.25
    report = verify(open_quine(save(state), adapt=True)).report
    assert (report.verdict, report.environment) == ("approximate", "quine/mlp/10")


def refused() -> dict[str, tuple[bytes, str]]:
    """Files that are no quine of any kind, and the end of what is said of them."""
    own = saved_again("seed_rmsprop")
    random = {name: torch.randn_like(tensor) for name, tensor in saved_again("exact_lstm").items()}
    return {
        "another network": (save({"fc.weight": torch.zeros(2, 2)}), r"expected the 8 tensors of a Mlp .* found 1 "),
        "no probe": (save({n: t for n, t in own.items() if n != "input_probe"}), "tensor input_probe is missing"),
        "no table": (save({n: t for n, t in own.items() if n != "proj"}), "tensor proj is missing"),
        "neither": (save({n: t for n, t in own.items() if n[0] == "l"}), "expected a config .* found neither"),
        "random weights": (save(random), "from which string its table is drawn"),
        "a flag": ((BUNDLED / "flags" / "japan.safetensors").read_bytes(), "MysteryNet.*Flags tab"),
        "another shape": (save(saved_again("exact_rnn") | {"input.weight": torch.zeros(16, 5)}), "16 x 5, not 16 x 4"),
        "nothing": (save({}), "found none"),
    }


@pytest.mark.parametrize("name", refused())
def test_what_is_no_quine_is_refused_in_one_sentence(name, tmp_path):
    data, words = refused()[name]
    (tmp_path / "file.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match=words) as fault:
        endpoints.verify_quine_file(tmp_path / "file.safetensors")
    assert ". " not in str(fault.value)
    assert len(str(fault.value)) < 400


@pytest.mark.parametrize("name", test_verify.hostile_files())
def test_no_hostile_file_becomes_a_quine_by_being_adapted(name, tmp_path):
    (tmp_path / "file.safetensors").write_bytes(test_verify.hostile_files()[name][0])
    try:
        report = endpoints.verify_quine_file(tmp_path / "file.safetensors").report
    except CheckpointError:
        return
    assert report["verdict"] in ("trivial", "not_a_quine")
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize("changes", [{"architecture": "oracle"}, {"lr": 0.1}, {"head": "sign"}])
def test_a_config_that_is_not_believed_is_told(changes):
    data = save(saved_again("seed_rmsprop"), {"config": json.dumps(changes)})
    quine = open_quine(data, adapt=True)
    assert quine.config == QuineConfig(dtype="float64")
    assert "passed over" in quine.note
    with pytest.raises(CheckpointError):
        open_quine(data)


def test_files_of_ours_are_read_strictly():
    with pytest.raises(CheckpointError, match="missing"):
        open_quine(save(saved_again("exact_mlp")))
    config = QuineConfig("rnn", "sign", "x")
    data = to_bytes(build(config), config)
    assert open_quine(data).note == open_quine(data, adapt=True).note == ""
