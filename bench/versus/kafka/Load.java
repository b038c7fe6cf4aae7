// The load of bench/versus/kafka with Kafka's own Java client, its settings left as they are: JSON lines in, JSON lines out.
//
//     produce   as fast as the client can for `seconds` behind `warm` seconds
//     consume   `records` records from the beginning, the first fifth left out
//     paced     `rate` records a second, each counted from when it should have gone (open loop, linger.ms=0)
//     trickle   `clients` producers that each wait for every acknowledgment (linger.ms=0)
//     behind    consume while paced runs
//
// Each prints {"window": "began"} and {"window": "ended"} around what is measured, then its figures.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class Load {
  static final long SECOND = 1_000_000_000L;
  static final ObjectMapper JSON = new ObjectMapper();

  record Ask(String bootstrap, String topic, int partitions, int size, double warm, double seconds, long records,
      double rate, int clients, Map<String, String> configs) {}

  static KafkaProducer<byte[], byte[]> producer(Ask ask, Object... more) {
    Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", ask.bootstrap()));
    for (int at = 0; at < more.length; at += 2) {
      settings.put((String) more[at], more[at + 1]);
    }
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static byte[] payload(int size) {
    byte[] bytes = new byte[size];
    new Random(7).nextBytes(bytes);
    return bytes;
  }

  static double cpuSeconds() {
    var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e9;
  }

  static synchronized void emit(Object line) throws Exception {
    System.out.println(JSON.writeValueAsString(line));
    System.out.flush();
  }

  // Between its two ends lies what is measured.
  static class Window {
    long began;
    double cpu;
    double seconds;

    void begin() throws Exception {
      emit(Map.of("window", "began"));
      began = System.nanoTime();
      cpu = cpuSeconds();
    }

    void end() throws Exception {
      seconds = (System.nanoTime() - began) / 1e9;
      cpu = cpuSeconds() - cpu;
      emit(Map.of("window", "ended"));
    }

    ObjectNode figures(long records) {
      return JSON.createObjectNode().put("seconds", seconds).put("client_cpu_s", cpu).put("records", records)
          .put("per_s", records / seconds);
    }
  }

  static void percentiles(ObjectNode to, Histogram times) {
    to.put("p50_ms", times.getValueAtPercentile(50) / 1e6).put("p99_ms", times.getValueAtPercentile(99) / 1e6)
        .put("p999_ms", times.getValueAtPercentile(99.9) / 1e6).put("max_ms", times.getMaxValue() / 1e6);
  }

  static Thread started(Runnable work) {
    Thread thread = new Thread(work);
    thread.start();
    return thread;
  }

  static void fail(AtomicReference<Exception> failure) throws Exception {
    if (failure.get() != null) {
      throw failure.get();
    }
  }

  static ObjectNode produce(Ask ask) throws Exception {
    byte[] value = payload(ask.size());
    var acknowledged = new AtomicLong();
    var failure = new AtomicReference<Exception>();
    var window = new Window();
    long records;
    try (var producer = producer(ask)) {
      long start = System.nanoTime();
      long from = start + (long) (ask.warm() * SECOND);
      long until = from + (long) (ask.seconds() * SECOND);
      long before = -1;
      for (long now = start; now < until; now = System.nanoTime()) {
        if (before < 0 && now >= from) {
          before = acknowledged.get();
          window.begin();
        }
        producer.send(new ProducerRecord<>(ask.topic(), value), (where, error) -> {
          if (error != null) {
            failure.set(error);
          }
          acknowledged.incrementAndGet();
        });
      }
      records = acknowledged.get() - before;
      window.end();
    }
    fail(failure);
    return window.figures(records).put("all_records", acknowledged.get());
  }

  static ObjectNode consume(Ask ask) throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", ask.bootstrap());
    var window = new Window();
    long read = 0;
    long before = -1;
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> all = new ArrayList<>();
      for (int i = 0; i < ask.partitions(); ++i) {
        all.add(new TopicPartition(ask.topic(), i));
      }
      consumer.assign(all);
      consumer.seekToBeginning(all);
      long quiet = System.nanoTime() + 30 * SECOND;
      while (read < ask.records()) {
        if (before < 0 && read >= ask.records() / 5) {
          before = read;
          window.begin();
        }
        int count = consumer.poll(Duration.ofSeconds(1)).count();
        read += count;
        long now = System.nanoTime();
        if (count > 0) {
          quiet = now + 30 * SECOND;
        } else if (now > quiet) {
          throw new IllegalStateException("only " + read + " records came");
        }
      }
      window.end();
    }
    return window.figures(read - before);
  }

  // Sends at its instants until `done`, or for its seconds; times from behind the warm-up on.
  static void pace(Ask ask, Histogram times, Window window, CountDownLatch done) throws Exception {
    byte[] value = payload(ask.size());
    var failure = new AtomicReference<Exception>();
    try (var producer = producer(ask, "linger.ms", 0)) {
      producer.partitionsFor(ask.topic());
      long start = System.nanoTime();
      long from = start + (long) (ask.warm() * SECOND);
      long until = from + (long) (ask.seconds() * SECOND);
      boolean began = false;
      for (long n = 0; done == null || done.getCount() > 0; ++n) {
        long due = start + (long) (n * SECOND / ask.rate());
        if (done == null && due >= until) {
          break;
        }
        for (long now = System.nanoTime(); now < due; now = System.nanoTime()) {
          LockSupport.parkNanos(due - now);
        }
        if (window != null && !began && due >= from) {
          began = true;
          window.begin();
        }
        producer.send(new ProducerRecord<>(ask.topic(), value), (where, error) -> {
          if (error != null) {
            failure.set(error);
          }
          if (due >= from) {
            times.recordValue(System.nanoTime() - due);
          }
        });
      }
    }
    if (window != null) {
      window.end();
    }
    fail(failure);
  }

  static ObjectNode paced(Ask ask) throws Exception {
    var times = new ConcurrentHistogram(3);
    var window = new Window();
    pace(ask, times, window, null);
    ObjectNode figures = window.figures(times.getTotalCount());
    percentiles(figures, times);
    return figures;
  }

  static ObjectNode trickle(Ask ask) throws Exception {
    byte[] value = payload(ask.size());
    var times = new ConcurrentHistogram(3);
    var failure = new AtomicReference<Exception>();
    List<Thread> threads = new ArrayList<>();
    var ready = new CountDownLatch(ask.clients());
    var go = new CountDownLatch(1);
    var from = new AtomicLong();
    for (int i = 0; i < ask.clients(); ++i) {
      var random = new Random(i);
      threads.add(started(() -> {
        try (var producer = producer(ask, "linger.ms", 0)) {
          producer.partitionsFor(ask.topic());
          ready.countDown();
          go.await();
          long until = from.get() + (long) (ask.seconds() * SECOND);
          for (long now = System.nanoTime(); now < until && failure.get() == null; now = System.nanoTime()) {
            producer.send(new ProducerRecord<>(ask.topic(), random.nextInt(ask.partitions()), null, value)).get();
            long end = System.nanoTime();
            if (now >= from.get()) {
              times.recordValue(end - now);
            }
          }
        } catch (Exception error) {
          failure.set(error);
          ready.countDown();
        }
      }));
    }
    ready.await();
    from.set(System.nanoTime() + (long) (ask.warm() * SECOND));
    go.countDown();
    Thread.sleep((long) (ask.warm() * 1000));
    var window = new Window();
    window.begin();
    Thread.sleep((long) (ask.seconds() * 1000));
    window.end();
    for (Thread thread : threads) {
      thread.join();
    }
    fail(failure);
    ObjectNode figures = window.figures(times.getTotalCount());
    percentiles(figures, times);
    return figures;
  }

  static ObjectNode behind(Ask ask) throws Exception {
    var times = new ConcurrentHistogram(3);
    var failure = new AtomicReference<Exception>();
    var done = new CountDownLatch(1);
    Thread paced = started(() -> {
      try {
        pace(ask, times, null, done);
      } catch (Exception error) {
        failure.set(error);
      }
    });
    try {
      ObjectNode figures = consume(ask);
      done.countDown();
      paced.join();
      percentiles(figures, times);
      return figures;
    } finally {
      done.countDown();
      paced.join();
      fail(failure);
    }
  }

  static Object run(String what, Ask ask) throws Exception {
    return switch (what) {
      case "create", "delete" -> {
        try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", ask.bootstrap()))) {
          if (what.equals("delete")) {
            admin.deleteTopics(List.of(ask.topic())).all().get();
          } else {
            var topic = new NewTopic(ask.topic(), ask.partitions(), (short) 1).configs(ask.configs());
            admin.createTopics(List.of(topic)).all().get();
          }
        }
        yield JSON.createObjectNode();
      }
      case "produce" -> produce(ask);
      case "consume" -> consume(ask);
      case "paced" -> paced(ask);
      case "trickle" -> trickle(ask);
      case "behind" -> behind(ask);
      default -> throw new IllegalArgumentException(what);
    };
  }

  public static void main(String[] arguments) throws Exception {
    var input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      ObjectNode asked = (ObjectNode) JSON.readTree(line);
      String what = asked.remove("do").asText();
      try {
        emit(Map.of("figures", run(what, JSON.treeToValue(asked, Ask.class))));
      } catch (Exception error) {
        emit(Map.of("error", String.valueOf(error)));
      }
    }
    System.exit(0);
  }
}
