import { imageSize } from "../../lanes/inputs.ts";
import { openLane } from "../../lanes/lane.ts";
import type { Network, Plan } from "../../lanes/types.ts";
import { createScheduler, type Scheduler } from "../scheduler/index.ts";
import type { Stage } from "../types.ts";
import type { Demand, Goal } from "./candidates.ts";
import { noise } from "./timing.ts";

/** Milliseconds that a plan is tried for. */
const trialTime = 400;

/** Runs a plan for a moment, with escalations at the shares asked for; gives what `Candidate.predicted` predicts. */
export async function tryPlan(
  plan: Plan,
  networks: readonly Network[],
  demand: readonly Demand[],
  goal: Goal,
  signal?: AbortSignal,
): Promise<number> {
  await using scheduler = await createScheduler({
    cascade: demand.map((_, i) => stageOf(demand, i)),
    confidence: evenly(),
    plan,
    open: (spec) => openLane(spec, networks, { isolation: plan.isolation }),
    inputSize: imageSize(networks[0]!),
  });
  const image = noise(imageSize(networks[0]!));
  return await (goal === "latency" ? slowest : throughput)(scheduler, image, signal);
}

/** A stage that hands on the share of its inputs that the next one runs. */
function stageOf(demand: readonly Demand[], i: number): Stage {
  const { network, share } = demand[i]!;
  const next = demand[i + 1];
  return next === undefined ? { network } : { network, threshold: share === 0 ? 0 : next.share / share };
}

/** Confidences spread evenly over [0, 1), any stretch of them too: multiples of the golden ratio. */
function evenly(): () => number {
  let value = 0;
  return () => {
    value = (value + 0.6180339887498949) % 1;
    return value;
  };
}

async function throughput(scheduler: Scheduler, image: Uint8Array, signal?: AbortSignal): Promise<number> {
  const options = signal === undefined ? {} : { signal };
  const start = performance.now();
  function* inputs(): Generator<Uint8Array> {
    while (performance.now() - start < trialTime) yield image;
  }
  let count = 0;
  for await (const _ of scheduler.run(inputs(), options)) count++;
  return (count * 1000) / (performance.now() - start);
}

/** Seconds of the slowest in a hundred single inputs, one after the other. */
async function slowest(scheduler: Scheduler, image: Uint8Array, signal?: AbortSignal): Promise<number> {
  const options = signal === undefined ? {} : { signal };
  const until = performance.now() + trialTime;
  const times: number[] = [];
  while (times.length < 10 || performance.now() < until) {
    const start = performance.now();
    for await (const _ of scheduler.run([image], options));
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return times[Math.ceil(times.length * 0.99) - 1]! / 1000;
}
