"""Kafka clients written in JavaScript: kafkajs and @platformatic/kafka, which asks for the newest messages."""

import os
import shutil
import unittest

import kafka_behaviour as behaviour
import kafka_client

NODE = os.environ.get("NODE", "node")
INSTALLED = shutil.which(NODE) and (kafka_client.HERE / "node_modules" / "kafkajs").is_dir()
WHY_NOT = "npm ci in tests/clients has not been run (./dev test does it)"
PROGRAMS = kafka_client.HERE / "kafka_clients"


@unittest.skipUnless(INSTALLED, WHY_NOT)
class Kafkajs(behaviour.ProducesAndConsumes, behaviour.Groups, behaviour.Idempotence, behaviour.Administers,
              behaviour.DeletesGroups, unittest.TestCase):
    command = [NODE, PROGRAMS / "kafkajs.mjs"]
    codecs = ("none", "gzip", "snappy", "zstd")


@unittest.skipUnless(INSTALLED, WHY_NOT)
class Platformatic(behaviour.ProducesAndConsumes, behaviour.Groups, behaviour.Idempotence, behaviour.Administers,
                   behaviour.DeletesGroups, unittest.TestCase):
    command = [NODE, PROGRAMS / "platformatic.mjs"]


if __name__ == "__main__":
    unittest.main()
