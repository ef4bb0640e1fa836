"""Where the odd shape is: one picture, one answer, with what the network looked at and how sure it is.

python -m cppn odd_shapes locate picture.png
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cppn import hub, render
from cppn.odd_shapes.canvas import Canvas, fit_to_canvas
from cppn.odd_shapes.catalogue import NETWORKS, Finder, finder_of
from cppn.odd_shapes.dataset import FEWEST, KINDS, LARGEST, SMALLEST
from cppn.odd_shapes.network import GRID, Answer, centres
from cppn.odd_shapes.placements import covered, fitting, is_one_shape

UNSURE = 5.0  # pixels of uncertainty from which the answer is called a guess; the smallest shapes are 9 pixels wide
MAX_PIXELS = 16_000_000


@dataclass(frozen=True)
class Location:
    """A network's answer to one picture.

    Attributes:
        x: pixels from the left. y: pixels from the top.
        uncertainty: distance from (x, y) to be expected, pixels (root mean square over the tokens' guesses).
        probability: of each token, (12, 12).
        offset: from each token's centre to its guess, pixels, (12, 12, 2).
        places: token centres, pixels, (12, 12, 2).
        attention: one tensor a layer, (heads, 144 asking, 144 asked).
        caveats: why the answer may mean nothing, a sentence each; none for a picture as in the dataset.
    """

    x: float
    y: float
    uncertainty: float
    probability: Tensor
    offset: Tensor
    places: Tensor
    attention: tuple[Tensor, ...]
    caveats: tuple[str, ...]

    @property
    def token(self) -> int:
        """The likeliest token, 0 to 143, row by row."""
        return int(self.probability.argmax())


def uncertainty(answer: Answer, places: Tensor) -> Tensor:
    """Root mean square distance of the tokens' guesses from their mean, pixels, (B,)."""
    guess = places + answer.offset - answer.position[:, None]  # (B, 144, 2)
    return (answer.log_probability.exp() * guess.square().sum(dim=2)).sum(dim=1).sqrt()


@torch.no_grad()
def locate(canvas: Canvas, finder: Finder) -> Location:
    """Ask a network about one picture."""
    net = finder.net
    answer = net(torch.from_numpy(1 - canvas.ink)[None, None].float())
    places = centres(net.FIRST, net.STEP)
    doubt = float(uncertainty(answer, places)[0])
    x, y = answer.position[0].tolist()
    return Location(
        x,
        y,
        doubt,
        answer.log_probability[0].exp().view(GRID, GRID),
        answer.offset[0].view(GRID, GRID, 2),
        places.view(GRID, GRID, 2),
        tuple(layer[0] for layer in answer.attention),
        caveats(canvas, doubt),
    )


def caveats(canvas: Canvas, doubt: float = 0.0) -> tuple[str, ...]:
    """What speaks against believing an answer about this picture; `doubt` is the network's own, in pixels."""
    ink, black = canvas.ink, int(canvas.ink.sum())
    if black == 0:
        return ("There is no ink on this canvas, so there is nothing to find. The answer means nothing.",)
    if black == ink.size:
        return ("This canvas is black all over, so no shape can be told from another. The answer means nothing.",)
    found = []
    if canvas.shaded:
        found.append("Much of the picture was neither black nor white, as in a photograph; the network knows only ink.")
    fits = fitting(ink)
    by_kind = covered(fits)
    foreign = int((ink.astype(bool) & ~by_kind.any(axis=0)).sum())
    whole = [KINDS[kind] for kind in range(len(KINDS)) if (by_kind[kind] == ink).all()]
    if foreign:
        found.append(
            f"{foreign} of {black} black pixels cannot belong to any upright circle, square or triangle with a radius "
            f"of {SMALLEST} to {LARGEST} pixels. The network never saw such a picture, so this is a guess."
        )
    elif is_one_shape(ink, fits):
        found.append(f"All the ink could be one single shape. An odd one needs at least {FEWEST} others.")
    elif whole:
        kinds = " or by ".join(f"{kind}s" for kind in whole)
        found.append(f"All the ink can be covered by {kinds} alone: the odd shape is hidden, or there is none.")
    if doubt > UNSURE:
        found.append("The network itself is unsure: it spreads its answer over several places.")
    return tuple(found)


def report(location: Location, finder: Finder, canvas: Canvas) -> dict[str, object]:
    """An answer as plain data."""
    return {
        "x": round(location.x, 2),
        "y": round(location.y, 2),
        "uncertainty_px": round(location.uncertainty, 2),
        "probability": round(float(location.probability.max()), 4),
        "token": location.token,
        "network": finder.name,
        "picture": " ".join(canvas.done),
        "caveats": list(location.caveats),
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn odd_shapes locate`."""
    parser = argparse.ArgumentParser(prog="python -m cppn odd_shapes locate", description="Find the odd shape.")
    parser.add_argument("picture", type=Path, help="PNG, JPEG, WebP, GIF or BMP, of any size")
    parser.add_argument("--network", choices=tuple(NETWORKS), default="ours")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        canvas = fit_to_canvas(render.open_picture(args.picture, MAX_PIXELS))
        finder = finder_of(args.network)
    except (ValueError, OSError, hub.WeightsError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(json.dumps(report(locate(canvas, finder), finder, canvas), indent=1))
    return 0
