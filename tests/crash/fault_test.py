#!/usr/bin/env python3
"""Makes writes, syncs and changes of names fail under a running server and checks that it keeps its
promises: at each kind of call on each kind of file, while it starts, works, recovers and stops.

fault_test.py --build DIR --server FILE [--rounds N | --soak] [--jobs N] [--seed S] [--case CASE]…

First the server runs once without a fault in each phase, and its calls are counted; the cases come
from that. A case is PHASE:KIND:PATH:ERRNO:INDEX:WAY, for example
load:sync:data/topics/*/*.log:EIO:3:once; fault_rounds.py says what each means.
"""

import argparse
import os
import random
import sys

sys.dont_write_bytecode = True

import many_rounds
from fault_plan import calls_of
from fault_rounds import PHASES, Case, FaultRound
from oplog import Log

ERRORS = {"write": ("EIO", "ENOSPC"), "sync": ("EIO", "ENOSPC"), "allocate": ("ENOSPC", "EIO")}
ERRORS |= {"rename": ("EIO", "ENOSPC"), "mkdir": ("ENOSPC", "EIO"), "create": ("ENOSPC", "EIO")}
ERRORS |= {"truncate": ("EIO",), "unlink": ("EIO",)}
FULL_DISKS = 8  # Rounds with no room at all, in one go over all cases.
WRITE_WAYS = {"EIO": ("none", "part", "all", "held"), "ENOSPC": ("short", "held", "less", "none")}
OTHER_WAYS = {"EIO": ("once", "held"), "ENOSPC": ("held", "once")}


class Recording(FaultRound):
    """A phase without a fault."""

    def __init__(self, options, seed, phase):
        super().__init__(options, seed, str(Case(phase, "write", "nothing", "EIO", 1, "none")))
        self.settings[1] = "16384"  # So that segments end too.

    def run(self):
        self.prepare()
        begin, end, existing = self.phase_without_fault()
        self.counts = calls_of(Log(self.machine.life_log), begin, end, existing)


def count_calls(options):
    """{phase: {(kind, path class): calls}}"""
    found = {}
    # Many seconds of large messages are more than the operation log has room for: not in each run.
    # The stand-in has no administrator's API.
    left_out = [] if options.soak else ["large"]
    left_out += ["upkeep"] if options.server.endswith(".py") else []
    phases = [phase for phase in PHASES if phase not in left_out]
    for phase in phases:
        result = many_rounds.run_round(Recording, options, options.seed, (phase,))
        if result.problem:
            sys.exit(f"FAIL: the phase '{phase}' without a fault: {result.problem}")
        found[phase] = result.counts
    return found


def indexes(count, chance):
    last = [count] if count > 2 else []
    between = [chance.randint(3, count - 1)] if count > 4 else []
    return [1, *([2] if count > 1 else []), *last, *between]


def cases_of(calls, chance):
    """Every call site with every error, index and way, those first that differ most."""
    sites = [(phase, *site, n) for phase in calls for site, n in calls[phase].items()]
    piles = [[Case("load", "full", "data", "ENOSPC", 1, "held")] * FULL_DISKS]
    for phase, kind, path, count in sites:
        pile = []
        for error in ERRORS[kind]:
            for way in (WRITE_WAYS if kind == "write" else OTHER_WAYS)[error]:
                for index in indexes(count, chance):
                    pile.append(Case(phase, kind, path, error, index, way))
        chance.shuffle(pile)
        piles.append(pile)
    chance.shuffle(piles)
    deepest = max(map(len, piles))
    return [pile[i] for i in range(deepest) for pile in piles if i < len(pile)]


def choose(options):
    """The seeds and cases of this run, and how many call sites there are."""
    if options.case:
        seeds = range(options.seed, options.seed + options.rounds)
        return [(seed, (case,)) for seed in seeds for case in options.case]
    chance, cases, sites = random.Random(options.seed), [], 0
    calls = count_calls(options)
    sites = sum(map(len, calls.values()))
    if options.list:
        for phase, kind, path in sorted((p, *site) for p in calls for site in calls[p]):
            print(f"{calls[phase][kind, path]:6}  {phase}:{kind}:{path}")
        sys.exit(0)
    while len(cases) < options.rounds:
        cases += cases_of(calls, chance)
    print(f"{sites} call sites, {options.rounds} rounds", flush=True)
    seeds = range(options.seed, options.seed + options.rounds)
    return [(seed, (str(case),)) for seed, case in zip(seeds, cases)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    many_rounds.add_arguments(parser, rounds=70, soak=5000)
    parser.add_argument("--journal-bytes", default="262144", help="size of a journal file")
    parser.add_argument("--case", action="append", help="only this, with --rounds seeds")
    parser.add_argument("--patience", type=float, default=20, help="seconds for what has to come")
    parser.add_argument("--list", action="store_true", help="show the call sites and end")
    options = many_rounds.parse(parser)
    score = many_rounds.run_rounds(FaultRound, options, choose(options))
    print(", ".join(f"{count} {what}" for what, count in sorted(score.counts.items())))
    if not options.expect_failure and not options.case and score.counts["hit"] == 0:
        print("FAIL: no fault was hit, so nothing was tested")
        return 1
    return many_rounds.verdict(score, options)


if __name__ == "__main__":
    sys.exit(main())
