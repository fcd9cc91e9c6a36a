/** A file of a feed that cannot be had, in words: which one, why, and what it costs. */
import type { FeedProblem } from "../ports.ts";
import { shownPath, type FetchFailure } from "./failures.ts";

/** What is missing while a file is away; nothing else is. */
const COSTS: Readonly<Record<string, string>> = {
  station_status: "The counts of stations stay as they were",
  vehicle_status: "Vehicles outside stations stay as they were counted last, if they ever were",
  free_bike_status: "Vehicles outside stations stay as they were counted last, if they ever were",
  station_information: "Names, places and areas of stations stay as far as they were known",
  system_regions: "Regions go by their ids, as far as their names were not known before",
  vehicle_types: "Electric and mechanical are told only as far as types were known before",
  system_information: "The system's id is taken from the URL, if nothing else names it",
  system_alerts: "The publisher's notices are not shown",
};

/** @param trouble the failure, and since when it has been so */
export function fileProblem(
  name: string,
  url: URL,
  { failure, sinceMs }: { readonly failure: FetchFailure; readonly sinceMs: number },
  nowMs: number,
): FeedProblem {
  const why = failure.message.split(/\. (?=[A-Z])/)[0] ?? failure.message;
  const cost = COSTS[name] ?? "Nothing else depends on it";
  return {
    flag: "file_unavailable",
    subject: `${name} ${shownPath(url)}`,
    outcome: failure.outcome,
    message: `${name}: ${why.replace(/\.$/, "")}. ${cost}; all else goes on, and it is tried again.`,
    sinceMs: Math.min(sinceMs, nowMs),
  };
}
