import { CalibrationError } from "../../errors.ts";
import type { Logits } from "../types.ts";
import { topClasses } from "./measures.ts";
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
 * @throws CalibrationError when no target is known, every answer hits its target (the best temperature is 0), or answers
 * are no better than chance (it is above 1000).
 */
export function fitTemperature(logits: Logits, targets: Int32Array): number {
  if (targets.length !== logits.count) {
    throw new CalibrationError(
      `${logits.count} outputs but ${targets.length} targets: a temperature needs one for each`,
    );
  }
  checkTargets(logits, targets);
  let low = Math.log(1 / range.highest);
  let high = Math.log(1 / range.lowest);
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (slope(logits, targets, Math.exp(middle)) < 0) low = middle;
    else high = middle;
  }
  return Math.exp(-(low + high) / 2);
}

function checkTargets(logits: Logits, targets: Int32Array): void {
  if (!targets.some((target) => target >= 0)) throw new CalibrationError("a temperature needs labels: none is known");
  const answers = topClasses(logits);
  const allHit = targets.every((target, i) => target < 0 || target === answers[i]);
  if (allHit || slope(logits, targets, 1 / range.highest) > 0) {
    throw new CalibrationError(
      `no temperature up to ${range.highest} fits: ${allHit ? "every answer is right" : "the answers are no better than chance"}; give more images`,
    );
  }
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
