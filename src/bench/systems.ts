import { cpuBudget, type LaneSpec, type Network, type NetworkName, openLane, type Plan } from "../lanes/index.ts";
import {
  type BatchEvent,
  type Cascade,
  type ConfidenceSpec,
  cascadeOf,
  createConfidence,
  createScheduler,
  type Goal,
  makePlan,
  networkNames,
  networkOf,
  type PlanOptions,
  type Scheduler,
  type TwinFolder,
  usualPlan,
} from "../twin/index.ts";
import type { SystemName } from "./types.ts";

/** What it takes to open a system, as plain data. */
export interface SystemSpec {
  readonly name: SystemName;
  readonly cascade: Cascade;
  readonly networks: readonly Network[];
  readonly confidence: ConfidenceSpec;
}

/** The systems that a twin's folder allows to compare: single networks are cascades of one stage. */
export function systemSpecs(folder: TwinFolder): SystemSpec[] {
  const spec = (name: SystemName, cascade: Cascade): SystemSpec => ({
    name,
    cascade,
    networks: networkNames(cascade).map((network) => networkOf(folder, network)),
    confidence: folder.manifest.confidence,
  });
  const int8 = folder.manifest.networks["original-int8"] !== undefined;
  return [
    spec("original-float32", [{ network: "original" }]),
    ...(int8 ? [spec("original-int8", [{ network: "original-int8" }])] : []),
    spec("compressed", [{ network: "compressed" }]),
    spec("twin", cascadeOf(folder.manifest)),
  ];
}

/** Opens the lanes of a plan for a system. */
export function openSystem(
  { cascade, networks, confidence }: SystemSpec,
  plan: Plan,
  onBatch?: (event: BatchEvent) => void,
): Promise<Scheduler> {
  return createScheduler({
    cascade,
    confidence: createConfidence(confidence),
    plan,
    open: (lane) => openLane(lane, networks, { isolation: plan.isolation }),
    inputSize: networks[0]!.input.shape.reduce((product, size) => product * size, 1),
    ...(onBatch && { onBatch }),
  });
}

/** The settings of a system: for the most images a second, and for the shortest wait. */
export interface Plans {
  readonly throughput: Plan;
  readonly latency: Plan;
}

export type PlanningOptions = Pick<PlanOptions, "isolation" | "signal" | "onProgress">;

/** Finds a system's best settings by measuring; `reach` is the share of images that each network sees. */
export async function bestPlans(
  { networks }: SystemSpec,
  reach: ReadonlyMap<NetworkName, number>,
  options: PlanningOptions,
): Promise<Plans> {
  const [, second, last] = networks;
  const rates = {
    escalationRate: second === undefined ? 0 : reach.get(second.name)!,
    ...(last !== undefined && { lastRate: reach.get(last.name)! }),
  };
  const planFor = async (goal: Goal): Promise<Plan> => (await makePlan({ ...options, networks, ...rates, goal })).plan;
  return { throughput: await planFor("throughput"), latency: await planFor("latency") };
}

/** Settings without measuring: a lane for each core; for a short wait, one lane of all threads and one image at a time. */
export function usualPlans({ networks }: SystemSpec, { isolation = "thread" }: PlanningOptions): Plans {
  const throughput = { ...usualPlan(networks), isolation };
  const lane: LaneSpec = { kind: "cpu", networks: networks.map(({ name }) => name), threads: cpuBudget() };
  const batch = Object.fromEntries(networks.map(({ name, fixedBatch }) => [name, fixedBatch ?? 1]));
  return { throughput, latency: { ...throughput, lanes: [lane], batch } };
}
