"""What a file is that cannot be opened as a picture, by its first bytes, in words for the person who sent it."""

from __future__ import annotations

START = 1024  # bytes that are enough to tell: an SVG drawing may begin with comments
DAMAGED = "the picture is damaged or cut off"
_OURS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM")  # and WebP, whose name stands further on
_SAVE = "save it as JPEG or PNG"
_HEIC = f"this is a HEIC photograph, as phones keep them; {_SAVE}"
_AVIF = f"this is an AVIF picture; {_SAVE}"
_RAW = f"this is a TIFF picture or a camera's raw file; {_SAVE}"
_JXL = f"this is a JPEG XL picture; {_SAVE}"
_FILM = "this is a film, not a picture; save one frame of it as PNG or JPEG"
_SOUND = "this is a sound, not a picture; choose a PNG or JPEG picture"
_PAGE = "this is a web page, not a picture; save the picture itself"
_ARCHIVE = "this is a compressed file, not a picture; take the picture out of it first"
_OFFICE = "this is an office document, not a picture; take the picture out of it first"
_SVG = "this is an SVG drawing; save it as PNG"
_TEXT = "this is a text, not a picture; choose a PNG or JPEG picture"

_BRANDS = {  # of the family of HEIC, AVIF and MP4; every other one is a film
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), _HEIC),
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    b"crx ": _RAW,
}
_RIFF = {b"WEBP": DAMAGED, b"WAVE": _SOUND, b"AVI ": _FILM}
_KINDS = {  # by the first bytes
    b"%PDF": "this is a PDF document; save the page as PNG or JPEG",
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"FUJIFILMCCD-RAW", b"IIRO", b"IIU\0"), _RAW),
    b"8BPS": f"this is a Photoshop file; {_SAVE}",
    b"gimp xcf": f"this is a GIMP file; {_SAVE}",
    b"\0\0\1\0": f"this is an icon file; {_SAVE}",
    b"icns": f"this is an icon file; {_SAVE}",
    **dict.fromkeys((b"%!PS", b"\xc5\xd0\xd3\xc6"), f"this is a PostScript file; {_SAVE}"),
    **dict.fromkeys((b"\xff\x0a", b"\0\0\0\x0cJXL "), _JXL),
    **dict.fromkeys((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), f"this is a JPEG 2000 picture; {_SAVE}"),
    **dict.fromkeys((b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"), f"this is a PNM picture; {_SAVE}"),
    b"PK\3\4": "this is a zip file or an office document, not a picture; take the picture out of it first",
    **dict.fromkeys((b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"), _ARCHIVE),
    **dict.fromkeys((b"\xd0\xcf\x11\xe0", b"{\\rtf"), _OFFICE),
    **dict.fromkeys((b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3", b"FLV\1", b"\x30\x26\xb2\x75"), _FILM),
    **dict.fromkeys((b"ID3", b"fLaC", b"OggS", b"\xff\xfb"), _SOUND),
    b"version https://git-lfs": "this is a Git LFS pointer, not the picture itself; download the picture",
    b"\0\5\x16\7": "these are a Mac's notes about a picture (a name that begins with ._); choose the picture itself",
    b"data:image": "this is a picture written as a text; save the picture itself",
}
_MARKUP = {b"<svg": _SVG, b"<html": _PAGE, b"<!doctype html": _PAGE, b"<head": _PAGE, b"<body": _PAGE}
_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip")  # how a QuickTime film without a brand begins


def why_unreadable(start: bytes) -> str:
    """A sentence about a file that begins with these bytes and is no picture that can be opened here.

    Args:
        start: its first `START` bytes, or all of it.
    """
    if not start:
        return "the file is empty; choose another, or save it anew"
    if not start.strip(b"\0"):
        return "the file holds nothing but zeros, as a broken copy does; copy or download it anew"
    if start.startswith(_OURS):
        return DAMAGED
    if start.startswith(b"RIFF"):
        return _RIFF.get(start[8:12], _FILM)
    if start[4:8] == b"ftyp":
        return _brand(start)
    if start[4:8] in _ATOMS:
        return _FILM
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    told = next((words for magic, words in _KINDS.items() if start.startswith(magic) or text.startswith(magic)), None)
    return told or _markup(text) or "this file is not a picture that can be read here; try PNG, JPEG or WebP"


def _brand(start: bytes) -> str:
    """About a file of the family of HEIC, AVIF and MP4: its main brand, then those that it is compatible with."""
    length = min(int.from_bytes(start[:4], "big"), len(start))
    main, others = start[8:12], [start[place : place + 4] for place in range(16, length, 4)]
    if main in (b"mif1", b"msf1"):  # any picture of the family; the others say which
        return next((_BRANDS[brand] for brand in others if _BRANDS.get(brand) == _AVIF), _HEIC)
    return _BRANDS.get(main, _FILM)


def _markup(text: bytes) -> str | None:
    """About a file that is written in angle brackets, or is a text; None for any other."""
    if not text.startswith(b"<"):
        printable = text.isascii() and all(byte >= 32 or byte in b"\t\r\n\f" for byte in text)
        return _TEXT if printable and text else None
    small = text.lower()
    places = {words: small.find(tag) for tag, words in reversed(_MARKUP.items()) if tag in small}
    if places:
        return min(places, key=places.get)
    return "this is an XML file, perhaps an SVG drawing; save it as PNG" if small.startswith(b"<?xml") else _PAGE
