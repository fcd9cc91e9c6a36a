package velostream.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/** What is summed of one station. Read from JSON with Jackson's streaming parser, kept in stores as bytes. */
record Station(String area, int total, int electric, int mechanical, int docks, long observedAtMs, boolean retired) {
  private static final JsonFactory JSON = new JsonFactory();

  /** The raw topic's JSON; only the fields that are summed are kept. */
  static final Deserializer<Station> FROM_JSON = (topic, bytes) -> bytes == null ? null : parse(bytes);

  static final Serde<Station> COMPACT = Serdes.serdeFrom(compactSerializer(), compactDeserializer());
  /** For the raw topic, which is never written here. */
  static final Serde<Station> JSON_SERDE = Serdes.serdeFrom(compactSerializer(), FROM_JSON);

  private static Station parse(byte[] bytes) {
    String area = null;
    int total = 0, electric = 0, mechanical = 0, docks = 0;
    long observedAtMs = 0;
    boolean retired = false;
    try (JsonParser parser = JSON.createParser(bytes)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "postcode" -> area = parser.getText().intern();
          case "nbr_total" -> total = parser.getIntValue();
          case "nbr_elec" -> electric = parser.getIntValue();
          case "nbr_meca" -> mechanical = parser.getIntValue();
          case "nbr_docks" -> docks = parser.getIntValue();
          case "observed_at" -> observedAtMs = parser.getLongValue();
          case "retired" -> retired = parser.getBooleanValue();
          default -> parser.skipChildren();
        }
      }
    } catch (IOException error) {
      throw new IllegalArgumentException(error);
    }
    return new Station(area, total, electric, mechanical, docks, observedAtMs, retired);
  }

  private static Serializer<Station> compactSerializer() {
    return (topic, station) -> {
      if (station == null) return null;
      byte[] area = station.area.getBytes(StandardCharsets.UTF_8);
      return ByteBuffer.allocate(25 + area.length)
          .putInt(station.total)
          .putInt(station.electric)
          .putInt(station.mechanical)
          .putInt(station.docks)
          .putLong(station.observedAtMs)
          .put((byte) (station.retired ? 1 : 0))
          .put(area)
          .array();
    };
  }

  private static Deserializer<Station> compactDeserializer() {
    return (topic, bytes) -> {
      if (bytes == null) return null;
      ByteBuffer in = ByteBuffer.wrap(bytes);
      int total = in.getInt(), electric = in.getInt(), mechanical = in.getInt(), docks = in.getInt();
      long observedAtMs = in.getLong();
      boolean retired = in.get() == 1;
      return new Station(
          new String(bytes, 25, bytes.length - 25, StandardCharsets.UTF_8),
          total, electric, mechanical, docks, observedAtMs, retired);
    };
  }
}
