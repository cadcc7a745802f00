import type { Network } from "../../lanes/index.ts";
import { type Collected, evaluateTwin, logitsOf, type StageCosts, type TwinPromise } from "../../twin/index.ts";
import { answersTo } from "./answers.ts";
import { type Candidate, type Compression, networkIn } from "./context.ts";
import { int8Beside } from "./int8.ts";
import { measureCosts } from "./timing.ts";

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

/** Runs a candidate on the selection images, with the original in int8 behind it where that is faster, and scores it. */
export async function scoreCandidate(candidate: Candidate, compression: Compression): Promise<Score> {
  const { selection, labelled, originalLogits, promise, signal } = compression;
  const networks = [
    networkIn(compression, candidate.network, "compressed"),
    ...(await secondOf(candidate, compression)),
  ];
  const answers = await answersTo(selection, labelled, networks, { signal });
  const logits = new Map(answers.logits).set("original", originalLogits);
  return scoreOf(candidate, { ...answers, logits }, promise, await measureCosts(networks, compression));
}

/** The original in int8, unless it is the candidate itself or cannot be had. */
async function secondOf({ name }: Candidate, compression: Compression): Promise<Network[]> {
  const [int8] = await int8Beside(compression);
  if (int8 === undefined || int8.name === name) return [];
  return [networkIn(compression, int8.network, "original-int8")];
}

/**
 * The cheapest point of the twin's curve that loses no more than the promise allows against handing all images on; without
 * labels, a drop counts as an agreement.
 *
 * @param costs - of the candidate and, where it serves as second stage, of the original in int8
 */
function scoreOf(
  { name, network: { macs, bytes } }: Pick<Candidate, "name" | "network">,
  answers: Collected,
  promise: TwinPromise,
  costs: StageCosts,
): Score {
  const labelled = answers.labels.every((label) => label >= 0);
  const { curve } = evaluateTwin({
    compressed: logitsOf(answers, "compressed"),
    original: logitsOf(answers, "original"),
    ...(costs.second === undefined ? {} : { second: { logits: logitsOf(answers, "original-int8") } }),
    ...(labelled ? { labels: answers.labels } : {}),
    threshold: Number.NEGATIVE_INFINITY,
    costs,
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
    time: costs.compressed,
    escalationRate: keeps.escalationRate,
    cost: 1 / keeps.speedUp!,
  };
}
