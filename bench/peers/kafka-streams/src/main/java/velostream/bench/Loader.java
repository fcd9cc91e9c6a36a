package velostream.bench;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Writes a file of records to a topic in one transaction, so that all of them can be read at the same instant:
 * BROKERS TOPIC FILE COMPRESSION. The file: per record partition int32, timestamp int64, then key and value, each
 * as int32 length and bytes.
 * Says "written", waits for a line, commits, and prints the epoch ms at which it began to.
 */
public final class Loader {
  public static void main(String[] args) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", args[0]);
    config.put("transactional.id", "load-" + args[1]);
    config.put("transaction.timeout.ms", "600000");
    config.put("compression.type", args[3]);
    config.put("linger.ms", "20");
    config.put("batch.size", "131072");
    config.put("buffer.memory", "67108864");
    try (KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        DataInputStream in =
            new DataInputStream(new BufferedInputStream(new FileInputStream(args[2]), 1 << 20))) {
      producer.initTransactions();
      producer.beginTransaction();
      byte[] schema = "velostream.station.v1".getBytes();
      while (in.available() > 0) {
        int partition = in.readInt();
        long timestampMs = in.readLong();
        byte[] key = in.readNBytes(in.readInt());
        int length = in.readInt();
        byte[] value = length < 0 ? null : in.readNBytes(length);
        RecordHeaders headers = new RecordHeaders();
        headers.add("schema", schema);
        producer.send(new ProducerRecord<>(args[1], partition, timestampMs, key, value, headers));
      }
      producer.flush();
      System.out.println("written");
      System.in.read();
      long beforeMs = System.currentTimeMillis();
      producer.commitTransaction();
      System.out.println(beforeMs);
    }
  }
}
