// Writes requests with Apache Kafka's own classes. A line in: "<key> <version> <JSON of the body>"; a line out for each, in
// the same order: the request as it is on the wire but for its length, as hex. Its correlation number is 1.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.MessageUtil;

public class WriteFrames {
  static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = lines.readLine()) != null; ) {
      String[] words = line.split(" ", 3);
      System.out.println(write(ApiKeys.forId(Integer.parseInt(words[0])), Short.parseShort(words[1]),
          JSON.readTree(words[2])));
    }
  }

  static String write(ApiKeys api, short version, JsonNode body) throws Exception {
    var converter = Class.forName(api.messageType.newRequest().getClass().getName() + "JsonConverter");
    var message = (ApiMessage) converter.getMethod("read", JsonNode.class, short.class).invoke(null, body, version);
    var header = new RequestHeaderData().setRequestApiKey(api.id).setRequestApiVersion(version).setCorrelationId(1)
        .setClientId("test");
    return hex(MessageUtil.toByteBufferAccessor(header, api.requestHeaderVersion(version)).buffer())
        + hex(MessageUtil.toByteBufferAccessor(message, version).buffer());
  }

  static String hex(ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return HexFormat.of().formatHex(copy);
  }
}
