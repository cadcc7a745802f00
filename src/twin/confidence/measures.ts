import { UsageError, unknownValue } from "../../errors.ts";
import { type ConfidenceMeasure, type ConfidenceSpec, confidenceMeasures, type Logits } from "../types.ts";
import { logSumExp, type RowFunction, refuseLogit, topClass } from "./softmax.ts";

/** The paper's measure. */
export const defaultConfidence: ConfidenceSpec = { measure: "margin", temperature: 1 };

/**
 * Largest minus second largest logit; 0 and more.
 *
 * Source: H. Jeong, D. Chen, "TwinDNN", ASAP 2021; as a stopping rule E. Park et al., "Big/little deep neural network
 * for ultra low power inference", CODES+ISSS 2015.
 */
export const margin: RowFunction = (data, start, classes) => {
  let first = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  for (let i = start; i < start + classes; i++) {
    const value = data[i]!;
    if (!Number.isFinite(value)) refuseLogit(value, i - start);
    if (value > first) {
      second = first;
      first = value;
    } else if (value > second) second = value;
  }
  return first - second;
};

/**
 * Probability of the answer, `max softmax(z)`; in [1 / classes, 1]. Saturates at 1 beyond a margin of about 37.
 *
 * Source: D. Hendrycks, K. Gimpel, "A baseline for detecting misclassified and out-of-distribution examples", ICLR 2017.
 */
export const maxProbability: RowFunction = (data, start, classes) => temperedProbability(data, start, classes, 1);

/**
 * One minus the entropy of `softmax(z)` in units of its largest value, `1 - H(p) / log(classes)`; in [0, 1].
 *
 * Source: S. Teerapittayanon et al., "BranchyNet", ICPR 2016 (entropy as the exit criterion); C. E. Shannon 1948.
 */
export const negativeEntropy: RowFunction = (data, start, classes) => {
  const normaliser = logSumExp(data, start, classes);
  let entropy = 0;
  for (let i = start; i < start + classes; i++) {
    const logProbability = data[i]! - normaliser;
    entropy -= Math.exp(logProbability) * logProbability;
  }
  return Math.min(1, Math.max(0, 1 - entropy / Math.log(classes)));
};

/**
 * Negative free energy, `T log(sum_j exp(z_j / T))`; any number. The only measure that sees a shift of all logits, so it
 * needs logits, never probabilities.
 *
 * Source: W. Liu et al., "Energy-based out-of-distribution detection", NeurIPS 2020, eq. 4.
 */
export function negativeEnergy(temperature: number): RowFunction {
  return (data, start, classes) => temperature * logSumExp(data, start, classes, temperature);
}

/**
 * Probability of the answer after temperature scaling, `max softmax(z / T)`; in [1 / classes, 1].
 *
 * Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.
 */
export function tempered(temperature: number): RowFunction {
  return (data, start, classes) => temperedProbability(data, start, classes, temperature);
}

function temperedProbability(data: Float32Array, start: number, classes: number, temperature: number): number {
  const largest = data[start + topClass(data, start, classes)]!;
  return Math.exp(largest / temperature - logSumExp(data, start, classes, temperature));
}

const measures: Record<ConfidenceMeasure, (temperature: number) => RowFunction> = {
  margin: () => margin,
  "max-probability": () => maxProbability,
  entropy: () => negativeEntropy,
  energy: negativeEnergy,
  tempered,
};

/** Confidence of one answer, from `classes` logits that begin at `start`; by default from the whole array. */
export type Confidence = (data: Float32Array, start?: number, classes?: number) => number;

/**
 * The function that a specification names. Larger is surer, whatever the measure. It allocates nothing and throws
 * ModelError when a logit is NaN or infinite.
 *
 * @throws UsageError on an unknown measure, or a temperature that is not a positive number.
 */
export function createConfidence(spec: ConfidenceSpec): Confidence {
  const { measure, temperature } = spec;
  if (!confidenceMeasures.includes(measure)) {
    throw new UsageError(unknownValue("confidence measure", measure, confidenceMeasures));
  }
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new UsageError(`the temperature of a confidence must be a positive number, received ${temperature}`);
  }
  const row = measures[measure](temperature);
  return (data, start = 0, classes = data.length) => row(data, start, classes);
}

/** The confidence of every row. */
export function confidences(spec: ConfidenceSpec, logits: Logits): Float64Array {
  const confidence = createConfidence(spec);
  return mapRows(logits, Float64Array, confidence);
}

/** The answer of every row: index of its largest logit, the first of equals. */
export function topClasses(logits: Logits): Int32Array {
  return mapRows(logits, Int32Array, topClass);
}

function mapRows<A extends Float64Array | Int32Array>(
  { data, count, classes }: Logits,
  Rows: new (length: number) => A,
  of: RowFunction,
): A {
  const rows = new Rows(count);
  for (let i = 0; i < count; i++) rows[i] = of(data, i * classes, classes);
  return rows;
}
