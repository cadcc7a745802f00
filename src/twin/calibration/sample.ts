import { confidences, topClasses } from "../confidence/index.ts";
import type { ConfidenceSpec } from "../types.ts";
import type { SecondStage, TwinOutputs } from "./outputs.ts";
import type { PromiseKind } from "./promise.ts";

/** What each image costs, by where it is answered. */
export interface LossTable {
  /** Of the compressed network's answer. */
  readonly confidence: Float64Array;
  /** Loss when the compressed network's answer stands: -1, 0 or 1. */
  readonly kept: Int8Array;
  /** Loss when the input is escalated: 0, but for a second stage that differs from the original. */
  readonly escalated: Int8Array;
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
  const { compressed, second, labels } = outputs;
  const confidence = confidences(spec, compressed);
  const passesSecond = passing(second, spec);
  const original = topClasses(outputs.original);
  const answers = { compressed: topClasses(compressed), escalated: original, original };
  if (second !== undefined) {
    answers.escalated = topClasses(second.logits).map((answer, i) => (passesSecond(i) ? original[i]! : answer));
  }
  const sample = { images: original.length, confidence, answers, passesSecond };
  const differing = lossTable(sample, () => 1);
  if (labels === undefined) return { ...sample, differing };
  return { ...sample, differing, lost: lossTable(sample, (answer, i) => lostWhere(labels[i]!, original[i]!, answer)) };
}

function passing(second: SecondStage | undefined, spec: ConfidenceSpec): (image: number) => boolean {
  if (second === undefined) return () => true;
  const { logits, threshold } = second;
  if (threshold === undefined) return () => false;
  const confidence = confidences(spec, logits);
  return (image) => confidence[image]! < threshold;
}

function lossTable(
  { confidence, answers }: Pick<Sample, "confidence" | "answers">,
  whereDiffering: (answer: number, image: number) => number,
): LossTable {
  const losses = (given: Int32Array) =>
    Int8Array.from(given, (answer, i) => (answer === answers.original[i] ? 0 : whereDiffering(answer, i)));
  return { confidence, kept: losses(answers.compressed), escalated: losses(answers.escalated) };
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
