import { confidences, topClasses } from "../confidence/index.ts";
import type { ConfidenceSpec } from "../types.ts";
import { allowanceFor } from "./allowance.ts";
import type { TwinOutputs } from "./outputs.ts";
import type { PromiseKind } from "./promise.ts";

/** What each image costs, by where it is answered. */
export interface LossTable {
  /** Of the compressed network's answer. */
  readonly confidence: Float64Array;
  /** Loss when the compressed network's answer stands: -1, 0 or 1. */
  readonly kept: Int8Array;
  /** Loss when the input is escalated: 0, but for a second stage that differs from the original. */
  readonly escalated: Int8Array;
  /** The same, at worst where the second stage is so unsure that it may pass the input on or not on another machine. */
  readonly escalatedAtWorst: Int8Array;
}

/** The networks' outputs on some images, reduced to what a cascade with any threshold does with them. */
export interface Sample {
  readonly images: number;
  /** Of the compressed network's answers. */
  readonly confidence: Float64Array;
  /** Classes answered: by the compressed network, by the stages after it, and by the original alone. */
  readonly answers: Readonly<Record<"compressed" | "escalated" | "original", Int32Array>>;
  /** Whether an escalated input goes on to the float32 original. */
  readonly passesSecond: (image: number) => boolean;
  /** 1 where the answer differs from the original's. */
  readonly differing: LossTable;
  /** Original right minus answer right; where they differ and the label is unknown 1, the worst case. With labels only. */
  readonly lost?: LossTable;
}

/** Reduces outputs that `checkOutputs` has passed. A second stage uses the same confidence as the first. */
export function sampleOf(outputs: TwinOutputs, spec: ConfidenceSpec): Sample {
  const { compressed, labels } = outputs;
  const confidence = confidences(spec, compressed);
  const original = topClasses(outputs.original);
  const second = secondOf(outputs, original, spec);
  const escalated = second.answers.map((answer, i) => (second.passes(i) ? original[i]! : answer));
  const answers = { compressed: topClasses(compressed), escalated, original };
  const table = (lossOf: (answer: number, image: number) => number): LossTable => {
    const losses = (given: Int32Array) =>
      Int8Array.from(given, (answer, i) => (answer === original[i] ? 0 : lossOf(answer, i)));
    const ofSecond = losses(second.answers);
    const ofEscalated = losses(escalated);
    const escalatedAtWorst = ofEscalated.map((loss, i) => (second.mayPass(i) ? Math.max(0, ofSecond[i]!) : loss));
    return { confidence, kept: losses(answers.compressed), escalated: ofEscalated, escalatedAtWorst };
  };
  const sample = {
    images: original.length,
    confidence,
    answers,
    passesSecond: second.passes,
    differing: table(() => 1),
  };
  if (labels === undefined) return sample;
  return { ...sample, lost: table((answer, i) => lostWhere(labels[i]!, original[i]!, answer)) };
}

/** What becomes of escalated inputs. */
interface Second {
  /** Classes answered where the input stays. */
  readonly answers: Int32Array;
  /** Whether the input goes on to the original. */
  readonly passes: (image: number) => boolean;
  /** Whether it may do the other on a machine that computes a little otherwise. */
  readonly mayPass: (image: number) => boolean;
}

function secondOf({ second }: TwinOutputs, original: Int32Array, spec: ConfidenceSpec): Second {
  if (second === undefined) return { answers: original, passes: () => true, mayPass: () => false };
  const { logits, threshold } = second;
  const answers = topClasses(logits);
  if (threshold === undefined) return { answers, passes: () => false, mayPass: () => false };
  const confidence = confidences(spec, logits);
  const allowance = allowanceFor(spec.measure, threshold);
  return {
    answers,
    passes: (image) => confidence[image]! < threshold,
    mayPass: (image) => Math.abs(confidence[image]! - threshold) <= allowance,
  };
}

function lostWhere(label: number, original: number, answer: number): number {
  return label < 0 ? 1 : Number(original === label) - Number(answer === label);
}

/** The losses that a promise of this kind counts; undefined for a drop without labels. */
export function lossesOf(sample: Sample, kind: PromiseKind): LossTable | undefined {
  return kind === "drop" ? sample.lost : sample.differing;
}

/** The losses of all images when answers with confidence >= threshold stand. */
export function lossesAt({ confidence, kept, escalated }: LossTable, threshold: number): Int8Array {
  const losses = new Int8Array(kept.length);
  for (let i = 0; i < losses.length; i++) losses[i] = confidence[i]! >= threshold ? kept[i]! : escalated[i]!;
  return losses;
}

/**
 * The losses of all images at worst when this threshold is used raised by the allowance, on a machine where each confidence
 * differs by the allowance at most: a confidence that it may carry over the threshold in use counts as what costs more.
 */
export function worstLosses(
  { confidence, kept, escalatedAtWorst }: LossTable,
  threshold: number,
  allowance: number,
): Int8Array {
  return kept.map((loss, i) => {
    if (confidence[i]! < threshold) return escalatedAtWorst[i]!;
    return confidence[i]! > threshold + 2 * allowance ? loss : Math.max(loss, escalatedAtWorst[i]!);
  });
}
