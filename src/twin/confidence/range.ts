import type { ConfidenceMeasure } from "../types.ts";

/** The numbers that a confidence may be, both ends included. */
export interface ConfidenceRange {
  readonly low: number;
  readonly high: number;
}

const share: ConfidenceRange = { low: 0, high: 1 };

const ranges: Readonly<Record<ConfidenceMeasure, ConfidenceRange>> = {
  margin: { low: 0, high: Number.POSITIVE_INFINITY },
  "max-probability": share,
  entropy: share,
  energy: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
  tempered: share,
};

/** What a measure's values, and hence its thresholds, may be, whatever the number of classes. */
export const rangeOf = (measure: ConfidenceMeasure): ConfidenceRange => ranges[measure];
