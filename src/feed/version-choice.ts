/**
 * Which version of a system is read: the highest, unless a lower one has more in it.
 *
 *   highest ─▶ asked once ─┬─ as much in it as in the next ─▶ that
 *                          └─ fails, is empty, lacks some ──▶ the next one, compared in the same way
 *
 * Publishers offer versions that they do not fill: what counts is what is there, not its number.
 */
import type { Clock } from "../ports.ts";
import { hasStatus, openVersion, type FeedUrls, type Offer } from "./discovery.ts";
import { failureOf, type FetchFailure } from "./failures.ts";
import type { Traffic } from "./feed-file.ts";
import type { Fetcher } from "./http-client.ts";
import { atMost } from "./patience.ts";
import { SystemFiles } from "./system-files.ts";
import { isEmpty, lacks, NOTHING_THERE, weigh, type Weight } from "./version-weight.ts";

/** The version that is read, and what was wrong with those above it. */
export interface Choice {
  readonly ok: true;
  readonly files: SystemFiles;
  /** Highest first; empty when the highest is read. */
  readonly passedOver: readonly { readonly version: string; readonly why: string }[];
}

/** More versions are not asked: publishers offer three or four. */
const MOST_VERSIONS = 6;

interface Candidate {
  readonly version: string;
  readonly files: SystemFiles | null;
  readonly weight: Weight;
}

export interface ChoiceInput {
  readonly client: Fetcher;
  readonly traffic: Traffic;
  readonly clock: Pick<Clock, "now">;
  readonly patienceMs: number;
  readonly signal?: AbortSignal;
}

/** Never rejects. @returns why nothing can be read, when no version leads anywhere */
export async function chooseVersion(offer: Offer, input: ChoiceInput): Promise<Choice | FetchFailure> {
  const all: SystemFiles[] = [];
  const choice = await chooseAmong(offer, { ...input, opened: (files) => all.push(files) });
  // What is not chosen keeps nothing, what still answers later neither.
  for (const files of all) if (!choice.ok || files !== choice.files) files.close();
  return choice;
}

type Choosing = ChoiceInput & { readonly opened: (files: SystemFiles) => void };

async function chooseAmong(offer: Offer, input: Choosing): Promise<Choice | FetchFailure> {
  const [only, ...others] = offer.versions;
  if (only !== undefined && others.length === 0) {
    const found = await opened(only.at, input);
    return found.ok ? { ok: true, files: filesOf(found, input), passedOver: [] } : found;
  }
  const offered = offer.versions.slice(0, MOST_VERSIONS);
  // The two highest, and the one that the user's URL names: in most cases that is all that is on offer.
  const first = offered.filter(({ at }, index) => index < 2 || !(at instanceof URL));
  const asked = await candidates(first, input);
  for (const one of offered) {
    const best = bestOf(asked);
    if (best !== null && !isEmpty(best.weight)) break;
    if (!first.includes(one)) asked.push(await candidate(one, input));
  }
  const best = bestOf(asked);
  if (best === null || best.files === null) return asked[0]?.weight.failure ?? NO_VERSION;
  const passedOver = asked
    .slice(0, asked.indexOf(best))
    .map(({ version, weight }) => ({ version, why: lacks(weight, best.weight) ?? "it has less in it" }));
  return { ok: true, files: best.files, passedOver };
}

/** Asks several at once; once one has something in it, the others are waited for only a while. */
async function candidates(offered: Offer["versions"], input: Choosing): Promise<Candidate[]> {
  const done = new Map<number, Candidate>();
  const full = Promise.withResolvers<void>();
  const all = Promise.all(
    offered.map(async (one, index) => {
      const found = await candidate(one, input);
      done.set(index, found);
      if (!isEmpty(found.weight)) full.resolve();
    }),
  );
  await Promise.race([all, full.promise]);
  await atMost(input.patienceMs, all);
  return offered.map(
    ({ version, at }, index) =>
      done.get(index) ?? {
        version: version ?? "unnumbered",
        files: null,
        weight: { ...NOTHING_THERE, failure: failureOf("timeout", at instanceof URL ? at : at.from) },
      },
  );
}

const NO_VERSION: FetchFailure = {
  ok: false,
  outcome: "not_gbfs",
  message: "The feed offers no version. Check its URL.",
  retryAfterMs: null,
};

/** From the highest down: a lower one is better only where the one above lacks something that it has. */
function bestOf(asked: readonly Candidate[]): Candidate | null {
  let best: Candidate | null = null;
  for (const one of asked) {
    if (one.files === null) continue;
    if (best === null || (lacks(best.weight, one.weight) !== null && !worse(one.weight, best.weight)))
      best = one;
  }
  return best;
}

/** Fewer stations and vehicles are worse, whatever else a version has more of. */
function worse(one: Weight, other: Weight): boolean {
  return one.stations + one.vehicles < (other.stations + other.vehicles) * 0.9;
}

async function candidate({ version, at }: Offer["versions"][number], input: Choosing): Promise<Candidate> {
  const found = await opened(at, input);
  const name = version ?? "unnumbered";
  if (!found.ok) return { version: name, files: null, weight: { ...NOTHING_THERE, failure: found } };
  const files = filesOf(found, input);
  const { clock, patienceMs, signal } = input;
  return { version: name, files, weight: await weigh(files, { now: () => clock.now(), patienceMs }, signal) };
}

async function opened(at: FeedUrls | URL, input: ChoiceInput): Promise<FeedUrls | FetchFailure> {
  const found = at instanceof URL ? await openVersion(input.client, at, input.traffic, input.signal) : at;
  return !found.ok || hasStatus(found.urls) ? found : failureOf("no_status", found.from);
}

function filesOf(found: FeedUrls, { client, traffic, clock, opened: told }: Choosing): SystemFiles {
  const files = new SystemFiles(client, found, traffic, clock);
  told(files);
  return files;
}
