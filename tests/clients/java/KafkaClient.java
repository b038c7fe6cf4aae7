// Apache Kafka's own Java clients as a client that a test drives: KafkaClient.java BOOTSTRAP, then JSON lines.
// kafka_clients/jsonlines.py says how they look, kafka_client.py what can be asked for.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class KafkaClient {
  static final int ANSWER_MS = 60_000;
  static final ObjectMapper JSON = new ObjectMapper();
  static final Map<String, Member> MEMBERS = new ConcurrentHashMap<>();
  static String bootstrap;
  static Admin admin;

  record Member(Thread thread, Semaphore stop) {}

  static synchronized void emit(ObjectNode line) {
    System.out.println(line);
    System.out.flush();
  }

  static ObjectNode about(String what, Object of) {
    return JSON.createObjectNode().putPOJO(what, of);
  }

  static byte[] raw(JsonNode text) {
    return text.isNull() ? null : Base64.getDecoder().decode(text.asText());
  }

  static String text(byte[] data) {
    return data == null ? null : Base64.getEncoder().encodeToString(data);
  }

  static Map<String, Object> with(Object... more) {
    Map<String, Object> all = new ConcurrentHashMap<>();
    all.put("bootstrap.servers", bootstrap);
    all.put("reconnect.backoff.ms", 20);
    all.put("reconnect.backoff.max.ms", 200);
    String authorities = System.getenv("KAFKA_TLS_CA");
    if (authorities != null) {
      all.put("security.protocol", "SSL");
      all.put("ssl.truststore.type", "PEM");
      all.put("ssl.truststore.location", authorities);
    }
    String own = System.getenv("KAFKA_TLS_OWN");
    if (own != null) {
      all.put("ssl.keystore.type", "PEM");
      all.put("ssl.keystore.location", own);
    }
    for (int at = 0; at < more.length; at += 2) {
      all.put((String) more[at], more[at + 1]);
    }
    return all;
  }

  static Object produce(JsonNode asked) throws Exception {
    JsonNode records = asked.get("records");
    int[][] stored = new int[records.size()][];
    List<Exception> failed = new ArrayList<>();
    AtomicInteger acknowledged = new AtomicInteger();
    int ahead = asked.get("ahead").asInt();
    Semaphore room = new Semaphore(ahead);
    Map<String, Object> settings = with("acks", "all", "compression.type", asked.get("codec").asText(),
        "enable.idempotence", asked.get("idempotent").asBoolean(), "linger.ms", 2, "retry.backoff.ms", 50,
        "delivery.timeout.ms", ANSWER_MS);
    try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int i = 0; i < records.size(); ++i) {
        JsonNode record = records.get(i);
        List<Header> headers = new ArrayList<>();
        record.get("headers").forEach(h -> headers.add(new RecordHeader(h.get(0).asText(), raw(h.get(1)))));
        int at = i;
        room.acquire();
        producer.send(new ProducerRecord<>(asked.get("topic").asText(), record.get("partition").asInt(),
            record.get("timestamp").asLong(), raw(record.get("key")), raw(record.get("value")), headers),
            (RecordMetadata where, Exception error) -> {
              room.release();
              if (error != null) {
                failed.add(error);
                return;
              }
              stored[at] = new int[] {where.partition(), (int) where.offset()};
              emit(about("id", asked.get("id")).put("progress", acknowledged.incrementAndGet()));
            });
      }
    }
    if (!failed.isEmpty()) {
      throw failed.get(0);
    }
    return stored;
  }

  static KafkaConsumer<byte[], byte[]> consumer(Object... more) {
    return new KafkaConsumer<>(with(more), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  static Object consume(JsonNode asked) {
    try (var consumer = consumer()) {
      var partition = new TopicPartition(asked.get("topic").asText(), asked.get("partition").asInt());
      consumer.assign(List.of(partition));
      if (asked.has("offset")) {
        consumer.seek(partition, asked.get("offset").asLong());
      } else if (asked.has("time")) {
        var found = consumer.offsetsForTimes(Map.of(partition, asked.get("time").asLong()));
        consumer.seek(partition, found.get(partition).offset());
      } else {
        consumer.seekToBeginning(List.of(partition));
      }
      ArrayNode records = JSON.createArrayNode();
      int count = asked.get("count").asInt();
      for (long end = System.currentTimeMillis() + ANSWER_MS; records.size() < count; ) {
        if (System.currentTimeMillis() > end) {
          throw new KafkaException("only " + records.size() + " records came");
        }
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          if (records.size() < count) {
            records.add(record(record));
          }
        }
      }
      return records;
    }
  }

  static ObjectNode record(ConsumerRecord<byte[], byte[]> record) {
    ObjectNode found = JSON.createObjectNode().put("partition", record.partition()).put("offset", record.offset())
        .put("timestamp", record.timestamp()).put("key", text(record.key())).put("value", text(record.value()));
    ArrayNode headers = found.putArray("headers");
    record.headers().forEach(header -> headers.addArray().add(header.key()).add(text(header.value())));
    return found;
  }

  static Object join(JsonNode asked) {
    int session = asked.get("session_ms").asInt();
    var consumer = consumer("group.id", asked.get("group").asText(), "enable.auto.commit", false, "auto.offset.reset",
        "earliest", "session.timeout.ms", session, "heartbeat.interval.ms", session / 10, "retry.backoff.ms", 50,
        "partition.assignment.strategy", asked.get("assignor").asText(RangeAssignor.class.getName()));
    var stop = new Semaphore(0);
    var thread = new Thread(() -> runMember(consumer, asked, stop));
    MEMBERS.put(asked.get("member").asText(), new Member(thread, stop));
    thread.start();
    return null;
  }

  static void runMember(KafkaConsumer<byte[], byte[]> consumer, JsonNode asked, Semaphore stop) {
    Set<Integer> now = new TreeSet<>();
    JsonNode name = asked.get("member");
    consumer.subscribe(List.of(asked.get("topic").asText()));
    while (!stop.tryAcquire()) {
      var polled = consumer.poll(Duration.ofMillis(50));
      Set<Integer> assigned = new TreeSet<>();
      consumer.assignment().forEach(partition -> assigned.add(partition.partition()));
      if (!assigned.equals(now)) {
        now = assigned;
        emit(about("member", name).putPOJO("assigned", assigned));
      }
      if (polled.isEmpty()) {
        continue;
      }
      List<long[]> records = new ArrayList<>();
      Map<TopicPartition, OffsetAndMetadata> ends = new ConcurrentHashMap<>();
      for (var record : polled) {
        records.add(new long[] {record.partition(), record.offset()});
        ends.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
      }
      emit(about("member", name).putPOJO("records", records));
      try {
        consumer.commitSync(ends);
        List<long[]> done = new ArrayList<>();
        ends.forEach((partition, end) -> done.add(new long[] {partition.partition(), end.offset()}));
        emit(about("member", name).putPOJO("committed", done));
      } catch (KafkaException error) {
        emit(about("member", name).put("commit_failed", error.toString()));
      }
    }
    consumer.close();
  }

  static Object leave(JsonNode asked) throws InterruptedException {
    Member member = MEMBERS.remove(asked.get("member").asText());
    member.stop.release();
    member.thread.join();
    return null;
  }

  static Map<String, String> configsOf(JsonNode asked) {
    Map<String, String> configs = new ConcurrentHashMap<>();
    asked.get("configs").fields().forEachRemaining(config -> configs.put(config.getKey(), config.getValue().asText()));
    return configs;
  }

  static Object administer(JsonNode asked) throws Exception {
    String topic = asked.path("topic").asText();
    int partitions = asked.path("partitions").asInt();
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    switch (asked.get("do").asText()) {
      case "create":
        admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(configsOf(asked)))).all().get();
        return null;
      case "topics":
        var topics = JSON.createObjectNode();
        admin.describeTopics(admin.listTopics().names().get()).allTopicNames().get()
            .forEach((name, found) -> topics.put(name, found.partitions().size()));
        return topics;
      case "configs":
        var configs = JSON.createObjectNode();
        admin.describeConfigs(List.of(resource)).all().get().get(resource).entries()
            .forEach(entry -> configs.put(entry.name(), entry.value()));
        return configs;
      case "alter":
        List<AlterConfigOp> changes = new ArrayList<>();
        configsOf(asked).forEach((name, value) ->
            changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
        admin.incrementalAlterConfigs(Map.of(resource, changes)).all().get();
        return null;
      case "add_partitions":
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(partitions))).all().get();
        return null;
      case "delete":
        admin.deleteTopics(List.of(topic)).all().get();
        return null;
      case "groups":
        return admin.listConsumerGroups().all().get().stream().map(group -> group.groupId()).toList();
      case "group_offsets":
        ArrayNode offsets = JSON.createArrayNode();
        admin.listConsumerGroupOffsets(asked.get("group").asText()).partitionsToOffsetAndMetadata().get().entrySet()
            .stream().sorted((a, b) -> a.getKey().partition() - b.getKey().partition())
            .forEach(one -> offsets.addArray().add(one.getKey().partition()).add(one.getValue().offset()));
        return offsets;
      case "delete_group":
        admin.deleteConsumerGroups(List.of(asked.get("group").asText())).all().get();
        return null;
      default:
        throw new IllegalArgumentException(asked.get("do").asText());
    }
  }

  static void answer(JsonNode asked) {
    ObjectNode said = about("id", asked.get("id"));
    try {
      said.putPOJO("ok", switch (asked.get("do").asText()) {
        case "produce" -> produce(asked);
        case "consume" -> consume(asked);
        case "join" -> join(asked);
        case "leave" -> leave(asked);
        default -> administer(asked);
      });
    } catch (ExecutionException error) {
      said.put("error", error.getCause().toString());
    } catch (Exception error) {
      said.put("error", error.toString());
    }
    emit(said);
  }

  public static void main(String[] arguments) throws Exception {
    bootstrap = arguments[0];
    admin = Admin.create(with("retry.backoff.ms", 50));
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = lines.readLine()) != null; ) {
      JsonNode asked = JSON.readTree(line);
      new Thread(() -> answer(asked)).start();
    }
    Runtime.getRuntime().halt(0);  // The test is over: nothing is left to be said to the server.
  }
}
