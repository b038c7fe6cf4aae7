// @platformatic/kafka as a client that a test drives: platformatic.mjs BOOTSTRAP, then jsonlines.py.
import { randomUUID } from "node:crypto";
import { Admin, Consumer, Producer } from "@platformatic/kafka";
import { ANSWER_MS, emit, raw, serve, text, tls, withTimeout, words } from "./jsonlines.mjs";

const TOPIC = 2; // Kafka's number for a topic among the things that have settings.
const SET = 0; // And for setting one.
const base = { clientId: "tests", bootstrapBrokers: [process.argv[2]], tls, retries: 200, retryDelay: 100 };
const members = new Map();

async function produce({ id, topic, codec, idempotent, ahead, records }) {
  const producer = new Producer({ ...base, idempotent, compression: codec, autocreateTopics: true });
  const stored = [];
  for (let at = 0; at < records.length; at += ahead) {
    const messages = records.slice(at, at + ahead).map((record) => ({
      topic,
      key: raw(record.key) ?? undefined,
      value: raw(record.value) ?? undefined,
      partition: record.partition,
      timestamp: BigInt(record.timestamp),
      headers: new Map(record.headers.map(([name, data]) => [Buffer.from(name), raw(data)])),
    }));
    const { offsets } = await producer.send({ messages, acks: -1 });
    const next = new Map(offsets.map((one) => [one.partition, Number(one.offset)]));
    for (const { partition } of messages) {
      stored.push([partition, next.get(partition)]);
      next.set(partition, next.get(partition) + 1);
    }
    emit({ id, progress: stored.length });
  }
  await producer.close();
  return stored;
}

function record(message) {
  return {
    partition: message.partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: text(message.key),
    value: text(message.value),
    headers: [...message.headers].map(([name, data]) => [name.toString(), text(data)]),
  };
}

// It reads in groups only: one of its own, which begins where it is told.
async function consume({ topic, partition, count, offset, time }) {
  const consumer = new Consumer({ ...base, groupId: `reader-${randomUUID()}`, autocommit: false, maxWaitTime: 100 });
  const starts = await consumer.listOffsets({ topics: [topic], timestamp: BigInt(time ?? -2) });
  const offsets = starts.get(topic).map((start, of) => ({ topic, partition: of, offset: start < 0n ? 0n : start }));
  if (offset !== undefined) {
    offsets[partition].offset = BigInt(offset);
  }
  const stream = await consumer.consume({ topics: [topic], mode: "manual", offsets });
  const records = [];
  await withTimeout((async () => {
    for await (const message of stream) {
      if (message.partition === partition) {
        records.push(record(message));
      }
      if (records.length === count) {
        return;
      }
    }
  })(), "too few records came");
  await consumer.close(true);
  return records;
}

async function join({ member, group, topic, session_ms }) {
  const state = { left: false, consumer: null };
  members.set(member, state);
  run(state, member, topic, {
    ...base,
    groupId: group,
    autocommit: false,
    maxWaitTime: 100,
    sessionTimeout: session_ms,
    rebalanceTimeout: ANSWER_MS,
    heartbeatInterval: session_ms / 10,
  });
}

// A stream that failed is over, and it is for the application to begin again.
async function run(state, member, topic, settings) {
  while (!state.left) {
    const consumer = (state.consumer = new Consumer(settings));
    consumer.on("consumer:group:join", ({ assignments }) => {
      const mine = (assignments ?? []).filter((one) => one.topic === topic).flatMap((one) => one.partitions);
      emit({ member, assigned: mine.toSorted((a, b) => a - b) });
    });
    try {
      await read(member, await consumer.consume({ topics: [topic], mode: "committed", fallbackMode: "earliest" }));
    } catch (error) {
      console.error(member, words(error));
      await consumer.close(true).catch((late) => console.error(member, words(late)));
    }
  }
}

async function read(member, stream) {
  for await (const message of stream) {
    emit({ member, records: [[message.partition, Number(message.offset)]] });
    try {
      await message.commit();
      emit({ member, committed: [[message.partition, Number(message.offset) + 1]] });
    } catch (error) {
      console.error(member, words(error));
    }
  }
}

async function leave({ member }) {
  const state = members.get(member);
  members.delete(member);
  state.left = true;
  await state.consumer.close(true);
}

async function administer(action) {
  const admin = new Admin({ ...base, retries: 2 });
  try {
    return await action(admin);
  } finally {
    await admin.close();
  }
}

serve({
  produce,
  consume,
  join,
  leave,
  create: ({ topic, partitions, configs }) => administer((admin) => admin.createTopics({
    topics: [topic],
    partitions,
    replicas: 1,
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  })),
  topics: () => administer(async (admin) => {
    const { topics } = await admin.metadata({ topics: await admin.listTopics() });
    return Object.fromEntries([...topics].map(([name, topic]) => [name, topic.partitionsCount]));
  }),
  configs: ({ topic }) => administer(async (admin) => {
    const [found] = await admin.describeConfigs({
      resources: [{ resourceType: TOPIC, resourceName: topic, configurationKeys: null }],
    });
    return Object.fromEntries(found.configs.map((config) => [config.name, config.value]));
  }),
  alter: ({ topic, configs }) => administer((admin) => admin.incrementalAlterConfigs({
    resources: [{
      resourceType: TOPIC,
      resourceName: topic,
      configs: Object.entries(configs).map(([name, value]) => ({ name, value, configOperation: SET })),
    }],
  })),
  add_partitions: ({ topic, partitions }) => administer((admin) =>
    admin.createPartitions({ topics: [{ name: topic, count: partitions, assignments: null }] })),
  delete: ({ topic }) => administer((admin) => admin.deleteTopics({ topics: [topic] })),
  groups: () => administer(async (admin) => [...(await admin.listGroups()).keys()]),
  group_offsets: ({ group }) => administer(async (admin) => {
    const [found] = await admin.listConsumerGroupOffsets({ groups: [group] });
    const partitions = found.topics.flatMap((topic) => topic.partitions);
    return partitions.map((one) => [one.partitionIndex, Number(one.committedOffset)]).toSorted((a, b) => a[0] - b[0]);
  }),
  delete_group: ({ group }) => administer((admin) => admin.deleteGroups({ groups: [group] })),
});
