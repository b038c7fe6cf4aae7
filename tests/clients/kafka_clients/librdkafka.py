"""confluent-kafka (librdkafka) as a client that a test drives: librdkafka.py BOOTSTRAP, then jsonlines.py."""

import functools
import os
import sys
import threading

import confluent_kafka as kafka
import confluent_kafka.admin as kafka_admin
import jsonlines

BOOTSTRAP = sys.argv[1]
BASE = {"bootstrap.servers": BOOTSTRAP, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200}
if jsonlines.TLS_CA:
    BASE |= {"security.protocol": "ssl", "ssl.ca.location": jsonlines.TLS_CA}
if jsonlines.TLS_OWN:
    BASE |= {"ssl.certificate.location": jsonlines.TLS_OWN, "ssl.key.location": jsonlines.TLS_OWN}
ANSWER_SECONDS = 60
MEMBERS = {}


def produce(request):
    producer = kafka.Producer(BASE | {
        "acks": "all", "compression.type": request["codec"], "enable.idempotence": request["idempotent"],
        "linger.ms": 2, "retry.backoff.ms": 50, "message.timeout.ms": ANSWER_SECONDS * 1000})
    stored, failed = {}, []

    def delivered(at):
        def report(error, message):
            if error is not None:
                failed.append(error)
            else:
                stored[at] = [message.partition(), message.offset()]
                jsonlines.emit(id=request["id"], progress=len(stored))
        return report

    for at, record in enumerate(request["records"]):
        producer.produce(request["topic"], key=jsonlines.raw(record["key"]), value=jsonlines.raw(record["value"]),
                         headers=[(name, jsonlines.raw(data)) for name, data in record["headers"]],
                         partition=record["partition"], timestamp=record["timestamp"], on_delivery=delivered(at))
        while at - len(stored) >= request["ahead"] and not failed:
            producer.poll(0.01)
    if producer.flush(ANSWER_SECONDS) or failed:
        raise RuntimeError(f"{len(stored)} of {len(request['records'])} are stored: {failed[:1]}")
    return [stored[at] for at in range(len(request["records"]))]


def consume(request):
    consumer = kafka.Consumer(BASE | {"group.id": "unused", "enable.auto.commit": False,
                                      "auto.offset.reset": "earliest"})
    topic, partition = request["topic"], request["partition"]
    offset = request.get("offset", kafka.OFFSET_BEGINNING)
    if "time" in request:
        (found,) = consumer.offsets_for_times([kafka.TopicPartition(topic, partition, request["time"])], ANSWER_SECONDS)
        offset = found.offset
    consumer.assign([kafka.TopicPartition(topic, partition, offset)])
    records = []
    while len(records) < request["count"]:
        for message in consumer.consume(request["count"] - len(records), ANSWER_SECONDS) or [None]:
            if message is None or message.error():
                raise RuntimeError(f"after {len(records)} records: {message and message.error()}")
            records.append(jsonlines.record(message.partition(), message.offset(), message.timestamp()[1],
                                            message.key(), message.value(), message.headers()))
    consumer.close()
    return records


def join(request):
    consumer = kafka.Consumer(BASE | {
        "group.id": request["group"], "enable.auto.commit": False, "auto.offset.reset": "earliest",
        "session.timeout.ms": request["session_ms"], "heartbeat.interval.ms": request["session_ms"] // 10,
        "max.poll.interval.ms": ANSWER_SECONDS * 1000, "partition.assignment.strategy": request["assignor"] or "range"})
    stop = threading.Event()
    thread = threading.Thread(target=run_member, args=(consumer, request, stop), daemon=True)
    MEMBERS[request["member"]] = (stop, thread)
    thread.start()


def run_member(consumer, request, stop):
    member, now = request["member"], []
    consumer.subscribe([request["topic"]])
    while not stop.is_set():
        messages = [message for message in consumer.consume(500, 0.05) if not message.error()]
        assigned = sorted(partition.partition for partition in consumer.assignment())
        if assigned != now:
            now = assigned
            jsonlines.emit(member=member, assigned=assigned)
        if messages:
            jsonlines.emit(member=member, records=[[m.partition(), m.offset()] for m in messages])
            try:
                done = consumer.commit(asynchronous=False)
                jsonlines.emit(member=member, committed=[[p.partition, p.offset] for p in done if p.offset >= 0])
            except kafka.KafkaException as error:
                jsonlines.emit(member=member, commit_failed=str(error))
    consumer.close()


def leave(request):
    stop, thread = MEMBERS.pop(request["member"])
    stop.set()
    thread.join()


@functools.cache
def admin():
    return kafka_admin.AdminClient(BASE)


def wait(futures):
    return [future.result(ANSWER_SECONDS) for future in futures.values()]


def create(request):
    wait(admin().create_topics([kafka_admin.NewTopic(request["topic"], request["partitions"], 1,
                                                     config=request["configs"])]))


def topics(_):
    return {name: len(topic.partitions) for name, topic in admin().list_topics(timeout=ANSWER_SECONDS).topics.items()}


def resource(request):
    return kafka_admin.ConfigResource(kafka_admin.ResourceType.TOPIC, request["topic"])


def configs(request):
    (entries,) = wait(admin().describe_configs([resource(request)]))
    return {name: entry.value for name, entry in entries.items()}


def alter(request):
    change = resource(request)
    for name, value in request["configs"].items():
        change.add_incremental_config(kafka_admin.ConfigEntry(
            name, value, incremental_operation=kafka_admin.AlterConfigOpType.SET))
    wait(admin().incremental_alter_configs([change]))


def add_partitions(request):
    wait(admin().create_partitions([kafka_admin.NewPartitions(request["topic"], request["partitions"])]))


def delete(request):
    wait(admin().delete_topics([request["topic"]]))


def groups(_):
    return [group.group_id for group in admin().list_consumer_groups().result(ANSWER_SECONDS).valid]


def group_offsets(request):
    (found,) = wait(admin().list_consumer_group_offsets([kafka.ConsumerGroupTopicPartitions(request["group"])]))
    return sorted([partition.partition, partition.offset] for partition in found.topic_partitions)


def delete_group(request):
    wait(admin().delete_consumer_groups([request["group"]]))


DO = {do.__name__: do for do in (produce, consume, join, leave, create, topics, configs, alter, add_partitions, delete,
                                 groups, group_offsets, delete_group)}


def answer(request):
    try:
        jsonlines.emit(id=request["id"], ok=DO[request["do"]](request))
    except Exception as error:  # The test says what it expected.
        jsonlines.emit(id=request["id"], error=f"{type(error).__name__}: {error}")


for asked in jsonlines.requests():
    threading.Thread(target=answer, args=(asked,), daemon=True).start()
os._exit(0)  # The test is over: nothing is left to be said to the server.
