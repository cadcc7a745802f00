import { UsageError } from "../../errors.ts";
import type { NetworkName } from "../../lanes/types.ts";
import { defaultConfidence, topClasses } from "../confidence/index.ts";
import { type Interval, pairedInterval, wilsonInterval } from "../statistics/index.ts";
import type { ConfidenceSpec } from "../types.ts";
import { type ClassResult, classResults, groupByClass, imagesOfClasses } from "./classes.ts";
import { type CurvePoint, curve, type StageCosts, thin } from "./curve.ts";
import { checkOutputs, type TwinOutputs } from "./outputs.ts";
import { type Reliability, reliability } from "./reliability.ts";
import { lossesAt, type Sample, sampleOf } from "./sample.ts";

/** What is evaluated. */
export interface EvaluationRequest extends TwinOutputs {
  /** The compressed network's answers with confidence >= threshold stand. */
  readonly threshold: number;
  /** Margin unless given. */
  readonly confidence?: ConfidenceSpec;
  /** Of all intervals; 0.95 unless given. */
  readonly level?: number;
  /** Adds expected speed-ups to the curve. */
  readonly costs?: StageCosts;
}

/** A share or a difference, with its interval. */
export interface Measured extends Interval {
  readonly value: number;
}

/** What only labels can tell. */
export interface LabelledEvaluation {
  readonly accuracy: {
    readonly compressed: Measured;
    readonly "original-int8"?: Measured;
    readonly original: Measured;
    readonly twin: Measured;
  };
  /** Accuracy of the original minus the twin's. */
  readonly drop: Measured;
  /** `(twin - compressed) / (original - compressed)`; absent where the compressed network is as good as the original. */
  readonly recovery?: number;
  /** The smallest escalation rate at which the twin loses nothing on these images; absent when none does. */
  readonly zeroDropRate?: number;
  /** The same for an oracle that escalates only what pays: the compressed network's own drop, 0 at least. */
  readonly oracleZeroDropRate: number;
}

/** How a twin does on some images. Fractions are 0 to 1. */
export interface Evaluation {
  readonly images: number;
  readonly agreement: Measured;
  readonly escalationRate: Measured;
  /** How many answers each network gave. */
  readonly answeredBy: Readonly<Record<NetworkName, number>>;
  /** Share of images on which compressed network and original differ: what an oracle would escalate to agree always. */
  readonly oracleAgreementRate: number;
  /** Absent unless every image has a label: those of some images would not speak for all. */
  readonly labelled?: LabelledEvaluation;
  readonly classes: { readonly by: "label" | "original"; readonly results: readonly ClassResult[] };
  /** Probabilities against what is right: labels, or the original's answers where there are none. */
  readonly reliability: {
    readonly against: "label" | "original";
    readonly compressed: Reliability;
    readonly original?: Reliability;
  };
  /** From no escalation to all, in steps of about one percent. */
  readonly curve: readonly CurvePoint[];
}

/**
 * Measures a twin at a threshold. Nothing here is a guarantee, and images that calibrated should not be used again.
 *
 * @throws UsageError when the threshold is no number.
 * @throws CalibrationError when outputs and labels do not fit together.
 */
export function evaluateTwin(request: EvaluationRequest): Evaluation {
  const { threshold, confidence = defaultConfidence, level = 0.95, costs } = request;
  if (Number.isNaN(threshold)) throw new UsageError("the threshold must be a number, received NaN");
  checkOutputs(request);
  const labels = request.labels?.includes(-1) ? undefined : request.labels;
  const sample = sampleOf(request, confidence);
  const { images, answers } = sample;
  const grouping = groupByClass(request, sample);
  const groups = imagesOfClasses(grouping);
  const points = [...curve(sample, labels, costs)];
  const answeredBy = countAnswers(sample, threshold);
  const agreeing = images - count(lossesAt(sample.differing, threshold), 1);
  return {
    images,
    agreement: share(agreeing, images, level),
    escalationRate: share(images - answeredBy.compressed, images, level),
    answeredBy,
    oracleAgreementRate: count(sample.differing.kept, 1) / images,
    ...(labels && { labelled: labelledEvaluation(request, sample, labels, points, level) }),
    classes: { by: grouping.by, results: classResults(groups, sample, threshold, level) },
    reliability: reliabilities(request, answers.original, labels),
    curve: thin(points),
  };
}

function countAnswers({ confidence, images, passesSecond }: Sample, threshold: number): Evaluation["answeredBy"] {
  const escalated = [...confidence.keys()].filter((image) => confidence[image]! < threshold);
  const original = escalated.filter(passesSecond).length;
  return { compressed: images - escalated.length, "original-int8": escalated.length - original, original };
}

function labelledEvaluation(
  { second, threshold }: EvaluationRequest,
  { answers, confidence, images, lost }: Sample,
  labels: Int32Array,
  points: readonly CurvePoint[],
  level: number,
): LabelledEvaluation {
  const right = (answersGiven: Int32Array) =>
    answersGiven.reduce((sum, answer, i) => sum + Number(answer === labels[i]), 0);
  const twin = answers.compressed.map((answer, i) => (confidence[i]! >= threshold ? answer : answers.escalated[i]!));
  const accuracy = (given: Int32Array) => share(right(given), images, level);
  const losses = lossesAt(lost!, threshold);
  const gap = right(answers.original) - right(answers.compressed);
  const zeroDrop = points.find((point) => Math.round(point.accuracy! * images) >= right(answers.original));
  return {
    accuracy: {
      compressed: accuracy(answers.compressed),
      ...(second && { "original-int8": accuracy(topClasses(second.logits)) }),
      original: accuracy(answers.original),
      twin: accuracy(twin),
    },
    drop: difference(count(losses, 1), count(losses, -1), images, level),
    ...(gap > 0 && { recovery: (right(twin) - right(answers.compressed)) / gap }),
    ...(zeroDrop && { zeroDropRate: zeroDrop.escalationRate }),
    oracleZeroDropRate: Math.max(0, gap) / images,
  };
}

function reliabilities(
  { compressed, original }: EvaluationRequest,
  answers: Int32Array,
  labels?: Int32Array,
): Evaluation["reliability"] {
  if (labels === undefined) return { against: "original", compressed: reliability(compressed, answers) };
  return { against: "label", compressed: reliability(compressed, labels), original: reliability(original, labels) };
}

function count(losses: Int8Array, loss: number): number {
  return losses.reduce((sum, value) => sum + Number(value === loss), 0);
}

function share(k: number, n: number, level: number): Measured {
  return { value: k / n, ...wilsonInterval(k, n, level) };
}

function difference(wins: number, losses: number, n: number, level: number): Measured {
  return { value: (wins - losses) / n, ...pairedInterval(wins, losses, n, level) };
}
