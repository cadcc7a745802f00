import { getEventListeners, once } from "node:events";
import { setImmediate as eventLoopTurn } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LaneError } from "../../src/errors.ts";
import type { Lane, LaneSpec } from "../../src/lanes/index.ts";
import { createScheduler, type Input, type Scheduler } from "../../src/twin/scheduler/index.ts";
import { fakeInput, openFakeLane } from "../support/fake-lane.ts";
import {
  collect,
  idOf,
  inputs,
  instantWorld,
  options,
  scheduledWorld,
  setups,
  twoLanes,
} from "../support/scheduling.ts";

/** Inputs without end, and whether they were told to stop. */
function endless() {
  const state = { read: 0, closed: false };
  async function* produce(): AsyncGenerator<Input> {
    try {
      for (;;) yield fakeInput(state.read++);
    } finally {
      state.closed = true;
    }
  }
  return { state, inputs: produce() };
}

const afterwards = async (scheduler: Scheduler, signal?: AbortSignal): Promise<void> => {
  if (signal !== undefined) expect(getEventListeners(signal, "abort")).toEqual([]);
  expect((await collect(scheduler.run(inputs(11)))).map(idOf)).toEqual([...Array(11).keys()]);
};

async function* failing(): AsyncGenerator<Input> {
  yield* inputs(7);
  throw new Error("the disk is gone");
}

const brokenConfidence = (): number => {
  throw new Error("no such measure");
};

const brokenReturn = (): never => {
  throw new Error("cannot be closed");
};

describe("stopping a run", () => {
  it("throws the signal's reason at an abort at any time, closes the inputs, and holds nothing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), setups, fc.nat(50), async (s, setup, after) => {
        await using scheduler = await createScheduler({ ...options(setup, scheduledWorld(s)), window: 20 });
        const { state, inputs: endlessInputs } = endless();
        const controller = new AbortController();
        const reason = new Error("enough");
        const consume = async () => {
          let taken = 0;
          for await (const _ of scheduler.run(endlessInputs, { signal: controller.signal })) {
            if (++taken > after) controller.abort(reason);
          }
        };
        await expect(s.waitFor(consume())).rejects.toBe(reason);
        expect(state.closed).toBe(true);
        await s.waitFor(afterwards(scheduler, controller.signal));
      }),
      { numRuns: 50 },
    );
  });

  it("wakes a consumer that waits for a lane or for a producer that is stuck", async () => {
    const stuck = new Promise<never>(() => {});
    const lanesStuck = instantWorld(() => stuck);
    async function* noInputs(): AsyncGenerator<Input> {
      yield await stuck;
    }
    for (const [world, given] of [
      [lanesStuck, inputs(3)],
      [instantWorld(), noInputs()],
    ] as const) {
      await using scheduler = await createScheduler(options(twoLanes, world));
      const controller = new AbortController();
      const run = collect(scheduler.run(given, { signal: controller.signal }));
      setImmediate(() => controller.abort());
      await expect(run).rejects.toThrow(/aborted/);
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    }
  });

  it("does not begin when the signal is aborted already", async () => {
    const world = instantWorld();
    await using scheduler = await createScheduler(options(twoLanes, world));
    await expect(collect(scheduler.run(inputs(3), { signal: AbortSignal.abort() }))).rejects.toThrow(/aborted/);
    expect(world.log).toEqual([]);
  });

  it("closes the inputs when the consumer leaves the loop", async () => {
    await using scheduler = await createScheduler(options(twoLanes, instantWorld()));
    const { state, inputs: endlessInputs } = endless();
    for await (const _ of scheduler.run(endlessInputs)) break;
    expect(state.closed).toBe(true);
    await afterwards(scheduler);
  });

  it("passes the producer's error on, after the outcomes before it", async () => {
    await using scheduler = await createScheduler(options(twoLanes, instantWorld()));
    const seen: number[] = [];
    const consume = async () => {
      for await (const outcome of scheduler.run(failing())) seen.push(idOf(outcome));
    };
    await expect(consume()).rejects.toThrow("the disk is gone");
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
    await afterwards(scheduler);
  });

  it("throws its own error whatever closing the inputs throws, and that one where the consumer leaves the loop", async () => {
    const given = {
      [Symbol.iterator]: () => ({ next: () => ({ value: fakeInput(1), done: false }), return: brokenReturn }),
    };
    const outOfOrder = { ...options(twoLanes, instantWorld()), confidence: brokenConfidence };
    await using broken = await createScheduler(outOfOrder);
    await expect(collect(broken.run(given))).rejects.toThrow("no such measure");
    await using scheduler = await createScheduler(options(twoLanes, instantWorld()));
    const leave = async () => {
      for await (const _ of scheduler.run(given)) break;
    };
    await expect(leave()).rejects.toThrow("cannot be closed");
  });

  it("passes an error of the confidence function on", async () => {
    await using scheduler = await createScheduler({
      ...options(twoLanes, instantWorld()),
      confidence: brokenConfidence,
    });
    await expect(collect(scheduler.run(inputs(5)))).rejects.toThrow("no such measure");
  });

  it("passes an error of the function called after each batch on, and answers the next run", async () => {
    let batches = 0;
    const onBatch = () => {
      if (batches++ === 0) throw new Error("the timeline is full");
    };
    await using scheduler = await createScheduler({ ...options(twoLanes, instantWorld()), onBatch });
    await expect(collect(scheduler.run(inputs(5)))).rejects.toThrow("the timeline is full");
    await afterwards(scheduler);
  });

  it("passes an error that a lane throws on, and answers the next run", async () => {
    let batches = 0;
    const open = async (spec: LaneSpec): Promise<Lane> => {
      const lane = await openFakeLane(instantWorld())(spec);
      const run = lane.run.bind(lane);
      lane.run = (network, batch) => {
        if (batches++ === 0) throw new Error("cannot be cloned");
        return run(network, batch);
      };
      return lane;
    };
    await using scheduler = await createScheduler({ ...options(twoLanes, instantWorld()), open });
    await expect(collect(scheduler.run(inputs(5)))).rejects.toThrow("cannot be cloned");
    await afterwards(scheduler);
  });

  it("ends runs with LaneError when the scheduler is closed, as often as one likes", async () => {
    const scheduler = await createScheduler(
      options(
        twoLanes,
        instantWorld(() => new Promise(() => {})),
      ),
    );
    const run = collect(scheduler.run(inputs(5)));
    setImmediate(() => void scheduler.close());
    await expect(run).rejects.toThrow(/closed/);
    await Promise.all([scheduler.close(), scheduler.close()]);
    await expect(collect(scheduler.run(inputs(1)))).rejects.toThrow(LaneError);
  });

  it("has closed a lane that was being opened again when closing is through", async () => {
    const world = instantWorld(async () => {
      throw new Error("killed");
    });
    const lanes: Lane[] = [];
    const reopening = new AbortController();
    const open = async (spec: LaneSpec): Promise<Lane> => {
      if (lanes.length > 0) reopening.abort();
      for (let turn = 0; turn < 9; turn++) await eventLoopTurn();
      const lane = await openFakeLane(world)(spec);
      lanes.push(lane);
      return lane;
    };
    const plan = { ...twoLanes.plan, lanes: twoLanes.plan.lanes.slice(0, 1) };
    const scheduler = await createScheduler({ ...options({ ...twoLanes, plan }, world), open });
    const run = collect(scheduler.run(inputs(1)));
    await once(reopening.signal, "abort");
    await Promise.all([expect(run).rejects.toThrow(LaneError), scheduler.close()]);
    expect(await Promise.race([lanes[1]?.ended, Promise.resolve("open")])).toEqual({ kind: "closed" });
  });

  it("reads no faster than a slow consumer takes", async () => {
    await using scheduler = await createScheduler({ ...options(twoLanes, instantWorld()), window: 16 });
    const { state, inputs: endlessInputs } = endless();
    let taken = 0;
    for await (const _ of scheduler.run(endlessInputs)) {
      taken++;
      await eventLoopTurn();
      expect(state.read - taken).toBeLessThanOrEqual(16);
      if (taken === 60) break;
    }
  });
});
