/** Decodes `system_information`, GBFS 1.0 to 3.1 and Vélib': who a system is, as far as its feed says. */
import { asId, asObject, asText } from "./fields.ts";

export interface SystemInformation {
  readonly systemId: string;
  readonly name: string | null;
  readonly timezone: string | null;
  readonly attribution: string | null;
  readonly licenseUrl: string | null;
  /** The feed labels itself simulated (`velostream simulate`). */
  readonly simulated: boolean;
}

/** Decodes one file. Never throws. @returns null when the body names no system */
export function decodeSystemInformation(body: unknown): SystemInformation | null {
  const file = asObject(body);
  const data = asObject(file?.["data"]);
  const systemId = asId(data?.["system_id"]);
  if (file === null || data === null || systemId === null) return null;
  return {
    systemId: isVelib(body) ? VELIB_SYSTEM_ID : systemId,
    name: asText(data["name"]),
    timezone: asText(data["timezone"]),
    attribution: asText(data["attribution_organization_name"]),
    licenseUrl: asText(data["license_url"]),
    simulated: isSimulated(body),
  };
}

export const VELIB_SYSTEM_ID = "velib";

/** Vélib's files alone are headed `lastUpdatedOther`; its own system id is "Paris", which names no system. */
export function isVelib(body: unknown): boolean {
  return asObject(body)?.["lastUpdatedOther"] !== undefined;
}

/** Whether a file, of any kind, says of itself that it is simulated. */
export function isSimulated(body: unknown): boolean {
  const file = asObject(body);
  return file?.["simulated"] === true || asObject(file?.["data"])?.["simulated"] === true;
}
