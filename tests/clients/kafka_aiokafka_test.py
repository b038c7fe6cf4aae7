"""aiokafka, a client written in Python throughout."""

import sys
import unittest

import kafka_behaviour as behaviour
import kafka_client


class Aiokafka(behaviour.ProducesAndConsumes, behaviour.Groups, behaviour.Idempotence, behaviour.Administers,
               behaviour.ListsGroups, unittest.TestCase):
    command = [sys.executable, kafka_client.HERE / "kafka_clients" / "aio.py"]


if __name__ == "__main__":
    unittest.main()
