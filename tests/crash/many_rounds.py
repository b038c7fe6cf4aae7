"""Runs rounds side by side, counts them, and says how each that fails can be repeated."""

import concurrent.futures
import os
import random
import shlex
import sys
import tempfile
import time
from collections import Counter

from checks import Lost
from crash_model import CrashError
from crash_run import remove


def add_arguments(parser, rounds, soak):
    parser.add_argument("--build", required=True, help="folder with libmyelin_crash.so")
    parser.add_argument("--server", default=os.environ.get("MYELIN_BIN", "build/release/myelin"))
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--soak", action="store_true", help=f"{soak} rounds")
    parser.add_argument("--seed", type=int, help="of the first round; random without")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--expect-failure", action="store_true", help="succeed when a round fails")
    parser.add_argument("--failures-max", type=int, default=5, help="stop after so many")
    parser.add_argument(
        "--keep", help="folder for the rounds' folders; not on tmpfs, or O_DIRECT is not tested"
    )
    parser.add_argument("--server-argument", action="append", default=[])
    parser.add_argument("--verbose", action="store_true")
    parser.set_defaults(soak_rounds=soak, no_sync=False)


def parse(parser):
    options = parser.parse_args()
    options.journal_bytes = [int(word) for word in options.journal_bytes.split(",")]
    options.rounds = options.soak_rounds if options.soak else options.rounds
    options.build, options.server = os.path.abspath(options.build), os.path.abspath(options.server)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 31)
    if not os.access(options.server, os.X_OK):
        parser.error(f"no server at {options.server}: build it, or name it with --server")
    options.own_folder = None
    if options.keep is None:
        options.own_folder = options.keep = tempfile.mkdtemp(prefix="myelin-crash-")
    os.makedirs(options.keep, exist_ok=True)
    return options


class Result:
    def __init__(self, seed, flags, problem, fault, this, seconds):
        self.seed, self.flags = seed, flags  # The flags that repeat it, beside the seed.
        self.problem, self.fault = problem, fault  # None, or what and whose.
        self.acknowledged = this.acknowledged()
        self.counts = getattr(this, "counts", {})
        self.about = f"{this.about()}; {self.acknowledged} acknowledged; {seconds:.1f} s"


def run_round(make, options, seed, flags=()):
    began = time.monotonic()
    this = make(options, seed, *flags)
    problem, fault = None, None
    try:
        this.run()
    except Lost as error:
        problem, fault = str(error), "server"
    except CrashError as error:
        problem, fault = str(error), "harness"
    except Exception as error:  # A worker process must hand back what it met.
        problem, fault = f"{type(error).__name__}: {error}", "harness"
    if this.life and not this.life.ended():
        this.life.process.kill()
        this.life.process.wait()
    keep = problem and not (options.expect_failure and fault == "server")
    this.machine.drop_logs(keep_in=this.folder if keep else None)
    if keep:
        with open(os.path.join(this.folder, "what-happened.txt"), "w", encoding="utf-8") as file:
            file.write(f"seed {seed}\n{this.about()}\n{problem}\n")
            file.write("\n".join(this.life.stderr if this.life else []) + "\n")
        problem += f"\n      kept in {this.folder}"
    else:
        remove(this.folder)
    return Result(seed, flags, problem, fault, this, time.monotonic() - began)


def repeat_command(result):
    # Of a flag that is given twice the last counts.
    words = [word for word in sys.argv if word != "--soak"]
    while result.flags and "--case" in words:
        at = words.index("--case")
        del words[at : at + 2]
    words += ["--rounds", "1", "--seed", str(result.seed)]
    return shlex.join(words + [word for flag in result.flags for word in ("--case", flag)])


class Score:
    def __init__(self, rounds):
        self.rounds, self.passed, self.acknowledged = rounds, 0, 0
        self.failed = {"server": 0, "harness": 0}
        self.counts = Counter()

    def failures(self):
        return sum(self.failed.values())

    def count(self, result, options):
        self.acknowledged += result.acknowledged
        self.counts.update(result.counts)
        if result.problem is None:
            self.passed += 1
        else:
            self.failed[result.fault] += 1
            word = "caught" if options.expect_failure and result.fault == "server" else "FAIL"
            print(f"\n{word}  seed {result.seed} ({result.about})\n      {result.problem}")
            if word == "FAIL":
                print(f"      again: {repeat_command(result)}")
        done = self.passed + self.failures()
        if options.verbose and result.problem is None:
            print(f"ok    seed {result.seed} ({result.about})")
        elif sys.stdout.isatty() or done % 20 == 0:
            end = "" if sys.stdout.isatty() else "\n"
            print(
                f"\r{done} of {self.rounds} rounds, {self.acknowledged} messages acknowledged",
                end=end,
            )
        sys.stdout.flush()


def run_rounds(make, options, tasks):
    """Each task is (seed, flags of that round)."""
    score, began = Score(len(tasks)), time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        todo = iter(tasks)

        def submit(count):
            some = [task for _, task in zip(range(count), todo)]
            return {pool.submit(run_round, make, options, *task) for task in some}

        running = submit(options.jobs)
        while running:
            done, running = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in done:
                score.count(future.result(), options)
            enough = options.expect_failure and score.failed["server"] > 0
            if not enough and score.failures() < options.failures_max:
                running |= submit(len(done))
    print(
        f"\n{score.acknowledged} messages acknowledged, {time.monotonic() - began:.0f} s, first"
        f" seed {options.seed}"
    )
    print(f"{score.passed} passed, {score.failures()} failed", flush=True)
    if options.own_folder and not os.listdir(options.own_folder):
        os.rmdir(options.own_folder)
    return score


def verdict(score, options):
    if options.expect_failure:
        # A refusal of the shim or a bug of the harness does not show that the server is wrong.
        caught = score.failed["server"] > 0 and score.failed["harness"] == 0
        print("caught, as it must be" if caught else "NOT caught")
        return 0 if caught else 1
    if score.acknowledged == 0:
        print("FAIL: no message was acknowledged, so nothing was tested")
        return 1
    return 1 if score.failures() else 0
