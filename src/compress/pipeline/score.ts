import { median } from "../../figures.ts";
import type { Network } from "../../lanes/index.ts";
import { subset } from "../../train/index.ts";
import {
  type Collected,
  collectLogits,
  evaluateTwin,
  logitsOf,
  stageCosts,
  type TwinPromise,
  usualBatch,
  withLanes,
} from "../../twin/index.ts";
import { answersTo, prepared } from "./answers.ts";
import { type Candidate, type Compression, networkIn } from "./context.ts";

/** What a twin with this compressed network would be like, by the selection images. An estimate to rank by, no promise. */
export interface Score {
  readonly candidate: string;
  readonly macs: number;
  readonly bytes: number;
  /** Share of the images on which it agrees with the original. */
  readonly agreement: number;
  /** Present with labels. */
  readonly accuracy?: number;
  /** Time of the compressed network relative to the original. */
  readonly time: number;
  /** At the threshold that just keeps the promise on these images. */
  readonly escalationRate: number;
  /** Time of the twin relative to the original: c + o e of the design. */
  readonly cost: number;
}

/** One round alone may be disturbed. */
const timedRounds = 5;
const timedImages = 256;
const floatSecond = { secondStage: "original" } as const;

/** Runs a candidate on the selection images, and scores it. */
export async function scoreCandidate(candidate: Candidate, compression: Compression): Promise<Score> {
  const { selection, labelled, originalLogits, promise, signal } = compression;
  const network = networkIn(compression, candidate.network, "compressed");
  const answers = await answersTo(selection, labelled, [network], { signal });
  const logits = new Map(answers.logits).set("original", originalLogits);
  return scoreOf(candidate, { ...answers, logits }, promise, await relativeTime(network, compression));
}

/** Time of a network for an image, relative to the original: the median of rounds in which both run. */
async function relativeTime(network: Network, { selection, original, signal }: Compression): Promise<number> {
  const few = subset(selection, [...selection.labels.keys()].slice(0, timedImages));
  const networks = [network, original.network];
  return withLanes(networks, async (lanes) => {
    const times: number[] = [];
    for (let round = 0; round < timedRounds; round++) {
      const options = { lanes, batch: usualBatch(network), signal };
      times.push(stageCosts(floatSecond, await collectLogits(prepared(few, false), networks, options)).compressed);
    }
    return median(times);
  });
}

/**
 * The cheapest point of the twin's curve that keeps the promise on the images themselves; without labels, a drop counts as
 * an agreement.
 *
 * @param time - of the candidate for an image, relative to the original
 */
export function scoreOf(
  { name, network: { macs, bytes } }: Pick<Candidate, "name" | "network">,
  answers: Collected,
  promise: TwinPromise,
  time: number,
): Score {
  const labelled = answers.labels.every((label) => label >= 0);
  const { curve } = evaluateTwin({
    compressed: logitsOf(answers, "compressed"),
    original: logitsOf(answers, "original"),
    ...(labelled ? { labels: answers.labels } : {}),
    threshold: Number.NEGATIVE_INFINITY,
    costs: { compressed: time },
  });
  const alone = curve[0]!;
  const all = curve.at(-1)!;
  const quality = promise.kind === "drop" && labelled ? "accuracy" : "agreement";
  const keeps = curve.find((point) => point[quality]! >= all[quality]! - promise.tolerance)!;
  return {
    candidate: name,
    macs,
    bytes,
    agreement: alone.agreement,
    ...(alone.accuracy === undefined ? {} : { accuracy: alone.accuracy }),
    time,
    escalationRate: keeps.escalationRate,
    cost: 1 / keeps.speedUp!,
  };
}
