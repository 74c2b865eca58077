#!/bin/bash
# The pages against the program: the table of options is the program's, each command that a page shows exists and takes the
# options shown with it, and links lead somewhere.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"

begin "docs/commands.md has the options of every command, and no others"
python3 - "$BELAY_SOURCE" "$BELAY" <<'PYTHON' || fail "the pages and the program differ"
import glob, os, re, subprocess, sys
source, belay = sys.argv[1:]
ask = lambda *words: subprocess.run([belay, *words], capture_output=True, text=True, check=True).stdout
verbs = re.findall(r"(?m)^  ([a-z]+) ", ask("help"))
OPTION = re.compile(r"(?m)^ +(?:(-[a-z]), )?(--[a-z-]+)((?: [A-Z:]+)?) {2}")
own, common = {}, set()
for verb in verbs:
    text = ask(verb, "--help")
    parts = dict(re.findall(r"(?s)(?:^|\n)([a-z ]*options):\n(.*?)(?=\n\n|$)", text))
    own[verb] = {(s + " " if s else "") + l + a for s, l, a in OPTION.findall(parts.get("options", ""))}
    common = {(s + " " if s else "") + l + a for s, l, a in OPTION.findall(parts["common options"])}
assert len(verbs) > 25 and len(common) == 8 and "--to REV" in own["deploy"], (verbs, common)

page = open(source + "/docs/commands.md").read().split("## Options\n")[1].split("\n## ")[0]
documented = {verb: set() for verb in verbs}
for first, second in re.findall(r"(?m)^\| (`[^|]*) \| ([^|]*) \|$", page):
    for verb in re.findall(r"`([a-z]+)`", first):
        documented[verb] = set(re.findall(r"`(-[^`]*)`", second))
wrong = ["%s: %s" % (v, " ".join(sorted(documented[v] ^ own[v]))) for v in verbs if documented[v] != own[v]]
shown = set(re.findall(r"`(-[^`]*)`", page.split("\n| ")[0].split("Those of its own")[0]))
if shown != common:
    wrong.append("common: %s" % (shown ^ common))

# Every `belay VERB ... --option` of a page: inline code, and the lines of code blocks.
names = lambda options: {w for o in options for w in o.split() if w.startswith("-")}
pages = sorted(glob.glob(source + "/docs/*.md")) + [source + "/README.md", source + "/CONTRIBUTING.md"]
seen = 0
for path in pages:
    text = open(path).read()
    blocks = re.findall(r"(?ms)^```.*?^```", text) + re.findall(r"(?m)^(?: {4}|\t).*$", text)
    if path.endswith("/snapshot-format.md"):
        continue  # its blocks are bytes of a file
    pieces = re.findall(r"`(belay [^`]*)`", re.sub(r"(?ms)^```.*?^```", "", text)) + [l for b in blocks for l in b.split("\n")]
    for piece in pieces:
        for call in re.findall(r"(?:^(?:\$ |- )?(?:run: |cmd: )?|&& |; |\()belay ([a-z].*?)(?=&&|\|\||[|;#>]|$)", re.sub(r"\$\([^)]*\)", "ID", piece.strip())):
            words = call.split()
            if words[0] == "help":
                continue
            seen += 1
            if words[0] not in verbs:
                wrong.append("%s: no command: belay %s" % (os.path.basename(path), call))
                continue
            for word in words[1:]:
                option = word.split("=")[0]
                if re.fullmatch(r"--[a-z-]+|-[a-z]", option) and option not in names(own[words[0]] | common):
                    wrong.append("%s: no option %s: belay %s" % (os.path.basename(path), option, call))
assert seen > 80, seen

# Links to pages, and to headings in them.
anchor = lambda title: re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-")
headings = lambda path: {anchor(h) for h in re.findall(r"(?m)^#+ (.*)$", open(path).read())}
for path in pages:
    for link in re.findall(r"\]\(([^)\s]+)\)", open(path).read()):
        if "://" in link:
            continue
        file, _, heading = link.partition("#")
        there = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(there) or (heading and heading not in headings(there)):
            wrong.append("%s: dead link %s" % (os.path.basename(path), link))
print("\n".join(wrong))
sys.exit(bool(wrong))
PYTHON
