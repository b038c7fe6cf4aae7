#!/usr/bin/env python3
"""Prints an operation log as text, one record a line: show_log.py FILE"""

import sys

sys.dont_write_bytecode = True

from oplog import DURABLE, END, ZERO, Log

KINDS = "end open write truncate fallocate rename unlink rmdir mkdir sync syncall".split()


def main():
    log, begun = Log(sys.argv[1]), {}
    for _, kind, flags, op, a, b, c, d, path, data in log:
        if kind == END:
            begun.pop(op, None)
            detail = f", {b} bytes written all the same" if a < 0 else f" as handle {b}"
            print(f"{op:6}   returned {a}{detail if b else ''}")
            continue
        begun[op] = None
        words = {
            1: f"'{path}' mode {a:o}",
            2: f"handle {a} at {b}, {c} bytes",
            3: f"handle {a} to {b}",
        }
        words |= {
            4: f"handle {a} at {b}, {c} bytes, mode {d}",
            5: f"'{path}' to '{bytes(data or b'').decode(errors='replace')}'",
        }
        words |= {9: f"handle {a}", 10: ""}
        text = words.get(kind, f"'{path}'")
        print(
            f"{op:6} {KINDS[kind]}"
            f" {text}{', durable' if flags & DURABLE else ''}{' (zeros)' if flags & ZERO else ''}"
        )
    print(f"{len(begun)} under way at the end: {sorted(begun)}")
    if log.refused:
        print(f"refused: {log.refused}")


if __name__ == "__main__":
    main()
