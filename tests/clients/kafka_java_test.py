"""Apache Kafka's own Java clients, the newest and one of the 3 line, and its command-line tools."""

import subprocess
import unittest

import dump_log_segments_test as kafka
import kafka_behaviour as behaviour
import kafka_client

PROGRAM = kafka_client.HERE / "java" / "KafkaClient.java"
QUICK = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
TOOLS = "org.apache.kafka.tools."
TOOL_SECONDS = 120


def java(line=None):
    """The command that starts Java with the jars of a line of Kafka."""
    return ["java", *QUICK, "-cp", f"{kafka.kafka_libs(line)}/*"]


class Java:
    line = None

    @classmethod
    def setUpClass(cls):
        cls.command = [*java(cls.line), PROGRAM]
        super().setUpClass()


class Everything(behaviour.ProducesAndConsumes, behaviour.Groups, behaviour.Idempotence, behaviour.Administers,
                 behaviour.DeletesGroups):
    pass


class JavaClients(Java, Everything, unittest.TestCase):
    pass


class JavaClientsThatRebalanceWithoutAPause(Java, behaviour.Groups, unittest.TestCase):
    assignor = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"


class JavaClientsOfKafka3(Java, Everything, unittest.TestCase):
    line = "3"


class Tools:
    """Kafka's command-line tools as people run them by hand."""

    line = None
    console_producer = TOOLS + "ConsoleProducer"
    api_versions = TOOLS + "BrokerApiVersionsCommand"

    @classmethod
    def setUpClass(cls):
        cls.server = kafka_client.new_server()
        cls.addClassCleanup(cls.server.__exit__)

    def tool(self, name, *arguments, given=""):
        command = [*java(self.line), name, "--bootstrap-server", self.server.bootstrap, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=TOOL_SECONDS)
        self.assertEqual(0, done.returncode, done.stderr + done.stdout)
        return done.stdout  # May begin with a line that some option is deprecated.

    def test_lines_produced_on_a_console_are_consumed_in_a_group_that_can_be_looked_at(self):
        topic, group = behaviour.new_name("console"), behaviour.new_name("group")
        lines = "".join(f"k{at}:line {at}\n" for at in range(20))
        self.tool(self.console_producer, "--topic", topic, "--property", "parse.key=true", "--property",
                  "key.separator=:", "--compression-codec", "zstd", given=lines)
        got = self.tool(TOOLS + "consumer.ConsoleConsumer", "--topic", topic, "--group", group, "--from-beginning",
                        "--max-messages", "20", "--property", "print.key=true")
        self.assertEqual(sorted(f"k{at}\tline {at}" for at in range(20)), sorted(got.splitlines()[-20:]))
        self.assertIn(group, self.tool(TOOLS + "consumer.group.ConsumerGroupCommand", "--list").split())
        said = self.tool(TOOLS + "consumer.group.ConsumerGroupCommand", "--describe", "--group", group)
        rows = [line.split() for line in said.splitlines() if line.startswith(group)]
        self.assertEqual(["0", "1", "2"], sorted(row[2] for row in rows))
        self.assertEqual(20, sum(int(row[3]) for row in rows))
        self.assertEqual({"0"}, {row[5] for row in rows})

    def test_a_group_is_set_back_to_the_beginning(self):
        topic, group = behaviour.new_name("again"), behaviour.new_name("group")
        self.tool(self.console_producer, "--topic", topic, given="one\ntwo\n")
        consume = [TOOLS + "consumer.ConsoleConsumer", "--topic", topic, "--group", group, "--max-messages", "2"]
        self.tool(*consume, "--from-beginning")
        self.tool(TOOLS + "consumer.group.ConsumerGroupCommand", "--group", group, "--topic", topic, "--reset-offsets",
                  "--to-earliest", "--execute")
        self.assertEqual(["one", "two"], sorted(self.tool(*consume).split()))

    def test_a_verifiable_producer_and_consumer_agree(self):
        topic = behaviour.new_name("verified")
        said = self.tool(TOOLS + "VerifiableProducer", "--topic", topic, "--max-messages", "2000", "--acks", "-1")
        self.assertIn('"acked":2000', said)
        said = self.tool(TOOLS + "VerifiableConsumer", "--topic", topic, "--group-id", topic, "--max-messages", "2000",
                         "--reset-policy", "earliest")
        self.assertIn('"name":"shutdown_complete"', said)

    def test_the_versions_of_the_server_are_listed(self):
        said = self.tool(self.api_versions)
        self.assertRegex(said, r"Produce\(0\): 0 to \d+ \[usable: \d+\]")

    def test_topics_are_made_described_changed_and_deleted(self):
        topic = behaviour.new_name("made")
        self.tool(TOOLS + "TopicCommand", "--create", "--topic", topic, "--partitions", "4",
                  "--config", "retention.ms=3600000")
        said = self.tool(TOOLS + "TopicCommand", "--describe", "--topic", topic)
        self.assertIn("PartitionCount: 4", said)
        self.assertIn("retention.ms=3600000", said)
        self.tool(TOOLS + "TopicCommand", "--alter", "--topic", topic, "--partitions", "6")
        self.tool("kafka.admin.ConfigCommand", "--alter", "--topic", topic, "--add-config", "retention.ms=7200000")
        said = self.tool("kafka.admin.ConfigCommand", "--describe", "--topic", topic)
        self.assertIn("retention.ms=7200000", said)
        said = self.tool(TOOLS + "GetOffsetShell", "--topic", topic)
        self.assertEqual([f"{topic}:{partition}:0" for partition in range(6)], said.split())
        self.tool(TOOLS + "TopicCommand", "--delete", "--topic", topic)
        self.assertNotIn(topic, self.tool(TOOLS + "TopicCommand", "--list").split())


class ConsoleTools(Tools, unittest.TestCase):
    pass


class ConsoleToolsOfKafka3(Tools, unittest.TestCase):
    line = "3"
    console_producer = "kafka.tools.ConsoleProducer"
    api_versions = "kafka.admin.BrokerApiVersionsCommand"


if __name__ == "__main__":
    unittest.main()
