"""Runs every *_test.py of this folder and counts: run.py [--soak] [NAME…], where a name is a module, class or test."""

import os
import sys
import time
import unittest
from pathlib import Path

import dump_log_segments_test

HERE = Path(__file__).resolve().parent
FAULT_CHARACTERS_MAX = 1500
FAULTS_OF_ONE_TEST_MAX = 5


class Result(unittest.TestResult):
    """A line a test; its faults at once, cut where they are long."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.bad = {}  # Test or class: number of faults.

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        if test.id() not in self.bad and test not in [skipped for skipped, _ in self.skipped]:
            print(f"   ok      {name_of(test)} ({time.monotonic() - self.began:.1f} s)", flush=True)

    def fault(self, test, error):
        count = self.bad[test.id()] = self.bad.get(test.id(), 0) + 1
        if count == 1:
            print(f"   FAILED  {name_of(test)}")
        if count <= FAULTS_OF_ONE_TEST_MAX:
            text = self._exc_info_to_string(error, test).strip()
            print("           " + text[-FAULT_CHARACTERS_MAX:].replace("\n", "\n           "), flush=True)

    def addError(self, test, err):
        self.fault(test, err)

    def addFailure(self, test, err):
        self.fault(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            if self.bad.get(test.id(), 0) < FAULTS_OF_ONE_TEST_MAX:
                print(f"           with {getattr(subtest, '_message', '')}")
            self.fault(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"   skipped {name_of(test)}: {reason}", flush=True)


def name_of(test):
    return ".".join(test.id().split(".")[-2:])


class Segments(unittest.TestCase):
    def test_the_segment_check_itself_sees_each_fault(self):
        self.assertEqual([], dump_log_segments_test.self_check(dump_log_segments_test.kafka_libs()))


def tests(names):
    loader = unittest.defaultTestLoader
    if names:
        return loader.loadTestsFromNames(names)
    modules = sorted(path.stem for path in HERE.glob("*_test.py") if path.stem != dump_log_segments_test.__name__)
    suite = loader.loadTestsFromNames(modules)
    suite.addTests(loader.loadTestsFromTestCase(Segments))
    return suite


def main(arguments):
    if "--soak" in arguments:
        os.environ["SOAK"] = "1"
    result = Result()
    tests([name for name in arguments if name != "--soak"]).run(result)
    failed, skipped = len(result.bad), len(result.skipped)
    ran = result.testsRun - skipped - len([name for name in result.bad if not name.startswith(("setUp", "tearDown"))])
    print(f"{ran} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
