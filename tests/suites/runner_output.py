"""What librdkafka's test-runner has printed, taken for what it is: a test is passed only when its work was done.

The runner says PASSED also of a test whose every subtest was left out, so subtests are counted by their own lines.
"""

import dataclasses
import re

COLORS = re.compile(r"\x1b\[[0-9;]*m")
# Each piece is written by itself, so that several may share a line: places in the text, not lines, are what counts.
WHO = r"\[(?P<{0}>\d{{4}}_\w+|<MAIN>)\s*/\s*[\d.]+s\] "
EVENT = re.compile("|".join([
    WHO.format("who"),
    r"\[ (?P<passed>[^\[\]\n]*(?:\[[^\[\]\n]*\][^\[\]\n]*)*?): PASS \([\d.]+s\) \]",
    r"\[ (?P<left_out>[^\n]*?): SKIP: (?P<why>[^\n]*?)\s*\]",
    r"SKIPPING TEST: (?P<skipping>[^\n]*)",
    r"=================+ Test (?P<ended>\d{4}_\w+) (?P<state>PASSED|FAILED|SKIPPED) =================",
    r"### Test \"(?P<failed>\d{4}_\w+)[^\n]*? failed at [^\n]*###\n(?P<reason>[^\n]*)",
]))
REASON_CHARACTERS_MAX = 300


@dataclasses.dataclass
class Outcome:
    """Of one named test, in one process or, added up, in several."""

    state: str = "did not start"
    reason: str = ""
    subtests: int = 0
    left_out: list = dataclasses.field(default_factory=list)

    def add(self, other):
        if self.state in ("did not start", "PASSED"):
            self.state, self.reason = other.state, other.reason
        self.subtests += other.subtests
        self.left_out += other.left_out


def outcomes(text):
    """By name, of every test that the text tells about."""
    found, speaker = {}, None
    for event in EVENT.finditer(COLORS.sub("", text)):
        which = event.groupdict()
        if which["who"]:
            speaker = which["who"]
            if speaker != "<MAIN>":
                found.setdefault(speaker, Outcome(state="unfinished"))
        elif which["ended"]:
            one = found.setdefault(which["ended"], Outcome())
            one.state = "FAILED" if one.state == "FAILED" else which["state"]
        elif which["failed"]:
            one = found.setdefault(which["failed"], Outcome())
            one.reason = one.reason or which["reason"].strip()[:REASON_CHARACTERS_MAX]
            one.state = "FAILED"
        elif speaker in found:
            note(found[speaker], which)
    return found


def note(one, which):
    if which["passed"]:
        one.subtests += 1
    elif which["left_out"]:
        one.left_out.append(f"{which['left_out'].split(':')[0]}: {which['why']}")
    elif which["skipping"]:
        one.state, one.reason = "SKIPPED", which["skipping"].strip()[:REASON_CHARACTERS_MAX]


def judged(row, one, timed_out):
    """(result, why) of a row: passed, failed or skipped."""
    if one.state == "FAILED":
        return "failed", one.reason or "the runner says no more"
    if timed_out:
        return "failed", "its limit of time"
    if one.state == "SKIPPED":
        return "skipped", one.reason
    if one.state != "PASSED":
        return "failed", f"the runner ended before it did ({one.state})"
    if one.subtests < row.subtests:
        left_out = "; ".join(sorted(set(one.left_out)))
        return "skipped", f"{one.subtests} of {row.subtests} subtests ran" + (f" ({left_out})" if left_out else "")
    return "passed", ""
