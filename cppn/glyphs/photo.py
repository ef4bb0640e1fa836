"""Reading a glyph from a photograph or a screenshot: try the places where it may lie, every way round.

A place is straightened, turned four ways, taken as it is and as a negative. What the reader makes of it is drawn again
and held beside what was seen, and only where the two look alike are the check bits asked. What they let pass is a text
once its own glyph, drawn anew and laid over the picture, is what can be seen there. Where no reading passes, the
likeliest are made better by the same drawing (`cppn.glyphs.refine`), which sees past thumbs, lamps and shadows.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor

from cppn.faults import VisitorError
from cppn.glyphs.draw import INK
from cppn.glyphs.find import Found, Photo, candidates, stretched
from cppn.glyphs.message import LONG, ReadText, read_message
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.glyphs.refine import FITS, REACH, Fit, fits, refine
from cppn.projective import CORNERS

SMALLEST = 12  # pixels along a side in which a glyph might still be recognised
CROPS = ((1.0, 0.985), (1.0, 0.95), (1.06, 1.06))  # widths that are seen, and beyond which all is black
UNLIKELY = 0  # which of them is seen where dark and light lie the wrong way round for what was found
AGAIN = 8  # readings of a place that are read once more, straightened
LOOKS_ALIKE = 0.7  # correlation with what the signs look like when drawn, from which the check bits are asked
ASKED = 4  # readings of a place for which they are
# readings whose drawings are held beside what was seen, those that are made better, and those that are followed
DRAWN, REFINED, FOLLOWED = 48, 12, 3
# pixels across and steps of a fit: of all that are made better, of those followed, and to the end, of a text laid over
FIRST, NEXT, LAST, LAID = (24, 12), (48, 8), (48, 60), ((32, 8), (48, 25), (48, 60))
WAYS = 3  # turns of a place that are kept to be made better
# spread of a message's sizes over their mean: a text's signs are written alike, and the most uneven of 34 had 0.72;
# normally distributed numbers have 0.76
EVEN = 0.72
COUNTED = 0.6  # share of its pixels from which a reading is followed to the end; under thumbs texts had 0.63 or more
SAME = 0.8  # correlation of signs from which two readings are taken for one
PROMISE = 0.45  # likeness times share that counts; glyphs under a thumb had 0.54 or more


@dataclass(frozen=True)
class Glimpse:
    """One reading of one place, one way round.

    Attributes:
        found: the place. turns: quarter turns. negative: whether dark and light were swapped.
        seen: what the reader was shown, (C, S, S). straightened: what it made of it; None where it does not.
        corners: of the sign in what was seen, (4, 2), in units of the place's half width.
        message: (numbers,). likeness: between the signs when drawn and what was straightened.
    """

    found: Found
    turns: int
    negative: bool
    seen: Tensor
    straightened: Tensor | None
    corners: Tensor
    message: Tensor
    likeness: float

    @functools.cached_property
    def read(self) -> ReadText:
        """The text that the message holds."""
        return read_message(self.message)

    @property
    def how(self) -> str:
        """In words."""
        turned = f", turned by {90 * self.turns} degrees" if self.turns else ""
        return f"{self.found.how}{turned}, {'as a negative' if self.negative else 'as it is'}"


@dataclass(frozen=True)
class Sighting:
    """What was read from a picture.

    Attributes:
        glimpse: the reading that holds the text, or the one that looked most like a glyph.
        text: None if nothing was read. places: looked at. asked: the readings that were put to the check bits.
    """

    glimpse: Glimpse
    text: str | None
    places: int
    asked: list[Glimpse]


def read_picture(net: GlyphNet | SeedNet, picture: Image.Image) -> Sighting:
    """Read a picture in RGB, of any size.

    Raises:
        VisitorError: a picture too small to hold a glyph.
    """
    if min(picture.size) < SMALLEST:
        raise VisitorError(
            f"the picture has only {picture.width} x {picture.height} pixels; "
            f"at least {SMALLEST} x {SMALLEST} are needed"
        )
    photo, asked, kept, places = Photo(picture, net.channels), [], [], 0
    for places, found in enumerate(candidates(photo), 1):
        looked = glimpses(net, photo, found)
        kept += _one_of_each_way(looked)
        for glimpse in _likely(looked):
            asked.append(glimpse)
            if glimpse.read.text is not None and _holds(net, photo, glimpse, looked):
                return Sighting(glimpse, glimpse.read.text, places, asked)
    kept.sort(key=lambda glimpse: -glimpse.likeness)
    if isinstance(net, GlyphNet):
        for glimpse in _refined(net, photo, kept[:DRAWN]):
            asked.append(glimpse)
            if glimpse.read.text is not None and _holds(net, photo, glimpse, [glimpse]):
                return Sighting(glimpse, glimpse.read.text, places, asked)
    return Sighting(kept[0], None, places, asked)


@torch.inference_mode()
def glimpses(net: GlyphNet | SeedNet, photo: Photo, found: Found) -> list[Glimpse]:
    """The readings of a place, those first that look most alike."""
    views = {wide: photo.look(found, net.pixels, wide) for wide in {wide for wide, _ in CROPS}}
    crops = torch.stack([stretched(views[wide], wide, cut) for wide, cut in CROPS])
    turned = torch.cat([torch.rot90(crops, turns, (2, 3)) for turns in range(4)])
    every = torch.cat([turned, 1 - turned])  # (24, C, S, S)
    # where dark ink is expected its negative gets one look all the same: it may be a dark sheet with light ink on it
    kinds = [at for at in range(len(every)) if found.dark in (None, at < len(turned)) or at % len(CROPS) == UNLIKELY]
    first = _read(net, every[kinds])
    best = first[0].argsort(descending=True)[:AGAIN]
    results = list(zip(*first, kinds, strict=True))
    if isinstance(net, GlyphNet):  # what was straightened once is read once more
        likeness, messages, straightened, _ = _read(net, first[2][best])
        again = [kinds[at] for at in best.tolist()]
        results += list(zip(likeness, messages, straightened, first[3][best], again, strict=True))
    results.sort(key=lambda result: -float(result[0]))
    return [
        Glimpse(
            found,
            turns=kind % len(turned) // len(CROPS),
            negative=kind >= len(turned),
            seen=every[kind],
            straightened=None if isinstance(net, SeedNet) else flat,
            corners=corners * CROPS[kind % len(CROPS)][0],
            message=message,
            likeness=float(likeness),
        )
        for likeness, message, flat, corners, kind in results
    ]


def _read(net: GlyphNet | SeedNet, seen: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Likeness, message, straightened picture and the sign's corners for each of (N, C, S, S)."""
    reading = net.read(seen)
    straightened = seen if reading.straightened is None else reading.straightened
    corners = torch.tensor(CORNERS).expand(len(seen), 4, 2) if reading.corners is None else reading.corners
    drawn = net.draw(reading.messages.sign(), net.pixels, INK)
    return alike(drawn, straightened), reading.messages, straightened, corners


def alike(drawn: Tensor, seen: Tensor) -> Tensor:
    """Correlations of pictures (N, C, S, S) with others, (N,)."""
    a, b = (values.flatten(1) - values.flatten(1).mean(1, keepdim=True) for values in (drawn, seen))
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp(min=1e-6)


def _likely(looked: list[Glimpse]) -> list[Glimpse]:
    """The readings that look alike enough, each text once."""
    able = [glimpse for glimpse in looked[: 2 * ASKED] if glimpse.likeness >= LOOKS_ALIKE]
    once = {bytes(glimpse.read.signs.char().numpy()): glimpse for glimpse in reversed(able)}
    return list(reversed(once.values()))[:ASKED]


def _one_of_each_way(looked: list[Glimpse]) -> list[Glimpse]:
    """The likeliest reading for each turn, the best few of them; of what is light on dark the negatives alone."""
    ways = {(glimpse.turns, glimpse.negative): glimpse for glimpse in reversed(looked)}
    able = [glimpse for glimpse in ways.values() if glimpse.found.dark is not glimpse.negative]
    return sorted(able, key=lambda glimpse: -glimpse.likeness)[:WAYS]


def _holds(net: GlyphNet | SeedNet, photo: Photo, glimpse: Glimpse, looked: list[Glimpse]) -> bool:
    """Whether a text is what can be seen; with the post's networks, whether a second crop says the same."""
    if isinstance(net, GlyphNet):
        return any(bool(fits(laid_over(net, photo, [glimpse], *effort))) for effort in LAID)
    agreeing = [g for g in looked if g.read.text == glimpse.read.text and g.seen is not glimpse.seen]
    return any(g.turns == glimpse.turns and g.negative == glimpse.negative for g in agreeing)


def laid_over(net: GlyphNet, photo: Photo, tried: list[Glimpse], size: int, steps: int) -> Fit:
    """The glyphs of the signs that were read, laid over the picture as well as it goes."""
    signs = torch.stack([glimpse.read.signs for glimpse in tried]).repeat(
        1, -(-net.numbers // len(tried[0].read.signs))
    )
    return refine(net, *_places(net, photo, tried), signs[:, : net.numbers], size, steps, free=False)


def _places(net: GlyphNet, photo: Photo, tried: list[Glimpse]) -> tuple[Tensor, Tensor]:
    """What lies at some places, (N, C, S, S), and the signs' corners there, (N, 4, 2)."""
    places = {id(glimpse.found): glimpse.found for glimpse in tried}  # many readings are of one place
    size = net.pixels * 3 // 2
    views = {at: stretched(photo.look(found, size, REACH), REACH) for at, found in places.items()}
    turned = [torch.rot90(views[id(glimpse.found)], glimpse.turns, (1, 2)) for glimpse in tried]
    seen = [1 - view if glimpse.negative else view for glimpse, view in zip(tried, turned, strict=True)]
    # copies, since what was made in inference mode cannot be differentiated through
    return torch.stack(seen).clone(), torch.stack([glimpse.corners for glimpse in tried]).clone()


def _refined(net: GlyphNet, photo: Photo, kept: list[Glimpse]) -> Iterator[Glimpse]:
    """Readings made better; the likeliest of them are followed further, and those that fit in the end are given."""
    seen, corners = _places(net, photo, kept)
    messages = torch.stack([glimpse.message for glimpse in kept]).clone()
    # a thumb misleads the reader about the corners, too: the place's own may be the better ones to start from
    own = torch.tensor(CORNERS).expand_as(corners)
    as_read, as_found = (refine(net, seen, places, messages, FIRST[0], 0).likeness for places in (corners, own))
    corners = torch.where((as_found > as_read)[:, None, None], own, corners)
    likely = torch.maximum(as_read, as_found).argsort(descending=True)[:REFINED]
    kept, seen, corners = [kept[at] for at in likely.tolist()], seen[likely], corners[likely]
    fit = refine(net, seen, corners, messages[likely], *FIRST)
    promise = fit.likeness.clamp(min=0) * fit.counted
    best: list[int] = []
    for at in promise.argsort(descending=True).tolist():
        alike_signs = [float((fit.messages[at].sign() * fit.messages[other].sign()).mean()) for other in best]
        if promise[at] > PROMISE and max(alike_signs, default=0) < SAME and len(best) < FOLLOWED:
            best.append(at)
    if not best:
        return
    better = refine(net, seen[best], corners[best], fit.messages[best], *NEXT)
    sizes = better.messages.abs()
    hopeful = (sizes.std(1) / sizes.mean(1) < EVEN) & (better.likeness >= FITS) & (better.counted >= COUNTED)
    if not hopeful.any():
        return
    best = [at for at, hope in zip(best, hopeful.tolist(), strict=True) if hope]
    fit = refine(net, seen[best], corners[best], better.messages[hopeful], *LAST, settle=net.numbers <= LONG.signs)
    for at, good, message in zip(best, fits(fit).tolist(), fit.signs, strict=True):
        if good:
            yield replace(kept[at], message=message, corners=corners[at])
