// kafkajs as a client that a test drives: kafkajs.mjs BOOTSTRAP, then jsonlines.py.
//
// Its snappy is kafkajs-snappy and its zstd is Node's own; it has no lz4 without a native module.
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import zlib from "node:zlib";
import kafkajs from "kafkajs";
import snappy from "kafkajs-snappy";
import { ANSWER_MS, emit, raw, serve, text, tls, withTimeout } from "./jsonlines.mjs";

const { Kafka, CompressionCodecs, CompressionTypes, ConfigResourceTypes, logLevel } = kafkajs;
const compress = promisify(zlib.zstdCompress);
const decompress = promisify(zlib.zstdDecompress);
CompressionCodecs[CompressionTypes.Snappy] = snappy;
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: (encoder) => compress(encoder.buffer),
  decompress: (buffer) => decompress(buffer),
});
const CODECS = { none: "None", gzip: "GZIP", snappy: "Snappy", zstd: "ZSTD" };

const kafka = new Kafka({
  brokers: [process.argv[2]],
  ssl: tls,
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 50, maxRetryTime: 300, retries: 100 },
});
const members = new Map();

async function produce({ id, topic, codec, idempotent, ahead, records }) {
  const producer = kafka.producer({ idempotent, maxInFlightRequests: 1 });
  await producer.connect();
  const stored = [];
  for (let at = 0; at < records.length; at += ahead) {
    const messages = records.slice(at, at + ahead).map((record) => ({
      key: raw(record.key),
      value: raw(record.value),
      partition: record.partition,
      timestamp: String(record.timestamp),
      headers: headers(record),
    }));
    const compression = CompressionTypes[CODECS[codec]];
    const next = new Map();
    for (const sent of await producer.send({ topic, messages, compression, acks: -1, timeout: ANSWER_MS })) {
      next.set(sent.partition, Number(sent.baseOffset));
    }
    for (const { partition } of messages) {
      stored.push([partition, next.get(partition)]);
      next.set(partition, next.get(partition) + 1);
    }
    emit({ id, progress: stored.length });
  }
  await producer.disconnect();
  return stored;
}

function headers(record) {
  const named = {};
  for (const [name, data] of record.headers) {
    (named[name] ??= []).push(raw(data));
  }
  return named;
}

function record(partition, message) {
  const headers = Object.entries(message.headers);
  const values = headers.flatMap(([name, data]) => [data].flat().map((one) => [name, text(one)]));
  return {
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: text(message.key),
    value: text(message.value),
    headers: values,
  };
}

// It reads in groups only: one of its own, which seeks.
async function consume({ topic, partition, count, offset, time }) {
  let from = offset;
  if (time !== undefined) {
    const found = await administer((admin) => admin.fetchTopicOffsetsByTimestamp(topic, time));
    from = Number(found.find((one) => one.partition === partition).offset);
  }
  const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const records = [];
  await withTimeout(new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    const eachMessage = async ({ partition: of, message }) => {
      if (of === partition && records.length < count && Number(message.offset) >= (from ?? 0)) {
        records.push(record(of, message));
      }
      if (records.length === count) {
        resolve();
      }
    };
    consumer.run({ autoCommit: false, eachMessage });
    if (from !== undefined) {
      consumer.seek({ topic, partition, offset: String(from) });
    }
  }), "too few records came");
  await consumer.disconnect();
  return records;
}

async function join({ member, group, topic, session_ms }) {
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: session_ms,
    rebalanceTimeout: ANSWER_MS,
    heartbeatInterval: session_ms / 10,
    maxWaitTimeInMs: 100,
    retry: { initialRetryTime: 50, maxRetryTime: 300, retries: 100 },
  });
  members.set(member, consumer);
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    emit({ member, assigned: (payload.memberAssignment[topic] ?? []).toSorted((a, b) => a - b) });
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const eachBatch = async ({ batch, heartbeat, isRunning, isStale }) => {
    if (!isRunning() || isStale()) {
      return;
    }
    emit({ member, records: batch.messages.map((message) => [batch.partition, Number(message.offset)]) });
    const end = Number(batch.lastOffset()) + 1;
    try {
      await consumer.commitOffsets([{ topic, partition: batch.partition, offset: String(end) }]);
      emit({ member, committed: [[batch.partition, end]] });
    } catch (error) {
      emit({ member, commit_failed: String(error) });
    }
    await heartbeat();
  };
  await consumer.run({ autoCommit: false, eachBatch });
}

async function leave({ member }) {
  await members.get(member).disconnect();
  members.delete(member);
}

async function administer(action) {
  const admin = kafka.admin({ retry: { retries: 2 } });
  await admin.connect();
  try {
    return await action(admin);
  } finally {
    await admin.disconnect();
  }
}

const entries = (configs) => Object.entries(configs).map(([name, value]) => ({ name, value }));

serve({
  produce,
  consume,
  join,
  leave,
  create: ({ topic, partitions, configs }) => administer(async (admin) => {
    const topics = [{ topic, numPartitions: partitions, configEntries: entries(configs) }];
    if (!(await admin.createTopics({ topics, waitForLeaders: true }))) {
      throw new Error("the topic exists");
    }
  }),
  topics: () => administer(async (admin) => {
    const { topics } = await admin.fetchTopicMetadata();
    return Object.fromEntries(topics.map((topic) => [topic.name, topic.partitions.length]));
  }),
  configs: ({ topic }) => administer(async (admin) => {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
    const found = await admin.describeConfigs({ resources, includeSynonyms: false });
    return Object.fromEntries(found.resources[0].configEntries.map((entry) => [entry.configName, entry.configValue]));
  }),
  alter: ({ topic, configs }) => administer((admin) => admin.alterConfigs({
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: entries(configs) }],
    validateOnly: false,
  })),
  add_partitions: ({ topic, partitions }) => administer((admin) =>
    admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] })),
  delete: ({ topic }) => administer((admin) => admin.deleteTopics({ topics: [topic] })),
  groups: () => administer(async (admin) => (await admin.listGroups()).groups.map((group) => group.groupId)),
  group_offsets: ({ group }) => administer(async (admin) => {
    const topics = await admin.fetchOffsets({ groupId: group });
    const partitions = topics.flatMap((topic) => topic.partitions);
    return partitions.map((one) => [one.partition, Number(one.offset)]).toSorted((a, b) => a[0] - b[0]);
  }),
  delete_group: ({ group }) => administer((admin) => admin.deleteGroups([group])),
});
