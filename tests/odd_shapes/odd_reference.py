"""The dataset drawn by Pillow, and both networks' arithmetic in numpy; written from the formulas, not from our code."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw


def draw(shapes: list[tuple[str, int, int, int]]) -> np.ndarray:
    """Shapes (kind, radius, x, y) as the homework's generator draws them, uint8 (64, 64): 0 is ink, 255 is paper."""
    picture = Image.new("L", (64, 64), 255)
    pen = ImageDraw.Draw(picture)
    for kind, r, x, y in shapes:
        if kind == "circle":
            pen.ellipse([x - r, y - r, x + r, y + r], fill=0)
        elif kind == "square":
            pen.rectangle([x - r, y - r, x + r, y + r], fill=0)
        else:
            pen.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=0)
    return np.array(picture)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | float, stride: int = 1, pad: int = 0) -> np.ndarray:
    """A convolution layer: x (C, H, W), weight (O, C, k, k) -> (O, H', W')."""
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    k = weight.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("chwij,ocij->ohw", windows, weight) + np.reshape(bias, (-1, 1, 1))


def seed_network(state: dict[str, np.ndarray], picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position (2,) and attention (144, 144) of the homework's network for a picture (64, 64) with ink 0."""
    s = {name: value.astype(np.float64) for name, value in state.items()}
    x = np.maximum(0, convolve(1 - picture[None], s["conv1.weight"], s["conv1.bias"], 2))
    x = np.maximum(0, convolve(x, s["conv2.weight"], s["conv2.bias"], 2))
    x = convolve(x, s["conv3.weight"], s["conv3.bias"]).reshape(16, 144).T
    number = np.arange(144)[:, None]
    for pair in range(8):
        angle = number[:, 0] / 1000 ** (2 * pair / 16)
        x[:, 2 * pair] += np.sin(angle)
        x[:, 2 * pair + 1] += np.cos(angle)

    def dense(name: str, x: np.ndarray) -> np.ndarray:
        return x @ s[f"{name}.weight"].T + s[f"{name}.bias"]

    attention = softmax(dense("query", x) @ dense("key", x).T / 4)
    x = np.maximum(0, attention @ dense("value", x))
    p = softmax(dense("classifier2", np.maximum(0, dense("classifier1", x)))[:, 0])
    offset = dense("regressor2", np.maximum(0, dense("regressor1", x)))
    place = np.array([[9.5 + 4 * (n % 12), 9.5 + 4 * (n // 12)] for n in range(144)])
    return (p[:, None] * (place + offset)).sum(0), attention


def our_network(state: dict[str, np.ndarray], picture: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Position (2,) and attention, two of (2, 144, 144), of our network for a picture (64, 64) with ink 0."""
    s = {name: value.astype(np.float64) for name, value in state.items()}

    def norm(name: str, x: np.ndarray) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * s[f"{name}.weight"] + s[f"{name}.bias"]

    def look(name: str, x: np.ndarray) -> np.ndarray:
        y = norm(f"{name}.norm", x).T.reshape(96, 12, 12)
        y = np.maximum(0, convolve(y, s[f"{name}.conv.weight"], 0.0, 1, 1)).reshape(192, 144).T
        return x + y @ s[f"{name}.mix.weight"].T

    x = np.maximum(0, convolve(1 - picture[None], s["edges.weight"], s["edges.bias"], 1, 2))
    x = convolve(x, s["patches.weight"], s["patches.bias"], 5).reshape(96, 144).T + s["position"]
    looks = []
    for layer, before in ((1, "surroundings"), (2, "surroundings2")):
        if f"{before}.conv.weight" in s:
            x = look(before, x)
        y = norm(f"attention{layer}.norm", x)
        mixed = (y + s[f"attention{layer}.position"]) @ s[f"attention{layer}.query_key.weight"].T  # (144, 128)
        value = y @ s[f"attention{layer}.value.weight"].T
        heads = []
        for head in range(2):
            q, k = (mixed[:, start + 32 * head : start + 32 * head + 32] for start in (0, 64))
            heads.append(softmax(q @ k.T / np.sqrt(32)))
        heard = np.concatenate([heads[h] @ value[:, 48 * h : 48 * h + 48] for h in range(2)], axis=1)
        x = x + heard @ s[f"attention{layer}.out.weight"].T
        y = np.maximum(0, norm(f"think{layer}.norm", x) @ s[f"think{layer}.widen.weight"].T)
        x = x + y @ s[f"think{layer}.narrow.weight"].T
        looks.append(np.stack(heads))
    y = np.maximum(0, norm("norm", x) @ s["head1.weight"].T + s["head1.bias"]) @ s["head2.weight"].T + s["head2.bias"]
    place = np.array([[4 + 5 * (n % 12), 4 + 5 * (n // 12)] for n in range(144)])
    return (softmax(y[:, 0])[:, None] * (place + 5 * y[:, 1:])).sum(0), looks
