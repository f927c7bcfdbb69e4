#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy 14 over the sources under src, with the checks of .clang-tidy.

  tests/tidy.py [--build build/dev] [--together 6] [SOURCE...]

Most of its time goes to the headers of the standard library, so sources of one directory are checked together, as one
unit that includes them; "UnifiedSource" in its name is how clang's analyzer knows such a unit. Sources that do not
compile together (two name a constant alike) are split until they do. --together 1 checks each alone.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parent.parent


def arguments_of(entry):
    words = [word for word in shlex.split(entry["command"]) if not word.endswith("ccache")]
    at = words.index("-o")
    words[at:at + 2] = []
    return words[:words.index("-c")]  # the source is last


def check(sources, arguments, directory, work):
    """Returns what clang-tidy says of the sources; empty: nothing."""
    unit = pathlib.Path(tempfile.mkdtemp(dir=work)) / "UnifiedSource.cc"
    unit.write_text("".join(f'#include "{source}"  // NOLINT(bugprone-suspicious-include)\n' for source in sources))
    if len(sources) == 1:
        unit = sources[0]
    elif subprocess.run(["clang++-14", *arguments[1:], "-w", "-fsyntax-only", unit], cwd=directory,
                        capture_output=True, check=False).returncode != 0:
        half = len(sources) // 2
        return (check(sources[:half], arguments, directory, work) + check(sources[half:], arguments, directory, work))
    run = subprocess.run(["clang-tidy-14", "--quiet", f"--config-file={REPO}/.clang-tidy", unit, "--", *arguments[1:]],
                         cwd=directory, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return ""
    return run.stdout + "\n".join(line for line in run.stderr.splitlines() if not line.endswith("generated.")) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/dev", help="has compile_commands.json")
    parser.add_argument("--together", type=int, default=6, help="at most so many sources in one unit")
    parser.add_argument("source", nargs="*", help="default: all under src")
    options = parser.parse_args()

    wanted = {str(pathlib.Path(source).resolve()) for source in options.source}
    groups = {}
    known = set()
    for entry in json.loads((REPO / options.build / "compile_commands.json").read_text()):
        source = entry["file"]
        if not source.startswith(f"{REPO}/src/") or (wanted and source not in wanted) or source in known:
            continue
        known.add(source)
        arguments = arguments_of(entry)
        groups.setdefault((os.path.dirname(source), *arguments), (arguments, entry["directory"], []))[2].append(source)
    tracked = subprocess.run(["git", "-C", REPO, "ls-files", "src/*.cc"], capture_output=True, text=True, check=True)
    missing = (wanted or {f"{REPO}/{name}" for name in tracked.stdout.split()}) - known
    if missing:
        sys.exit(f"not in {options.build}/compile_commands.json, so not checked: {' '.join(sorted(missing))}")

    units = []
    for arguments, directory, sources in groups.values():
        sources.sort()
        units += [(sources[i:i + options.together], arguments, directory)
                  for i in range(0, len(sources), options.together)]
    units.sort(key=lambda unit: -len(unit[0]))  # the long ones first, for an even end
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(pool.map(lambda unit: check(*unit, work), units))
    print("".join(said), end="")
    findings = sum(text != "" for text in said)
    print(f"{len(known)} sources in {len(units)} units: {len(units) - findings} passed, {findings} failed")
    return findings > 0


sys.exit(main())
