"""What a hospital's programs do with Kafka while their server is killed: kafka_load.py BOOTSTRAP SEED HISTORY [plain].

Producers with enable.idempotence (plain: without), members of one group that come and go and commit what they have read. Every outcome is a JSON
line of HISTORY in the order in which it was known: kafka_history.py says what they are, and judges them. A line on the input asks
for the end: what was sent is acknowledged, the group reads to the end, and everything is read once more.
"""

import faulthandler
import json
import os
import random
import signal
import sys
import threading
import time

import confluent_kafka as kafka
from confluent_kafka.admin import AdminClient
from kafka_history import GROUP, TOPIC, is_sound, parse_value, value_of

PARTITIONS = 3
LEAVE_SECONDS = 5
END_SECONDS = 90
BASE = {
    "bootstrap.servers": sys.argv[1],
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 100,
    "topic.metadata.refresh.interval.ms": 2000,
}


class History:
    def __init__(self, path):
        self.file, self.lock = open(path, "w", encoding="utf-8"), threading.Lock()

    def note(self, what, **fields):
        with self.lock:
            self.file.write(json.dumps({"what": what, "at": round(time.time(), 3), **fields}) + "\n")
            self.file.flush()


class Producer(threading.Thread):
    def __init__(self, name, seed, history, ending):
        super().__init__(daemon=True)
        self.name, self.chance, self.history, self.ending = name, random.Random(seed), history, ending
        self.ahead = self.chance.choice((1, 20, 2000))
        self.waiting = 0

    def delivered(self, number):
        def report(error, message):
            self.waiting -= 1
            if error is not None:
                self.history.note("failed", producer=self.name, number=number, error=str(error))
            else:
                self.history.note(
                    "stored",
                    producer=self.name,
                    number=number,
                    partition=message.partition(),
                    offset=message.offset(),
                )

        return report

    def run(self):
        codec = self.chance.choice(("none", "gzip", "snappy", "lz4", "zstd"))
        producer = kafka.Producer(
            BASE
            | {
                "enable.idempotence": sys.argv[4:] != ["plain"],
                "compression.type": codec,
                # The smallest journal of these rounds takes half a megabyte at a time.
                "batch.size": 250_000,
                "linger.ms": self.chance.choice((0, 5, 20)),
                "retry.backoff.ms": 20,
                "retry.backoff.max.ms": 100,
                "message.timeout.ms": END_SECONDS * 1000,
            }
        )
        number = 0
        while not self.ending.is_set():
            while self.waiting >= self.ahead and not self.ending.is_set():
                producer.poll(0.01)
            number += 1
            partition = self.chance.randrange(PARTITIONS)
            self.history.note("sent", producer=self.name, number=number, partition=partition)
            self.waiting += 1
            producer.produce(
                TOPIC,
                value_of(self.name, number),
                partition=partition,
                on_delivery=self.delivered(number),
            )
            producer.poll(0)
            if self.chance.random() < 0.02:
                time.sleep(self.chance.uniform(0, 0.05))
        if producer.flush(END_SECONDS) > 0:
            self.history.note("failed", producer=self.name, number=number, error="not acknowledged in time")


class Member(threading.Thread):
    """Reads and commits; leaves and comes back now and then."""

    def __init__(self, name, seed, history, done):
        super().__init__(daemon=True)
        self.name, self.chance, self.history, self.done = name, random.Random(seed), history, done
        self.strategy = "cooperative-sticky" if seed % 2 else "range"

    def run(self):
        while not self.done.is_set():
            self.live(time.monotonic() + self.chance.uniform(0.5, 4))

    def live(self, until):
        consumer = kafka.Consumer(
            BASE
            | {
                "group.id": GROUP,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 2000,
                "heartbeat.interval.ms": 200,
                "partition.assignment.strategy": self.strategy,
            }
        )

        def tell(what):
            def callback(_, partitions):
                self.history.note(what, member=self.name, partitions=[p.partition for p in partitions])

            return callback

        consumer.subscribe([TOPIC], on_assign=tell("assigned"), on_revoke=tell("revoked"), on_lost=tell("revoked"))
        while time.monotonic() < until and not self.done.is_set():
            messages = [m for m in consumer.consume(300, 0.05) if not m.error()]
            for message in messages:
                self.note_read("read", message, member=self.name)
            if messages:
                self.commit(consumer)
        self.leave(consumer)

    @staticmethod
    def leave(consumer):
        """An assignment that comes while librdkafka closes keeps it from ever coming back (its issues 4527 and 4884)."""
        consumer.unsubscribe()
        deadline = time.monotonic() + LEAVE_SECONDS
        while consumer.assignment() and time.monotonic() < deadline:
            consumer.poll(0.05)
        consumer.close()

    def commit(self, consumer):
        try:
            committed = consumer.commit(asynchronous=False)
        except kafka.KafkaException as error:
            self.history.note("not_committed", member=self.name, error=str(error))
            return
        for partition in committed:
            if partition.error is None and partition.offset >= 0:
                self.history.note(
                    "committed", member=self.name, partition=partition.partition, offset=partition.offset
                )

    def note_read(self, what, message, **fields):
        note_record(self.history, what, message, **fields)


def note_record(history, what, message, **fields):
    producer, number = parse_value(message.value())
    history.note(
        what,
        partition=message.partition(),
        offset=message.offset(),
        producer=producer,
        number=number,
        sound=is_sound(message.value()),
        **fields,
    )


def ends(consumer):
    return {
        at: consumer.get_watermark_offsets(kafka.TopicPartition(TOPIC, at), timeout=30)[1] for at in range(PARTITIONS)
    }


def committed(consumer):
    found = consumer.committed([kafka.TopicPartition(TOPIC, at) for at in range(PARTITIONS)], timeout=30)
    return {p.partition: p.offset for p in found}


def described_group():
    """What the coordinator says of it, for whoever has to find out why it does not move."""
    try:
        group = AdminClient(BASE).describe_consumer_groups([GROUP], request_timeout=10)[GROUP].result()
    except kafka.KafkaException as error:
        return str(error)
    return {"state": str(group.state), "members": [member.member_id for member in group.members]}


def wait_for_group(consumer, history):
    """Until the group has committed the end of each partition."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        if all(committed(consumer).get(at, 0) >= end for at, end in ends(consumer).items() if end > 0):
            return
        time.sleep(0.1)
    history.note("stuck", committed=committed(consumer), ends=ends(consumer), group=described_group())


def read_everything(history):
    consumer = kafka.Consumer(BASE | {"group.id": "reader", "enable.auto.commit": False})
    left = {at: end for at, end in ends(consumer).items() if end > 0}
    consumer.assign([kafka.TopicPartition(TOPIC, at, kafka.OFFSET_BEGINNING) for at in left])
    deadline = time.monotonic() + END_SECONDS
    while left and time.monotonic() < deadline:
        for message in consumer.consume(1000, 0.2):
            if message.error():
                continue
            note_record(history, "there", message)
            if message.offset() + 1 >= left.get(message.partition(), 0):
                left.pop(message.partition(), None)
    history.note("end", ends=ends(consumer), unread=list(left))
    consumer.close()


def main():
    faulthandler.register(signal.SIGUSR1)
    chance = random.Random(int(sys.argv[2]))
    history = History(sys.argv[3])
    ending, done = threading.Event(), threading.Event()
    strategy = chance.randrange(2)
    producers = [
        Producer(f"p{at}", chance.randrange(1 << 30), history, ending) for at in range(chance.choice((1, 2, 4)))
    ]
    members = [
        Member(f"m{at}", chance.randrange(1 << 29) * 2 + strategy, history, done)
        for at in range(chance.choice((1, 2, 3)))
    ]
    for thread in producers + members:
        thread.start()
    sys.stdin.readline()
    ending.set()
    for producer in producers:
        producer.join()
    watcher = kafka.Consumer(BASE | {"group.id": GROUP, "enable.auto.commit": False})
    wait_for_group(watcher, history)
    done.set()
    for member in members:
        member.join()
    history.note("kept", offsets=committed(watcher))
    read_everything(history)
    os._exit(0)  # Clients without anything to say take seconds to go.


if __name__ == "__main__":
    main()
