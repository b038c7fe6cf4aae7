#!/usr/bin/env python3
"""Tests how the suites' words are read and judged. Starts nothing."""

import pathlib
import re
import sys
import unittest

sys.dont_write_bytecode = True

import runner_output
import suite_list

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "kafka.md"
BEGAN = "\x1b[36m[0018_cgrp_term              /  0.000s] ================= Running test 0018_cgrp_term =================\n\x1b[0m"
PASSED = "\x1b[36m[0018_cgrp_term              / 13.127s] \x1b[32m================= Test 0018_cgrp_term PASSED =================\x1b[0m\n"
FAILURE = """\x1b[36m[0018_cgrp_term              /  5.001s] TEST FAILURE
\x1b[0m\x1b[31m### Test "0018_cgrp_term (do_test:168: range)" failed at test.c:7:do_test() at Sat Nov 21 19:00:00 2026: ###
Too few records
"""


def subtest(name, end="PASS (0.30s)"):
    return f"\x1b[36m[0018_cgrp_term              /  6.500s] \x1b[32m[ {name}: {end} ]\n\x1b[0m"


def row(subtests="whole", **fields):
    return suite_list.row_from({"test": "0018_cgrp_term", "needs": "broker", "ci": "-", "expected": "passes", "only": "-",
                                "subtests": subtests, "seconds": "13", "remark": "", **fields})


def judged(text, wanted, timed_out=False):
    found = runner_output.outcomes(text)
    return runner_output.judged(wanted, found.get(wanted.name, runner_output.Outcome()), timed_out)


class Judging(unittest.TestCase):
    def test_a_whole_test_that_passed_is_passed(self):
        self.assertEqual(("passed", ""), judged(BEGAN + PASSED, row()))

    def test_subtests_that_ran_are_counted(self):
        text = BEGAN + subtest("do_test:168: range") + subtest("do_test:168: roundrobin [2]") + PASSED
        self.assertEqual(2, runner_output.outcomes(text)["0018_cgrp_term"].subtests)
        self.assertEqual("passed", judged(text, row("2"))[0])

    def test_a_test_that_ran_no_subtest_is_skipped_whatever_the_runner_says(self):
        self.assertEqual(("skipped", "0 of 2 subtests ran"), judged(BEGAN + PASSED, row("2")))

    def test_a_test_that_left_subtests_out_is_skipped_with_their_reason(self):
        text = BEGAN + subtest("do_test:168: range") + subtest("do_test:9: acl", "SKIP: needs a login") + PASSED
        self.assertEqual(("skipped", "1 of 2 subtests ran (do_test: needs a login)"), judged(text, row("2")))

    def test_a_skipped_test_is_skipped_with_its_reason(self):
        text = (BEGAN + "\x1b[33m[0018_cgrp_term              /  0.000s] WARN: SKIPPING TEST: too old\n\x1b[0m"
                + PASSED.replace("PASSED", "SKIPPED"))
        self.assertEqual(("skipped", "too old"), judged(text, row()))

    def test_a_failure_is_told_in_its_words_and_no_later_word_undoes_it(self):
        self.assertEqual(("failed", "Too few records"), judged(BEGAN + FAILURE + PASSED, row()))

    def test_a_test_that_does_not_come_to_its_end_is_failed(self):
        self.assertEqual("failed", judged(BEGAN, row())[0])
        self.assertEqual("failed", judged("", row())[0])
        self.assertEqual(("failed", "its limit of time"), judged(BEGAN, row(), timed_out=True))

    def test_words_between_those_of_a_line_do_not_hide_a_subtest(self):
        text = BEGAN + subtest("do_test:168: range").replace("\x1b[32m[", "\x1b[32m%7|17|BROKER| gone\n[") + PASSED
        self.assertEqual("passed", judged(text, row("1"))[0])

    def test_processes_of_one_test_are_added_up_and_one_that_failed_counts(self):
        together = runner_output.Outcome()
        together.add(runner_output.outcomes(BEGAN + subtest("do_test:1") + PASSED)["0018_cgrp_term"])
        together.add(runner_output.outcomes(BEGAN + FAILURE)["0018_cgrp_term"])
        together.add(runner_output.outcomes(BEGAN + subtest("do_test:2") + PASSED)["0018_cgrp_term"])
        self.assertEqual(2, together.subtests)
        self.assertEqual("failed", runner_output.judged(row("2"), together, False)[0])


class List(unittest.TestCase):
    def test_what_ci_runs_is_twenty_tests_that_need_one_broker(self):
        chosen = suite_list.chosen(suite_list.read(), [], ci_only=True)
        self.assertEqual(20, len(chosen))
        self.assertEqual({suite_list.BROKER}, {one.needs for one in chosen})

    def test_tests_of_one_number_share_a_process_and_parts_of_one_test_do_not(self):
        rows = [row(test="0045_a"), row(test="0045_b"), row(test="0081_c", only="x,y"),
                row(test="0045_d", needs="no-auto-create")]
        self.assertEqual({("0045-default", 2), ("0045-noautocreate", 1), ("0081-default-1", 1), ("0081-default-2", 1)},
                         {(job.label, len(job.rows)) for job in suite_list.jobs(rows)})

    def test_no_part_of_a_test_is_there_twice(self):
        parts = [(one.name, part) for one in suite_list.read() for part in one.only or ("",)]
        self.assertEqual(len(parts), len(set(parts)))

    def test_every_process_prints_into_a_file_of_its_own(self):
        labels = [job.label for job in suite_list.jobs(suite_list.read())]
        self.assertEqual(len(labels), len(set(labels)))

    def test_the_document_names_every_test_with_its_subtests(self):
        text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
        subtests = {}
        for one in suite_list.chosen(suite_list.read(), [], ci_only=False):
            if one.expected == "passes":
                subtests[one.name] = subtests.get(one.name, 0) + one.subtests
        for name, count in subtests.items():
            told = f"`{name}` {count}" if count else f"`{name}`"
            self.assertRegex(text, re.escape(told) + "[,.]")


if __name__ == "__main__":
    unittest.main(verbosity=0)
