// Writes one line for each sample of a message: "<name> <request|response> <version> <hex>". Apache Kafka's own classes
// turn values into bytes; the values come from a seed, so two runs give the same lines.
//
// Usage: java -cp 'libs/*' MessageSamples.java KEY…      (keys of APIs; src/formats/kafka_protocol/testdata holds the result)

import java.nio.ByteBuffer;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.internal.MemoryRecords;

public class MessageSamples {
  // How a sample is filled: everything there, or whatever may be missing missing.
  enum Shape { FULL, NULL, EMPTY }

  static final Random random = new Random(1);

  public static void main(String[] keys) {
    for (String key : keys) {
      ApiKeys api = ApiKeys.forId(Integer.parseInt(key));
      for (short version = api.oldestVersion(); version <= api.latestVersion(false); version++) {
        for (Shape shape : Shape.values()) {
          line(api, "request", version, api.messageType.requestSchemas()[version], shape);
          line(api, "response", version, api.messageType.responseSchemas()[version], shape);
        }
      }
    }
  }

  static void line(ApiKeys api, String direction, short version, Schema schema, Shape shape) {
    Struct struct = struct(schema, shape);
    ByteBuffer bytes = ByteBuffer.allocate(schema.sizeOf(struct));
    schema.write(bytes, struct);
    StringBuilder hex = new StringBuilder();
    for (byte b : bytes.array()) hex.append(String.format("%02x", b));
    System.out.println(api.name + " " + direction + " " + version + " " + hex);
  }

  static Struct struct(Schema schema, Shape shape) {
    Struct struct = new Struct(schema);
    for (BoundField field : schema.fields()) struct.set(field, value(field.def.type, shape));
    return struct;
  }

  static Object value(Type type, Shape shape) {
    if (type instanceof TaggedFields) return tagged((TaggedFields) type, shape);
    if (shape == Shape.NULL && type.isNullable()) return null;
    if (type.isArray()) {
      int count = shape == Shape.FULL ? 1 + random.nextInt(2) : shape == Shape.EMPTY ? 0 : 1;
      Object[] elements = new Object[count];
      for (int i = 0; i < count; i++) elements[i] = value(type.arrayElementType().get(), shape);
      return elements;
    }
    if (type instanceof Schema) return struct((Schema) type, shape);
    switch (type.toString()) {
      case "BOOLEAN": return random.nextBoolean();
      case "INT8": return (byte) (1 + random.nextInt(100));
      case "INT16": return (short) (1 + random.nextInt(30000));
      case "UINT16": return 1 + random.nextInt(65000);
      case "INT32": return 1 + random.nextInt(2000000000);
      case "UINT32": return (long) (1 + random.nextInt(2000000000));
      case "INT64": return 1 + (random.nextLong() >>> 1);
      case "FLOAT64": return random.nextDouble();
      case "UUID": return new Uuid(random.nextLong(), random.nextLong());
      case "STRING": case "NULLABLE_STRING": case "COMPACT_STRING": case "COMPACT_NULLABLE_STRING":
        return shape == Shape.EMPTY ? "" : text();
      case "BYTES": case "NULLABLE_BYTES": case "COMPACT_BYTES": case "COMPACT_NULLABLE_BYTES":
        return ByteBuffer.wrap(shape == Shape.EMPTY ? new byte[0] : text().getBytes());
      case "RECORDS": case "NULLABLE_RECORDS": case "COMPACT_RECORDS": case "COMPACT_NULLABLE_RECORDS":
        return MemoryRecords.readableRecords(ByteBuffer.wrap(shape == Shape.EMPTY ? new byte[0] : text().getBytes()));
      default: throw new IllegalArgumentException(type + " is not known here");
    }
  }

  static NavigableMap<Integer, Object> tagged(TaggedFields type, Shape shape) {
    NavigableMap<Integer, Object> values = new TreeMap<>();
    if (shape != Shape.FULL) return values;
    for (var field : type.fields().entrySet()) values.put(field.getKey(), value(field.getValue().type, shape));
    return values;
  }

  static String text() {
    StringBuilder text = new StringBuilder();
    for (int i = 1 + random.nextInt(9); i > 0; i--) text.append((char) ('a' + random.nextInt(26)));
    return text.toString();
  }
}
