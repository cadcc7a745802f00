import { availableParallelism } from "node:os";
import { UsageError, unknownValue } from "../../errors.ts";
import { type RangeMethod, rangeMethods } from "./ranges.ts";

/** The steps of quantisation, in order. */
export type QuantizeStep = "observe" | "correct" | "rank" | "give back" | "measure";

export interface QuantizeOptions {
  /** How ranges of activations are chosen. Default `mse`; below 64 calibration images `percentile-99.9`. */
  readonly method?: RangeMethod;
  /**
   * Bits of the weights, 2 to 8. Default 8, or 7 where the machine's integer products would saturate. Fewer make nothing
   * faster: the kernels are the same.
   */
  readonly weightBits?: number;
  /** Whether biases make up for the mean error of each channel. Default true. */
  readonly biasCorrection?: boolean;
  /** The least share of held-out images that must keep their class, 0 to 1; nodes return to float32 until they do. */
  readonly minAgreement?: number;
  /** Threads for calibration. Default: all of the machine's. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Called as a step advances; `total` is absent where it is not known beforehand. */
  readonly onProgress?: (step: QuantizeStep, done: number, total?: number) => void;
}

/** Options that have been checked, defaults filled in where these do not depend on the images. */
export interface CheckedOptions extends QuantizeOptions {
  readonly biasCorrection: boolean;
  readonly threads: number;
  readonly onProgress: NonNullable<QuantizeOptions["onProgress"]>;
}

/** Refuses options that make no sense. Throws UsageError. */
export function checkOptions(options: QuantizeOptions): CheckedOptions {
  const { method, weightBits, minAgreement, threads = availableParallelism() } = options;
  if (method !== undefined && !rangeMethods.includes(method)) {
    throw new UsageError(unknownValue("range method", method, rangeMethods));
  }
  checkWeightBits(weightBits);
  if (minAgreement !== undefined && !(minAgreement > 0 && minAgreement <= 1)) {
    throw new UsageError(`minAgreement is a share above 0 and at most 1, not ${minAgreement}`);
  }
  if (!Number.isInteger(threads) || threads < 1) throw new UsageError(`threads is at least 1, not ${threads}`);
  const { biasCorrection = true, onProgress = () => {} } = options;
  return { ...options, biasCorrection, threads, onProgress };
}

/** Refuses bits that int8 has no weights of. Throws UsageError. */
export function checkWeightBits(bits: number | undefined): void {
  if (bits === undefined || (Number.isInteger(bits) && bits >= 2 && bits <= 8)) return;
  throw new UsageError(`weightBits is a whole number in 2..8, not ${bits}`);
}
