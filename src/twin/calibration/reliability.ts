import { logSumExp, topClass } from "../confidence/index.ts";
import type { Logits } from "../types.ts";

/** Answers whose probability lies in one bin of equal width. */
export interface ReliabilityBin {
  /** Probabilities in [low, high); the last bin includes 1. */
  readonly low: number;
  readonly high: number;
  readonly images: number;
  /** Mean probability that the network gives its answers. */
  readonly probability: number;
  /** Share of the answers that are right. */
  readonly accuracy: number;
}

/** How far a network's probabilities can be taken at their word. */
export interface Reliability {
  /** Bins that hold images, from low to high. */
  readonly bins: readonly ReliabilityBin[];
  /** Mean over the images of the distance between accuracy and probability of their bin. */
  readonly calibrationError: number;
}

const binCount = 15;

/**
 * Reliability diagram and expected calibration error of `max softmax(z)`, in 15 bins of equal width.
 *
 * Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, sections 2 and 3; M. P. Naeini et al.,
 * AAAI 2015.
 *
 * @param targets what counts as right: labels, or the original's answers; -1 is unknown and left out
 */
export function reliability(logits: Logits, targets: Int32Array): Reliability {
  const sums = Array.from({ length: binCount }, () => ({ images: 0, probability: 0, right: 0 }));
  let total = 0;
  for (let i = 0; i < logits.count; i++) {
    if (targets[i]! < 0) continue;
    const { answer, probability } = answerOf(logits, i);
    const bin = sums[Math.min(binCount - 1, Math.floor(probability * binCount))]!;
    bin.images++;
    bin.probability += probability;
    bin.right += Number(answer === targets[i]);
    total++;
  }
  const distance = sums.reduce((sum, bin) => sum + Math.abs(bin.right - bin.probability), 0);
  const bins = sums.map(({ images, probability, right }, i) => ({
    low: i / binCount,
    high: (i + 1) / binCount,
    images,
    probability: probability / images,
    accuracy: right / images,
  }));
  return { bins: bins.filter(({ images }) => images > 0), calibrationError: total === 0 ? 0 : distance / total };
}

function answerOf({ data, classes }: Logits, image: number): { answer: number; probability: number } {
  const start = image * classes;
  const answer = topClass(data, start, classes);
  return { answer, probability: Math.exp(data[start + answer]! - logSumExp(data, start, classes)) };
}
