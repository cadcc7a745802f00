import * as fc from "fast-check";
import type { NetworkName, Plan } from "../../src/lanes/index.ts";
import type { Input, SchedulerOptions } from "../../src/twin/scheduler/index.ts";
import type { Cascade, Outcome } from "../../src/twin/types.ts";
import { type FakeWorld, fakeInput, openFakeLane } from "./fake-lane.ts";

export const cascades: Record<"two" | "three", Cascade> = {
  two: [{ network: "compressed", threshold: 10 }, { network: "original" }],
  three: [
    { network: "compressed", threshold: 10 },
    { network: "original-int8", threshold: 10 },
    { network: "original" },
  ],
};

/** The second logit is the input's number; the first is larger by the confidence, which decides who answers. */
export function answer(network: NetworkName, id: number): number[] {
  const sure = network === "original" || id % (network === "compressed" ? 3 : 2) !== 0;
  return [id + (sure ? 10 : 1), id];
}

export const confidence = (logits: Float32Array): number => logits[0]! - logits[1]!;
export const idOf = (outcome: Outcome): number => ("error" in outcome ? -1 : outcome.logits[1]!);

export function expectedNetwork(cascade: Cascade, id: number): NetworkName {
  const stage = cascade.find(({ network, threshold = 0 }) => answer(network, id)[0]! - id >= threshold);
  return stage!.network;
}

const planArbitrary = (cascade: Cascade): fc.Arbitrary<Plan> => {
  const names = cascade.map(({ network }) => network);
  const shared = fc.integer({ min: 1, max: 3 }).map((lanes) => Array.from({ length: lanes }, () => names));
  const apart = fc.constantFrom(
    [names.slice(0, 1), names.slice(1)],
    [names, names.slice(-1)],
    names.map((name) => [name]),
  );
  const size = fc.integer({ min: 1, max: 9 });
  return fc
    .record({
      lanes: fc.oneof(shared, apart),
      sizes: fc.array(size, { minLength: 3, maxLength: 3 }),
      fresh: fc.boolean(),
      startsBoth: fc.boolean(),
    })
    .map(({ lanes, sizes, fresh, startsBoth }) => ({
      lanes: lanes.map((networks) => ({ kind: "cpu" as const, networks, threads: 1 })),
      batch: Object.fromEntries(names.map((name, i) => [name, sizes[i]!])),
      idleTakesFresh: fresh,
      startsBoth,
      isolation: "thread" as const,
    }));
};

/** A cascade of two or three stages and a plan for it. */
export const setups: fc.Arbitrary<Setup> = fc
  .constantFrom(...(["two", "three"] as const))
  .chain((name) => fc.record({ cascade: fc.constant(cascades[name]), plan: planArbitrary(cascades[name]) }));

export interface Setup {
  readonly cascade: Cascade;
  readonly plan: Plan;
}

export const options = ({ cascade, plan }: Setup, world: FakeWorld): SchedulerOptions => ({
  cascade,
  confidence,
  plan,
  open: openFakeLane(world),
  inputSize: 2,
  restartDelay: 0,
});

/** A world whose batches end when fast-check says so; batches at the positions in `deaths` kill their lane. */
export function scheduledWorld(s: fc.Scheduler, deaths: readonly number[] = []): FakeWorld {
  let batches = 0;
  return {
    answer,
    log: [],
    work: async () => {
      const position = batches++;
      await s.schedule(Promise.resolve(), `batch ${position}`);
      if (deaths.includes(position)) throw new Error("killed");
    },
  };
}

export const instantWorld = (work: FakeWorld["work"] = async () => {}): FakeWorld => ({ answer, log: [], work });

export const inputs = (count: number): Input[] => Array.from({ length: count }, (_, id) => fakeInput(id));

export async function collect(outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> {
  const all: Outcome[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all;
}

/** Two lanes that run both networks. */
export const twoLanes: Setup = {
  cascade: cascades.two,
  plan: {
    lanes: Array.from({ length: 2 }, () => ({ kind: "cpu", networks: ["compressed", "original"], threads: 1 })),
    batch: { compressed: 4, original: 2 },
    idleTakesFresh: false,
    isolation: "thread",
  },
};
