"""aiokafka as a client that a test drives: aio.py BOOTSTRAP, then jsonlines.py."""

import asyncio
import os
import ssl
import sys
import threading

import aiokafka
import aiokafka.admin as aiokafka_admin
import jsonlines
from aiokafka.errors import KafkaError

CLUSTER = {"bootstrap_servers": sys.argv[1]}
if jsonlines.TLS_CA:
    CONTEXT = ssl.create_default_context(cafile=jsonlines.TLS_CA)
    if jsonlines.TLS_OWN:
        CONTEXT.load_cert_chain(jsonlines.TLS_OWN)
    CLUSTER |= {"security_protocol": "SSL", "ssl_context": CONTEXT}
ANSWER_SECONDS = 60
MEMBERS = {}


async def produce(request):
    stored = {}
    room = asyncio.Semaphore(request["ahead"])
    codec = None if request["codec"] == "none" else request["codec"]
    producer = aiokafka.AIOKafkaProducer(**CLUSTER, acks="all", compression_type=codec, linger_ms=2,
                                         enable_idempotence=request["idempotent"], retry_backoff_ms=50)

    async def delivered(at, sent):
        where = await sent
        stored[at] = [where.partition, where.offset]
        jsonlines.emit(id=request["id"], progress=len(stored))
        room.release()

    async with producer:
        waiting = []
        for at, record in enumerate(request["records"]):
            await room.acquire()
            sent = await producer.send(request["topic"], key=jsonlines.raw(record["key"]),
                                       value=jsonlines.raw(record["value"]), partition=record["partition"],
                                       timestamp_ms=record["timestamp"],
                                       headers=[(name, jsonlines.raw(data)) for name, data in record["headers"]])
            waiting.append(asyncio.create_task(delivered(at, sent)))
        await asyncio.gather(*waiting)
    return [stored[at] for at in range(len(stored))]


async def consume(request):
    async with aiokafka.AIOKafkaConsumer(**CLUSTER) as consumer:
        partition = aiokafka.TopicPartition(request["topic"], request["partition"])
        consumer.assign([partition])
        if "offset" in request:
            consumer.seek(partition, request["offset"])
        elif "time" in request:
            found = await consumer.offsets_for_times({partition: request["time"]})
            consumer.seek(partition, found[partition].offset)
        else:
            await consumer.seek_to_beginning(partition)
        records = []
        while len(records) < request["count"]:
            one = await asyncio.wait_for(consumer.getone(), ANSWER_SECONDS)
            records.append(jsonlines.record(one.partition, one.offset, one.timestamp, one.key, one.value, one.headers))
        return records


async def join(request):
    stop = asyncio.Event()
    MEMBERS[request["member"]] = (stop, asyncio.create_task(run_member(request, stop)))


async def run_member(request, stop):
    member, now = request["member"], []
    async with aiokafka.AIOKafkaConsumer(
            request["topic"], **CLUSTER, group_id=request["group"], enable_auto_commit=False,
            auto_offset_reset="earliest", session_timeout_ms=request["session_ms"], retry_backoff_ms=50,
            heartbeat_interval_ms=request["session_ms"] // 10) as consumer:
        while not stop.is_set():
            polled = await consumer.getmany(timeout_ms=50)
            assigned = sorted(partition.partition for partition in consumer.assignment())
            if assigned != now:
                now = assigned
                jsonlines.emit(member=member, assigned=assigned)
            if not polled:
                continue
            records = [[one.partition, one.offset] for some in polled.values() for one in some]
            jsonlines.emit(member=member, records=records)
            ends = {partition: some[-1].offset + 1 for partition, some in polled.items()}
            try:
                await consumer.commit(ends)
                jsonlines.emit(member=member, committed=[[where.partition, end] for where, end in ends.items()])
            except KafkaError as error:
                jsonlines.emit(member=member, commit_failed=repr(error))


async def leave(request):
    stop, task = MEMBERS.pop(request["member"])
    stop.set()
    await task


class Admin:
    """An admin client for one request."""

    async def __aenter__(self):
        self.client = aiokafka_admin.AIOKafkaAdminClient(**CLUSTER)
        await self.client.start()
        return self.client

    async def __aexit__(self, *_):
        await self.client.close()


def refuse(results):
    for name, code, *words in results:
        if code:
            raise RuntimeError(f"{name}: error {code} {words}")


async def create(request):
    topic = aiokafka_admin.NewTopic(request["topic"], request["partitions"], 1, topic_configs=request["configs"])
    async with Admin() as admin:
        refuse((await admin.create_topics([topic])).topic_errors)


async def topics(_):
    async with Admin() as admin:
        return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


def resource(request, configs=None):
    return aiokafka_admin.config_resource.ConfigResource(
        aiokafka_admin.config_resource.ConfigResourceType.TOPIC, request["topic"], configs)


async def configs(request):
    async with Admin() as admin:
        (answer,) = await admin.describe_configs([resource(request)])
    ((code, words, _, _, entries),) = answer.resources
    refuse([(request["topic"], code, words)])
    return {entry[0]: entry[1] for entry in entries}


async def alter(request):
    async with Admin() as admin:
        (answer,) = await admin.alter_configs([resource(request, request["configs"])])
    refuse([(one[3], one[0], one[1]) for one in answer.resources])


async def add_partitions(request):
    async with Admin() as admin:
        answer = await admin.create_partitions(
            {request["topic"]: aiokafka_admin.NewPartitions(request["partitions"])})
    refuse(answer.topic_errors)


async def delete(request):
    async with Admin() as admin:
        refuse((await admin.delete_topics([request["topic"]])).topic_error_codes)


async def groups(_):
    async with Admin() as admin:
        return [name for name, *_ in await admin.list_consumer_groups()]


async def group_offsets(request):
    async with Admin() as admin:
        found = await admin.list_consumer_group_offsets(request["group"])
    return sorted([where.partition, end.offset] for where, end in found.items())


DO = {do.__name__: do for do in (produce, consume, join, leave, create, topics, configs, alter, add_partitions, delete,
                                 groups, group_offsets)}


async def answer(request):
    try:
        jsonlines.emit(id=request["id"], ok=await DO[request["do"]](request))
    except Exception as error:  # The test says what it expected.
        jsonlines.emit(id=request["id"], error=repr(error))


def listen(loop):
    for request in jsonlines.requests():
        asyncio.run_coroutine_threadsafe(answer(request), loop)
    os._exit(0)  # The test is over: nothing is left to be said to the server.


async def main():
    threading.Thread(target=listen, args=(asyncio.get_running_loop(),), daemon=True).start()
    await asyncio.Event().wait()


asyncio.run(main())
