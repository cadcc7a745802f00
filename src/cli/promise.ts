import type { TwinPromise } from "../twin/index.ts";

/** Allowed when neither option is given: agreement needs no labels. */
const defaultAgreement = 0.98;

/** The promise that the flags ask for. */
export function promiseOf(flags: {
  maxDrop?: number | undefined;
  minAgreement?: number | undefined;
  probability: number;
}): TwinPromise {
  const { maxDrop, minAgreement = defaultAgreement, probability } = flags;
  if (maxDrop !== undefined) return { kind: "drop", tolerance: maxDrop, probability };
  return { kind: "agreement", tolerance: rounded(1 - minAgreement), probability };
}

/** Without what a difference of binary fractions leaves behind. */
const rounded = (share: number): number => Number(share.toFixed(12));
