/** The names of GBFS's files as publishers write them: capitals, blanks, plurals, a letter amiss. */

const KNOWN = [
  "gbfs",
  "gbfs_versions",
  "system_information",
  "system_regions",
  "system_alerts",
  "station_information",
  "station_status",
  "free_bike_status",
  "vehicle_status",
  "vehicle_types",
  "system_hours",
  "system_calendar",
  "system_pricing_plans",
  "geofencing_zones",
  "manifest",
] as const;

/** Names of no version that are plainly meant as one. */
const ALIASES: Readonly<Record<string, string>> = {
  freevehiclestatu: "vehicle_status",
  freefloatingstatu: "vehicle_status",
  vehicle: "vehicle_status",
  region: "system_regions",
  alert: "system_alerts",
  version: "gbfs_versions",
  stationinfo: "station_information",
  systeminfo: "system_information",
};

const FOLDED: ReadonlyMap<string, string> = new Map([
  ...KNOWN.map((name) => [folded(name), name] as const),
  ...Object.entries(ALIASES),
]);

/** The name that GBFS has for what a publisher lists as `text`; as it is, in small letters, where GBFS has none. */
export function feedName(text: string): string {
  const plain = text
    .trim()
    .replace(/\.json$/i, "")
    .trim();
  const lower = plain.toLowerCase();
  if (isFeedName(lower)) return lower;
  const word = folded(plain);
  const exact = FOLDED.get(word);
  if (exact !== undefined) return exact;
  const near = [...FOLDED].find(([known]) => known.length >= 10 && oneApart(word, known));
  return near === undefined ? lower : near[1];
}

/** Whether GBFS has a file of this name. */
export function isFeedName(name: string): boolean {
  return (KNOWN as readonly string[]).includes(name);
}

/** Small letters alone, each word without its plural: `Vehicles-Types`, `vehicleTypes` and `vehicle_types` are one. */
function folded(text: string): string {
  return text
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((word) => word.replace(/s+$/, ""))
    .join("");
}

/** One letter is missing, too many, another, or two have changed places. */
function oneApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [restA, restB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (restA.length <= 1 && restB.length <= 1) return true;
  return restA.length === 2 && restA === `${restB[1]}${restB[0]}`;
}
