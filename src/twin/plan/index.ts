export { PlanSchema, parsePlan } from "./schema.ts";
