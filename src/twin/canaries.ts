import { confidences, defaultConfidence, topClasses } from "./confidence/index.ts";
import type { ConfidenceSpec, Logits } from "./types.ts";

/** Logits of the networks that answer. */
export interface CanaryLogits {
  readonly compressed: Logits;
  readonly original: Logits;
  /** Of the second stage, where there is one. */
  readonly second?: Logits;
}

/** Inputs with the logits that the networks gave where the twin was calibrated. */
export interface Canaries extends CanaryLogits {
  readonly count: number;
  /** `count` images as channel planes. */
  readonly planes: Uint8Array;
}

/** What canaries show: images that calibrated the twin, or pictures that are made from a seed. */
export const canaryKinds = ["images", "generated"] as const;
export type CanaryKind = (typeof canaryKinds)[number];

/** Number of canaries that a twin carries: enough to notice a kernel that computes differently, few enough to run in a second. */
export const canaryCount = 64;

/**
 * The bytes of a canary file: planes, then the logits as little-endian float32, of the compressed network, the original and
 * the second stage, where there is one.
 */
export function encodeCanaries({ planes, compressed, original, second }: Canaries): Uint8Array {
  const logits = [compressed, original, ...(second === undefined ? [] : [second])].map(
    ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  const parts = [planes, ...logits];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Reads what `encodeCanaries` wrote; undefined when the length does not fit the counts. */
export function decodeCanaries(
  bytes: Uint8Array,
  count: number,
  imageBytes: number,
  classes: number,
): Canaries | undefined {
  const planesEnd = count * imageBytes;
  const logitsBytes = count * classes * 4;
  const networks = (bytes.length - planesEnd) / logitsBytes;
  if (networks !== 2 && networks !== 3) return undefined;
  const logits = (start: number): Logits => {
    const data = new Float32Array(new Uint8Array(bytes.subarray(start, start + logitsBytes)).buffer);
    return { data, count, classes };
  };
  const planes = new Uint8Array(bytes.subarray(0, planesEnd));
  const [compressed, original] = [logits(planesEnd), logits(planesEnd + logitsBytes)];
  const second = networks === 3 ? { second: logits(planesEnd + 2 * logitsBytes) } : {};
  return { count, planes, compressed, original, ...second };
}

/** What running the canaries again showed. */
export interface CanaryCheck {
  /** Largest change of the compressed network's confidence. */
  readonly confidenceChange: number;
  /** Answers that changed although their margin was larger than the allowance, of any network. */
  readonly changedAnswers: number;
  readonly passed: boolean;
}

/** By how much confidences may change. */
export interface Allowances {
  readonly compressed: number;
  /** Of a second stage with a threshold. */
  readonly second?: number | undefined;
}

/** Compares logits computed here with those stored. A second stage of which none are stored does not pass. */
export function checkCanaries(
  stored: CanaryLogits,
  here: CanaryLogits,
  confidence: ConfidenceSpec,
  allowed: Allowances,
): CanaryCheck {
  const seconds = stored.second && here.second && ([stored.second, here.second] as const);
  const pairs = [
    [stored.compressed, here.compressed],
    [stored.original, here.original],
    ...(seconds ? [seconds] : []),
  ] as const;
  const changedAnswers = pairs.reduce((sum, [then, now]) => sum + countChanged(then, now, allowed.compressed), 0);
  const confidenceChange = largestChange(stored.compressed, here.compressed, confidence);
  const secondChange = seconds ? largestChange(...seconds, confidence) : 0;
  const isKnown = here.second === undefined || seconds !== undefined;
  const isAllowed =
    confidenceChange <= allowed.compressed && secondChange <= (allowed.second ?? Number.POSITIVE_INFINITY);
  return { confidenceChange, changedAnswers, passed: isKnown && isAllowed && changedAnswers === 0 };
}

function largestChange(before: Logits, after: Logits, confidence: ConfidenceSpec): number {
  const now = confidences(confidence, after);
  return confidences(confidence, before).reduce((most, value, i) => Math.max(most, Math.abs(value - now[i]!)), 0);
}

function countChanged(before: Logits, after: Logits, allowance: number): number {
  const margins = confidences(defaultConfidence, before);
  const [answers, now] = [topClasses(before), topClasses(after)];
  return answers.filter((answer, i) => margins[i]! > allowance && answer !== now[i]).length;
}
