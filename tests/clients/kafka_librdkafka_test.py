"""librdkafka as PyPI's confluent-kafka brings it."""

import sys
import unittest

import kafka_behaviour as behaviour
import kafka_client
import server as servers
from kafka_client import record

PROGRAM = kafka_client.HERE / "kafka_clients" / "librdkafka.py"


class Librdkafka(behaviour.ProducesAndConsumes, behaviour.Groups, behaviour.Idempotence, behaviour.Administers,
                 behaviour.DeletesGroups, unittest.TestCase):
    command = [sys.executable, PROGRAM]


class LibrdkafkaThatRebalancesWithoutAPause(behaviour.Groups, unittest.TestCase):
    command = [sys.executable, PROGRAM]
    assignor = "cooperative-sticky"


class Storage(unittest.TestCase):
    def test_kafkas_own_tool_reads_what_librdkafka_stored_in_every_compression(self):
        with kafka_client.KafkaServer() as server:
            with kafka_client.Client([sys.executable, PROGRAM], server.bootstrap) as client:
                for codec in behaviour.Behaviour.codecs:
                    records = [record(b"%d " % at * 50, b"key", [("name", b"data")]) for at in range(100)]
                    client.produce(codec, records, codec=codec, idempotent=True)
            self.assertEqual(0, server.stop())
            faults, found = servers.kafka_segments(server.data)
            self.assertEqual([], faults)
            self.assertEqual([100] * 5, [found.get(codec) for codec in behaviour.Behaviour.codecs])


if __name__ == "__main__":
    unittest.main()
