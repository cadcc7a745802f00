import { ModelError } from "../../errors.ts";

/**
 * One row of logits inside a larger array: `classes` numbers from `start`. All functions here read it in place, so that
 * a million rows cost no allocation.
 */
export type RowFunction = (data: Float32Array, start: number, classes: number) => number;

/**
 * Index of the largest logit; the first of equals.
 *
 * @throws ModelError when a logit is NaN or infinite.
 */
export function topClass(data: Float32Array, start = 0, classes = data.length): number {
  let top = start;
  for (let i = start; i < start + classes; i++) {
    const value = data[i]!;
    if (!Number.isFinite(value)) refuseLogit(value, i - start);
    if (value > data[top]!) top = i;
  }
  return top - start;
}

/**
 * `log(sum_j exp(z_j / T))`, computed as `m / T + log(sum_j exp((z_j - m) / T))` with m the largest logit, so that no
 * exponential overflows.
 *
 * @throws ModelError when a logit is NaN or infinite.
 */
export function logSumExp(data: Float32Array, start = 0, classes = data.length, temperature = 1): number {
  const largest = data[start + topClass(data, start, classes)]!;
  let sum = 0;
  for (let i = start; i < start + classes; i++) sum += Math.exp((data[i]! - largest) / temperature);
  return largest / temperature + Math.log(sum);
}

/** Throws the error of a logit that is no number. */
export function refuseLogit(value: number, index: number): never {
  throw new ModelError(
    `the network put out ${value} for class ${index}: no answer can be trusted. Check its weights and the preprocessing.`,
  );
}
