"""What a file is that is not the weights that were expected: named in a sentence that says what to do instead.

Everything here looks at a few bytes or names; nothing is unpacked, run or believed.
"""

from __future__ import annotations

from collections.abc import Mapping

HEAD = 4096  # bytes, from the beginning of a file, that are enough to name it
SAVE_INSTEAD = "save the weights with `safetensors.torch.save_file(net.state_dict(), ...)` instead"

# first bytes -> what the file is
_MAGIC = {
    b"GGUF": f"a GGUF file, as llama.cpp reads; {SAVE_INSTEAD}",
    b"\x93NUMPY": f"a NumPy array; {SAVE_INSTEAD}",
    b"\x89HDF": f"an HDF5 file, as Keras writes; {SAVE_INSTEAD}",
    b"\x89PNG": "a picture; bring the weights that paint it",
    b"\xff\xd8\xff": "a picture; bring the weights that paint it",
    b"GIF8": "a picture; bring the weights that paint it",
    b"%PDF": "a PDF document; bring a safetensors file",
}
_PACKED = {
    b"\x1f\x8b": "packed with gzip; unpack it first",
    b"7z\xbc\xaf": "packed with 7-Zip; unpack it first",
    b"\xfd7zXZ": "packed with xz; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"PK\3\4": "a zip file; unpack it first",
}
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<!--")

# tensors by which the networks of this house are known -> what they are, and where they belong
_GIFT = "a MysteryNet, by its tensors' names; open it in the Flags tab, as a gift"
_QUINE = "a quine, by its tensors' names; open it in the Quine tab"
_GLYPHS = "a pair of networks for glyphs, by its tensors' names; it belongs to the Glyphs tab"
_FINDER = "a finder of odd shapes, by its tensors' names; it belongs to the Odd shapes tab"
_MARKS = (
    (
        {"dense1.weight", "dense8.weight", "dense_head.weight"},
        "a MysteryNet, by its tensors' names; open it in the Flags tab, as a gift",
    ),
    ({"input_probe", "proj"}, _QUINE),
    ({"l1.weight", "l2.weight", "l3.weight"}, _QUINE),
    ({"first.weight", "second.weight", "last.weight"}, _QUINE),
    ({"input.weight", "recurrent.weight", "output.weight"}, _QUINE),
    ({"conv1.weight", "conv2.weight", "dense.weight"}, _QUINE),
    ({"qkv.weight", "up.weight", "down.weight", "out.weight"}, _QUINE),
    ({"reader.0.weight", "writer.0.weight"}, _GLYPHS),
    (
        {"reader.linear.weight", "writer.perceptron.1.weight"},
        "a pair of networks for glyphs; it belongs to the Glyphs tab",
    ),
    ({"regressor1.weight", "classifier1.weight"}, _FINDER),
    ({"attention1.position", "head2.weight"}, _FINDER),
)


def kind_of(data: bytes) -> str | None:
    """What a file that is not safetensors is, from its first bytes, as the end of a sentence; None if nobody knows."""
    head = data[:HEAD]
    if not head:
        return "empty; perhaps it was not downloaded to the end"
    if head.startswith(b"PK"):
        return _archive(head)
    if words := in_its_place(head):
        return words
    if head.startswith(_PICKLES):
        return f"a pickle or a zip file (as torch.save writes), which could run code when opened; {SAVE_INSTEAD}"
    if magic := next((words for first, words in _MAGIC.items() if head.startswith(first)), None):
        return magic
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _MAGIC[b"\x89PNG"]
    if head[4:8] == b"TFL3":
        return f"a TensorFlow Lite file; {SAVE_INSTEAD}"
    # protocol buffers: field 1, the version of the format, and field 2 or 8 (producer, opset) or 7 (graph)
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x3a", b"\x42"):
        return f"an ONNX file; {SAVE_INSTEAD}"
    return _text(head)


def in_its_place(data: bytes) -> str | None:
    """What came in the place of a file of any kind, from its first bytes, as the end of a sentence; None if nothing."""
    head = data[:HEAD]
    if head.startswith(b"version https://git-lfs"):
        return (
            "a Git LFS pointer, a note that stands for the file; get the file itself with `git lfs pull`, "
            "or by the download button of its page"
        )
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
        return "a web page and not the file, perhaps one that asks to sign in; download the file with a browser"
    return next((words for first, words in _PACKED.items() if head.startswith(first)), None)


def _archive(head: bytes) -> str:
    if b".npy" in head:
        return f"an archive of NumPy arrays (.npz); {SAVE_INSTEAD}"
    if b"data.pkl" in head or b"/version" in head or b"/data/" in head:
        return f"a pickle or a zip file (as torch.save writes), which could run code when opened; {SAVE_INSTEAD}"
    return "a pickle or a zip file, and not safetensors; if the weights are in it, unpack it first"


def _text(head: bytes) -> str | None:
    try:
        text = head.decode("utf-8") if len(head) < HEAD else head[:-4].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return None
    if not all(letter.isprintable() or letter in "\t\r\n" for letter in text):
        return None
    if text.lstrip().startswith(("{", "[")):
        return "a text in JSON, not a safetensors file; bring the weights themselves"
    return "a text, not a safetensors file; bring the weights themselves"


def house_of(names: Mapping[str, object] | set[str], config: object = None) -> str | None:
    """Which network of this house has tensors of these names, as the end of a sentence; None if none has.

    Args:
        names: of the tensors. config: the text of the file's config, if it has one.
    """
    if isinstance(config, str) and '"architecture"' in config and '"head"' in config:
        return _QUINE.replace(", by its tensors' names", "")
    return next((words for marks, words in _MARKS if marks <= set(names)), None)
