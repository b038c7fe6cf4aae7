"""librdkafka as PyPI's confluent-kafka brings it."""

import sys
import unittest

import kafka_behaviour as behaviour
import kafka_client


class Librdkafka(behaviour.ProducesAndConsumes, behaviour.Groups, behaviour.Idempotence, behaviour.Administers,
                 behaviour.DeletesGroups, unittest.TestCase):
    command = [sys.executable, kafka_client.HERE / "kafka_clients" / "librdkafka.py"]


if __name__ == "__main__":
    unittest.main()
