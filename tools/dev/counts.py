"""Counts tests for ./dev test, from what their programs leave behind.

  counts.py ctest FOLDER LEG COUNTS           ctest.xml and googletest's JSON files of one ctest run
  counts.py output WHAT LOG RC LEG COUNTS     what a runner printed
  counts.py sum COUNTS SECONDS                prints the summary; exit code 1 when anything failed

A line of COUNTS: leg, what, passed, failed, skipped, seconds (of a whole leg), by tabs.
"""

import json
import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

# What runners end with: ours, vitest's, node --test's.
OURS = re.compile(r"^\s*(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", re.M)
VITEST = re.compile(r"^\s*Tests\s+(.*\d+ (?:passed|failed|skipped).*)$", re.M)
NODE = re.compile(r"^\S* ?(pass|fail|skipped) (\d+)$", re.M)
COLORS = re.compile(r"\x1b\[[0-9;]*m")


def note(counts, leg, what, passed, failed, skipped=0):
    with open(counts, "a", encoding="utf-8") as file:
        file.write(f"{leg}\t{what}\t{passed}\t{failed}\t{skipped}\t0\n")


def google_counts(path):
    report = json.loads(path.read_text(encoding="utf-8"))
    failed = skipped = passed = 0
    for suite in report.get("testsuites", []):
        for test in suite.get("testsuite", []):
            name = f"{suite['name']}.{test['name']}"
            if test.get("failures"):
                failed += 1
                print(f"   failed: {name}")
            elif test.get("result") in ("SKIPPED", "SUPPRESSED") or test.get("status") == "NOTRUN":
                if test.get("result") == "SKIPPED":
                    skipped += 1
                    print(f"   skipped: {name}")
            else:
                passed += 1
    return passed, failed, skipped


def count_ctest(folder, leg, counts):
    folder = Path(folder)
    report = folder / "ctest.xml"
    cases = xml.parse(report).getroot().iter("testcase") if report.is_file() else []
    seen = 0
    for case in cases:
        seen += 1
        name, good = case.get("name"), case.get("status") == "run"
        details = folder / f"{name}_test.json"
        passed, failed, skipped = (1, 0, 0)
        if details.is_file():
            passed, failed, skipped = google_counts(details)
        elif not good:
            passed = 0
        if not good and failed == 0:
            failed = 1
            print(f"   failed: {name} ({case.get('status')}: crashed, timed out or did not start)")
        note(counts, leg, name, passed, failed, skipped)
    if not seen:
        print("   no tests ran")
        note(counts, leg, "ctest ran nothing", 0, 1)


def count_output(what, log, rc, leg, counts):
    text = COLORS.sub("", Path(log).read_text(encoding="utf-8", errors="replace"))
    rc = int(rc)
    passed = failed = skipped = 0
    if rc == 77:
        skipped = 1
    elif found := OURS.findall(text):
        passed, failed, skipped = (int(n or 0) for n in found[-1])
    elif found := VITEST.findall(text):
        words = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped)", found[-1])}
        passed, failed, skipped = (words.get(w, 0) for w in ("passed", "failed", "skipped"))
    elif found := dict(NODE.findall(text)):
        passed, failed, skipped = (int(found.get(w, 0)) for w in ("pass", "fail", "skipped"))
    elif rc == 0:
        passed = 1
    if rc not in (0, 77) and failed == 0:
        failed = 1
        print(f"   failed: {what} ended with {rc}")
    note(counts, leg, what, passed, failed, skipped)


def sum_up(counts, seconds):
    legs, failures, skips = {}, [], []
    for line in Path(counts).read_text(encoding="utf-8").splitlines():
        leg, what, *numbers = line.split("\t")
        numbers = [int(n) for n in numbers]
        legs[leg] = [a + b for a, b in zip(legs.get(leg, [0] * 4), numbers)]
        if numbers[1]:
            failures.append(f"   {leg}: {what}")
        if numbers[2]:
            skips.append(f"   {leg}: {what}: {numbers[2]}")
    print(f"\n{'leg':<10}{'passed':>8}{'failed':>8}{'skipped':>9}{'time':>9}")
    for leg, (passed, failed, skipped, took) in legs.items():
        print(f"{leg:<10}{passed:>8}{failed:>8}{skipped:>9}" + (f"{took:>7} s" if took else ""))
    if skips:
        print("\nskipped\n" + "\n".join(skips))
    if failures:
        print("\nfailed\n" + "\n".join(failures))
    passed = sum(n[0] for n in legs.values())
    failed = sum(n[1] for n in legs.values())
    print(f"\nin {int(seconds) // 60} min {int(seconds) % 60} s")
    if not passed and not failed:
        print("nothing was tested")
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    task, *rest = sys.argv[1:]
    if task == "ctest":
        count_ctest(*rest)
    elif task == "output":
        count_output(*rest)
    else:
        sys.exit(sum_up(*rest))


if __name__ == "__main__":
    main()
