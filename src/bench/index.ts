export { type BenchResult, benchVersion, parseBenchResult, type SystemName, systemNames } from "./types.ts";
