"""Two networks that point at the odd shape: the homework's own, and ours.

Both cut the picture into 12 x 12 tokens, let the tokens look at each other by attention, and give every token three
numbers: how likely the odd shape is at this token, and how far from the token's centre it then lies. The prediction is
the mean over all tokens, weighted by these probabilities (soft-argmax).

Before the attention a token sees only a small window of the picture, after it every token is on its own again: shapes
that lie far apart can be compared through the attention alone. In ours the attention is not the only step where tokens
meet: before each of its two layers stands a 3 x 3 convolution over the tokens. The first widens the window from 13 to
23 pixels, which holds a whole shape and some of its neighbour; the second comes when the first attention has told the
tokens of what kind the others are. `making/ablate.py` measures what each part contributes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GRID = 12  # tokens along each side
TOKENS = GRID * GRID


class Answer(NamedTuple):
    """What a network says about B pictures.

    Attributes:
        position: where it points, (x, y) in pixels, (B, 2).
        log_probability: of each token, natural logarithm, (B, 144), row by row.
        offset: from each token's centre to where it would put the odd shape, pixels, (B, 144, 2).
        attention: one tensor a layer, (B, heads, 144 asking, 144 asked); each row sums to 1.
    """

    position: Tensor
    log_probability: Tensor
    offset: Tensor
    attention: tuple[Tensor, ...]


@dataclass(frozen=True)
class SeedConfig:
    """The homework's network, before (no offsets) or after it has grown its second head."""

    offsets: bool = True


@dataclass(frozen=True)
class OddConfig:
    """Sizes of our network, before or after it has grown its second look at the neighbours."""

    width: int = 96  # features a token
    heads: int = 2
    key_size: int = 32  # features that a query and a key compare
    second_look: bool = False  # whether the tokens look at their neighbours again between the two attentions

    def __post_init__(self) -> None:
        for name, limit in (("width", 512), ("heads", 8), ("key_size", 128)):
            if not 1 <= getattr(self, name) <= limit:
                raise ValueError(f"{name} must lie between 1 and {limit}")
        if self.width % (4 * self.heads):
            raise ValueError("the width must be a multiple of four times the heads")


def centres(first: float, step: float) -> Tensor:
    """Centres (x, y) of the tokens in pixels, (144, 2), row by row."""
    line = first + step * torch.arange(GRID)
    return torch.stack([line.repeat(GRID), line.repeat_interleave(GRID)], dim=1)


def shares(place: Tensor, first: float, step: float) -> Tensor:
    """How places (B, 2) are shared out among the four tokens round each, as in bilinear interpolation, (B, 144).

    Each row sums to 1; a place beyond the outermost tokens counts as theirs.
    """
    inside = place.clamp(first, first + step * (GRID - 1))
    near = (1 - (inside[:, None] - centres(first, step)).abs() / step).clamp(min=0)  # (B, 144, 2)
    return near.prod(dim=2)


def soft_argmax(logits: Tensor, offset: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Mean position under the softmax of the logits, in float32.

    Args:
        logits: (B, 144). offset: pixels, (B, 144, 2). places: token centres in pixels, (144, 2).

    Returns:
        position (B, 2) in pixels and log-probability (B, 144).
    """
    log_probability = logits.log_softmax(dim=1)
    position = (log_probability.exp()[:, :, None] * (places + offset)).sum(dim=1)  # (B, 144, 2) -> (B, 2)
    return position, log_probability


class SeedNet(nn.Module):
    """The homework's network: 144 tokens of 16 numbers, one self-attention, one or two token-wise heads.

    Window 20 x 20, stride 4, no padding, as the homework says; which convolutions make that window it leaves open.
    """

    FIRST, STEP = 9.5, 4.0  # pixels: centre of the first window, distance between windows
    WIDTH = 16

    def __init__(self, config: SeedConfig) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 8, stride=2)
        self.conv2 = nn.Conv2d(32, 64, 7, stride=2)
        self.conv3 = nn.Conv2d(64, self.WIDTH, 1)
        self.query = nn.Linear(self.WIDTH, self.WIDTH)
        self.key = nn.Linear(self.WIDTH, self.WIDTH)
        self.value = nn.Linear(self.WIDTH, self.WIDTH)
        self.classifier1, self.classifier2 = nn.Linear(self.WIDTH, 64), nn.Linear(64, 1)
        self.regressor1 = nn.Linear(self.WIDTH, 64) if config.offsets else None
        self.regressor2 = nn.Linear(64, 2) if config.offsets else None
        for conv in (self.conv1, self.conv2, self.conv3):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")  # tokens as large as the position code

    def forward(self, pictures: Tensor) -> Answer:
        """Look at pictures (B, 1, 64, 64), ink 0 on paper 1."""
        ink = 1 - pictures
        x = F.relu(self.conv1(ink))  # (B, 32, 29, 29), each sees 8 x 8 pixels
        x = F.relu(self.conv2(x))  # (B, 64, 12, 12), each sees 20 x 20 pixels, 4 pixels apart
        x = self.conv3(x)  # (B, 16, 12, 12)
        x = x.flatten(2).transpose(1, 2)  # (B, 144, 16)
        x = x + self.position_code().to(x.dtype)  # (144, 16) is added to each picture
        q, k, v = self.query(x), self.key(x), self.value(x)  # (B, 144, 16) each
        attention = (q @ k.mT / math.sqrt(self.WIDTH)).softmax(dim=2)  # (B, 144, 144)
        x = F.relu(attention @ v)  # (B, 144, 16)
        logits = self.classifier2(F.relu(self.classifier1(x))).squeeze(2).float()  # (B, 144, 64) -> (B, 144)
        if self.regressor1 is None:
            offset = torch.zeros(*logits.shape, 2)  # (B, 144, 2)
        else:
            offset = self.regressor2(F.relu(self.regressor1(x))).float()  # (B, 144, 64) -> (B, 144, 2)
        position, log_probability = soft_argmax(logits, offset, centres(self.FIRST, self.STEP))
        return Answer(position, log_probability, offset, (attention[:, None].float(),))

    @classmethod
    def position_code(cls) -> Tensor:
        """Sines and cosines of the token's number 0 to 143 at eight wavelengths, (144, 16); base 1000 as in class."""
        number = torch.arange(TOKENS)[:, None]  # (144, 1)
        angle = number * 1000 ** (-torch.arange(0, cls.WIDTH, 2) / cls.WIDTH)  # (144, 8)
        return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)  # (144, 16)


class OddNet(nn.Module):
    """Ours: small windows, then twice the neighbours, attention and a token-wise layer, then the head.

    The token centres 4, 9, ... 59 span exactly the places where an odd shape's centre can lie. Each token's window is
    23 x 23 pixels when it enters the first attention. A network that has not grown its second look lacks the neighbours
    before the second attention.
    """

    FIRST, STEP = 4.0, 5.0  # pixels: centre of the first token, distance between tokens

    def __init__(self, config: OddConfig) -> None:
        super().__init__()
        self.edges = nn.Conv2d(1, 16, 5, padding=2)
        self.patches = nn.Conv2d(16, config.width, 9, stride=5)
        self.position = nn.Parameter(position_code(config.width))  # (144, width)
        self.surroundings = Surroundings(config.width)
        self.attention1, self.think1 = Attention(config), TokenMlp(config.width)
        self.surroundings2 = Surroundings(config.width) if config.second_look else None
        self.attention2, self.think2 = Attention(config), TokenMlp(config.width)
        self.norm = nn.LayerNorm(config.width)
        self.head1, self.head2 = nn.Linear(config.width, config.width), nn.Linear(config.width, 3)
        nn.init.zeros_(self.head2.weight)  # start undecided: every token equally likely, no offset
        nn.init.zeros_(self.head2.bias)

    def forward(self, pictures: Tensor) -> Answer:
        """Look at pictures (B, 1, 64, 64), ink 0 on paper 1."""
        ink = 1 - pictures  # so that the padding is paper
        x = F.relu(self.edges(ink.contiguous(memory_format=torch.channels_last)))  # (B, 16, 64, 64), sees 5 x 5 pixels
        x = self.patches(x)  # (B, 96, 12, 12), sees 13 x 13 pixels, 5 pixels apart
        x = x.flatten(2).transpose(1, 2) + self.position  # (B, 144, 96)
        x = self.surroundings(x)  # (B, 144, 96), sees 23 x 23 pixels
        x, looks1 = self.attention1(x)  # (B, 144, 96), sees everything; looks (B, 2, 144, 144)
        x = self.think1(x)  # (B, 144, 96)
        if self.surroundings2 is not None:
            x = self.surroundings2(x)  # (B, 144, 96)
        x, looks2 = self.attention2(x)  # (B, 144, 96)
        x = self.norm(self.think2(x))  # (B, 144, 96)
        logits, offset = self.head2(F.relu(self.head1(x))).float().split((1, 2), dim=2)  # (B, 144, 1), (B, 144, 2)
        offset = self.STEP * offset  # from tokens to pixels
        position, log_probability = soft_argmax(logits.squeeze(2), offset, centres(self.FIRST, self.STEP))
        return Answer(position, log_probability, offset, (looks1, looks2))


class Attention(nn.Module):
    """Each token asks all tokens, and adds what it hears to what it knows."""

    def __init__(self, config: OddConfig) -> None:
        super().__init__()
        self.heads, self.key_size = config.heads, config.key_size
        self.norm = nn.LayerNorm(config.width)
        self.position = nn.Parameter(position_code(config.width))  # (144, width), for queries and keys alone
        self.query_key = nn.Linear(config.width, 2 * config.heads * config.key_size, bias=False)
        self.value = nn.Linear(config.width, config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)
        nn.init.zeros_(self.out.weight)  # start as the identity

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens (B, 144, width) to tokens of that shape and attention (B, heads, 144, 144)."""
        y = self.norm(x)  # (B, 144, width)
        query_key = self.query_key(y + self.position).unflatten(2, (2, self.heads, self.key_size))
        q, k = query_key.permute(2, 0, 3, 1, 4)  # (B, heads, 144, key_size) each
        v = self.value(y).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, 144, width / heads)
        attention = ((q / math.sqrt(self.key_size)) @ k.mT).softmax(dim=3)  # (B, heads, 144, 144)
        heard = (attention @ v).transpose(1, 2).flatten(2)  # (B, 144, width)
        return x + self.out(heard), attention


class Surroundings(nn.Module):
    """Each token takes in its eight neighbours; the only step but attention where tokens meet."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv2d(width, 2 * width, 3, padding=1, bias=False)
        self.mix = nn.Linear(2 * width, width, bias=False)
        nn.init.zeros_(self.mix.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, 144, width) to tokens of that shape."""
        y = self.norm(x).transpose(1, 2).unflatten(2, (GRID, GRID))  # (B, width, 12, 12)
        y = F.relu(self.conv(y))  # (B, 2 width, 12, 12)
        return x + self.mix(y.flatten(2).transpose(1, 2))  # (B, 144, width)


class TokenMlp(nn.Module):
    """Two layers that every token goes through by itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 3 * width, bias=False)
        self.narrow = nn.Linear(3 * width, width, bias=False)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, 144, width) to tokens of that shape."""
        return x + self.narrow(F.relu(self.widen(self.norm(x))))  # (B, 144, 3 width) in between


def position_code(width: int) -> Tensor:
    """Where a token lies, (144, width): sines and cosines of its row and of its column, wavelengths of 5 to 150 tokens.

    Half as large as the features that it is added to.
    """
    quarter = width // 4
    frequency = 1.2 * 30.0 ** (-torch.arange(quarter) / quarter)  # radians a token
    angle = torch.arange(GRID)[:, None] * frequency  # (12, width / 4)
    line = torch.cat([angle.sin(), angle.cos()], dim=1)  # (12, width / 2)
    rows = line[:, None].expand(GRID, GRID, -1)
    columns = line[None].expand(GRID, GRID, -1)
    return 0.5 * torch.cat([rows, columns], dim=2).flatten(0, 1)
