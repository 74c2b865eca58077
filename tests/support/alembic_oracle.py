"""Builds random graphs, asks Alembic's revision map and belay's graph driver the same questions, compares.

Where Alembic itself leaves something open the comparison says so:
- an AssertionError or KeyError inside Alembic is a defect of its own there; belay may answer or refuse;
- Alembic orders several dependencies by the hash of their names; here both use the order of the file;
- before 1.13 (and, with other rows present, still) a downgrade of a merge may leave a row that another row already
  implies (issue 1373): belay never does, the oracle's method is replaced by the repaired one.
"""
import os
import random
import subprocess
import sys
import tempfile
import warnings

import alembic
from alembic.runtime import migration
from alembic.script import revision as rv
from alembic.script.base import ScriptDirectory
from alembic.util import CommandError

warnings.simplefilter("ignore")


class Step(migration.RevisionStep):
    """Without a module to call."""

    def __init__(self, revision_map, revision, is_upgrade):
        self.revision_map, self.revision, self.is_upgrade = revision_map, revision, is_upgrade

    def _unmerge_to_revisions(self, heads):
        others = set(heads) - {self.revision.revision}
        get, up = self.revision_map.get_revisions, self.revision_map._get_ancestor_nodes
        gone = {r.revision for r in up(get(tuple(others)))} if others else set()
        for to in self.to_revisions:
            gone |= {r.revision for r in up(get(to)) if r.revision != to}
        return tuple(r for r in self.to_revisions if r not in gone)


class Map(rv.RevisionMap):
    def _normalize_depends_on(self, revisions, map_):
        super()._normalize_depends_on(revisions, map_)
        for r in revisions:
            kept = set(r._normalized_resolved_dependencies)
            r._normalized_resolved_dependencies = tuple(d for d in r._resolved_dependencies if d in kept)


class Rows(migration.HeadMaintainer):
    """Keeps the rows without a database."""

    def __init__(self, heads):
        self.heads = set(heads)

    def _insert_version(self, version):
        assert version not in self.heads
        self.heads.add(version)

    def _delete_version(self, version):
        self.heads.remove(version)

    def _update_version(self, from_, to_):
        assert to_ not in self.heads
        self.heads.remove(from_)
        self.heads.add(to_)


def random_graph(rng):
    """(id, parents, dependencies, labels) in order of creation; labels never repeat."""
    count = rng.randint(1, 14)
    made = []
    for i in range(count):
        rid = "".join(rng.choice("abcdef0123456789") for _ in range(rng.choice((5, 6, 8))))
        if any(rid == m[0] for m in made):
            continue
        ids = [m[0] for m in made]
        heads = [x for x in ids if not any(x in m[1] for m in made)]
        roll = rng.random()
        if not ids or roll < 0.12:
            parents = []
        elif roll < 0.30 and len(heads) > 1:
            parents = rng.sample(heads, 2)
        elif roll < 0.34 and len(ids) > 2:
            parents = rng.sample(ids, 2)
        elif roll < 0.75:
            parents = [rng.choice(heads or ids)]
        else:
            parents = [rng.choice(ids)]
        names = ids + [label for m in made for label in m[3]]
        deps = rng.sample(names, min(len(names), rng.choice((1, 1, 2)))) if names and rng.random() < 0.22 else []
        labels = ["lab%d%s" % (i, rng.choice("xyz"))] if rng.random() < 0.25 else []
        made.append((rid, parents, deps, labels))
    return made


def write(folder, graph, order):
    for place, at in enumerate(order):
        rid, parents, deps, labels = graph[at]
        with open("%s/%03d_%s.sql" % (folder, place, rid), "w") as out:
            out.write("-- %s\n--\n-- Revision ID: %s\n-- Revises: %s\n-- Branch Labels: %s\n-- Depends On: %s\n\n"
                      "-- belay: upgrade\n\n-- belay: downgrade\n"
                      % (rid, rid, ", ".join(parents), " ".join(labels), ",".join(deps)))


def make_map(graph, order):
    revisions = [rv.Revision(graph[at][0], tuple(graph[at][1]) or None, tuple(graph[at][2]) or None,
                             tuple(graph[at][3]) or None) for at in order]
    m = Map(lambda: revisions)
    m._revision_map
    return m


class Alembic:
    def __init__(self, map_):
        self.map = map_
        self.scripts = ScriptDirectory.__new__(ScriptDirectory)
        self.scripts.revision_map = map_

    def move(self, verb, rows, target):
        up = verb == "upgrade"
        with self.scripts._catch_revision_errors(end=target):
            if up:
                revs = list(reversed(list(self.map.iterate_revisions(target, rows, implicit_base=True))))
            else:
                revs = list(self.map.iterate_revisions(rows, target, select_for_downgrade=True))
        keeper, out = Rows(rows), []
        for r in revs:
            keeper.update_to_step(Step(self.map, r, up))
            out.append("%s>%s" % (r.revision, ",".join(sorted(keeper.heads))))
        return out, sorted(keeper.heads)

    def stamp(self, rows, targets):
        keeper = Rows(rows)
        for step in self.scripts._stamp_revs(tuple(targets), rows):
            keeper.update_to_step(step)
        return [], sorted(keeper.heads)


def identifiers(rng, graph):
    ids = [g[0] for g in graph]
    labels = [label for g in graph for label in g[3]]
    some = rng.sample(ids, min(4, len(ids)))
    out = ["head", "heads", "base", "+1", "+2", "-1", "-2", "zzzz", "head-1", "base+1"] + some
    out += [s[:4] for s in some[:2]] + [s[:2] for s in some[:1]]
    out += ["%s%+d" % (s, rng.choice((-2, -1, 1, 2))) for s in some]
    for label in labels[:3]:
        out += [label, label + "@head", label + "@heads", label + "@base", label + "@+1", label + "@-1",
                "%s@%s" % (label, rng.choice(ids)), "%s@%s-1" % (label, rng.choice(ids)), "nolabel@head"]
    return out


UNKNOWN = ("revision_unknown", "revision_ambiguous")
CLASSES = {"Can't locate": UNKNOWN, "No such": UNKNOWN, "Multiple head": ("multiple_heads",)}


def alembic_answer(call):
    try:
        steps, rows = call()
        return "ok" + "".join(" " + s for s in steps) + " =" + ",".join(rows)
    except (CommandError, rv.RevisionError) as e:
        return "error " + str(e)
    except (AssertionError, KeyError, AttributeError, TypeError, IndexError) as e:
        return "defect " + repr(e)


def agree(theirs, ours):
    if theirs.startswith("defect"):
        return True
    if theirs.startswith("ok") or ours.startswith("ok"):
        return theirs == ours
    for text, classes in CLASSES.items():
        if theirs.startswith("error " + text):
            return ours.split()[1].rstrip(":") in classes
    return ours.startswith("error")


class Driver:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


class Comparison:
    def __init__(self, driver, seed):
        self.driver, self.seed = driver, seed
        self.asked = self.answers = self.defects = self.failed = 0

    def check(self, graph, question, theirs, ours):
        self.asked += 1
        self.answers += theirs.startswith("ok ") and len(theirs) > 5
        self.defects += theirs.startswith("defect")
        if agree(theirs, ours):
            return
        self.failed += 1
        if self.failed <= 12:
            print("DIFFERENT seed=%d %s\n  graph   %s\n  alembic %s\n  belay   %s"
                  % (self.seed, " ".join(question), graph, theirs, ours))


def static_questions(c, graph, map_):
    ok = lambda items: "ok" + "".join(" " + i for i in items)
    history = [r.revision for r in map_.iterate_revisions("heads", "base", inclusive=True,
                                                          assert_relative_length=False)]
    c.check(graph, ["heads"], ok(map_.heads), c.driver.ask("heads"))
    c.check(graph, ["bases"], ok(r for r in history if r in map_.bases), c.driver.ask("bases"))
    c.check(graph, ["history"], ok(history), c.driver.ask("history"))
    labels = ["%s=%s" % (r, ",".join(sorted(map_._revision_map[r].branch_labels))) for r in history]
    c.check(graph, ["labels"], ok(labels), c.driver.ask("labels"))


def resolve(map_, identifier):
    if identifier.startswith(("+", "-")) or "@+" in identifier or "@-" in identifier:
        return None
    match = rv._relative_destination.match(identifier)
    found = map_._parse_upgrade_target((), identifier, True) if match else map_.get_revisions(identifier)
    return ["%s" % r.revision for r in found], []


def move_questions(c, rng, graph, map_):
    reference = Alembic(map_)
    names = identifiers(rng, graph)
    states = [()]
    for target in ["heads"] + rng.sample(names, min(5, len(names))):
        try:
            states.append(tuple(reference.move("upgrade", rng.choice(states), target)[1]))
        except Exception:
            pass
    for rows in dict.fromkeys(states):
        text = ",".join(rows) or "-"
        for name in names:
            for verb in ("upgrade", "downgrade"):
                c.check(graph, [verb, text, name], alembic_answer(lambda: reference.move(verb, rows, name)),
                        c.driver.ask(verb, text, name))
        for targets in [[n] for n in names if "+" not in n and "-" not in n] + [rng.sample([g[0] for g in graph], 2)
                                                          for _ in range(2) if len(graph) > 1]:
            c.check(graph, ["stamp", text] + targets, alembic_answer(lambda: reference.stamp(rows, targets)),
                    c.driver.ask("stamp", text, ",".join(targets)))
    for name in names:
        if resolve_applies(name):
            theirs = alembic_answer(lambda: resolve(map_, name))
            c.check(graph, ["resolve", "-", name], theirs.replace(" =", ""), c.driver.ask("resolve", "-", name))


def walk(reference, lower, upper):
    found = list(reference.scripts.walk_revisions(base=lower or "base", head=upper or "heads"))
    return [r.revision for r in found], []


def range_questions(c, rng, graph, map_):
    """History ranges of plain ends; relative lower ends are counted from the upper one by belay only."""
    reference = Alembic(map_)
    names = [n for n in identifiers(rng, graph) if "+" not in n and "-" not in n] + ["", ""]
    for _ in range(30):
        lower, upper = rng.choice(names), rng.choice(names)
        theirs = alembic_answer(lambda: walk(reference, lower, upper))
        c.check(graph, ["range", lower + ":" + upper], theirs.replace(" =", ""),
                c.driver.ask("range", "-", lower + ":" + upper))


def resolve_applies(name):
    return not (name.startswith(("+", "-")) or "@+" in name or "@-" in name or "-" in name)


def main():
    driver, count, first = Driver(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print("Alembic %s, %d graphs, first seed %d" % (alembic.__version__, count, first))
    c = Comparison(driver, first)
    for seed in range(first, first + count):
        c.seed, rng = seed, random.Random(seed)
        graph = random_graph(rng)
        order = list(range(len(graph)))
        if rng.random() < 0.5:
            rng.shuffle(order)
        with tempfile.TemporaryDirectory(prefix="belay_oracle") as folder:
            write(folder, graph, order)
            loaded = driver.ask("load", folder)
            try:
                map_ = make_map(graph, order)
            except rv.RevisionError as e:
                c.check(graph, ["load"], "error " + str(e), loaded)
                continue
            if not loaded.startswith("ok"):
                c.check(graph, ["load"], "ok %d" % len(graph), loaded)
                continue
            static_questions(c, graph, map_)
            move_questions(c, rng, graph, map_)
            range_questions(c, rng, graph, map_)
    print("%d answers compared (%d of them revisions), %d different, %d where Alembic itself breaks down"
          % (c.asked, c.answers, c.failed, c.defects))
    driver.process.stdin.close()
    driver.process.wait()
    return 1 if c.failed else 0


sys.exit(main())
