export { benchTwin } from "./bench.ts";
export { type ScenarioName, scenarioNames } from "./measure.ts";
export type { BenchOptions, BenchStep } from "./options.ts";
export { type BenchResult, benchVersion, parseBenchResult, type SystemName, systemNames } from "./types.ts";
