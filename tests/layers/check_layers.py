#!/usr/bin/env python3
"""Fails when an include in src/ runs back over the layers, closes a cycle inside one, or names an unknown folder.

usage: check_layers.py SRC

The layers are those of the design, highest first; a file may include its own folder, folders of its own tier (as
long as the folders there form no cycle) and everything below.
"""
import pathlib
import re
import sys

TIERS = [
    {"cli"},
    {"pipeline"},
    {"preflight", "gate", "snapshot", "migrate", "verify", "restore", "rehearse"},
    {"revision", "archive", "seal", "store", "remote", "report"},
    {"pg", "config"},
    {"util"},
]
TIER_OF = {folder: tier for tier, folders in enumerate(TIERS) for folder in folders}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([a-z_]+)/[^"]+"')


def arrows(src):
    """Each include of another folder: (place, from, to)."""
    for path in sorted(src.rglob("*.[ch]")):
        parts = path.relative_to(src).parts
        folder = parts[0] if len(parts) > 1 else None  # main.c may include anything
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if found and folder != found.group(1):
                yield f"{path.relative_to(src)}:{number}", folder, found.group(1)


def cycle(edges):
    """A list of folders that include each other in a ring, or None."""
    state = {}

    def visit(folder, trail):
        state[folder] = "open"
        for after in sorted(edges.get(folder, ())):
            if state.get(after) == "open":
                return trail[trail.index(after):] + [after] if after in trail else [folder, after]
            if after not in state:
                found = visit(after, trail + [after])
                if found:
                    return found
        state[folder] = "done"
        return None

    for folder in sorted(edges):
        if folder not in state:
            found = visit(folder, [folder])
            if found:
                return found
    return None


def main():
    src = pathlib.Path(sys.argv[1])
    problems = []
    edges = {}
    for folder in sorted(p.name for p in src.iterdir() if p.is_dir()):
        if folder not in TIER_OF:
            problems.append(f"{folder}/: a folder without a layer; give it one in tests/layers/check_layers.py")
    for place, source, target in arrows(src):
        if target not in TIER_OF:
            problems.append(f"{place}: includes unknown folder {target}/")
        elif source in TIER_OF:
            if TIER_OF[target] < TIER_OF[source]:
                problems.append(f"{place}: {source} must not include {target}, which is above it")
            elif TIER_OF[target] == TIER_OF[source]:
                edges.setdefault(source, set()).add(target)
    ring = cycle(edges)
    if ring:
        problems.append("folders include each other in a ring: " + " -> ".join(ring))
    print("\n".join(problems) if problems else "layers: ok")
    return 1 if problems else 0


sys.exit(main())
