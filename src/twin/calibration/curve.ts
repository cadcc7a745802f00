import type { Sample } from "./sample.ts";

/** Time of one image on each stage, relative to the original: c and o of the design. */
export interface StageCosts {
  readonly compressed: number;
  /** Of the int8 original, where the cascade has one. */
  readonly second?: number;
}

/** The twin at one escalation rate. */
export interface CurvePoint {
  /** At this threshold and any up to the next confidence, the twin is the same. Infinity when all inputs are escalated. */
  readonly threshold: number;
  readonly escalationRate: number;
  /** Share of the images that reach the float32 original. */
  readonly originalRate: number;
  readonly agreement: number;
  /** Share of the images that the twin answers rightly; present with labels. */
  readonly accuracy?: number;
  /** Expected from the costs of the stages; present when they are given. */
  readonly speedUp?: number;
}

/** Share of the original's time that running a cascade costs beside its networks. */
const overhead = 0.01;

/** Speed-up over the original alone, `1 / (c + o e + 0.01)`, with the second stage's o and what still reaches the original. */
export function expectedSpeedUp(costs: StageCosts, escalationRate: number, originalRate: number): number {
  const escalations = costs.second === undefined ? escalationRate : costs.second * escalationRate + originalRate;
  return 1 / (costs.compressed + escalations + overhead);
}

/** Running counts of the twin while more and more of the least sure answers are escalated. */
interface Counts {
  escalated: number;
  reachOriginal: number;
  agreeing: number;
  right: number | undefined;
}

/**
 * The twin at every threshold that these images tell apart, from no escalation to all; equal confidences are escalated
 * together.
 *
 * @param labels the true class of every image
 */
export function* curve(sample: Sample, labels?: Int32Array, costs?: StageCosts): Generator<CurvePoint, void> {
  const { confidence, images } = sample;
  const order = Uint32Array.from({ length: images }, (_, i) => i).sort((a, b) => confidence[a]! - confidence[b]!);
  const counts = startCounts(sample, labels);
  for (let i = 0; i <= images; i++) {
    const threshold = i === images ? Number.POSITIVE_INFINITY : confidence[order[i]!]!;
    if (i === 0 || threshold > confidence[order[i - 1]!]!) yield pointOf(threshold, counts, images, costs);
    if (i < images) escalate(order[i]!, counts, sample, labels);
  }
}

function startCounts({ answers }: Sample, labels?: Int32Array): Counts {
  const matches = (targets: Int32Array) =>
    targets.reduce((count, target, i) => count + Number(answers.compressed[i] === target), 0);
  return { escalated: 0, reachOriginal: 0, agreeing: matches(answers.original), right: labels && matches(labels) };
}

function escalate(image: number, counts: Counts, { answers, passesSecond }: Sample, labels?: Int32Array): void {
  const gain = (targets: Int32Array) =>
    Number(answers.escalated[image] === targets[image]) - Number(answers.compressed[image] === targets[image]);
  counts.escalated++;
  counts.reachOriginal += Number(passesSecond(image));
  counts.agreeing += gain(answers.original);
  if (labels !== undefined && counts.right !== undefined) counts.right += gain(labels);
}

function pointOf(threshold: number, counts: Counts, images: number, costs?: StageCosts): CurvePoint {
  const [escalationRate, originalRate] = [counts.escalated / images, counts.reachOriginal / images];
  return {
    threshold,
    escalationRate,
    originalRate,
    agreement: counts.agreeing / images,
    ...(counts.right !== undefined && { accuracy: counts.right / images }),
    ...(costs && { speedUp: expectedSpeedUp(costs, escalationRate, originalRate) }),
  };
}

/** Thins a curve to about one point for each percent of escalations, both ends kept. */
export function thin(points: readonly CurvePoint[]): CurvePoint[] {
  const percentOf = ({ escalationRate }: CurvePoint) => Math.floor(escalationRate * 100 + 1e-9);
  return points.filter((point, i) => i === 0 || percentOf(point) > percentOf(points[i - 1]!));
}
