export type { Candidate, Goal, Timing } from "./candidates.ts";
export { makePlan, type PlanOptions, type PlanResult, type SweepRow } from "./make.ts";
export { PlanSchema, parsePlan } from "./schema.ts";
