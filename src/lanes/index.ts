export { type LaneOptions, openLane } from "./lane.ts";
export * from "./types.ts";
