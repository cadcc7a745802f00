import { CalibrationError } from "../../errors.ts";
import type { Logits } from "../types.ts";
import { logSumExp } from "./softmax.ts";

/** Temperatures outside this range do not occur in networks that have learned anything. */
const range = { lowest: 1e-3, highest: 1e3 } as const;

/**
 * The temperature T that minimises the negative log likelihood `mean(logsumexp(z / T) - z_target / T)` of the targets:
 * true labels, or the original's answers where there are none. Targets of -1 are unknown and left out.
 *
 * The likelihood is convex in 1 / T, so its derivative, `mean(E_p[z] - z_target)`, has one zero: found by bisection.
 *
 * Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.
 *
 * @throws CalibrationError when no target is known, or none between 0.001 and 1000 is best (all or almost no answers hit
 * their targets).
 */
export function fitTemperature(logits: Logits, targets: Int32Array): number {
  if (targets.length !== logits.count) {
    throw new CalibrationError(
      `${logits.count} outputs but ${targets.length} targets: a temperature needs one for each`,
    );
  }
  if (!targets.some((target) => target >= 0)) throw new CalibrationError("a temperature needs labels: none is known");
  let low = Math.log(1 / range.highest);
  let high = Math.log(1 / range.lowest);
  if (slope(logits, targets, Math.exp(low)) > 0 || slope(logits, targets, Math.exp(high)) < 0) {
    throw new CalibrationError(
      `no temperature between ${range.lowest} and ${range.highest} fits: the answers are right (or wrong) too often; give more images`,
    );
  }
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (slope(logits, targets, Math.exp(middle)) < 0) low = middle;
    else high = middle;
  }
  return Math.exp(-(low + high) / 2);
}

/** Derivative of the negative log likelihood (its sum over the rows) by the inverse temperature. */
function slope({ data, count, classes }: Logits, targets: Int32Array, inverse: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) {
    const target = targets[i]!;
    if (target < 0) continue;
    const start = i * classes;
    total += expectation(data, start, classes, inverse) - data[start + target]!;
  }
  return total;
}

/** Mean of the logits under `softmax(inverse * z)`. */
function expectation(data: Float32Array, start: number, classes: number, inverse: number): number {
  const normaliser = logSumExp(data, start, classes, 1 / inverse);
  let mean = 0;
  for (let i = start; i < start + classes; i++) mean += Math.exp(data[i]! * inverse - normaliser) * data[i]!;
  return mean;
}
