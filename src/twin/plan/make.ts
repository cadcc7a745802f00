import { UsageError } from "../../errors.ts";
import { median } from "../../figures.ts";
import { cpuBudget } from "../../lanes/cpu.ts";
import { openLanes } from "../../lanes/lane.ts";
import type { DeviceKind, Isolation, Network, Plan } from "../../lanes/types.ts";
import {
  type Busy,
  busyLanes,
  type Candidate,
  candidates,
  type Demand,
  type Goal,
  rankOf,
  type Timing,
} from "./candidates.ts";
import { timeNetwork } from "./timing.ts";
import { tryPlan } from "./trial.ts";

export interface PlanOptions {
  /** The networks of the cascade, first stage first. */
  readonly networks: readonly Network[];
  /** Share of inputs that the first network hands on, in [0, 1]. */
  readonly escalationRate: number;
  /** In a cascade of three: share of inputs that reach the last network. Default: as many as are handed on. */
  readonly lastRate?: number;
  /** Most images a second, or the lowest 99th percentile of single inputs. Default `throughput`. */
  readonly goal?: Goal;
  /** Threads to spend, 1 and more. Default: the physical cores that this process may use. */
  readonly budget?: number;
  /** A device whose lane may take part, beside the CPU's. Default: none. */
  readonly device?: DeviceKind;
  /** Default `thread`. */
  readonly isolation?: Isolation;
  readonly signal?: AbortSignal;
  /** Called after each step of measuring. */
  readonly onProgress?: (step: string) => void;
}

/** A candidate that the sweep looked at; `measured` is there for those that were tried. */
export interface SweepRow extends Candidate {
  /** In the unit of `predicted`: images a second, or seconds. */
  readonly measured?: number;
}

export interface PlanResult {
  readonly plan: Plan;
  readonly goal: Goal;
  readonly timings: readonly Timing[];
  /** Tried ones first, best first. */
  readonly rows: readonly SweepRow[];
}

/** Candidates with the best predictions that are tried, and how often each has its turn. */
const tries = 3;
const turns = 3;
/** Turns more that decide between the best two. */
const decidingTurns = 4;

/**
 * Measures the networks on this machine and picks the lanes and batch sizes that reach the goal best: first each network
 * alone over batch sizes, then whole plans, those with the best predictions, in turn. Takes some ten seconds for small networks.
 *
 * @throws UsageError for shares or a budget that make no sense, LaneError when a network cannot be loaded or the
 * device is not there.
 */
export async function makePlan(options: PlanOptions): Promise<PlanResult> {
  const { goal = "throughput", budget = cpuBudget(), isolation = "thread" } = options;
  const resources = { budget, ...(options.device === undefined ? {} : { device: options.device }) };
  checkOptions(options);
  const demand = demandOf(options);
  const timings: Timing[] = [];
  for (const busy of busyLanes(resources)) timings.push(...(await timeOn(busy, options, isolation)));
  const all = candidates({ goal, demand, ...resources, isolation, timings });
  const tried = await tryInTurn(all.slice(0, tries), demand, options);
  const best = [...tried, ...all.slice(tries)];
  return { plan: best[0]!.plan, goal, timings, rows: best };
}

async function timeOn(
  busy: Busy,
  { networks, goal, signal, onProgress }: PlanOptions,
  isolation: Isolation,
): Promise<Timing[]> {
  const { kind, lanes: count, threads } = busy;
  const names = networks.map(({ name }) => name);
  const specs = Array.from({ length: count }, () => ({ kind, networks: names, threads }));
  const lanes = await openLanes(specs, networks, { isolation });
  try {
    const timings: Timing[] = [];
    for (const network of networks) {
      const rows = await timeNetwork(lanes, network, { smallestOnly: goal === "latency", signal });
      timings.push(...rows.map((row) => ({ ...row, ...busy })));
      onProgress?.(`${network.name} on ${kind === "cpu" ? `${count} x ${threads}` : kind}`);
    }
    return timings;
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
  }
}

/** Tries candidates in turns, and the best two of them in some more; best median first. */
async function tryInTurn(
  rows: readonly Candidate[],
  demand: readonly Demand[],
  options: PlanOptions,
): Promise<Required<SweepRow>[]> {
  const samples = new Map<Candidate, number[]>(rows.map((row) => [row, []]));
  await addTurns(turns, samples, demand, options);
  const finalists = new Map(bestFirst(samples, options).slice(0, 2));
  if (finalists.size > 1) await addTurns(decidingTurns, finalists, demand, options);
  return bestFirst(samples, options).map(([row, values]) => ({ ...row, measured: median(values) }));
}

/** Adds a sample a turn: the machine may be slower in one moment than in another. */
async function addTurns(
  count: number,
  samples: ReadonlyMap<Candidate, number[]>,
  demand: readonly Demand[],
  { networks, goal = "throughput", signal, onProgress }: PlanOptions,
): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    for (const [{ plan, arrangement }, values] of samples) {
      signal?.throwIfAborted();
      values.push(await tryPlan(plan, networks, demand, goal, signal));
      onProgress?.(arrangement);
    }
  }
}

function bestFirst(
  samples: ReadonlyMap<Candidate, number[]>,
  { goal = "throughput" }: PlanOptions,
): [Candidate, number[]][] {
  const rank = ([{ plan }, values]: [Candidate, number[]]): number => rankOf(goal, plan, median(values));
  return [...samples].sort((a, b) => rank(a) - rank(b));
}

function demandOf({ networks, escalationRate, lastRate = escalationRate }: PlanOptions): Demand[] {
  const shareOf = (i: number): number => {
    if (i === 0) return 1;
    return i === networks.length - 1 ? Math.min(lastRate, escalationRate) : escalationRate;
  };
  return networks.map(({ name }, i) => ({ network: name, share: shareOf(i) }));
}

function checkOptions({ networks, escalationRate, lastRate = 0, budget = 1 }: PlanOptions): void {
  if (networks.length === 0) throw new UsageError("a plan needs one network at least");
  for (const [what, rate] of Object.entries({ escalationRate, lastRate })) {
    if (!(rate >= 0 && rate <= 1)) throw new UsageError(`${what} is ${rate}; it must lie between 0 and 1`);
  }
  if (!Number.isInteger(budget) || budget < 1) {
    throw new UsageError(`budget is ${budget}; it must be a whole number of threads from 1`);
  }
}
