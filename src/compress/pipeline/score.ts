import { type Collected, evaluateTwin, logitsOf, stageCosts, type TwinPromise } from "../../twin/index.ts";
import { answersTo } from "./answers.ts";
import type { Candidate, Compression } from "./context.ts";

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

/** Runs a candidate and the original on the selection images, and scores it. */
export async function scoreCandidate(candidate: Candidate, compression: Compression): Promise<Score> {
  const { selection, labelled, original, promise, signal } = compression;
  const networks = [candidate.network, original.network];
  return scoreOf(candidate, await answersTo(selection, labelled, networks, { signal }), promise);
}

/**
 * The cheapest point of the twin's curve that keeps the promise on the images themselves; without labels, a drop counts as
 * an agreement.
 */
export function scoreOf(
  { name, macs, bytes }: Pick<Candidate, "name" | "macs" | "bytes">,
  answers: Collected,
  promise: TwinPromise,
): Score {
  const labelled = answers.labels.every((label) => label >= 0);
  const costs = stageCosts({ secondStage: "original" }, answers);
  const { curve } = evaluateTwin({
    compressed: logitsOf(answers, "compressed"),
    original: logitsOf(answers, "original"),
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
