"""Requests that must not be: wrong batches, names, settings, versions, sizes, and what belongs to nobody.

Bodies are as Kafka's own classes have them in JSON. `differs` is what our server answers where it is not what Kafka answers,
as docs/kafka.md says.
"""

import base64
import dataclasses
import struct
import zlib

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, FIND_COORDINATOR = 0, 1, 2, 3, 8, 10
JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP, CREATE_TOPICS, DELETE_TOPICS, DELETE_RECORDS = 11, 12, 13, 14, 19, 20, 21
OFFSET_FOR_LEADER_EPOCH, DESCRIBE_CONFIGS, CREATE_PARTITIONS, DELETE_GROUPS, INCREMENTAL_ALTER_CONFIGS = 23, 32, 37, 42, 44
OFFSET_DELETE, DESCRIBE_PRODUCERS = 47, 61
HOUR_MS = 3_600_000
REFUSED = (("responses[0].partitionResponses[0]", 87), "kept")  # INVALID_RECORD.


@dataclasses.dataclass
class Case:
    name: str
    key: int
    version: int
    body: dict | None = None
    raw: bytes | None = None  # In place of a body: the frame without its length.
    prefix: bytes | None = None  # In place of the length.
    differs: tuple | None = None


def crc32c(data):
    """Castagnoli's, as in RFC 3720."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value & ~0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def record(value=b"value", key=b"key", delta=0, timestamp=0):
    def sized(data):
        return varint(-1) if data is None else varint(len(data)) + data

    body = b"\0" + varint(timestamp) + varint(delta) + sized(key) + sized(value) + varint(0)
    return varint(len(body)) + body


def batch(now, records=None, count=None, last_delta=None, attributes=0, magic=2, base_offset=0, producer=(-1, -1, -1),
          length=None, crc=None, max_timestamp=None):
    """A batch of one sound record, but for what is said."""
    records = [record()] if records is None else records
    count = len(records) if count is None else count
    last_delta = count - 1 if last_delta is None else last_delta
    covered = struct.pack(">hiqqqhii", attributes, last_delta, now, now if max_timestamp is None else max_timestamp,
                          *producer, count) + b"".join(records)
    body = struct.pack(">ibI", -1, magic, crc32c(covered) if crc is None else crc) + covered
    return struct.pack(">qi", base_offset, len(body) if length is None else length) + body


def old_message(now, magic):
    """Of message format 0 or 1: KIP-32."""
    covered = struct.pack(">bb", magic, 0) + (struct.pack(">q", now) if magic else b"") + struct.pack(">i", 3) + b"key" + \
        struct.pack(">i", 5) + b"value"
    return struct.pack(">qiI", 0, len(covered) + 4, zlib.crc32(covered)) + covered


def produce(name, records, topic="plain", partition=0, acks=-1, version=9, transaction=None, **more):
    data = None if records is None else base64.b64encode(records).decode()
    return Case(name, PRODUCE, version, {
        "transactionalId": transaction, "acks": acks, "timeoutMs": 10_000,
        "topicData": [{"name": topic, "partitionData": [{"index": partition, "records": data}]}]}, **more)


def of_batches(now):
    sound = batch(now)
    yield produce("a batch cut in its records", sound[:-3])
    yield produce("a batch cut in its header", sound[:40])
    yield produce("a batch cut in its length", sound[:10])
    yield produce("bytes behind a batch", sound + b"\0" * 5, differs=REFUSED)
    yield produce("a batch with a wrong checksum", batch(now, crc=1))
    yield produce("a batch that says it is longer", batch(now, length=500))
    yield produce("a batch that says it is shorter", batch(now, length=52))
    yield produce("a batch of a negative length", batch(now, length=-5))
    yield produce("a batch of magic 3", batch(now, magic=3))
    yield produce("a batch of magic -1", batch(now, magic=-1))
    yield produce("a message of format 0", old_message(now, 0))
    yield produce("a message of format 1", old_message(now, 1))
    yield produce("a batch of more records than it has", batch(now, count=2))
    yield produce("a batch of fewer records than it has", batch(now, [record(), record(delta=1)], count=1))
    yield produce("a batch of no records", batch(now, []))
    yield produce("a batch of a negative number of records", batch(now, count=-1))
    yield produce("a batch whose last offset does not fit its count", batch(now, last_delta=5))
    yield produce("records whose offsets do not rise by one", batch(now, [record(), record(delta=2)]), differs=REFUSED)
    yield produce("a record that is longer than its batch", batch(now, [varint(500) + record()[1:]]))
    yield produce("a record with bytes behind its end", batch(now, [varint(40) + record()[1:] + b"\0" * 27]))
    yield produce("a batch at an offset of its own", batch(now, base_offset=77))
    yield produce("two batches", sound + sound)
    yield produce("two batches, the first with a wrong checksum", batch(now, crc=1) + sound)
    yield produce("two batches, the second with a wrong checksum", sound + batch(now, crc=1))
    yield produce("a control batch", batch(now, attributes=0x20))
    yield produce("a batch of a transaction", batch(now, attributes=0x10, producer=(5, 0, 0)))
    yield produce("a codec that nobody knows", batch(now, attributes=5), differs=REFUSED)
    yield produce("compressed bytes that are none", batch(now, attributes=1), differs=REFUSED)
    yield produce("zstd before version 7", batch(now, attributes=4), version=6)
    yield produce("a producer without an epoch", batch(now, producer=(5, -1, 0)), differs=REFUSED)
    yield produce("a producer without a sequence", batch(now, producer=(5, 0, -1)))
    yield produce("a record two hours ahead", batch(now + 2 * HOUR_MS))
    yield produce("a record of a negative time", batch(-5))
    yield produce("a record that is larger than the topic takes", batch(now, [record(b"x" * 2000)]), topic="small")
    yield produce("a record without a key for a compacted topic", batch(now, [record(key=None)]), topic="keyed")
    yield produce("no records", None, differs=REFUSED)
    yield produce("records of no bytes", b"")


def of_produce(now):
    sound = batch(now)
    yield produce("to a topic that is not there", sound, topic="nowhere")
    yield produce("to a partition that is not there", sound, partition=9)
    yield produce("to a negative partition", sound, partition=-1)
    yield produce("to a topic of no name", sound, topic="")
    yield produce("to a topic of a name that cannot be", sound, topic="a/b")
    yield produce("to the offsets of groups", sound, topic="__consumer_offsets")
    yield produce("acks 5", sound, acks=5)
    yield produce("acks -2", sound, acks=-2)
    yield produce("acks 0 to a topic that is not there", sound, topic="nowhere", acks=0)


def fetch(name, topic="plain", partition=0, offset=0, epoch=-1, session=(0, -1), **more):
    return Case(name, FETCH, 12, {
        "clusterId": None, "replicaId": -1, "maxWaitMs": 0, "minBytes": 1, "maxBytes": 1_000_000, "isolationLevel": 0,
        "sessionId": session[0], "sessionEpoch": session[1], "forgottenTopicsData": [], "rackId": "",
        "topics": [{"topic": topic, "partitions": [{
            "partition": partition, "currentLeaderEpoch": epoch, "fetchOffset": offset, "lastFetchedEpoch": -1,
            "logStartOffset": -1, "partitionMaxBytes": 1_000_000}]}]}, **more)


def of_reading():
    yield fetch("fetch behind the end", offset=1_000)
    yield fetch("fetch at a negative offset", offset=-5)
    yield fetch("fetch from a topic that is not there", topic="nowhere")
    yield fetch("fetch from a partition that is not there", partition=9)
    yield fetch("fetch in a later epoch", epoch=7)
    yield fetch("fetch in a session that is not there", session=(4711, 3))
    yield Case("offsets of a partition that is not there", LIST_OFFSETS, 5, {
        "replicaId": -1, "isolationLevel": 0,
        "topics": [{"name": "plain", "partitions": [{"partitionIndex": 9, "currentLeaderEpoch": -1, "timestamp": -1}]}]})
    yield Case("offsets in a later epoch", LIST_OFFSETS, 5, {
        "replicaId": -1, "isolationLevel": 0,
        "topics": [{"name": "plain", "partitions": [{"partitionIndex": 0, "currentLeaderEpoch": 7, "timestamp": -1}]}]})
    yield Case("offsets of a time that has no meaning", LIST_OFFSETS, 5, {
        "replicaId": -1, "isolationLevel": 0,
        "topics": [{"name": "plain", "partitions": [{"partitionIndex": 0, "currentLeaderEpoch": -1, "timestamp": -9}]}]})
    yield Case("the end of an epoch of a partition that is not there", OFFSET_FOR_LEADER_EPOCH, 3, {
        "replicaId": -1,
        "topics": [{"topic": "plain", "partitions": [{"partition": 9, "currentLeaderEpoch": -1, "leaderEpoch": 0}]}]})
    for topic, partition in (("nowhere", 0), ("plain", 9)):
        yield Case(f"producers of {topic} {partition}", DESCRIBE_PRODUCERS, 0, {
            "topics": [{"name": topic, "partitionIndexes": [partition]}]})
    for name in ("a/b", "", "a" * 250):
        yield Case(f"metadata of a topic named {name[:5]!r}", METADATA, 8, {
            "topics": [{"name": name}], "allowAutoTopicCreation": False, "includeClusterAuthorizedOperations": False,
            "includeTopicAuthorizedOperations": False})


def create(name, topic, partitions=1, replicas=1, assignments=(), configs=(), **more):
    return Case(name, CREATE_TOPICS, 5, {"timeoutMs": 10_000, "validateOnly": True, "topics": [{
        "name": topic, "numPartitions": partitions, "replicationFactor": replicas, "assignments": list(assignments),
        "configs": [{"name": key, "value": value} for key, value in configs]}]}, **more)


def of_topics():
    for topic in ("", ".", "..", "a/b", "a b", "a" * 250, "ä"):
        yield create(f"a topic named {topic[:5]!r}", topic)
    yield create("a topic that is there", "plain")
    yield create("a topic like one that is there but for a dot", "__consumer.offsets")
    yield create("a topic of no partitions", "fresh", 0)
    yield create("a topic of -2 partitions", "fresh", -2)
    yield create("a topic of three replicas", "fresh", replicas=3)
    yield create("a topic of no replicas", "fresh", replicas=0)
    yield create("a topic of partitions and assignments", "fresh", 1, 1, [{"partitionIndex": 0, "brokerIds": [1]}])
    yield create("a topic whose assignments begin at 1", "fresh", -1, -1, [{"partitionIndex": 1, "brokerIds": [1]}])
    yield create("a topic assigned to a broker that is not there", "fresh", -1, -1,
                 [{"partitionIndex": 0, "brokerIds": [7]}])
    for key, value in [("no.such", "1"), ("retention.ms", "abc"), ("retention.ms", "-2"), ("cleanup.policy", "burn"),
                       ("segment.bytes", "1"), ("compression.type", "zip"), ("min.insync.replicas", "0"),
                       ("max.message.bytes", "-1"), ("message.timestamp.type", "Never"),
                       ("min.cleanable.dirty.ratio", "2"), ("retention.ms", None)]:
        yield create(f"a topic with {key} {value}", "fresh", configs=[(key, value)])
    yield Case("deleting a topic that is not there", DELETE_TOPICS, 5, {"topicNames": ["nowhere"], "timeoutMs": 1_000})
    yield Case("deleting a topic of a name that cannot be", DELETE_TOPICS, 5, {"topicNames": ["a/b"], "timeoutMs": 1_000})
    for topic, count in [("plain", 1), ("plain", 2), ("plain", -1), ("nowhere", 5)]:
        yield Case(f"{count} partitions for {topic}", CREATE_PARTITIONS, 1, {
            "topics": [{"name": topic, "count": count, "assignments": None}], "timeoutMs": 1_000, "validateOnly": True})
    for topic, offset in [("plain", 1_000), ("plain", -5), ("nowhere", 0)]:
        yield Case(f"deleting records of {topic} below {offset}", DELETE_RECORDS, 1, {
            "topics": [{"name": topic, "partitions": [{"partitionIndex": 0, "offset": offset}]}], "timeoutMs": 1_000})


def alter(name, key, value, topic="plain", operation=0, kind=2, **more):
    return Case(name, INCREMENTAL_ALTER_CONFIGS, 0, {"validateOnly": True, "resources": [{
        "resourceType": kind, "resourceName": topic,
        "configs": [{"name": key, "configOperation": operation, "value": value}]}]}, **more)


def of_settings():
    yield alter("a setting that is not there", "no.such", "1")
    yield alter("a setting of a topic that is not there", "retention.ms", "1000", topic="nowhere")
    yield alter("a setting that is no number", "retention.ms", "abc")
    yield alter("appending to a setting that is no list", "retention.ms", "1", operation=2)
    yield alter("an operation that is none", "retention.ms", "1", operation=9,
                differs=(("responses[0]", 42), "kept"))
    yield alter("a setting set to nothing", "retention.ms", None)
    yield alter("a resource that is none", "retention.ms", "1", kind=77)
    yield Case("settings of a topic that is not there", DESCRIBE_CONFIGS, 1, {
        "resources": [{"resourceType": 2, "resourceName": "nowhere", "configurationKeys": None}],
        "includeSynonyms": False})


def join(name, group="bad-group", member="", session=10_000, protocols=(("range", b"m"),), kind="consumer", **more):
    return Case(name, JOIN_GROUP, 5, {
        "groupId": group, "sessionTimeoutMs": session, "rebalanceTimeoutMs": 10_000, "memberId": member,
        "groupInstanceId": None, "protocolType": kind,
        "protocols": [{"name": one, "metadata": base64.b64encode(data).decode()} for one, data in protocols]}, **more)


def of_groups():
    yield join("joining with a session of 1 ms", session=1)
    yield join("joining with a session of ten hours", session=36_000_000)
    yield join("joining a group of no name", group="")
    yield join("joining as a member that is not there", member="nobody")
    yield join("joining without a protocol", protocols=())
    yield join("joining with a protocol of no type", kind="")
    of_nobody = {"groupId": "bad-group", "generationId": 3, "memberId": "nobody", "groupInstanceId": None}
    yield Case("a heartbeat of nobody", HEARTBEAT, 3, of_nobody)
    yield Case("a heartbeat to a group of no name", HEARTBEAT, 3, of_nobody | {"groupId": ""})
    yield Case("nobody asks for an assignment", SYNC_GROUP, 3, of_nobody | {"assignments": []})
    yield Case("nobody leaves", LEAVE_GROUP, 3, {
        "groupId": "bad-group", "members": [{"memberId": "nobody", "groupInstanceId": None}]})

    def commit(name, **fields):
        return Case(name, OFFSET_COMMIT, 7, of_nobody | {"groupId": "no-group", "generationIdOrMemberEpoch": 3, "topics": [{
            "name": "plain", "partitions": [{"partitionIndex": 0, "committedOffset": 1, "committedLeaderEpoch": -1,
                                             "committedMetadata": ""}]}]} | fields)

    for case in [commit("a commit of nobody"), commit("a commit to a group of no name", groupId=""),
                 commit("a commit of no member in a generation", memberId=""),
                 commit("a commit for a topic that is not there", memberId="", generationIdOrMemberEpoch=-1, topics=[{
                     "name": "nowhere", "partitions": [{"partitionIndex": 0, "committedOffset": 1,
                                                        "committedLeaderEpoch": -1, "committedMetadata": ""}]}]),
                 commit("a commit with more metadata than is kept", memberId="", generationIdOrMemberEpoch=-1, topics=[{
                     "name": "plain", "partitions": [{"partitionIndex": 0, "committedOffset": 1, "committedLeaderEpoch": -1,
                                                      "committedMetadata": "x" * 5000}]}])]:
        del case.body["generationId"]
        yield case
    yield Case("deleting groups that are not there", DELETE_GROUPS, 1, {"groupsNames": ["nobody", ""]})
    yield Case("deleting offsets of a group that is not there", OFFSET_DELETE, 0, {
        "groupId": "nobody", "topics": [{"name": "plain", "partitions": [{"partitionIndex": 0}]}]})
    yield Case("the coordinator of a group of no name", FIND_COORDINATOR, 3, {"key": "", "keyType": 0})
    yield Case("the coordinator of what nothing is", FIND_COORDINATOR, 3, {"key": "a", "keyType": 9})


def header(key, version, flexible=False):
    return struct.pack(">hhih", key, version, 1, 4) + b"test" + (b"\0" if flexible else b"")


def of_frames():
    def raw(name, key, version, frame, **more):
        return Case(name, key, version, raw=frame, **more)

    yield raw("versions in a version to come", 18, 99, header(18, 99, True))
    yield raw("metadata in a version to come", METADATA, 99, header(METADATA, 99, True))
    yield raw("produce in a version that is gone", PRODUCE, 2, header(PRODUCE, 2))
    yield raw("an API that is not there", 999, 0, header(999, 0))
    yield raw("an API below the first", -3, 0, header(-3, 0))
    yield raw("a negative version", METADATA, -1, header(METADATA, -1))
    yield raw("metadata without a body", METADATA, 1, header(METADATA, 1))
    yield raw("metadata of more topics than its bytes", METADATA, 1, header(METADATA, 1) + struct.pack(">i", 1 << 30))
    yield raw("a frame of three bytes", METADATA, 0, b"abc")
    yield raw("a frame of no bytes", METADATA, 0, b"")
    yield raw("a negative length", METADATA, 0, b"", prefix=struct.pack(">i", -1))
    yield raw("a length of 2 GB", METADATA, 0, b"", prefix=struct.pack(">i", 0x7FFFFFFF))
    yield raw("a request of HTTP", METADATA, 0, b"", prefix=b"GET / HTTP/1.1\r\n\r\n")


def cases(now):
    """Times of records count from `now`, in milliseconds."""
    return [*of_batches(now), *of_produce(now), *of_reading(), *of_topics(), *of_settings(), *of_groups(), *of_frames()]
