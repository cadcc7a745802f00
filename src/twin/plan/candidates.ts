import type { Isolation, LaneSpec, NetworkName, Plan } from "../../lanes/types.ts";

export type Goal = "throughput" | "latency";

/** How long a network takes on a lane of `threads` threads, while `lanes` such lanes are busy at once. */
export interface Timing {
  readonly network: NetworkName;
  readonly lanes: number;
  readonly threads: number;
  readonly batch: number;
  readonly secondsPerImage: number;
}

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
  /** Threads to spend. */
  readonly budget: number;
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

/** All arrangements for the goal, best prediction first. */
export function candidates(sweep: Sweep): Candidate[] {
  const { goal, budget } = sweep;
  const all = [alike(sweep, budget, 1)];
  if (budget > 1) all.push(alike(sweep, 1, budget));
  if (goal === "throughput" && sweep.demand.length > 1) all.push(...apart(sweep));
  if (goal === "latency" && sweep.demand.length > 1 && budget > 1) all.push(bothAtOnce(sweep));
  const sign = goal === "latency" ? 1 : -1;
  return all.sort((a, b) => sign * (a.predicted - b.predicted));
}

/** Every lane runs all networks. Throughput 1 / (c + o e) a lane, with c, o the times of an image and e the escalation rate. */
function alike(sweep: Sweep, lanes: number, threads: number): Candidate {
  const { demand, goal, isolation } = sweep;
  const best = demand.map(({ network }) => bestTiming(sweep, network, lanes, threads));
  const whole = best.reduce((sum, { secondsPerImage }) => sum + secondsPerImage, 0);
  const average = best.reduce((sum, { secondsPerImage }, i) => sum + secondsPerImage * demand[i]!.share, 0);
  const networks = demand.map(({ network }) => network);
  return {
    arrangement: `${lanes} x ${threads} thread${threads > 1 ? "s" : ""}, each runs ${networks.join(" and ")}`,
    plan: {
      lanes: repeat(lanes, { kind: "cpu", networks, threads }),
      batch: batchSizes(best),
      idleTakesFresh: false,
      isolation,
    },
    predicted: goal === "latency" ? whole : lanes / average,
  };
}

/** Lanes alike of which an idle one starts the second network at once: an escalation waits for the slower of the two only. */
function bothAtOnce(sweep: Sweep): Candidate {
  const { arrangement, plan, predicted } = alike(sweep, sweep.budget, 1);
  const [first, second] = sweep.demand.map(
    ({ network }) => bestTiming(sweep, network, sweep.budget, 1).secondsPerImage,
  );
  return {
    arrangement: `${arrangement}, both at once when idle`,
    plan: { ...plan, startsBoth: true },
    predicted: predicted - Math.min(first!, second!),
  };
}

/** TwinDNN's own arrangement (Jeong and Chen, ASAP 2021): lanes for the first network, lanes for those behind it. */
function* apart(sweep: Sweep): Generator<Candidate> {
  for (let first = 1; first < sweep.budget; first++) {
    for (const idleTakesFresh of [true, false]) yield apartWith(sweep, first, idleTakesFresh);
  }
}

function apartWith(sweep: Sweep, first: number, idleTakesFresh: boolean): Candidate {
  const { demand, budget, isolation } = sweep;
  const best = demand.map(({ network }) => bestTiming(sweep, network, budget, 1));
  const [compressed, ...behind] = demand.map(({ network }) => network);
  const fresh = idleTakesFresh ? " and fresh inputs when idle" : "";
  return {
    arrangement: `${first} x ${compressed}, ${budget - first} x ${behind.join(" and ")}${fresh}`,
    plan: {
      lanes: [
        ...repeat(first, { kind: "cpu", networks: [compressed!], threads: 1 }),
        ...repeat(budget - first, { kind: "cpu", networks: behind, threads: 1 }),
      ],
      batch: batchSizes(best),
      idleTakesFresh,
      isolation,
    },
    predicted: apartThroughput(demand, best, first, budget - first, idleTakesFresh),
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

/** The best batch size of a network; for latency, single images where they were measured. */
function bestTiming(sweep: Sweep, network: NetworkName, lanes: number, threads: number): Timing {
  const rows = sweep.timings
    .filter((row) => row.network === network && row.lanes === lanes && row.threads === threads)
    .toSorted((a, b) => a.batch - b.batch);
  const smallest = rows[0];
  if (smallest === undefined) throw new RangeError(`"${network}" was not timed on ${lanes} x ${threads} threads`);
  if (sweep.goal === "latency") return smallest;
  const fastest = Math.min(...rows.map(({ secondsPerImage }) => secondsPerImage));
  return rows.find(({ secondsPerImage }) => secondsPerImage <= fastest * (1 + negligible)) ?? smallest;
}

const repeat = (count: number, spec: LaneSpec): LaneSpec[] => Array.from({ length: count }, () => spec);

const batchSizes = (timings: readonly Timing[]): Plan["batch"] =>
  Object.fromEntries(timings.map(({ network, batch }) => [network, batch]));
