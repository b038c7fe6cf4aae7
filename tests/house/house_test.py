#!/usr/bin/env python3
"""Holds the tree to the house's rules (rules.py), and the rules to finding what is deliberately wrong.

Usage: house_test.py [ROOT]
"""

import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import rules  # noqa: E402  (No cache file may appear beside the sources.)

ROOT = Path(__file__).resolve().parents[2]

MAP = """
base:
formats/*: base
io: base
store: base io
bus: base formats io
servers/*: base formats io bus
servers/kafka: base io
cli/*: base bus
app: everything
"""


class RulesFindWhatIsWrong(unittest.TestCase):
    """Each test writes one wrong thing into an otherwise clean tree."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        (self.root / "modules.txt").write_text(MAP)
        for module in ("base", "formats/hl7v2", "formats/event", "io", "store", "bus", "servers/mllp", "servers/kafka",
                       "cli/send", "app"):
            (self.root / "src" / module).mkdir(parents=True)
            (self.root / "src" / module / "README.md").write_text("A page.\n")
        self.write("base/ids.h", "#pragma once\n")

    def write(self, path, text):
        path = self.root / "src" / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def assert_clean(self):
        self.assertEqual(rules.check_tree(self.root), [])

    def assert_finds(self, *parts):
        findings = rules.check_tree(self.root)
        self.assertEqual(len(findings), 1, findings)
        for part in parts:
            self.assertIn(part, findings[0])

    def test_a_clean_tree_has_no_findings(self):
        self.write("bus/bus.cc", '#include "base/ids.h"\n#include "formats/event/event.h"\n#include <vector>\n')
        self.write("app/main.cc", '#include "servers/mllp/server.h"\nint main() { printf("fine here"); }\n')
        self.write("io/tcp.cc", "#include <boost/asio/ip/tcp.hpp>\n")
        self.assert_clean()

    def test_an_include_the_map_does_not_name(self):
        self.write("base/time.cc", '#include "base/ids.h"\n#include "io/tcp.h"\n')
        self.assert_finds("src/base/time.cc:2:", "base may not include io")

    def test_a_neighbour(self):
        self.write("formats/event/event.cc", '#include "formats/hl7v2/parse.h"\n')
        self.assert_finds("src/formats/event/event.cc:1:", "neighbours")

    def test_a_line_of_its_own_goes_before_the_line_for_all(self):
        self.write("servers/kafka/api.cc", '#include "bus/bus.h"\n')
        self.assert_finds("servers/kafka may not include bus")

    def test_an_include_not_written_from_src(self):
        self.write("base/time.cc", '#include "ids.h"\n')
        self.assert_finds("src/base/time.cc:1:", "from src/")

    def test_an_include_in_a_comment_or_literal_is_no_include(self):
        self.write("base/time.cc", '/*\n#include "io/tcp.h"\n*/\nauto s = R"(\n#include "io/tcp.h"\n)";\n')
        self.assert_clean()

    def test_a_module_that_the_map_does_not_have(self):
        self.write("extra/thing.cc", "\n")
        self.assert_finds("src/extra/thing.cc:1:", "modules.txt")

    def test_a_source_where_nothing_builds_it(self):
        self.write("bus/detail/thing.cc", "\n")
        self.assert_finds("src/bus/detail/thing.cc:1:", "subfolder")

    def test_a_map_line_that_names_one_below_it(self):
        (self.root / "modules.txt").write_text(MAP + "late: base later\nlater: base\n")
        self.assert_finds("modules.txt:", "late names later")

    def test_asio_outside_io(self):
        self.write("bus/bus.cc", "#include <boost/asio/post.hpp>\n")
        self.assert_finds("src/bus/bus.cc:1:", "Asio")

    def test_sql_outside_store(self):
        self.write("bus/bus.cc", "#include <sqlite3.h>\n")
        self.assert_finds("stay in store")

    def test_librdkafka_outside_bus_and_cli(self):
        self.write("cli/send/send.cc", "#include <librdkafka/rdkafka.h>\n")
        self.write("io/tcp.cc", "#include <librdkafka/rdkafka.h>\n")
        self.assert_finds("src/io/tcp.cc:1:", "librdkafka")

    def test_yaml_outside_base(self):
        self.write("app/config.cc", "#include <yaml-cpp/yaml.h>\n")
        self.assert_finds("yaml-cpp")

    def test_regex_anywhere(self):
        self.write("base/time.cc", "#include <regex>\n")
        self.assert_finds("<regex> is banned")

    def test_a_heavy_header_in_a_header(self):
        self.write("io/all.h", "#pragma once\n#include <boost/asio.hpp>\n")
        self.assert_finds("src/io/all.h:2:", "does not belong in a header")

    def test_a_file_over_its_limit(self):
        self.write("base/long.cc", "\n" * 500)
        self.write("base/long.h", "#pragma once\n" + "\n" * 300)
        self.assert_finds("src/base/long.h:301:", "300 at most")

    def test_a_name_that_is_not_snake_case(self):
        self.write("base/FileName.cc", "\n")
        self.assert_finds("snake_case")

    def test_a_header_without_pragma_once(self):
        self.write("base/time.h", "// #pragma once\n")
        self.assert_finds("#pragma once")

    def test_printing_outside_cli_and_app(self):
        self.write("base/time.cc", '// printf(1)\nauto s = "printf(2)";\nint n = 1\'000;\nvoid f() { std::printf("3"); }\n')
        self.assert_finds("src/base/time.cc:4:", "printf prints")

    def test_streams_outside_cli_and_app(self):
        self.write("base/time.cc", "void f() { std::cerr << 1; }\n")
        self.write("base/time_test.cc", "void f() { std::cerr << 1; }\n")
        self.write("base/text.cc", "void f() { snprintf(a, 1, b); logger.puts(); }\n")
        self.assert_finds("src/base/time.cc:1:", "std::cerr prints")

    def test_a_module_without_a_readme(self):
        (self.root / "src/base/README.md").unlink()
        self.assert_finds("src/base:1:", "README.md")

    def test_a_path_of_somebodys_machine(self):
        self.write("base/time.cc", "// See /" + "home/ada/notes\n// and {id}/" + "work/list\n")
        self.assert_finds("src/base/time.cc:1:", "machine")

    def test_a_registry_in_a_lock_file(self):
        (self.root / "console").mkdir()
        (self.root / "console/package-lock.json").write_text('{\n"resolved": "https:' + '//host/x.tgz"}\n')
        self.assert_finds("console/package-lock.json:2:", "registry")


class TheTree(unittest.TestCase):
    def test_keeps_the_rules_of_the_house(self):
        findings = rules.check_tree(ROOT)
        if findings:
            self.fail(f"{len(findings)} broken rules\n" + "\n".join(findings))

    def test_documents_every_topic_setting(self):
        source = (ROOT / "src/broker/topic_config.cc").read_text()
        definitions = source.partition("kDefinitions = ")[2].partition("});")[0]
        known = set(re.findall(r'\{(?:accepted\(|\{)"([a-z0-9.]+)"', definitions))
        section = (ROOT / "docs/kafka.md").read_text().partition("## Topic settings")[2].partition("\n## ")[0]
        rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
        documented = {name for row in rows for cell in row[1:3] for name in re.findall(r"`([a-z0-9.]+)`", cell)}
        self.assertGreater(len(known), 30)
        self.assertEqual(known - documented, set(), "not in docs/kafka.md")


def main():
    global ROOT
    if len(sys.argv) > 1:
        ROOT = Path(sys.argv.pop(1)).resolve()
    program = unittest.main(exit=False, verbosity=0, buffer=True)
    result = program.result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
