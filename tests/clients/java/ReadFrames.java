// Reads frames with Apache Kafka's own classes. A line in: "<key> <version> <request|response> <hex>"; a line out for
// each, in the same order, as JSON: api, direction, version, the body without header as hex, how many bytes nothing
// reads, the body as JSON and whether writing it again gives the same bytes.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;

public class ReadFrames {
  static final ObjectMapper JSON = new ObjectMapper();
  static final int UNSUPPORTED_VERSION = 35;

  public static void main(String[] arguments) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = lines.readLine()) != null; ) {
      String[] words = line.split(" ");
      byte[] frame = HexFormat.of().parseHex(words[3]);
      System.out.println(read(ApiKeys.forId(Integer.parseInt(words[0])), Short.parseShort(words[1]),
          words[2].equals("request"), frame));
    }
  }

  static ObjectNode read(ApiKeys api, short asked, boolean request, byte[] frame) throws Exception {
    ByteBuffer bytes = ByteBuffer.wrap(frame);
    var reader = new ByteBufferAccessor(bytes);
    short version = asked;
    ApiMessage message;
    if (request) {
      new RequestHeaderData().read(reader, api.requestHeaderVersion(version));
      message = api.messageType.newRequest();
    } else {
      new ResponseHeaderData().read(reader, api.responseHeaderVersion(version));
      message = api.messageType.newResponse();
      // A version that the server has not is answered in the oldest layout.
      if (api == ApiKeys.API_VERSIONS && bytes.getShort(bytes.position()) == UNSUPPORTED_VERSION) {
        version = 0;
      }
    }
    byte[] body = Arrays.copyOfRange(frame, bytes.position(), frame.length);
    ObjectNode said = JSON.createObjectNode().put("api", api.name).put("direction", request ? "request" : "response")
        .put("version", version).put("body", HexFormat.of().formatHex(body));
    try {
      message.read(reader, version);
    } catch (RuntimeException error) {
      return said.put("fault", error.toString());
    }
    ByteBuffer again = MessageUtil.toByteBufferAccessor(message, version).buffer();
    byte[] written = new byte[again.remaining()];
    again.get(written);
    said.put("left", bytes.remaining()).put("same", Arrays.equals(body, written));
    return said.set("message", json(message, version));
  }

  static JsonNode json(ApiMessage message, short version) throws Exception {
    var converter = Class.forName(message.getClass().getName() + "JsonConverter");
    return (JsonNode) converter.getMethod("write", message.getClass(), short.class).invoke(null, message, version);
  }
}
