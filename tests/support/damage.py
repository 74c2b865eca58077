#!/usr/bin/env python3
"""Damages a snapshot, encrypted or not, at places of every class of its bytes, the same for the same seed.

usage: damage.py plan FILE COUNT SEED      prints COUNT lines "flip|cut CLASS MEMBER OFFSET BIT", spread over the classes
       damage.py apply FILE TO KIND OFFSET BIT
"""
import random
import shutil
import sys

BLOCK = 512


def octal(field):
    text = field.split(b"\0")[0].strip()
    return int(text, 8) if text else 0


def pax_path(content):
    for line in content.split(b"\n"):
        if b"path=" in line:
            return line.split(b"path=", 1)[1].decode()
    return None


AGE = b"age-encryption.org/v1\n"
NONCE, PIECE = 16, 64 * 1024 + 16


def age_regions(data):
    """The same of a file of age."""
    at, stanzas = len(AGE), 0
    yield "version line", "-", 0, at
    while not data.startswith(b"---", at):
        end = data.index(b"\n", at) + 1
        stanzas += data.startswith(b"-> ", at)
        yield ("stanza" if data.startswith(b"-> ", at) else "stanza body"), str(stanzas), at, end
        at = end
    end = data.index(b"\n", at) + 1
    yield "header mac", "-", at, end
    yield "nonce", "-", end, end + NONCE
    pieces = range(end + NONCE, len(data), PIECE)
    for number, at in enumerate(pieces):
        what = "last piece" if at + PIECE >= len(data) else "first piece" if number == 0 else "piece"
        end = min(at + PIECE, len(data))
        yield what, str(number), at, end - 16
        yield "tag of " + what, str(number), end - 16, end


def regions(data):
    """Each piece of the file: (class, member, first byte, byte behind the last)."""
    if data.startswith(AGE):
        yield from age_regions(data)
        return
    at, name = 0, None
    while data[at:at + BLOCK].strip(b"\0"):
        header = data[at:at + BLOCK]
        size, kind = octal(header[124:136]), header[156:157]
        content, end = at + BLOCK, at + BLOCK + size
        padded = end + (-size) % BLOCK
        if kind == b"x":
            name = pax_path(data[content:end])
            yield "pax header", name or "?", at, padded
        else:
            name = name or (header[:100].split(b"\0")[0]).decode()
            what = {"manifest.json": "manifest", "locator": "locator"}.get(name, "frame" if name.endswith(".zst") else "text")
            yield ("header of manifest" if what == "manifest" else "header of locator" if what == "locator" else "tar header"), name, at, content
            if size:
                yield what, name, content, end
            if padded > end:
                yield ("padding of manifest" if what == "manifest" else "padding"), name, end, padded
            name = None
        at = padded
    yield "end blocks", "-", at, len(data)


def plan(path, count, seed):
    data = open(path, "rb").read()
    chance = random.Random(seed)
    classes = {}
    for what, member, first, end in regions(data):
        classes.setdefault(what, []).append((member, first, end))
    names = sorted(classes) + ["cut", "cut at a boundary"]
    boundaries = sorted({first for pieces in classes.values() for _, first, _ in pieces})
    for i in range(count):
        what = names[i % len(names)]
        if what == "cut":
            print("cut", "anywhere", "-", chance.randrange(len(data)), 0, sep="\t")
        elif what == "cut at a boundary":
            print("cut", "boundary", "-", chance.choice(boundaries), 0, sep="\t")
        else:
            member, first, end = chance.choice(classes[what])
            print("flip", what, member, chance.randrange(first, end), chance.randrange(8), sep="\t")


def apply(path, to, kind, offset, bit):
    shutil.copyfile(path, to)
    with open(to, "r+b") as file:
        if kind == "cut":
            file.truncate(offset)
            return
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))


if sys.argv[1] == "plan":
    plan(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    apply(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
