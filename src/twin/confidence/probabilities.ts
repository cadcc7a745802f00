import { ModelError } from "../../errors.ts";
import type { Logits } from "../types.ts";

/** The smallest normal float32: probabilities below it, zero among them, count as this. */
const smallest = 1.1754943508222875e-38;

/**
 * Logits of a network that puts out probabilities: their logarithms, which are the network's logits up to one constant a
 * row. Margin, max-probability, entropy and tempered do not see that constant; energy does, and is 0 for every row here,
 * so it must not be used with such a network.
 *
 * A probability that the network rounded to zero becomes about -87.3, hence margins end there.
 *
 * @throws ModelError when a row is no distribution: a value outside [0, 1], or a sum further than 0.01 from 1.
 */
export function logitsOfProbabilities(probabilities: Logits): Logits {
  const { data, count, classes } = probabilities;
  for (let i = 0; i < count; i++) checkDistribution(data.subarray(i * classes, (i + 1) * classes), i);
  return { data: data.map((p) => Math.log(Math.max(p, smallest))), count, classes };
}

function checkDistribution(row: Float32Array, index: number): void {
  const wrong = row.findIndex((p) => !(p >= 0 && p <= 1.001));
  const sum = row.reduce((total, p) => total + p, 0);
  if (wrong === -1 && Math.abs(sum - 1) <= 0.01) return;
  const found = wrong === -1 ? `sums to ${Number(sum.toPrecision(6))}` : `has ${row[wrong]} for class ${wrong}`;
  throw new ModelError(`output ${index} is said to be probabilities but ${found}: declare the output as logits`);
}
