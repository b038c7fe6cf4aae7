#!/usr/bin/env python3
"""Each rule of upkeep.py's Kept finds what breaks it, and lets pass what does not."""

import copy
import random
import sys
import unittest

sys.dont_write_bytecode = True

from checks import Lost
from clients import Event, Sender, Sizes, topic_and_key
from upkeep import Administrator, Kept

TOPIC = "hl7.adt.a01"
PLACE = (TOPIC, 0)


class KeptTest(unittest.TestCase):
    """Six messages of one sender with the keys 0, 1, 2, 0, 1, 2, all of them there."""

    def setUp(self):
        chance = random.Random(1)
        self.sender = Sender("S", chance, Sizes(chance, 1 << 20), 1)
        self.events = []
        for offset in range(6):
            control_id = f"S-{offset + 1}"
            head = f"MSH|^~\\&|S|WARD|MYELIN|HOSPITAL|20260101120000||ADT^A01|{control_id}|P|2.5"
            text = f"{head}\rPID|1||{offset % 3}^^^HOSPITAL\r"
            self.sender.bytes_of[control_id] = text.encode()
            self.sender.times_sent[control_id] = 1
            self.sender.acknowledged.add(control_id)
            topic, key = topic_and_key(text.encode())
            data = {"topic": topic, "partition": 0, "offset": offset, "key": key}
            data["headers"] = {"control-id": control_id}
            data["value"] = {"payload": {"raw": text}}
            self.events.append(Event(f"e{offset}", data))
        self.seen = list(self.events)
        self.administrator = Administrator(chance, ())
        self.places = {PLACE: (0, 6)}
        self.audited = {}

    def check(self):
        kept = Kept(self.events, [self.sender], self.seen, self.administrator, self.places, self.audited)
        return kept.check()

    def fails(self, words):
        with self.assertRaises(Lost) as caught:
            self.check()
        self.assertIn(words, str(caught.exception))

    def test_nothing_removed(self):
        self.assertEqual(0, self.check())

    def test_a_start_that_the_audit_knows(self):
        del self.events[:2]
        self.places[PLACE] = (2, 6)
        self.audited[PLACE] = 2
        self.assertEqual(2, self.check())

    def test_a_start_that_an_administrator_asked_for(self):
        del self.events[:2]
        self.places[PLACE] = (2, 6)
        self.administrator.deleted_before[PLACE] = 3
        self.assertEqual(2, self.check())

    def test_a_start_that_nobody_asked_for(self):
        del self.events[:2]
        self.places[PLACE] = (2, 6)
        self.audited[PLACE] = 1
        self.fails("nobody asked for more than 1")

    def test_a_gap(self):
        del self.events[3]
        self.fails("1 records between 0 and 6 are gone")

    def test_a_compacted_record_with_a_later_one_of_its_key(self):
        self.administrator.compacted.add(TOPIC)
        del self.events[1]
        self.assertEqual(1, self.check())

    def test_a_compacted_record_that_was_the_last_of_its_key(self):
        self.administrator.compacted.add(TOPIC)
        del self.events[4]
        self.fails("was read before the power loss and is gone")

    def test_an_acknowledged_message_that_never_got_an_offset(self):
        del self.events[5], self.seen[5]
        self.places[PLACE] = (0, 5)
        self.fails("S-6 was acknowledged and is gone")

    def test_an_acknowledged_message_is_lost_though_others_were_removed(self):
        del self.events[5], self.seen[:], self.events[:2]
        self.places[PLACE] = (2, 5)
        self.audited[PLACE] = 2
        self.fails("S-6 was acknowledged and is gone; S-3 is there")

    def test_a_place_that_is_not_listed(self):
        self.places = {}
        self.fails("are not listed")

    def test_an_event_below_the_start(self):
        self.places[PLACE] = (1, 6)
        self.audited[PLACE] = 1
        self.fails("holds 0 to 5 and says 1 to 6")

    def test_two_records_in_the_wrong_order(self):
        self.seen = []
        first, second = self.events[2:4]
        first.offset, second.offset = second.offset, first.offset
        self.events[2:4] = [second, first]
        self.fails("comes after")

    def test_another_record_in_the_place_of_one_that_was_seen(self):
        self.seen = [copy.copy(event) for event in self.events]
        self.seen[2].id = "another"
        self.fails("was S-3 and is S-3")

    def test_a_deleted_topic(self):
        self.administrator.deleted.add(TOPIC)
        self.events.clear()
        self.places = {}
        self.assertEqual(0, self.check())


if __name__ == "__main__":
    unittest.main()
