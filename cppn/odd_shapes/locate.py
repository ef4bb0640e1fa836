"""Where the odd shape is: one picture, one answer, with what the network looked at and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cppn.faults import VisitorError
from cppn.odd_shapes.canvas import Canvas
from cppn.odd_shapes.dataset import CANVAS, FEWEST, KINDS, LARGEST, SMALLEST
from cppn.odd_shapes.network import GRID, TOKENS, Answer, centres
from cppn.odd_shapes.placements import covered, fitting, is_one_shape, needs_no_triangle
from cppn.odd_shapes.weights import Finder

UNSURE = 5.0  # pixels of uncertainty from which the answer is called a guess; the smallest shapes are 9 pixels wide


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

    def token_at(self, x: float, y: float) -> int:
        """The token whose centre is nearest to a place on the canvas."""
        return int((self.places - torch.tensor([x, y])).square().sum(dim=2).argmin())

    def attention_from(self, token: int, layer: int, head: int) -> Tensor:
        """What one token attends to, (12, 12), summing to 1.

        Args:
            token: who asks, 0 to 143. layer: from 1. head: from 1; 0 takes the mean of all heads.

        Raises:
            VisitorError: this network has no such token, layer or head.
        """
        layers, heads = len(self.attention), len(self.attention[0])
        if not 0 <= token < TOKENS:
            raise VisitorError(f"the tokens are numbered 0 to {TOKENS - 1}, not {token}")
        if not 1 <= layer <= layers:
            raise VisitorError(f"this network has {layers} layer{'s' * (layers > 1)} of attention, no layer {layer}")
        if not 0 <= head <= heads:
            raise VisitorError(f"this network has {heads} head{'s' * (heads > 1)} a layer, no head {head}")
        asked = self.attention[layer - 1][:, token]  # (heads, 144)
        return (asked[head - 1] if head else asked.mean(dim=0)).view(GRID, GRID)


def uncertainty(answer: Answer, places: Tensor) -> Tensor:
    """Root mean square distance of the tokens' guesses from their mean, pixels, (B,)."""
    guess = places + answer.offset - answer.position[:, None]  # (B, 144, 2)
    return (answer.log_probability.exp() * guess.square().sum(dim=2)).sum(dim=1).sqrt()


@torch.no_grad()
def locate(canvas: Canvas, finder: Finder) -> Location:
    """Ask a network about one picture, turned so that its triangles stand upright; the answer is turned back.

    A picture from elsewhere without triangles may lie any way round: the network is shown all four, and the mean of its
    answers counts, so that turning such a picture does not change the answer.
    """
    net, ways = finder.net, (canvas.turns,)
    if canvas.done and not canvas.turns and needs_no_triangle(canvas.ink):
        ways = (0, 1, 2, 3)
    shown = np.stack([np.rot90(canvas.ink, turns) for turns in ways])
    answer = net(torch.from_numpy(1 - shown)[:, None].float())
    places = centres(net.FIRST, net.STEP).view(GRID, GRID, 2)
    squares = answer.log_probability.exp().view(-1, GRID, GRID)
    probabilities = torch.stack([torch.rot90(p, -turns) for p, turns in zip(squares, ways, strict=True)])
    fields = answer.offset.view(-1, GRID, GRID, 2)
    offsets = torch.stack([_turned_vectors(field, -turns % 4) for field, turns in zip(fields, ways, strict=True)])
    probability = probabilities.mean(dim=0)
    share = probabilities[..., None] / len(ways)
    positions = [_turned_place(*place, -turns % 4) for place, turns in zip(answer.position.tolist(), ways, strict=True)]
    x, y = (sum(values) / len(ways) for values in zip(*positions, strict=True))
    doubt = float((share * (places + offsets - torch.tensor([x, y])).square()).sum().sqrt())
    return Location(
        x,
        y,
        doubt,
        probability,
        (share * offsets).sum(dim=0) / probability[..., None].clamp(min=1e-30),
        places,
        tuple(
            torch.stack([_turned_attention(a, -turns) for a, turns in zip(layer, ways, strict=True)]).mean(dim=0)
            for layer in answer.attention
        ),
        caveats(canvas, doubt),
    )


def _turned_place(x: float, y: float, turns: int) -> tuple[float, float]:
    """A place on the canvas after quarter turns to the left."""
    for _ in range(turns):
        x, y = y, CANVAS - 1 - x
    return x, y


def _turned_vectors(field: Tensor, turns: int) -> Tensor:
    """A field of vectors (12, 12, 2) after quarter turns to the left, places and directions alike."""
    for _ in range(turns):
        x, y = torch.rot90(field).unbind(dim=2)
        field = torch.stack([y, -x], dim=2)
    return field


def _turned_attention(attention: Tensor, turns: int) -> Tensor:
    """Attention (heads, 144 asking, 144 asked) among tokens that are numbered anew after quarter turns."""
    order = torch.rot90(torch.arange(TOKENS).view(GRID, GRID), turns).flatten()
    return attention[:, order][:, :, order]


def caveats(canvas: Canvas, doubt: float = 0.0) -> tuple[str, ...]:
    """What speaks against believing an answer about this picture; `doubt` is the network's own, in pixels."""
    ink, black = np.rot90(canvas.ink, canvas.turns), int(canvas.ink.sum())
    if black == 0:
        return ("There is no ink on this canvas, so there is nothing to find. The answer means nothing.",)
    if black == ink.size:
        return ("This canvas is black all over, so no shape can be told from another. The answer means nothing.",)
    found = []
    if canvas.shaded:
        found.append("Much of the picture was neither black nor white, as in a photograph; the network knows only ink.")
    if canvas.scale < 1:
        found.append(
            f"The picture is smaller than {CANVAS} x {CANVAS} pixels, so a shape can look like one of another kind."
        )
    if canvas.guessed:
        found.append("Lines crossed some of the shapes, and what was under them is a guess.")
    if canvas.turns:
        found.append(
            "Its triangles do not stand upright, and the network knows no others, so it was shown them turned."
        )
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
