import type { DeviceKind, Isolation, LaneKind, LaneSpec, NetworkName, Plan } from "../../lanes/types.ts";

export type Goal = "throughput" | "latency";

/** How long a network takes on a lane of `threads` threads, while `lanes` such lanes are busy at once. */
export interface Timing {
  readonly network: NetworkName;
  readonly kind: LaneKind;
  readonly lanes: number;
  readonly threads: number;
  readonly batch: number;
  readonly secondsPerImage: number;
}

/** Lanes alike that were busy at once while a network was timed. */
export type Busy = Pick<Timing, "kind" | "lanes" | "threads">;

/** A network of the cascade, and the share of all inputs that it runs; the first runs all of them. */
export interface Demand {
  readonly network: NetworkName;
  readonly share: number;
}

/** What candidates are made from. */
export interface Sweep {
  readonly goal: Goal;
  /** Cascade order. */
  readonly demand: readonly Demand[];
  /** Threads of the CPU to spend. */
  readonly budget: number;
  /** A device that may take part. */
  readonly device?: DeviceKind;
  readonly isolation: Isolation;
  readonly timings: readonly Timing[];
}

/** A plan and what it promises: images a second, or seconds for an input that goes through the whole cascade. */
export interface Candidate {
  readonly arrangement: string;
  readonly plan: Plan;
  readonly predicted: number;
}

/** A smaller batch is taken when it costs no more than this share: it needs less memory and answers sooner. */
const negligible = 0.02;

/**
 * A plan whose lanes have several threads counts as slower by this factor: its threads wait for each other in every layer, so
 * that whatever else runs on one core holds up all of them, and more than in the moments of a trial.
 */
const unsteady = 1.1;

/** Ranks plans for the goal: the lower, the better. */
export function rankOf(goal: Goal, { lanes }: Plan, figure: number): number {
  if (goal === "latency") return figure;
  return -figure / (lanes.some(({ threads }) => threads > 1) ? unsteady : 1);
}

/** Every sort of lanes that the arrangements are made of, and that the networks are timed on. */
export function busyLanes({ budget, device }: Pick<Sweep, "budget" | "device">): Busy[] {
  const all: Busy[] = [{ kind: "cpu", lanes: budget, threads: 1 }];
  if (budget > 1) all.push({ kind: "cpu", lanes: 1, threads: budget });
  if (device !== undefined) all.push({ kind: device, lanes: 1, threads: 1 });
  return all;
}

/** All arrangements for the goal, best prediction first. */
export function candidates(sweep: Sweep): Candidate[] {
  const all = busyLanes(sweep).map((busy) => alike(sweep, busy));
  if (sweep.demand.length > 1) all.push(...(sweep.goal === "latency" ? bothAtOnce(sweep) : apart(sweep)));
  const rank = ({ plan, predicted }: Candidate): number => rankOf(sweep.goal, plan, predicted);
  return all.sort((a, b) => rank(a) - rank(b));
}

/** Every lane runs all networks. Throughput 1 / (c + o e) a lane, with c, o the times of an image and e the escalation rate. */
function alike(sweep: Sweep, busy: Busy): Candidate {
  const { kind, lanes, threads } = busy;
  const networks = sweep.demand.map(({ network }) => network);
  const best = networks.map((network) => bestTiming(sweep, network, busy));
  const average = best.reduce((sum, { secondsPerImage }, i) => sum + secondsPerImage * sweep.demand[i]!.share, 0);
  const specs = repeat(lanes, { kind, networks, threads });
  return {
    arrangement: arrangementOf(specs),
    plan: planOf(sweep, specs, best),
    predicted: sweep.goal === "latency" ? wait(best) : lanes / average,
  };
}

/**
 * TwinDNN's own arrangement (Jeong and Chen, ASAP 2021): lanes for the first network, lanes for those behind it: some of
 * the cores, or a device.
 */
function* apart(sweep: Sweep): Generator<Candidate> {
  const behind = sweep.demand.slice(1).map(({ network }) => network);
  const originalLast = behind.at(-1) === "original";
  for (const idleTakesFresh of originalLast ? [true, false] : [false]) {
    for (let first = 1; first < sweep.budget; first++) {
      const others = repeat(sweep.budget - first, { kind: "cpu", networks: behind, threads: 1 });
      yield apartOn(sweep, first, others, idleTakesFresh);
    }
    if (sweep.device === undefined) continue;
    yield apartOn(sweep, sweep.budget, [{ kind: sweep.device, networks: behind, threads: 1 }], idleTakesFresh);
  }
}

/** Lanes of which an idle one starts the second network at once: an escalation waits for the slower of the two only. */
function* bothAtOnce(sweep: Sweep): Generator<Candidate> {
  const { demand, budget, device } = sweep;
  const networks = demand.map(({ network }) => network);
  const cores: Busy = { kind: "cpu", lanes: budget, threads: 1 };
  if (budget > 1) yield startingBoth(sweep, [cores, cores], repeat(budget, { kind: "cpu", networks, threads: 1 }));
  if (device === undefined) return;
  const beside: LaneSpec = { kind: device, networks: networks.slice(1), threads: 1 };
  const lanes = [...repeat(budget, { kind: "cpu", networks: networks.slice(0, 1), threads: 1 }), beside];
  yield startingBoth(sweep, [cores, { kind: device, lanes: 1, threads: 1 }], lanes);
}

function startingBoth(sweep: Sweep, [first, behind]: readonly [Busy, Busy], lanes: readonly LaneSpec[]): Candidate {
  const best = sweep.demand.map(({ network }, i) => bestTiming(sweep, network, i === 0 ? first : behind));
  return {
    arrangement: `${arrangementOf(lanes)}, both at once when idle`,
    plan: { ...planOf(sweep, lanes, best), startsBoth: true },
    predicted: wait(best) - Math.min(best[0]!.secondsPerImage, best[1]!.secondsPerImage),
  };
}

/** `first` lanes of one core for the first network, `others`, which are alike, for those behind it. */
function apartOn(sweep: Sweep, first: number, others: readonly LaneSpec[], idleTakesFresh: boolean): Candidate {
  const { kind } = others[0]!;
  const cores: Busy = { kind: "cpu", lanes: sweep.budget, threads: 1 };
  const behind: Busy = kind === "cpu" ? cores : { kind, lanes: 1, threads: 1 };
  const best = sweep.demand.map(({ network }, i) => bestTiming(sweep, network, i === 0 ? cores : behind));
  const networks = sweep.demand.slice(0, 1).map(({ network }) => network);
  const lanes = [...repeat(first, { kind: "cpu", networks, threads: 1 }), ...others];
  return {
    arrangement: `${arrangementOf(lanes)}${idleTakesFresh ? " and fresh inputs when idle" : ""}`,
    plan: { ...planOf(sweep, lanes, best), idleTakesFresh },
    predicted: apartThroughput(sweep.demand, best, first, others.length, idleTakesFresh),
  };
}

/**
 * The compressed network's lanes answer at most first / c inputs a second, the others at most others / (o e) escalations'
 * worth; what the others have left goes to fresh inputs, if it may.
 */
function apartThroughput(
  demand: readonly Demand[],
  best: readonly Timing[],
  first: number,
  others: number,
  idleTakesFresh: boolean,
): number {
  const seconds = best.map(({ secondsPerImage }) => secondsPerImage);
  const escalated = seconds.slice(1).reduce((sum, time, i) => sum + time * demand[i + 1]!.share, 0);
  const fast = first / seconds[0]!;
  const answered = Math.min(fast, escalated === 0 ? Number.POSITIVE_INFINITY : others / escalated);
  const spare = others - answered * escalated;
  return answered + (idleTakesFresh ? spare / seconds.at(-1)! : 0);
}

/** Seconds of an input that every network runs, one after the other. */
const wait = (timings: readonly Timing[]): number =>
  timings.reduce((sum, { secondsPerImage }) => sum + secondsPerImage, 0);

/** The best batch size of a network; for latency, single images where they were measured. */
function bestTiming(sweep: Sweep, network: NetworkName, { kind, lanes, threads }: Busy): Timing {
  const rows = sweep.timings
    .filter((row) => row.network === network && row.kind === kind && row.lanes === lanes && row.threads === threads)
    .toSorted((a, b) => a.batch - b.batch);
  const smallest = rows[0];
  if (smallest === undefined)
    throw new RangeError(`"${network}" was not timed on ${lanes} x ${kind}, ${threads} threads`);
  if (sweep.goal === "latency") return smallest;
  const fastest = Math.min(...rows.map(({ secondsPerImage }) => secondsPerImage));
  return rows.find(({ secondsPerImage }) => secondsPerImage <= fastest * (1 + negligible)) ?? smallest;
}

const planOf = ({ isolation }: Sweep, lanes: readonly LaneSpec[], best: readonly Timing[]): Plan => ({
  lanes,
  batch: Object.fromEntries(best.map(({ network, batch }) => [network, batch])),
  idleTakesFresh: false,
  isolation,
});

/** Lanes in words, those alike together. */
function arrangementOf(lanes: readonly LaneSpec[]): string {
  const words = lanes.map(({ kind, networks, threads }) => {
    const resource = kind === "cpu" ? `${threads} thread${threads > 1 ? "s" : ""}` : kind;
    return `${resource} for ${networks.join(" and ")}`;
  });
  return [...new Set(words)].map((word) => `${words.filter((other) => other === word).length} x ${word}`).join(", ");
}

const repeat = (count: number, spec: LaneSpec): LaneSpec[] => Array.from({ length: count }, () => spec);
