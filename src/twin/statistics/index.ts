export { shuffledIndices } from "../../shuffle.ts";
export { type Audit, auditDelay, recordAudit, startAudit } from "./audit.ts";
export { bettingAccepts, bettingLossesNeeded, bettingUpperBound, bettingWealth } from "./betting.ts";
export {
  binomialLowerBound,
  binomialTail,
  binomialUpperBound,
  incompleteBeta,
  largestCount,
  logGamma,
} from "./binomial.ts";
export { type Interval, pairedInterval, wilsonInterval } from "./intervals.ts";
export { normalCoverage, normalQuantile } from "./normal.ts";
