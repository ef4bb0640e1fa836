"""Quines written from the maths in numpy and plain Python: no torch, no code of the package.

`dot` decides in which order sums are taken, so that a test can shuffle it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

Dot = Callable[[np.ndarray, np.ndarray], np.ndarray]
State = dict[str, np.ndarray]

# (rows of the table, probe shape, divisor of every tensor's table columns)
TABLES = {
    "mlp": (20, (8,), {}),
    "cnn": (16, (1, 8, 8), {"conv1.weight": 3, "conv2.weight": 6, "dense.weight": 6}),
    "rnn": (16, (8, 4), {"input.weight": 2, "recurrent.weight": 3, "output.weight": 4}),
    "lstm": (16, (8, 4), {"input.weight": 2, "recurrent.weight": 3, "recurrent.bias": 5, "output.weight": 3}),
    "transformer": (16, (4, 16), {"qkv.weight": 4, "out.weight": 4, "up.weight": 4, "down.weight": 6}),
}
DEFAULT_DIVISOR = {"mlp": 20}  # 10 for all others


def read(path: Path) -> tuple[State, dict[str, object]]:
    """Tensors and config of a safetensors file, from its bytes."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    config = json.loads(header.pop("__metadata__")["config"])
    state = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        kind = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
        state[name] = np.frombuffer(data[end + first : end + last], kind).reshape(entry["shape"])
    return state, config


def stream(environment: str, name: str) -> Iterator[int]:
    """Near-normal whole numbers: 12 bytes of SHA-256 in counter mode each, less 1530."""
    data, counter = [], 0
    while True:
        while len(data) < 12:
            data += hashlib.sha256(f"{environment}:{name}:{counter}".encode()).digest()
            counter += 1
        yield sum(data[:12]) - 1530
        data = data[12:]


def half_up(value: int, divisor: int) -> int:
    """`value / divisor` rounded, halves upwards."""
    return math.floor(value / divisor + 0.5)


def table(architecture: str, environment: str, order: list[tuple[str, int]]) -> np.ndarray:
    """The read-out table; `order` lists the tensors and their numbers of weights."""
    rows, _, special = TABLES[architecture]
    divisors = [special.get(name, DEFAULT_DIVISOR.get(architecture, 10)) for name, count in order for _ in range(count)]
    numbers = stream(environment, "table")
    return np.array([[half_up(next(numbers), divisor) / 256 for divisor in divisors] for _ in range(rows)])


def probe(environment: str, shape: tuple[int, ...]) -> np.ndarray:
    """The probe, or the questions of a network that is asked for one weight at a time."""
    numbers = stream(environment, "probe")
    return np.array([half_up(next(numbers), 16) / 16 for _ in range(math.prod(shape))]).reshape(shape)


def norm(x: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1 along the last axis."""
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + x.dtype.type(1e-5))


def conv3x3(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """Convolution (as the field uses the word) of (C, H, W) with zero padding of 1."""
    _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros((len(weight), -(-height // stride), -(-width // stride)), x.dtype)
    for row in range(out.shape[1]):
        for column in range(out.shape[2]):
            window = padded[:, row * stride : row * stride + 3, column * stride : column * stride + 3]
            out[:, row, column] = (weight * window).sum((1, 2, 3)) + bias
    return out


def per_channel(x: np.ndarray) -> np.ndarray:
    """`norm` over all pixels of each channel."""
    return norm(x.reshape(len(x), -1)).reshape(x.shape)


def mlp(s: State, z: np.ndarray, dot: Dot) -> np.ndarray:
    for layer in ("l1", "l2", "l3"):
        z = norm(np.tanh(dot(s[f"{layer}.weight"], z) + s[f"{layer}.bias"]))
    return z


def cnn(s: State, z: np.ndarray, dot: Dot) -> np.ndarray:
    x = np.tanh(per_channel(conv3x3(z, s["conv1.weight"], s["conv1.bias"], 1)))
    x = np.tanh(per_channel(conv3x3(x, s["conv2.weight"], s["conv2.bias"], 2)))
    x = x.reshape(8, 2, 2, 2, 2).mean((2, 4)).reshape(-1)
    return norm(np.tanh(dot(s["dense.weight"], norm(x)) + s["dense.bias"]))


def rnn(s: State, z: np.ndarray, dot: Dot) -> np.ndarray:
    x = np.zeros(16, z.dtype)
    for step in z:
        x = np.tanh(dot(s["input.weight"], step) + dot(s["recurrent.weight"], x) + s["recurrent.bias"])
    return norm(np.tanh(dot(s["output.weight"], norm(x)) + s["output.bias"]))


def lstm(s: State, z: np.ndarray, dot: Dot) -> np.ndarray:
    def sigmoid(a: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-a))

    x = cell = np.zeros(12, z.dtype)
    for step in z:
        gates = dot(s["input.weight"], step) + dot(s["recurrent.weight"], x) + s["recurrent.bias"]
        enter, forget, candidate, leave = np.split(gates, 4)
        cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(candidate)
        x = sigmoid(leave) * np.tanh(cell)
    return norm(np.tanh(dot(s["output.weight"], norm(x)) + s["output.bias"]))


def transformer(s: State, z: np.ndarray, dot: Dot) -> np.ndarray:
    def dense(name: str, rows: np.ndarray) -> np.ndarray:
        return np.stack([dot(s[f"{name}.weight"], row) + s[f"{name}.bias"] for row in rows])

    x = norm(z)
    qkv = dense("qkv", x)  # (4, 48)
    mixed = np.zeros_like(x)
    for head in range(2):
        q, k, v = (qkv[:, part * 16 + head * 8 : part * 16 + head * 8 + 8] for part in range(3))
        scores = np.exp(q @ k.T / z.dtype.type(math.sqrt(8)))
        mixed[:, head * 8 : head * 8 + 8] = scores / scores.sum(1, keepdims=True) @ v
    x = x + dense("out", mixed)
    up = dense("up", norm(x))
    erf = np.vectorize(math.erf, otypes=[z.dtype])
    x = x + dense("down", up * (1 + erf(up / math.sqrt(2))) / 2)
    return norm(x[-1])


HIDDEN = {"mlp": mlp, "cnn": cnn, "rnn": rnn, "lstm": lstm, "transformer": transformer}


def selu(x: np.ndarray) -> np.ndarray:
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


def answers(s: State, questions: np.ndarray) -> np.ndarray:
    """One query a weight: answers (N,) to questions (N, inputs)."""
    x = selu(questions @ s["first.weight"].T)
    return selu(x @ s["second.weight"].T) @ s["last.weight"][0]


def plain_dot(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return matrix @ vector


def shuffled_dot(seed: int) -> Dot:
    """Products added one at a time in a random order, each sum rounded to the dtype before the next."""
    generator = np.random.default_rng(seed)

    def dot(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
        total = np.zeros(len(matrix), matrix.dtype)
        for column in generator.permutation(len(vector)):
            total = total + matrix[:, column] * vector[column]
        return total

    return dot


def prints(path: Path, dtype: type, dot: Dot = plain_dot) -> tuple[np.ndarray, np.ndarray]:
    """Weights and output of a file, both flat, computed in `dtype`."""
    state, config = read(path)
    order = sorted_as_trained(state)
    state = {name: state[name].astype(dtype) for name in state}
    theta = np.concatenate([state[name].reshape(-1) for name in order])
    architecture, environment = config["architecture"], config.get("environment")
    if architecture == "query":
        return theta, answers(state, probe(environment, (len(theta), state["first.weight"].shape[1])).astype(dtype))
    if environment is None:
        fixed, z = state["proj"], state["input_probe"][0]
    else:
        fixed = table(architecture, environment, [(name, state[name].size) for name in order])
        z = probe(environment, TABLES[architecture][1])
    activation = HIDDEN[architecture](state, z.astype(dtype), dot)
    if config["head"] == "sign":
        activation = np.where(activation >= 0, 1, -1).astype(dtype)
    return theta, dtype(0.25) * dot(fixed.T.astype(dtype), activation)


LAYERS = ("l1", "l2", "l3", "conv1", "conv2", "dense", "input", "recurrent", "output", "qkv", "out", "up", "down")
LAYERS += ("first", "second", "last")


def sorted_as_trained(state: State) -> list[str]:
    """Names of the trained tensors from input to output, weight before bias."""
    trained = [name for name in state if name not in ("proj", "input_probe")]
    return sorted(trained, key=lambda name: (LAYERS.index(name.split(".")[0]), name.endswith("bias")))
