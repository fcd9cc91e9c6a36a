/**
 * Serves bombs on loopback, in a process of its own, so that what they weigh is not counted with who reads them.
 *
 *   /N/FILE.json: plain small files ──"arm"──▶ system N's bomb in the place of its file ──"disarm"──▶ plain again
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { BOMBS } from "./bodies.ts";

const kinds = (process.argv[2] ?? "").split("|").map((name) => BOMBS[name] ?? fail(name));
let armed = false;
let served = 0;

function fail(name: string): never {
  throw new Error(`no bomb is called ${name}`);
}

/** What a small system says. */
function smallFile(origin: string, system: number, file: string): object {
  const head = { last_updated: Math.floor(Date.now() / 1000), ttl: 0, version: "2.3" };
  const link = (name: string): object => ({ name, url: `${origin}/${system}/${name}.json` });
  if (file === "gbfs") {
    const names = [
      "system_information",
      "station_status",
      "station_information",
      "free_bike_status",
      "system_alerts",
    ];
    return { ...head, data: { en: { feeds: names.map(link) } } };
  }
  if (file === "system_information")
    return {
      ...head,
      data: { system_id: `bomb-${system}`, name: "B", language: "en", timezone: "Europe/Paris" },
    };
  if (file === "station_status")
    return {
      ...head,
      data: {
        stations: [
          {
            station_id: "1",
            num_bikes_available: served % 20,
            num_docks_available: 3,
            is_installed: true,
            is_renting: true,
            is_returning: true,
            last_reported: head.last_updated,
          },
        ],
      },
    };
  if (file === "station_information")
    return { ...head, data: { stations: [{ station_id: "1", name: "One", lat: 48.1, lon: 2.1 }] } };
  if (file === "free_bike_status") return { ...head, data: { bikes: [] } };
  return { ...head, data: { alerts: [] } };
}

const server = createServer((request, response) => {
  const [, system = "0", name = ""] = (request.url ?? "").split("/");
  const file = name.replace(".json", "");
  const bomb = kinds[Number(system) % kinds.length];
  const place = bomb?.file === "vehicle_status" ? "free_bike_status" : bomb?.file;
  served += 1;
  if (armed && bomb !== undefined && place === file) return send(response, bomb.pieces(), bomb.encoding);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  response.end(JSON.stringify(smallFile(origin, Number(system), file)));
});

function send(response: ServerResponse, pieces: Iterable<Buffer>, encoding: string | null): void {
  response.writeHead(200, {
    "content-type": "application/json",
    ...(encoding === null ? {} : { "content-encoding": encoding }),
  });
  const left = pieces[Symbol.iterator]();
  const write = (): void => {
    if (response.destroyed) return;
    const next = left.next();
    if (next.done === true) response.end();
    else if (response.write(next.value)) setImmediate(write);
    else response.once("drain", write);
  };
  write();
}

process.on("message", (word) => {
  armed = word === "arm";
  // What is folded is folded now, not while somebody waits for it.
  if (armed) for (const { encoding, pieces } of kinds) if (encoding !== null) pieces();
  process.send?.(word);
});
process.on("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
