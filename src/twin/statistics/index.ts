export { type Audit, auditDelay, recordAudit, startAudit } from "./audit.ts";
export {
  binomialLowerBound,
  binomialTail,
  binomialUpperBound,
  incompleteBeta,
  largestCount,
  logGamma,
} from "./binomial.ts";
export { type Interval, pairedInterval, wilsonInterval } from "./intervals.ts";
export { normalQuantile } from "./normal.ts";
export { pairedAccepts, pairedUpperBound, pairsNeeded } from "./paired.ts";
export type { PairedCounts } from "./paired-region.ts";
