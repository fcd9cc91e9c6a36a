package velostream.bench;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * What an expert writes once the documented way is too slow: the raw topic is partitioned by area, so no repartition
 * topic is needed, and a processor of one's own keeps the stations in a store. What changed is put out every
 * 100 ms, before the commit that it asks for; after a restart every area is put out, so none is missed.
 */
final class ProcessorTopology {
  static Topology build(String raw, String totals) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.addStateStore(
        Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("stations"), Serdes.String(), Station.COMPACT)
            .withCachingDisabled());
    builder.stream(raw, Consumed.with(Serdes.String(), Station.JSON_SERDE))
        .process(Aggregate::new, "stations")
        .to(totals, Produced.with(Serdes.String(), Serdes.String()));
    return builder.build();
  }

  private static final class Aggregate implements Processor<String, Station, String, String> {
    private ProcessorContext<String, String> context;
    private KeyValueStore<String, Station> stations;
    /** Not in a store: the stations tell them again. */
    private final Map<String, Sums> sums = new HashMap<>();
    private final Set<String> touched = new LinkedHashSet<>();

    @Override
    public void init(ProcessorContext<String, String> context) {
      this.context = context;
      stations = context.getStateStore("stations");
      try (KeyValueIterator<String, Station> all = stations.all()) {
        all.forEachRemaining(
            entry -> change(
                entry.value.area(), sums.getOrDefault(entry.value.area(), Sums.NOTHING).plus(entry.value)));
      }
      context.schedule(Duration.ofMillis(100), PunctuationType.WALL_CLOCK_TIME, this::putOut);
    }

    @Override
    public void process(Record<String, Station> record) {
      Station next = record.value() == null || record.value().retired() ? null : record.value();
      Station held = stations.get(record.key());
      if (held != null && next != null && next.observedAtMs() < held.observedAtMs()) return;
      if (next == null) stations.delete(record.key());
      else stations.put(record.key(), next);
      if (held != null) change(held.area(), sums.get(held.area()).minus(held));
      if (next != null) change(next.area(), sums.getOrDefault(next.area(), Sums.NOTHING).plus(next));
    }

    private void change(String area, Sums now) {
      sums.put(area, now);
      touched.add(area);
    }

    private void putOut(long nowMs) {
      if (touched.isEmpty()) return;
      for (String area : touched) {
        context.forward(new Record<>(area, sums.get(area).toJson(area), nowMs));
      }
      touched.clear();
      context.commit();
    }
  }
}
