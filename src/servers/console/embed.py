"""Turns a folder of built pages into a C++ file that holds them: embed.py FOLDER OUTPUT.

Each file becomes an Asset (console_server.h) under its path, once as it is and, where that is shorter, gzipped. The
output depends on the content alone, so that the same pages give the same bytes.
"""

import gzip
import hashlib
import re
import sys
from pathlib import Path

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
# The bundler's names under assets/ change with what is in them.
HASHED = re.compile(r"^/assets/.+-[A-Za-z0-9_-]{8}\.[a-z0-9]+$")
PATH = re.compile(r"^/[A-Za-z0-9._/-]+$")
LINE_BYTES = 120


def literal(data):
    """A C++ string literal of any bytes, in pieces of a line's length."""
    # A question mark could begin a trigraph, and an octal escape of three digits never takes in what follows it.
    text = [chr(b) if 0x20 <= b < 0x7F and b not in b'"\\?' else f"\\{b:03o}" for b in data]
    lines = ["".join(text[i:i + LINE_BYTES]) for i in range(0, len(text), LINE_BYTES)] or [""]
    return "\n".join(f'    "{line}"' for line in lines)


def asset(number, path, data):
    """The definitions of a file's bytes, and its entry in the table. The start page is at "/"."""
    packed = gzip.compress(data, 9, mtime=0)
    if len(packed) >= len(data):
        packed = b""
    kind = TYPES.get(Path(path).suffix, "application/octet-stream")
    caching = "Immutable" if HASHED.match(path) else "Revalidate"
    tag = hashlib.sha256(data).hexdigest()[:32]
    definition = (f"constexpr char kBody{number}[] =\n{literal(data)};\n"
                  f"constexpr char kGzip{number}[] =\n{literal(packed)};\n")
    route = "/" if path == "/index.html" else path
    entry = (f'    {{"{route}", "{kind}", "{tag}", Caching::{caching}, {{kBody{number}, {len(data)}}}, '
             f"{{kGzip{number}, {len(packed)}}}}},\n")
    return definition, entry


def main(folder, output):
    root = Path(folder)
    files = sorted(p for p in root.rglob("*") if p.is_file())
    definitions, entries = [], []
    for number, file in enumerate(files):
        path = "/" + file.relative_to(root).as_posix()
        if not PATH.match(path):
            sys.exit(f"{file}: a page's path has letters, digits, '.', '_' and '-' only")
        definition, entry = asset(number, path, file.read_bytes())
        definitions.append(definition)
        entries.append(entry)
    if not any(entry.startswith('    {"/",') for entry in entries):
        sys.exit(f"{folder}: has no index.html")
    text = ('#include "servers/console/console_server.h"\n\nnamespace myelin::console {\nnamespace {\n\n'
            + "".join(definitions) + "\nconstexpr Asset kAssets[] = {\n" + "".join(entries)
            + "};\n\n}  // namespace\n\nstd::span<const Asset> built_in_assets() { return kAssets; }\n\n"
            "}  // namespace myelin::console\n")
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    Path(output).write_text(text, encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
