#!/usr/bin/env python3
"""The checks of kafka_history.py find each flaw that they are for, in a history that has no other."""

import copy
import sys
import unittest

sys.dont_write_bytecode = True

from checks import Lost
from kafka_history import Checker, is_sound, parse_value, value_of


def record(what, offset, number, producer="p", partition=0, **more):
    return {
        "what": what,
        "partition": partition,
        "offset": offset,
        "producer": producer,
        "number": number,
        **more,
    }


def sound_history():
    history = []
    for number in (1, 2, 3):
        history.append({"what": "sent", "producer": "p", "number": number, "partition": 0})
        history.append(record("stored", number - 1, number))
    history.append({"what": "assigned", "member": "a", "partitions": [0]})
    history += [record("read", at, at + 1, member="a", sound=True) for at in (0, 1)]
    history.append({"what": "committed", "member": "a", "partition": 0, "offset": 2})
    history.append({"what": "assigned", "member": "b", "partitions": [0]})
    history.append(record("read", 2, 3, member="b", sound=True))
    history.append({"what": "committed", "member": "b", "partition": 0, "offset": 3})
    history.append({"what": "kept", "offsets": {"0": 3}})
    history += [record("there", at, at + 1, sound=True) for at in (0, 1, 2)]
    history.append({"what": "end", "ends": {"0": 3}, "unread": []})
    return history


class Checks(unittest.TestCase):
    def lost(self, change, words):
        history = copy.deepcopy(sound_history())
        history = change(history) or history
        with self.assertRaisesRegex(Lost, words):
            Checker(history).check()

    @staticmethod
    def of(history, what):
        return [event for event in history if event["what"] == what]

    def test_a_sound_history_passes(self):
        self.assertEqual(Checker(sound_history()).check(), {"stored": 3, "read": 3, "committed": 2})

    def test_an_acknowledged_record_that_is_elsewhere(self):
        def change(history):
            self.of(history, "stored")[1]["offset"] = 2

        self.lost(change, "was acknowledged at")

    def test_a_record_that_is_there_twice(self):
        def change(history):
            history += [record("there", 3, 2, sound=True), record("read", 3, 2, member="b", sound=True)]
            self.of(history, "end")[0]["ends"]["0"] = 4

        self.lost(change, "there twice")

    def test_records_in_another_order(self):
        def change(history):
            there = self.of(history, "there")
            there[0]["number"], there[1]["number"] = 2, 1
            return [event for event in history if event["what"] != "stored"]

        self.lost(change, "comes too late")

    def test_a_hole(self):
        self.lost(lambda history: history.remove(self.of(history, "there")[1]), "below its end")

    def test_a_record_that_nobody_sent(self):
        self.lost(lambda history: history.remove(self.of(history, "sent")[1]), "not sent there")

    def test_bytes_that_are_not_the_records(self):
        def change(history):
            self.of(history, "there")[1]["sound"] = False

        self.lost(change, "does not hold the bytes")

    def test_a_member_that_has_read_something_else(self):
        def change(history):
            self.of(history, "read")[1]["number"] = 3

        self.lost(change, "has read")

    def test_a_record_that_the_group_was_not_given(self):
        self.lost(lambda history: history.remove(self.of(history, "read")[1]), "passed over offset 1")

    def test_a_member_that_goes_on_before_the_last_commit(self):
        def change(history):
            at = history.index(self.of(history, "read")[2])
            history.insert(at, record("read", 1, 2, member="b", sound=True))

        self.lost(change, "goes on at 1")

    def test_a_commit_that_is_not_kept(self):
        def change(history):
            self.of(history, "kept")[0]["offsets"]["0"] = 2

        self.lost(change, "was committed for partition 0")

    def test_a_producer_that_gave_up(self):
        self.lost(lambda history: history.append({"what": "failed", "producer": "p", "number": 4, "error": "no"}), "given up")

    def test_a_group_that_is_stuck(self):
        self.lost(lambda history: history.append({"what": "stuck"}), "does not come to the end")

    def test_an_end_that_was_not_reached(self):
        def change(history):
            self.of(history, "end")[0]["unread"] = [0]

        self.lost(change, "read once more")

    def test_values_say_what_they_are(self):
        value = value_of("p1", 97)
        self.assertEqual(parse_value(value), ("p1", 97))
        self.assertTrue(is_sound(value))
        self.assertFalse(is_sound(value[:-1]))


if __name__ == "__main__":
    unittest.main()
