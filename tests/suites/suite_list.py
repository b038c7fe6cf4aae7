"""librdkafka.tsv: librdkafka's own tests, what each needs, and what it must show.

A row is a test as librdkafka names it. `needs` says which server it is run against, or why it is not:

    broker          one plain broker that makes topics on first use
    no-auto-create  one that does not
    anything else   what is missing here; such rows are run only where they are asked for by number

`subtests` is how many subtests must pass, or `whole` where librdkafka does not divide the test. `only` names subtests
(substrings, by commas, each in a process of its own) where the others need what is missing. `seconds` is what it took,
to start the long ones first and to give each a limit of time.
"""

import collections
import csv
import dataclasses
import pathlib

LIST = pathlib.Path(__file__).resolve().parent / "librdkafka.tsv"
BROKER, NO_AUTO_CREATE = "broker", "no-auto-create"
SCENARIOS = {BROKER: "default", NO_AUTO_CREATE: "noautocreate"}
LIMIT_SECONDS_MIN = 300  # Long, because a busy machine is no failure.
LIMIT_TIMES = 4


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    needs: str
    ci: bool
    expected: str  # "passes", or "skips" where librdkafka skips it against every broker of today.
    subtests: int  # 0: the test is one whole.
    seconds: float
    only: tuple
    remark: str

    @property
    def number(self):
        return self.name.split("_")[0]


@dataclasses.dataclass(frozen=True)
class Job:
    """One process of the test-runner: a number, which may be several rows, or some subtests of one."""

    number: str
    needs: str
    rows: tuple
    only: str = ""
    part: int = 0  # Of those of one number and server, where there are several.

    @property
    def seconds(self):
        return max(row.seconds for row in self.rows)

    @property
    def limit(self):
        return max(LIMIT_SECONDS_MIN, LIMIT_TIMES * self.seconds)

    @property
    def label(self):
        return "-".join([self.number, SCENARIOS.get(self.needs, self.needs)] + ([str(self.part)] if self.only else []))


def row_from(fields):
    subtests = 0 if fields["subtests"] in ("whole", "-") else int(fields["subtests"])
    only = tuple(fields["only"].split(",")) if fields["only"] != "-" else ()
    return Row(fields["test"], fields["needs"], fields["ci"] == "ci", fields["expected"], subtests,
               float(fields["seconds"]), only, fields["remark"])


def read(path=LIST):
    with open(path, encoding="utf-8", newline="") as file:
        return [row_from(fields) for fields in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def chosen(rows, numbers, ci_only):
    """Those asked for by number, or all that a broker of ours must pass."""
    if numbers:
        return [row for row in rows if row.number in numbers or row.name in numbers]
    return [row for row in rows if row.needs in SCENARIOS and (row.ci or not ci_only)]


def jobs(rows):
    """Longest first, so that no long one is left for the end."""
    together = {}
    for row in rows:
        for only in row.only or ("",):
            together.setdefault((row.number, row.needs, only), []).append(row)
    parts = collections.Counter()
    found = []
    for (number, needs, only), of in together.items():
        parts[number, needs] += 1
        found.append(Job(number, needs, tuple(of), only, parts[number, needs]))
    return sorted(found, key=lambda job: -job.seconds)
