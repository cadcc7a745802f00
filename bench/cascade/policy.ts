import { type LabelledOutputs, rightAnswers } from "../rival.ts";
import { type Gbvsb, gbvsb, measuresFor, type SortedProbabilities, sortedProbabilities } from "./confidence.ts";

/** When the low-precision answer stands: where gBvSB is at least the threshold. */
export interface Policy {
  readonly measure: Gbvsb;
  readonly threshold: number;
}

/** Which networks are right on each image, and the sorted probabilities of the low-precision one. */
interface Judged {
  readonly lowPrecision: readonly boolean[];
  readonly original: readonly boolean[];
  readonly probabilities: SortedProbabilities;
}

/**
 * The measure and threshold that escalate the fewest images while at most `tolerance` (a share) of accuracy is lost on
 * these images. Nothing is proven for others: that is CascadeCNN's policy.
 */
export function placeThreshold(outputs: LabelledOutputs, tolerance: number): Policy {
  const judged = judge(outputs);
  const allowed = Math.floor(tolerance * outputs.labels.length + 1e-9);
  const candidates = measuresFor(outputs.original.classes).map((measure) => fewestEscalated(judged, measure, allowed));
  return candidates.reduce((fewest, next) => (next.escalated < fewest.escalated ? next : fewest));
}

/** Tries every threshold, from all images escalated down to none. */
function fewestEscalated(judged: Judged, measure: Gbvsb, allowed: number): Policy & { readonly escalated: number } {
  const confidence = gbvsb(judged.probabilities, measure);
  const surest = [...confidence.keys()].sort((a, b) => confidence[b]! - confidence[a]!);
  let found = { measure, threshold: Number.POSITIVE_INFINITY, escalated: surest.length };
  let lost = 0;
  for (const [place, image] of surest.entries()) {
    lost += Number(judged.original[image]!) - Number(judged.lowPrecision[image]!);
    const threshold = confidence[image]!;
    const tied = threshold === confidence[surest[place + 1] ?? -1];
    if (!tied && lost <= allowed) found = { measure, threshold, escalated: surest.length - place - 1 };
  }
  return found;
}

/** What the cascade does on images. */
export interface CascadeQuality {
  readonly accuracy: { readonly original: number; readonly lowPrecision: number; readonly cascade: number };
  readonly escalationRate: number;
  /** Undefined where the low-precision network is as good as the original. */
  readonly recovery: number | undefined;
  /** Images that the low-precision network hands on. */
  readonly escalated: readonly number[];
}

export function qualityOf(outputs: LabelledOutputs, policy: Policy): CascadeQuality {
  const judged = judge(outputs);
  const escalated = escalatedBy(judged.probabilities, policy);
  const handedOn = new Set(escalated);
  const right = judged.original.map((original, i) => (handedOn.has(i) ? original : judged.lowPrecision[i]!));
  const accuracy = {
    original: share(judged.original),
    lowPrecision: share(judged.lowPrecision),
    cascade: share(right),
  };
  const gap = accuracy.original - accuracy.lowPrecision;
  return {
    accuracy,
    escalationRate: escalated.length / right.length,
    recovery: gap > 0 ? (accuracy.cascade - accuracy.lowPrecision) / gap : undefined,
    escalated,
  };
}

function escalatedBy(probabilities: SortedProbabilities, { measure, threshold }: Policy): number[] {
  const confidence = gbvsb(probabilities, measure);
  return [...confidence.keys()].filter((image) => confidence[image]! < threshold);
}

function judge({ rival, original, labels }: LabelledOutputs): Judged {
  return {
    lowPrecision: rightAnswers(rival, labels),
    original: rightAnswers(original, labels),
    probabilities: sortedProbabilities(rival),
  };
}

const share = (right: readonly boolean[]): number => right.filter(Boolean).length / right.length;
