"""The house's rules, each a function from a tree to findings. house_test.py applies them and proves that they find.

A finding is "file:line: sentence". Only the standard library is used, and no file is read twice, so that the whole tree
takes well under a second.
"""

import re
from pathlib import Path

CODE_LINES_MAX = 500
HEADER_LINES_MAX = 300

# Foreign header → the rooms that may include it, and why the others may not.
FOREIGN = [
    (re.compile(r"boost/(asio|beast)\b"), {"io"}, "Asio and Beast stay in io"),
    (re.compile(r"(sqlite3|libpq-fe|libpq/|postgresql/|soci/|soci\.h)"), {"store"}, "SQL libraries stay in store"),
    (re.compile(r"(librdkafka/|rdkafka)"), {"bus", "cli"}, "librdkafka stays in bus and cli"),
    (re.compile(r"openssl/"), {"io"}, "OpenSSL stays in io"),
    (re.compile(r"yaml-cpp/"), {"base"}, "yaml-cpp stays in base"),
]

# Headers that cost every file that includes them a second or more.
HEAVY_IN_HEADERS = {
    "boost/asio.hpp": "name the parts of boost/asio/ instead",
    "boost/beast.hpp": "name the parts of boost/beast/ instead",
    "boost/json.hpp": "use boost/json/fwd.hpp",
    "simdjson.h": "include it in a .cc file",
}

FILE_NAME = re.compile(r"[a-z][a-z0-9_]*\.(h|cc)")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.M)
OUTPUT = re.compile(
    r"\bstd::(?:cout|cerr|clog)\b|\bfmt::print(?:ln)?\s*\(|(?<![\w.>:])(?:std::)?(?:v?f?printf|f?puts|putchar)\s*\(")
MAY_PRINT = re.compile(r"^(cli/.*|app/.*|base/check\.cc)$")
MACHINE_PATH = re.compile(r"(?<![\w/.:}*-])/(?:home|Users|root|work)/\w")
LOCKED_HOST = re.compile(r'"resolved":\s*"https?:')
TEXT = {".cc", ".h", ".py", ".md", ".cmake", ".sh", ".txt", ".ts", ".tsx", ".js", ".mjs", ".json", ".tsv", ".yaml",
        ".yml", ".toml", ".css", ".html", ".xml", ""}
PLACES = ["src", "tests", "tools", "cmake", "docs", "bench", "console", "sdk", "deploy", ".ci", "dev", "README.md",
          "CONTRIBUTING.md", "CMakeLists.txt", "CMakePresets.json", "modules.txt"]
NOT_OURS = {"node_modules", "dist", "corpus", "__pycache__", "build"}

TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
      | (?P<include>^[ \t]*\#[ \t]*include[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<number>\b[0-9][\w']*)
      | (?P<character>'(?:\\.|[^'\\\n])*')""",
    re.S | re.M | re.X)


def bare_code(text):
    """The text with comments and literals blanked, line for line."""
    def blank(match):
        if match.lastgroup in ("include", "number"):
            return match.group()
        return "\n" * match.group().count("\n")
    return TOKENS.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class Map:
    """modules.txt: which module may include which."""

    def __init__(self, text):
        self.lines = []  # (pattern, words, line number)
        self.problems = []
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            pattern, colon, words = line.partition(":")
            if not colon or not re.fullmatch(r"[a-z0-9/*]+", pattern):
                self.problems.append(f"modules.txt:{number}: not of the form \"name: modules\"")
                continue
            self._check_words(pattern, words.split(), number)
            self.lines.append((pattern, words.split(), number))

    def _check_words(self, pattern, words, number):
        above = [known for known, _, _ in self.lines]
        for word in words:
            if word != "everything" and not any(a == word or a.startswith(word + "/") for a in above):
                self.problems.append(
                    f"modules.txt:{number}: {pattern} names {word}, which is not above it: a line names only modules "
                    "above it, so that no cycle can be written down")

    def module_of(self, path):
        """The module that holds a path below src/, as (name, words), or None."""
        parts = path.split("/")
        for pattern, words, _ in self.lines:  # A line for one folder goes before the one for all.
            if "*" not in pattern and path.startswith(pattern + "/"):
                return pattern, words
        for pattern, words, _ in self.lines:
            if pattern.endswith("/*") and len(parts) > 2 and parts[0] == pattern[:-2]:
                return "/".join(parts[:2]), words
        return None

    @staticmethod
    def allows(words, module):
        return any(w in ("everything", module) or module.startswith(w + "/") for w in words)


class Source:
    """One .cc or .h file below src/."""

    def __init__(self, src, path):
        self.path = path.relative_to(src).as_posix()
        self.name = path.name
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.code = bare_code(self.text)
        self.is_header = path.suffix == ".h"
        self.is_product = not re.search(r"_(test|bench|fuzz)\.cc$", path.name)

    def includes(self):
        for match in INCLUDE.finditer(self.code):
            yield line_of(self.code, match.start()), match.group(1), match.group(2)

    def at(self, line, sentence):
        return f"src/{self.path}:{line}: {sentence}"


def check_map(source, house):
    """A module includes itself and what its line names."""
    home = house.module_of(source.path)
    if home is None:
        yield source.at(1, "belongs to no line of modules.txt, so nothing builds it")
        return
    name, words = home
    if source.path.count("/") != name.count("/") + 1:
        yield source.at(1, f"lies in a subfolder of module {name}: CMake builds only the files beside README.md")
    for line, ours, _ in source.includes():
        if ours is None:
            continue
        target = house.module_of(ours)
        if target is None:
            yield source.at(line, f'"{ours}" is in no module: includes are "module/file.h" from src/')
        elif target[0] != name and not house.allows(words, target[0]):
            neighbour = "/" in name and name.split("/")[0] == target[0].split("/")[0]
            why = "neighbours never include each other" if neighbour else f"its line has: {' '.join(words) or 'nothing'}"
            yield source.at(line, f"{name} may not include {target[0]} (modules.txt; {why})")


def check_foreign(source, house):
    """Foreign headers stay in their rooms, and heavy ones out of headers."""
    home = house.module_of(source.path)
    room = home[0].split("/")[0] if home else ""
    for line, ours, foreign in source.includes():
        header = foreign or ours
        for pattern, rooms, why in FOREIGN:
            if pattern.match(header) and room not in rooms:
                yield source.at(line, f"{header}: {why}")
        if header == "regex":
            yield source.at(line, "<regex> is banned: it is slow to compile, slow to run, and recurses on its input")
        if source.is_header and header in HEAVY_IN_HEADERS:
            yield source.at(line, f"{header} does not belong in a header: {HEAVY_IN_HEADERS[header]}")


def check_form(source, _house):
    """Names, lengths, #pragma once, and output only where a person asked for it."""
    if not FILE_NAME.fullmatch(source.name):
        yield source.at(1, "file names are snake_case")
    lines = source.text.count("\n")
    limit = HEADER_LINES_MAX if source.is_header else CODE_LINES_MAX
    if lines > limit:
        yield source.at(limit + 1, f"{lines} lines, {limit} at most: it is two things")
    if source.is_header and not re.search(r"^#pragma once$", source.code, re.M):
        yield source.at(1, "a header says #pragma once")
    if source.is_product and not MAY_PRINT.match(source.path):
        for match in OUTPUT.finditer(source.code):
            yield source.at(line_of(source.code, match.start()),
                            f"{match.group().rstrip(' (')} prints: use the logger (only cli and app talk to a terminal)")


def check_readmes(root, sources, house):
    """Each module has a page about itself."""
    modules = {home[0] for home in (house.module_of(s.path) for s in sources) if home}
    for module in sorted(modules):
        if not (root / "src" / module / "README.md").is_file():
            yield f"src/{module}:1: has no README.md"


def our_files(root):
    for place in PLACES:
        path = root / place
        if path.is_file():
            yield path
        elif path.is_dir():
            folders = [path]
            while folders:
                for entry in sorted(folders.pop().iterdir()):
                    if entry.is_dir() and not entry.is_symlink() and entry.name not in NOT_OURS:
                        folders.append(entry)
                    elif entry.is_file() and entry.suffix in TEXT:
                        yield entry


def check_machines(root):
    """Nothing names the machine it was written on, nor the registry it was installed from."""
    for path in our_files(root):
        text = path.read_text(encoding="utf-8", errors="replace")
        name = path.relative_to(root).as_posix()
        for match in MACHINE_PATH.finditer(text):
            yield f"{name}:{line_of(text, match.start())}: a path of somebody's machine"
        if path.name == "package-lock.json" and (match := LOCKED_HOST.search(text)):
            yield f"{name}:{line_of(text, match.start())}: a registry's address (npm: omit-lockfile-registry-resolved)"


def check_tree(root):
    """All findings of a tree, in order."""
    house = Map((root / "modules.txt").read_text(encoding="utf-8"))
    sources = [Source(root / "src", p) for p in sorted((root / "src").rglob("*"))
               if p.suffix in (".cc", ".h") and p.is_file()]
    findings = list(house.problems)
    for source in sources:
        for check in (check_map, check_foreign, check_form):
            findings.extend(check(source, house))
    findings.extend(check_readmes(root, sources, house))
    findings.extend(check_machines(root))
    return findings
