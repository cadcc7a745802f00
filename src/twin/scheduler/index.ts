export { createScheduler } from "./scheduler.ts";
export type * from "./types.ts";
