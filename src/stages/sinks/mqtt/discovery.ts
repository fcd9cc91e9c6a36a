/**
 * Home Assistant's discovery messages: a device for each system; bikes, e-bikes, docks and age as entities of each area
 * and station. An entity is gone when its message is.
 */
import { level } from "./topics.ts";

/** Home Assistant calls a value that was not said again for this long unavailable, seconds; see REFRESH_MS. */
export const EXPIRE_AFTER_S = 900;

export interface Announced {
  readonly systemId: string;
  /** `system`, `area` or `station`. */
  readonly kind: string;
  /** Of the area or station; empty for the system. */
  readonly id: string;
  readonly name: string;
  /** Where its values are. */
  readonly stateTopic: string;
}

export interface DiscoveryOptions {
  /** Home Assistant's own prefix. */
  readonly discovery: string;
  readonly prefix: string;
  readonly availabilityTopic: string;
}

const ENTITIES = [
  { id: "bikes", name: "bikes", field: "nbr_total", icon: "mdi:bicycle" },
  { id: "ebikes", name: "e-bikes", field: "nbr_elec", icon: "mdi:bicycle-electric" },
  { id: "docks", name: "free docks", field: "docks", icon: "mdi:parking" },
] as const;

/** Topic and value of each of its entities' messages. */
export function discoveryMessages(what: Announced, options: DiscoveryOptions): [string, string][] {
  const common = {
    state_topic: what.stateTopic,
    availability_topic: options.availabilityTopic,
    expire_after: EXPIRE_AFTER_S,
    device: {
      identifiers: [`${options.prefix}:${what.systemId}`],
      name: what.systemId,
      manufacturer: "velostream",
      model: "Bike-share system",
    },
    origin: { name: "velostream" },
  };
  const named = what.name === "" ? "" : `${what.name} `;
  const counts = ENTITIES.map(({ id, name, field, icon }): [string, object] => [
    id,
    {
      name: `${named}${name}`,
      value_template: `{{ value_json.${field} }}`,
      state_class: "measurement",
      icon,
      ...(id === "bikes" ? { json_attributes_topic: what.stateTopic } : {}),
    },
  ]);
  const age = {
    name: `${named}observed`,
    device_class: "timestamp",
    entity_category: "diagnostic",
    value_template:
      "{{ (value_json.as_of / 1000) | timestamp_custom('%Y-%m-%dT%H:%M:%S+00:00', false) if value_json.as_of else none }}",
  };
  return [...counts, ["age", age] as const].map(([id, entity]) => {
    const unique = `${options.prefix}:${what.systemId}:${what.kind}:${what.id}:${id}`;
    return [discoveryTopic(options, unique), JSON.stringify({ ...entity, unique_id: unique, ...common })];
  });
}

/** Every discovery topic of ours, as a subscription; the prefix is a level of its own, so that it is nobody else's. */
export function discoverySubscription({ discovery, prefix }: DiscoveryOptions): string {
  return `${discovery}/sensor/${objectId(prefix)}/+/config`;
}

function discoveryTopic({ discovery, prefix }: DiscoveryOptions, unique: string): string {
  return `${discovery}/sensor/${objectId(prefix)}/${objectId(unique)}/config`;
}

/** Home Assistant takes letters, digits, `_` and `-` there; anything else is written by its code, so that no two are one. */
function objectId(text: string): string {
  return level(text).replaceAll(/[^a-zA-Z0-9-]/g, (one) => `_${one.codePointAt(0)?.toString(16) ?? ""}_`);
}
