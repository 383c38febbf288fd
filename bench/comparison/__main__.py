"""The command line of bench/compare: which works, which contenders, how many rounds; then the results, the report,
the plots."""

import argparse
import dataclasses
import json
import pathlib
import shlex
import sys

from . import machine
from .catalogue import works as all_works
from .contenders import ALL, Kit
from .report import markdown
from .results import seen, summary, verdict
from .rounds import plan, run, to_stderr
from .targets import TARGETS
from .works import Work

PERFORMANCE = machine.ROOT / "docs" / "performance"


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/compare",
                                     description="oncue beside its peers and beside the limits, on the same work.")
    parser.add_argument("--quick", action="store_true", help="one round, small loads, nothing written to docs/")
    parser.add_argument("--rounds", type=int, default=None, help="default: 5; with --quick 1")
    parser.add_argument("--only", default="",
                        help="works, or beginnings of their names, with commas: run,streams,cancel")
    parser.add_argument("--contenders", default="", help="with commas; default: all")
    parser.add_argument("--build", type=pathlib.Path, default=machine.ROOT / "build" / "release",
                        help="default: build/release")
    parser.add_argument("--out", type=pathlib.Path,
                        help="the results as JSON; default: bench/results/compare-<date>.json of a whole run")
    parser.add_argument("--nginx", default="nginx", help="the program")
    parser.add_argument("--list", action="store_true", help="says which works and contenders there are")
    parser.add_argument("--report", type=pathlib.Path, metavar="FILE",
                        help="only writes the report and the plots of a result")
    options = parser.parse_args(words)
    if options.rounds is None:
        options.rounds = 1 if options.quick else 5
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    options.works = chosen(options.only.split(",")) if options.only else all_works()
    options.names = options.contenders.split(",") if options.contenders else list(ALL)
    if not options.works:
        parser.error(f"no work begins with {options.only!r}; there are {', '.join(work.name for work in all_works())}")
    if unknown := set(options.names) - set(ALL):
        parser.error(f"no contender {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    return options


def chosen(parts: list[str]) -> list[Work]:
    """Works by their name, or by how it begins."""
    names = {work.name for work in all_works()}
    return [work for work in all_works()
            if any(work.name == part or part not in names and work.name.startswith(part) for part in parts)]


def asked(words: list[str]) -> list[str]:
    """The command as a person gave it: without the program that bench/compare found."""
    at = words.index("--nginx") if "--nginx" in words else len(words)
    return words[:at] + words[at + 2:]


def summaries(entries: list[dict]) -> list[dict]:
    keys = {(entry["work"], entry["contender"], key): None for entry in entries for key in entry.get("numbers", {})}
    return [{"work": work, "contender": name, "number": key, **dataclasses.asdict(summary(entries, work, name, key))}
            for work, name, key in keys]


def answers(entries: list[dict]) -> list[dict]:
    found = [(target, seen(entries, target)) for target in TARGETS]
    return [{
        "target": target.text, "least": target.least, "most": target.most,
        "seen": dataclasses.asdict(spread) if spread else None, "verdict": verdict(target, spread)
    } for target, spread in found]


def as_text(result: dict) -> str:
    """JSON with a line for each part, and for each entry of the lists: small, and fit for a comparison of two files."""
    lines = []
    for name, part in result.items():
        if isinstance(part, list):
            said = "[\n" + ",\n".join("  " + json.dumps(one) for one in part) + "\n ]"
        else:
            said = json.dumps(part)
        lines.append(f" {json.dumps(name)}: {said}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(result: dict, folder: pathlib.Path, report: pathlib.Path) -> None:
    from .plots import draw  # needs matplotlib, which nothing else here does
    drawn = draw(result["entries"], folder)
    beside = folder.relative_to(report.parent)
    report.write_text(markdown(result, all_works(), [(beside / name).as_posix() for name in drawn]))
    to_stderr(f"wrote {report}" + "".join(f", {folder / name}" for name in drawn))


def main(words: list[str]) -> int:
    options = parse(words)
    if options.list:
        print(*(f"{work.name:26} {', '.join(work.loads)}" for work in options.works), sep="\n")
        return 0
    if options.report:
        write(json.loads(options.report.read_text()), PERFORMANCE, PERFORMANCE / "comparison.md")
        return 0
    kit = Kit(options.build.resolve(), sys.executable, options.nginx)
    machine.open_files_allowed()
    steps = plan(options.works, options.names, options.rounds, options.quick)
    to_stderr(f"{len(steps)} steps in {options.rounds} round(s)")
    result = {
        "date": machine.now(), "command": shlex.join(["bench/compare", *asked(words)]), "quick": options.quick,
        "machine": machine.describe(), "versions": machine.versions(kit)
    }
    try:
        entries = run(kit, steps, options.quick, to_stderr)
    except KeyboardInterrupt:
        to_stderr("interrupted: nothing is written")
        return 130
    result |= {"summaries": summaries(entries), "targets": answers(entries), "entries": entries}
    whole = not (options.quick or options.only or options.contenders or options.out)
    name = f"compare-{result['date'][:16].replace(':', '')}.json"
    out = options.out or (machine.ROOT / "bench" / "results" / name if whole else options.build / "compare.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(as_text(result))
    to_stderr(f"wrote {out}")
    if whole:
        write(result, PERFORMANCE, PERFORMANCE / "comparison.md")
    else:
        write(result, out.with_suffix(""), out.with_suffix(".md"))
    return 1 if all("error" in entry for entry in entries) else 0


sys.exit(main(sys.argv[1:]))
