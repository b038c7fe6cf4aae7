"""What every Kafka client shows against the server, whichever library it is."""

import uuid

import kafka_client
import server as servers
from kafka_client import record

PARTITIONS = 3  # Of a topic that is made because a client asks for it.


def new_name(what):
    return f"{what}-{uuid.uuid4().hex[:8]}"


class Behaviour:
    """With `command` and `codecs` of its own, a TestCase has one server and one client program for its tests."""

    command = None
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")

    @classmethod
    def setUpClass(cls):
        cls.server = kafka_client.new_server()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = None
        cls.addClassCleanup(lambda: cls.client and cls.client.close())

    def setUp(self):
        if self.client is None or self.client.ended():
            type(self).client = self.new_client()

    @classmethod
    def new_client(cls):
        return kafka_client.Client(cls.command, cls.server.bootstrap)


class ProducesAndConsumes(Behaviour):
    def test_what_is_produced_is_consumed_with_its_key_headers_and_time(self):
        topic = new_name("records")
        sent = [
            record(b"a value", b"a key", [("name", b"data"), ("name", b"again"), ("empty", b"")]),
            record(b"", b"", timestamp=1_700_000_000_001),
            record(bytes(range(256)), timestamp=1_700_000_000_002),
            record(None, b"a tombstone", timestamp=1_700_000_000_003),
        ]
        self.assertEqual([[0, 0], [0, 1], [0, 2], [0, 3]], self.client.produce(topic, sent))
        got = self.client.consume(topic, 4)
        self.assertEqual([b"a key", b"", None, b"a tombstone"], [one["key"] for one in got])
        self.assertEqual([b"a value", b"", bytes(range(256)), None], [one["value"] for one in got])
        self.assertEqual([("name", b"data"), ("name", b"again"), ("empty", b"")], got[0]["headers"])
        self.assertEqual([[], [], []], [one["headers"] for one in got[1:]])
        self.assertEqual([0, 1, 2, 3], [one["timestamp"] - 1_700_000_000_000 for one in got])

    def test_every_compression_it_has_is_stored_and_read(self):
        for codec in self.codecs:
            with self.subTest(codec):
                topic = new_name(codec)
                values = [b"%d " % at * 200 for at in range(200)]
                self.client.produce(topic, [record(value) for value in values], codec=codec)
                self.assertEqual(values, [one["value"] for one in self.client.consume(topic, 200)])

    def test_consuming_begins_at_an_offset_even_inside_a_batch(self):
        topic = new_name("offset")
        self.client.produce(topic, [record(b"%d" % at) for at in range(100)], codec=self.codecs[-1])
        got = self.client.consume(topic, 40, offset=60)
        self.assertEqual(list(range(60, 100)), [one["offset"] for one in got])
        self.assertEqual([b"%d" % at for at in range(60, 100)], [one["value"] for one in got])

    def test_consuming_begins_at_a_time(self):
        topic = new_name("time")
        self.client.produce(topic, [record(b"%d" % at, timestamp=1_700_000_000_000 + 1000 * at) for at in range(50)])
        (first,) = self.client.consume(topic, 1, time=1_700_000_029_500)
        self.assertEqual(30, first["offset"])


class Groups(Behaviour):
    assignor = None  # By its name in the client library.

    def whole(self, *members):
        """Whether the members have all partitions between them, each one of them some, and none twice."""
        assigned = [partition for member in members for partition in member.assigned]
        return sorted(assigned) == list(range(PARTITIONS)) and all(member.assigned for member in members)

    def seen(self, stored, *members):
        return set(map(tuple, stored)) <= {at for member in members for at in member.records}

    def wait_for_whole(self, *members):
        servers.wait_until(lambda: self.whole(*members), f"assigned: {[member.assigned for member in members]}")

    def produce(self, topic, count=30):
        return self.client.produce(topic, [record(b"%d" % at, partition=at % PARTITIONS) for at in range(count)])

    def test_a_group_of_three_shares_all_partitions_and_processes_every_record_as_members_come_and_go(self):
        topic, group = new_name("shared"), new_name("group")
        stored = self.produce(topic)
        first = self.client.join("first", group, topic, self.assignor)
        self.wait_for_whole(first)
        second = self.client.join("second", group, topic, self.assignor)
        stored += self.produce(topic)
        self.wait_for_whole(first, second)
        with self.new_client() as other:  # To be killed, which says no goodbye.
            third = other.join("third", group, topic, self.assignor)
            stored += self.produce(topic)
            self.wait_for_whole(first, second, third)
            stored += self.produce(topic)
            servers.wait_until(lambda: self.seen(stored, first, second, third), "the records of three members")
            self.client.leave("second")
            self.wait_for_whole(first, third)
            stored += self.produce(topic)
        self.wait_for_whole(first)
        stored += self.produce(topic)
        servers.wait_until(lambda: self.seen(stored, first, second, third), "the records of the last member")
        self.client.leave("first")

    def test_a_group_goes_on_behind_its_commits_after_the_server_was_killed(self):
        topic, group = new_name("resumed"), new_name("group")
        before = self.produce(topic)
        member = self.client.join("before", group, topic, self.assignor)
        ends = {partition: 10 for partition in range(PARTITIONS)}
        servers.wait_until(lambda: member.committed == ends, "the commits before the kill")
        self.server.kill_and_start()
        after = self.produce(topic)
        servers.wait_until(lambda: self.seen(after, member), "the records after the kill")
        ends = {partition: 20 for partition in range(PARTITIONS)}
        servers.wait_until(lambda: member.committed == ends, "the commits after the kill")
        # What was read after the kill may come once more, when a commit fell into the rebalance; what was before not.
        self.assertEqual(sorted(map(tuple, before)), sorted(at for at in member.records if at[1] < 10))
        self.client.leave("before")
        another = self.client.join("after", group, topic, self.assignor)
        self.wait_for_whole(another)
        last = self.produce(topic)
        servers.wait_until(lambda: self.seen(last, another), "the records of another member")
        self.assertEqual(set(map(tuple, last)), set(another.records))
        self.client.leave("after")


class Idempotence(Behaviour):
    def test_an_idempotent_producer_neither_loses_nor_repeats_a_record_when_the_server_is_killed(self):
        topic = new_name("once")
        records = [record(b"%d" % at, partition=at % PARTITIONS) for at in range(3000)]
        request = self.client.start_producing(topic, records, codec="gzip", idempotent=True, ahead=60)
        for least in (300, 1200):
            servers.wait_until(lambda: self.client.progress.get(request, 0) >= least, f"{least} acknowledged records")
            self.server.kill_and_start()
        stored = self.client.answer(request)
        for partition in range(PARTITIONS):
            values = [one["value"] for one in self.client.consume(topic, len(records) // PARTITIONS, partition)]
            self.assertEqual([b"%d" % at for at in range(partition, len(records), PARTITIONS)], values)
        # Nothing comes after them: the next record has the next offset.
        (last,) = self.client.produce(topic, [record(b"last")])
        self.assertEqual([0, len(records) // PARTITIONS], last)
        self.assertEqual([[at % PARTITIONS, at // PARTITIONS] for at in range(len(records))], stored)


class Administers(Behaviour):
    def create(self, **configs):
        topic = new_name("administered")
        self.client.do("create", topic=topic, partitions=2, configs=configs)
        return topic

    def test_a_topic_is_made_with_the_partitions_and_settings_asked_for(self):
        topic = self.create(**{"retention.ms": "3600000"})
        self.assertEqual(2, self.client.do("topics")[topic])
        self.assertEqual("3600000", self.client.do("configs", topic=topic)["retention.ms"])

    def test_a_topic_that_exists_is_not_made_again(self):
        topic = self.create()
        with self.assertRaisesRegex(kafka_client.ClientError, "(?i)exists"):
            self.client.do("create", topic=topic, partitions=2, configs={})

    def test_settings_that_nobody_changed_are_described_with_their_defaults(self):
        configs = self.client.do("configs", topic=self.create())
        self.assertEqual("delete", configs["cleanup.policy"])
        self.assertIn("max.message.bytes", configs)

    def test_a_setting_is_changed(self):
        topic = self.create(**{"retention.ms": "3600000"})
        self.client.do("alter", topic=topic, configs={"retention.ms": "7200000"})
        self.assertEqual("7200000", self.client.do("configs", topic=topic)["retention.ms"])

    def test_partitions_are_added(self):
        topic = self.create()
        self.client.do("add_partitions", topic=topic, partitions=5)
        self.assertEqual(5, self.client.do("topics")[topic])
        self.assertEqual([[4, 0]], self.client.produce(topic, [record(b"in the new one", partition=4)]))

    def test_a_topic_is_deleted(self):
        topic = self.create()
        self.client.do("delete", topic=topic)
        self.assertNotIn(topic, self.client.do("topics"))


class ListsGroups(Behaviour):
    def group_that_was_left(self):
        topic, group = new_name("read"), new_name("left")
        self.client.produce(topic, [record(b"%d" % at, partition=at % PARTITIONS) for at in range(6)])
        member = self.client.join("leaving", group, topic)
        servers.wait_until(lambda: member.committed == {0: 2, 1: 2, 2: 2}, "its commits")
        self.client.leave("leaving")
        return group

    def test_a_group_that_everybody_left_is_listed_with_its_commits(self):
        group = self.group_that_was_left()
        self.assertIn(group, self.client.do("groups"))
        self.assertEqual([[0, 2], [1, 2], [2, 2]], self.client.do("group_offsets", group=group))


class DeletesGroups(ListsGroups):
    def test_a_group_that_everybody_left_is_deleted(self):
        group = self.group_that_was_left()
        self.client.do("delete_group", group=group)
        self.assertNotIn(group, self.client.do("groups"))
