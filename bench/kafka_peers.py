"""What Kafka clients that are idle, or never read, cost the server and others: figures of bench/run.py."""

import contextlib
import os
import resource
import socket
import statistics
import struct
import time

from measure import put, say

IDLE = 10_000
READERS, FETCHES, FETCH_BYTES = 500, 5, 50 << 20
STORED_BYTES, VALUE_BYTES = 200_000_000, 10_000
CALLS = 1000
API_VERSIONS = bytes.fromhex("0000000a" "0012" "0000" "00000001" "ffff")


def connect(server):
    return socket.create_connection(("127.0.0.1", server.kafka))


def fetch_request(topic):
    """Fetch v4 from the beginning of partition 0."""
    body = struct.pack(">iiiib", -1, 500, 1, FETCH_BYTES, 0) + struct.pack(">ih", 1, len(topic)) + topic
    body += struct.pack(">iiqi", 1, 0, 0, FETCH_BYTES)
    request = struct.pack(">hhih", 1, 4, 0, -1) + body
    return struct.pack(">i", len(request)) + request


def producer(server, **settings):
    import confluent_kafka

    return confluent_kafka.Producer({"bootstrap.servers": f"127.0.0.1:{server.kafka}", "log_level": 0} | settings)


def produce_ms(server):
    """One record after another, each acknowledged: p50 and p99."""
    client, times = producer(server, **{"linger.ms": 0}), []
    for at in range(CALLS + CALLS // 10):
        began, done = time.perf_counter(), []
        client.produce("others", b"x" * 1000, on_delivery=lambda error, _, done=done: done.append(error))
        while not done:
            client.poll(1)
        if at >= CALLS // 10:
            times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def follow_ms(server):
    """From a record's produce to its arrival at a consumer that follows the topic: p50 and p99."""
    import confluent_kafka as kafka

    client, times = producer(server, **{"linger.ms": 0}), []
    client.produce("followed", b"first")
    client.flush()
    consumer = kafka.Consumer({"bootstrap.servers": f"127.0.0.1:{server.kafka}", "group.id": "followers", "log_level": 0})
    _, end = consumer.get_watermark_offsets(kafka.TopicPartition("followed", 0))
    consumer.assign([kafka.TopicPartition("followed", 0, end)])
    for at in range(CALLS // 2 + CALLS // 10):
        began = time.perf_counter()
        client.produce("followed", b"x" * 1000, partition=0)
        client.poll(0)
        if not consumer.consume(1, 60):
            raise SystemExit("a consumer beside readers that never read got nothing for a minute")
        if at >= CALLS // 10:
            times.append((time.perf_counter() - began) * 1e3)
    consumer.close()
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def put_latency(name, before, during):
    without = f"p50 {before[0]:.2f} ms, p99 {before[1]:.2f} ms without them, one producer that waits for each acknowledgment"
    put(f"{name}/produce-p50", during[0], "ms", without)
    put(f"{name}/produce-p99", during[1], "ms", without)


def bench_idle(server):
    before, empty = produce_ms(server), server.memory_mb()
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            client = stack.enter_context(connect(server))
            client.sendall(API_VERSIONS)
            length = struct.unpack(">i", client.recv(4, socket.MSG_WAITALL))[0]
            client.recv(length, socket.MSG_WAITALL)
        time.sleep(2)
        put(f"kafka/idle/{IDLE}/memory-each", (server.memory_mb() - empty) * 1024 / IDLE, "KB", "resident, user space alone")
        cpu = server.cpu_s()
        time.sleep(10)
        put(f"kafka/idle/{IDLE}/cpu", (server.cpu_s() - cpu) * 10, "%", "one core")
        put_latency(f"kafka/idle/{IDLE}", before, produce_ms(server))


def bench_never_reading(server):
    client = producer(server, **{"queue.buffering.max.kbytes": 1_000_000})
    for at in range(STORED_BYTES // VALUE_BYTES):
        client.produce("read", os.urandom(VALUE_BYTES))
        if at % 1000 == 999:
            client.flush()
    client.flush()
    before, followed, empty = produce_ms(server), follow_ms(server), server.memory_mb()
    with contextlib.ExitStack() as stack:
        for _ in range(READERS):
            reader = stack.enter_context(connect(server))
            reader.sendall(FETCHES * fetch_request(b"read"))
        time.sleep(3)
        put(f"kafka/never-reading/{READERS}/memory", server.memory_mb() - empty, "MB",
            f"each asks {FETCHES} times for {FETCH_BYTES >> 20} MiB; kafka.fetch_memory is 256MiB")
        put_latency(f"kafka/never-reading/{READERS}", before, produce_ms(server))
        p50, p99 = follow_ms(server)
        without = f"p50 {followed[0]:.2f} ms, p99 {followed[1]:.2f} ms without them, from produce to the consumer that follows"
        put(f"kafka/never-reading/{READERS}/consume-p50", p50, "ms", without)
        put(f"kafka/never-reading/{READERS}/consume-p99", p99, "ms", without)


def bench(server):
    try:
        import confluent_kafka  # noqa: F401
    except ImportError:
        say("kafka: skipped, it needs a Python with confluent_kafka (./dev setup)")
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < IDLE + 100:
        say(f"kafka/idle: skipped, no process may open {IDLE} files here (ulimit -Hn)")
    else:
        bench_idle(server)
    bench_never_reading(server)
