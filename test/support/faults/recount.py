"""An independent checker in another language: reads both topics with librdkafka, read-committed, and recounts every
total over the raw prefix that its `through` names. It shares no code and no client with velostream.

    python recount.py BROKERS RAW_TOPIC TOTALS_TOPIC      prints one JSON object; exit 1 where a total is wrong
    python recount.py --self-test                         exit 0 only where a falsified total is found
"""

import json
import sys

TIMEOUT_S = 60


def read(brokers, topic):
    """Every committed record of a topic: (partition, offset, key, value, headers)."""
    from confluent_kafka import Consumer, KafkaError, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "velostream-recount",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    partitions = list(consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    waiting = set(partitions)
    records = []
    while waiting:
        message = consumer.poll(TIMEOUT_S)
        if message is None:
            raise SystemExit(f"no answer about {topic} in {TIMEOUT_S} s")
        if message.error() is not None:
            if message.error().code() != KafkaError._PARTITION_EOF:
                raise SystemExit(str(message.error()))
            waiting.discard(message.partition())
            continue
        headers = {name: value.decode() for name, value in message.headers() or [] if value is not None}
        key = message.key().decode() if message.key() is not None else None
        value = message.value().decode() if message.value() is not None else None
        records.append((message.partition(), message.offset(), key, value, headers))
    consumer.close()
    return sorted(records, key=lambda record: record[:2])


class Prefix:
    """The latest observation of each station of one raw partition, up to a place that only grows."""

    def __init__(self, records):
        self.records = records
        self.next = 0
        self.latest = {}

    def to(self, offset):
        while self.next < len(self.records) and self.records[self.next][1] <= offset:
            _, _, key, value, _ = self.records[self.next]
            self.next += 1
            if value is None:
                self.latest.pop(key, None)
                continue
            seen = json.loads(value)
            if key not in self.latest or seen["observed_at"] >= self.latest[key]["observed_at"]:
                self.latest[key] = seen

    def sums(self, area):
        live = [s for s in self.latest.values() if s["postcode"] == area and not s.get("retired")]

        def known(field):
            values = [s[field] for s in live if s[field] is not None]
            return sum(values) if values else None

        return (sum(s["nbr_total"] for s in live), known("nbr_elec"), known("nbr_meca"), len(live))


def recount(raw, totals):
    """One sentence for each total that is not what its prefix counts, or that comes twice or backwards."""
    problems = []
    prefixes = {p: Prefix([r for r in raw if r[0] == p]) for p in {r[0] for r in raw}}
    said = []
    seen = {}
    for partition, offset, key, value, headers in totals:
        place = headers.get("through", "").split(":")
        where = f"totals {partition}:{offset} ({key})"
        if len(place) < 2:
            problems.append(f"{where} names no raw prefix")
            continue
        at = (int(place[0]), int(place[1]))
        before = seen.get(key)
        if before is not None and before[0] == at[0] and at[1] <= before[1]:
            problems.append(f"{where} covers {at[1]} after {before[1]}")
        seen[key] = at
        said.append((at, where, key, value))
    # In the order of the prefixes, so that each raw record is looked at once.
    for at, where, key, value in sorted(said, key=lambda each: each[0]):
        prefix = prefixes.setdefault(at[0], Prefix([]))
        prefix.to(at[1])
        if value is None:
            area, claims = key, (0, None, None, 0)
        else:
            total = json.loads(value)
            area = total["postcode"]
            claims = (total["nbr_total"], total["nbr_elec"], total["nbr_meca"], total["stations"])
        counted = prefix.sums(area)
        if claims != counted:
            problems.append(f"{where} says {claims}, its prefix counts {counted}")
    return problems


def self_test():
    def station(offset, name, total, more=()):
        value = {"postcode": "75001", "nbr_total": total, "nbr_elec": 1, "nbr_meca": total - 1, "observed_at": offset}
        return (0, offset, f"velib:{name}", json.dumps({**value, **dict(more)}), {})

    def totals(offset, through, total, elec, stations):
        value = {"postcode": "75001", "nbr_total": total, "nbr_elec": elec, "nbr_meca": total - elec}
        return (0, offset, "75001", json.dumps({**value, "stations": stations}), {"through": through})

    raw = [station(0, "a", 5), station(1, "b", 3), station(2, "a", 4)]
    right = [totals(0, "0:0:id", 5, 1, 1), totals(1, "0:2:id", 7, 2, 2)]
    wrong = [
        [right[0], totals(1, "0:2:id", 8, 2, 2)],
        [right[0], totals(1, "0:1:id", 7, 2, 2)],
        [right[0], right[1], right[1]],
        [right[1], right[0]],
        [right[0], totals(1, "0:2:id", 7, 2, 3)],
        [(0, 0, "75001", None, {"through": "0:2"})],
    ]
    if recount(raw, right) or not all(recount(raw, each) for each in wrong):
        raise SystemExit("the checker does not tell right from wrong")


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    else:
        brokers, raw_topic, totals_topic = sys.argv[1:]
        raw, totals = read(brokers, raw_topic), read(brokers, totals_topic)
        problems = recount(raw, totals)
        print(json.dumps({"raw": len(raw), "totals": len(totals), "problems": problems}))
        sys.exit(1 if problems else 0)
