"""Runs the benchmarks of a release build and prints their figures beside their goals.

  bench.py BUILD_FOLDER NAME [--json]

A figure is {name, value, unit, goal, compared_with}. The *_bench programs give one for each benchmark's time and one for
each of its counters (name:counter). `bench/run.py BUILD_FOLDER NAME` prints figures, one JSON object a line; what it leaves
out is taken from bench/goals.tsv (name, goal, unit, what it is compared with; # begins a comment; a name may have *).
"""

import fnmatch
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
OWN_KEYS = {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations",
            "real_time", "cpu_time", "aggregate_name", "bytes_per_second", "items_per_second"}


def goals():
    path = ROOT / "bench/goals.tsv"
    table = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        if line.strip() and not line.startswith("#"):
            name, goal, unit, compared_with = (line.split("\t") + [""] * 4)[:4]
            table.append((name, goal, unit, compared_with))
    return table


def with_goal(figure, table):
    for name, goal, unit, compared_with in table:
        if fnmatch.fnmatchcase(figure["name"], name):
            if unit in SECONDS and figure["unit"] in SECONDS:
                figure["value"] *= SECONDS[figure["unit"]] / SECONDS[unit]
            figure["unit"] = unit or figure["unit"]
            figure["goal"] = figure.get("goal") or goal or None
            figure["compared_with"] = figure.get("compared_with") or compared_with or None
            break
    return {key: figure.get(key) for key in ("name", "value", "unit", "goal", "compared_with")}


def google_figures(program, module, wanted):
    names = subprocess.run([program, "--benchmark_list_tests"], capture_output=True, text=True, check=True).stdout.split("\n")
    names = [n for n in names if n and wanted in f"{module}/{n}"]
    if not names:
        return
    pattern = "^(" + "|".join("".join(c if c.isalnum() or c in "_/:-" else "\\" + c for c in n) for n in names) + ")$"
    print(f"{module}: {len(names)} benchmarks", file=sys.stderr, flush=True)
    run = subprocess.run([program, f"--benchmark_filter={pattern}", "--benchmark_min_warmup_time=0.2",
                          "--benchmark_format=json"], stdout=subprocess.PIPE, text=True, check=True)
    for row in json.loads(run.stdout)["benchmarks"]:
        name = f"{module}/{row['name']}"
        if row.get("error_occurred"):
            print(f"{name}: {row.get('error_message')}", file=sys.stderr)
            continue
        yield {"name": name, "value": row["real_time"], "unit": row["time_unit"]}
        if "bytes_per_second" in row:
            yield {"name": f"{name}:rate", "value": row["bytes_per_second"] / 1e6, "unit": "MB/s"}
        if "items_per_second" in row:
            yield {"name": f"{name}:items", "value": row["items_per_second"], "unit": "/s"}
        for key, value in row.items():
            if isinstance(value, float) and key not in OWN_KEYS:
                # A counter that is a time for something (per_KB) is in seconds.
                yield {"name": f"{name}:{key}", "value": value, "unit": "s" if key.startswith("per_") else ""}


def server_figures(build, wanted):
    runner, arguments = ROOT / "bench/run.py", [wanted]
    if wanted.startswith("versus/"):  # versus/PEER or versus/PEER/PART, and by that name only: it takes half an hour.
        peer, arguments = wanted.split("/")[1], wanted.split("/")[2:]
        runner = ROOT / "bench/versus" / peer / "run.py"
    if not runner.is_file() or not (Path(build) / "myelin").is_file():
        print(f"{runner}: skipped, it or the server is not there", file=sys.stderr)
        return
    run = subprocess.Popen([sys.executable, runner, build, *arguments], stdout=subprocess.PIPE, text=True)
    for line in run.stdout:
        if line.startswith("{"):
            yield json.loads(line)
    if run.wait() != 0:
        raise SystemExit(f"{runner} ended with {run.returncode}")


def figures(build, wanted):
    if wanted.startswith("versus/"):
        yield from server_figures(build, wanted)
        return
    modules = sorted({path.parent for path in (ROOT / "src").rglob("*_bench.cc")})
    for folder in modules:
        module = folder.relative_to(ROOT / "src").as_posix()
        program = Path(build) / f"{module.replace('/', '_')}_bench"
        if program.is_file():  # ./dev bench NAME builds no more than the name asks for.
            yield from google_figures(program, module, wanted)
    yield from server_figures(build, wanted)


def text_of(value):
    if value is None:
        return "-"
    if isinstance(value, (int, float)):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def main():
    build, wanted = sys.argv[1:3]
    as_json = "--json" in sys.argv
    table = goals()
    rows = []
    for figure in figures(build, wanted):
        figure = with_goal(figure, table)
        rows.append([text_of(figure[k]) for k in ("name", "value", "unit", "goal", "compared_with")])
        if as_json:
            print(json.dumps(figure, ensure_ascii=False), flush=True)
    if not rows:
        sys.exit(f"no benchmark has \"{wanted}\" in its name" if wanted else "there are no benchmarks yet")
    if not as_json:
        rows.insert(0, ["name", "value", "unit", "goal", "compared with"])
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        for row in rows:
            print(f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:<{widths[2]}}  {row[3]:<{widths[3]}}  {row[4]}".rstrip())


if __name__ == "__main__":
    main()
