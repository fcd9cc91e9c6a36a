package velostream.bench;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** The totals of one area. */
record Sums(int stations, long total, long electric, long mechanical, long docks, long asOfMs) {
  static final Sums NOTHING = new Sums(0, 0, 0, 0, 0, 0);

  static final Serde<Sums> COMPACT =
      Serdes.serdeFrom(
          (topic, sums) ->
              sums == null
                  ? null
                  : ByteBuffer.allocate(44)
                      .putInt(sums.stations)
                      .putLong(sums.total)
                      .putLong(sums.electric)
                      .putLong(sums.mechanical)
                      .putLong(sums.docks)
                      .putLong(sums.asOfMs)
                      .array(),
          (topic, bytes) -> {
            if (bytes == null) return null;
            ByteBuffer in = ByteBuffer.wrap(bytes);
            return new Sums(in.getInt(), in.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getLong());
          });

  Sums plus(Station station) {
    return new Sums(
        stations + 1,
        total + station.total(),
        electric + station.electric(),
        mechanical + station.mechanical(),
        docks + station.docks(),
        Math.max(asOfMs, station.observedAtMs()));
  }

  Sums minus(Station station) {
    return new Sums(
        stations - 1,
        total - station.total(),
        electric - station.electric(),
        mechanical - station.mechanical(),
        docks - station.docks(),
        asOfMs);
  }

  /** The totals topic's JSON; null, a tombstone, when no station is left. */
  String toJson(String area) {
    if (stations == 0) return null;
    return "{\"postcode\":\"" + area + "\",\"nbr_total\":" + total + ",\"nbr_elec\":" + electric
        + ",\"nbr_meca\":" + mechanical + ",\"system_id\":\"velib\",\"stations\":" + stations
        + ",\"docks\":" + docks + ",\"as_of\":" + asOfMs + "}";
  }
}
