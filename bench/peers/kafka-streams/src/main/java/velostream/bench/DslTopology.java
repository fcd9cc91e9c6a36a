package velostream.bench;

import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** As the documentation teaches it: a table of stations, grouped by area, aggregated with subtract and add. */
final class DslTopology {
  static Topology build(String raw, String totals, Properties config) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(raw, Consumed.with(Serdes.String(), Station.JSON_SERDE))
        .mapValues(station -> station == null || station.retired() ? null : station)
        .toTable(
            Materialized.<String, Station>as(Stores.inMemoryKeyValueStore("stations"))
                .withKeySerde(Serdes.String())
                .withValueSerde(Station.COMPACT))
        .groupBy(
            (key, station) -> KeyValue.pair(station.area(), station),
            Grouped.with(Serdes.String(), Station.COMPACT))
        .aggregate(
            () -> Sums.NOTHING,
            (area, station, sums) -> sums.plus(station),
            (area, station, sums) -> sums.minus(station),
            Materialized.<String, Sums>as(Stores.inMemoryKeyValueStore("areas"))
                .withKeySerde(Serdes.String())
                .withValueSerde(Sums.COMPACT)
                .withCachingEnabled())
        .toStream()
        .mapValues((area, sums) -> sums.toJson(area))
        .to(totals, Produced.with(Serdes.String(), Serdes.String()));
    return builder.build(config);
  }
}
