import { confidences, defaultConfidence, topClasses } from "./confidence/index.ts";
import type { ConfidenceSpec, Logits } from "./types.ts";

/** Inputs with the logits that both networks gave where the twin was calibrated. */
export interface Canaries {
  readonly count: number;
  /** `count` images as channel planes. */
  readonly planes: Uint8Array;
  readonly compressed: Logits;
  readonly original: Logits;
}

/** What canaries show: images that calibrated the twin, or pictures that are made from a seed. */
export const canaryKinds = ["images", "generated"] as const;
export type CanaryKind = (typeof canaryKinds)[number];

/** Number of canaries that a twin carries: enough to notice a kernel that computes differently, few enough to run in a second. */
export const canaryCount = 64;

/** The bytes of a canary file: planes, then the compressed and the original logits as little-endian float32. */
export function encodeCanaries({ planes, compressed, original }: Canaries): Uint8Array {
  const logits = [compressed, original].map(
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
  if (bytes.length !== planesEnd + 2 * logitsBytes) return undefined;
  const logits = (start: number): Logits => {
    const data = new Float32Array(new Uint8Array(bytes.subarray(start, start + logitsBytes)).buffer);
    return { data, count, classes };
  };
  const planes = new Uint8Array(bytes.subarray(0, planesEnd));
  return { count, planes, compressed: logits(planesEnd), original: logits(planesEnd + logitsBytes) };
}

/** What running the canaries again showed. */
export interface CanaryCheck {
  /** Largest change of the compressed network's confidence. */
  readonly confidenceChange: number;
  /** Answers that changed although their margin was larger than the allowance, of either network. */
  readonly changedAnswers: number;
  readonly passed: boolean;
}

/** Compares logits computed here with those stored. */
export function checkCanaries(
  stored: Canaries,
  here: Pick<Canaries, "compressed" | "original">,
  confidence: ConfidenceSpec,
  allowance: number,
): CanaryCheck {
  const before = confidences(confidence, stored.compressed);
  const after = confidences(confidence, here.compressed);
  const confidenceChange = before.reduce((largest, value, i) => Math.max(largest, Math.abs(value - after[i]!)), 0);
  const changedAnswers =
    countChanged(stored.compressed, here.compressed, allowance) +
    countChanged(stored.original, here.original, allowance);
  return { confidenceChange, changedAnswers, passed: confidenceChange <= allowance && changedAnswers === 0 };
}

function countChanged(before: Logits, after: Logits, allowance: number): number {
  const margins = confidences(defaultConfidence, before);
  const [answers, now] = [topClasses(before), topClasses(after)];
  return answers.filter((answer, i) => margins[i]! > allowance && answer !== now[i]).length;
}
