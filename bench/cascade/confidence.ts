import { type Logits, logSumExp } from "../../src/twin/index.ts";

/** Which probabilities gBvSB sets against each other: the `best` largest, and those after them up to the `last`. */
export interface Gbvsb {
  /** M of the paper; at least 1. */
  readonly best: number;
  /** N of the paper; more than `best`, at most the number of classes. */
  readonly last: number;
}

/**
 * Generalised best-versus-second-best of each row, in [-1, 1]: the sum of the M largest probabilities minus the sum of
 * the (M + 1)th to the Nth largest. M = 1, N = 2 is best-versus-second-best (Joshi, Porikli, Papanikolopoulos, "Multi-class
 * active learning for image classification", CVPR 2009).
 *
 * Source: A. Kouris, S. I. Venieris, C.-S. Bouganis, "CascadeCNN: pushing the performance limits of quantisation in
 * convolutional neural networks", FPL 2018.
 */
export function gbvsb(probabilities: SortedProbabilities, { best, last }: Gbvsb): Float64Array {
  const { data, count, classes } = probabilities;
  return Float64Array.from({ length: count }, (_, row) => {
    let sum = 0;
    for (let place = 0; place < last; place++) sum += (place < best ? 1 : -1) * data[row * classes + place]!;
    return sum;
  });
}

/** The probabilities of each row, largest first. */
export interface SortedProbabilities {
  readonly data: Float64Array;
  readonly count: number;
  readonly classes: number;
}

/** Softmax of each row, sorted once for all of the measures. */
export function sortedProbabilities({ data, count, classes }: Logits): SortedProbabilities {
  const sorted = new Float64Array(data.length);
  for (let start = 0; start < data.length; start += classes) {
    const normaliser = logSumExp(data, start, classes);
    const row = Float64Array.from(data.subarray(start, start + classes), (logit) => Math.exp(logit - normaliser));
    sorted.set(
      row.sort((a, b) => b - a),
      start,
    );
  }
  return { data: sorted, count, classes };
}

/** All measures with M up to 5 and N up to 10. */
export function measuresFor(classes: number): Gbvsb[] {
  const measures: Gbvsb[] = [];
  for (let best = 1; best <= Math.min(5, classes - 1); best++) {
    for (let last = best + 1; last <= Math.min(10, classes); last++) measures.push({ best, last });
  }
  return measures;
}
