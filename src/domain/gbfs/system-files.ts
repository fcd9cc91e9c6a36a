/** Decodes the small files about a whole system: `system_information`, `system_regions`, `system_alerts`. */
import { asId, asObject, asText, asTimeMs } from "../../record/feed-values.ts";

/** Who a system is, as far as its file says. */
export interface SystemInformation {
  readonly systemId: string | null;
  readonly name: string | null;
  readonly operator: string | null;
  readonly timezone: string | null;
  readonly licenseUrl: string | null;
  readonly attribution: string | null;
}

/** Decodes `system_information`. Never throws. @returns null when the body is none */
export function decodeSystemInformation(body: unknown): SystemInformation | null {
  const data = asObject(asObject(body)?.["data"]);
  if (data === null) return null;
  return {
    systemId: asId(data["system_id"]),
    name: asText(data["name"]),
    operator: asText(data["operator"]),
    timezone: asText(data["timezone"]),
    licenseUrl: webUrl(asText(data["license_url"])),
    attribution: asText(data["attribution_organization_name"]),
  };
}

/** A link for people: another scheme than http and https (`javascript:`) would run where it is shown. */
function webUrl(text: string | null): string | null {
  return text !== null && /^https?:\/\//i.test(text.trim()) ? text.trim() : null;
}

/**
 * Decodes `system_regions`: region id → name. Never throws. A name that two regions share names neither: their ids
 * keep them apart.
 */
export function decodeSystemRegions(body: unknown): Map<string, string> {
  const list = asObject(asObject(body)?.["data"])?.["regions"];
  const names = new Map<string, string>();
  const uses = new Map<string, number>();
  for (const item of Array.isArray(list) ? list : []) {
    const region = asObject(item);
    const id = asId(region?.["region_id"]);
    const name = asText(region?.["name"])?.trim();
    if (id === null || name === undefined || name === "" || names.has(id)) continue;
    names.set(id, name);
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  for (const [id, name] of names) if ((uses.get(name) ?? 0) > 1) names.delete(id);
  return names;
}

/** One notice of the publisher to riders. */
export interface SystemAlert {
  readonly alertId: string;
  /** `system_closure`, `station_closure`, `station_move`, `other`, as served. */
  readonly type: string | null;
  readonly summary: string | null;
  readonly stationIds: readonly string[];
  readonly regionIds: readonly string[];
  readonly startMs: number | null;
  readonly endMs: number | null;
}

/** Decodes `system_alerts`, 1.x to 3.x. Never throws; alerts without an id are left out. */
export function decodeSystemAlerts(body: unknown): SystemAlert[] {
  const list = asObject(asObject(body)?.["data"])?.["alerts"];
  return (Array.isArray(list) ? list : []).flatMap((item): SystemAlert[] => {
    const alert = asObject(item);
    const alertId = asId(alert?.["alert_id"]);
    if (alert === null || alertId === null) return [];
    const times = Array.isArray(alert["times"]) ? alert["times"] : [];
    const first = asObject(times[0]);
    return [
      {
        alertId,
        type: asText(alert["type"]),
        summary: asText(alert["summary"]),
        stationIds: ids(alert["station_ids"]),
        regionIds: ids(alert["region_ids"]),
        startMs: asTimeMs(first?.["start"]),
        endMs: asTimeMs(first?.["end"]),
      },
    ];
  });
}

function ids(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).flatMap((id) => asId(id) ?? []);
}
