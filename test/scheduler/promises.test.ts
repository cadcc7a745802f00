import { setImmediate as eventLoopTurn } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError, LaneError } from "../../src/errors.ts";
import type { Lane, LaneSpec, NetworkName, Plan } from "../../src/lanes/index.ts";
import { createScheduler, type Input, type Scheduler, type SchedulerOptions } from "../../src/twin/scheduler/index.ts";
import type { Outcome } from "../../src/twin/types.ts";
import { fakeInput, openFakeLane } from "../support/fake-lane.ts";
import {
  answer,
  cascades,
  collect,
  expectedNetwork,
  idOf,
  inputs,
  instantWorld,
  options,
  type Setup,
  scheduledWorld,
  setups,
  twoLanes,
} from "../support/scheduling.ts";

const apart = (idleTakesFresh: boolean): Setup => ({
  cascade: cascades.two,
  plan: {
    ...twoLanes.plan,
    lanes: [
      { kind: "cpu", networks: ["compressed"], threads: 1 },
      { kind: "cpu", networks: ["original"], threads: 1 },
    ],
    idleTakesFresh,
  },
});

const withPlan = (plan: Partial<Plan>): Promise<Scheduler> =>
  createScheduler(options({ ...twoLanes, plan: { ...twoLanes.plan, ...plan } }, instantWorld()));

describe("the scheduler", () => {
  it("answers every input once, in order, by the right network, whatever the lanes' pace and deaths", async () => {
    const cases = fc.record({
      setup: setups,
      count: fc.nat(60),
      window: fc.integer({ min: 1, max: 40 }),
      deaths: fc.uniqueArray(fc.nat(20), { maxLength: 2 }),
      slowProducer: fc.boolean(),
    });
    const property = fc.asyncProperty(
      fc.scheduler(),
      cases,
      async (s, { setup, count, window, deaths, slowProducer }) => {
        let read = 0;
        let taken = 0;
        async function* produce(): AsyncGenerator<Input> {
          for (const input of inputs(count)) {
            if (slowProducer) await s.schedule(Promise.resolve(), "producer");
            read++;
            expect(read - taken).toBeLessThanOrEqual(window);
            yield input;
          }
        }
        await using scheduler = await createScheduler({ ...options(setup, scheduledWorld(s, deaths)), window });
        const consume = async () => {
          const outcomes: Outcome[] = [];
          for await (const outcome of scheduler.run(produce())) {
            taken++;
            outcomes.push(outcome);
          }
          return outcomes;
        };
        const outcomes = await s.waitFor(consume());
        expect(outcomes.map(idOf)).toEqual([...Array(count).keys()]);
        for (const [id, outcome] of outcomes.entries()) {
          if ("error" in outcome) throw outcome.error;
          const direct = setup.plan.idleTakesFresh && outcome.answeredBy === "original";
          if (!direct) expect(outcome.answeredBy).toBe(expectedNetwork(setup.cascade, id));
        }
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });

  it("runs a cascade's stages on full batches while inputs are plenty", async () => {
    const world = instantWorld(() => eventLoopTurn());
    await using scheduler = await createScheduler(options(twoLanes, world));
    await collect(scheduler.run(inputs(120)));
    const sizes = (name: NetworkName) =>
      world.log.filter(({ network }) => network === name).map(({ ids }) => ids.length);
    expect(sizes("compressed")).toEqual(Array(30).fill(4));
    expect(sizes("original").filter((size) => size < 2).length).toBeLessThanOrEqual(2);
    expect(scheduler.counters).toMatchObject({
      ran: { compressed: 120, original: 40 },
      answered: { compressed: 80, original: 40 },
      escalated: 40,
      failed: 0,
      restarts: 0,
    });
  });

  it("keeps an error in its place: a failure handed in, an input of the wrong size, a logit that is not finite", async () => {
    const handedIn = { error: new InputError("cat.jpg", "is truncated") };
    const world = {
      ...instantWorld(),
      answer: (network: NetworkName, id: number) => (id === 5 ? [Number.NaN, 1] : answer(network, id)),
    };
    await using scheduler = await createScheduler(options(twoLanes, world));
    const outcomes = await collect(
      scheduler.run([fakeInput(1), handedIn, fakeInput(2), new Uint8Array(3), fakeInput(5), fakeInput(4)]),
    );
    expect(outcomes.map(idOf)).toEqual([1, -1, 2, -1, -1, 4]);
    expect(outcomes[1]).toBe(handedIn);
    expect(outcomes[3]).toMatchObject({ error: { message: "input 3 has 3 values; the networks read 2" } });
    expect(outcomes[4]).toMatchObject({
      error: { message: expect.stringMatching(/the compressed network .* not finite; check .*compressed\.onnx/) },
    });
  });

  it.each([
    { network: "compressed", guilty: [7], lanes: 2 },
    { network: "compressed", guilty: [5, 6, 19, 33], lanes: 1 },
    { network: "original", guilty: [6, 9, 30], lanes: 1 },
  ])(
    "gives up the inputs $guilty that kill $lanes lanes of the $network network, and answers the others",
    async (given) => {
      const world = instantWorld(async (network, ids) => {
        if (network === given.network && ids.some((id) => given.guilty.includes(id)))
          throw new Error("segmentation fault");
      });
      const plan = { ...twoLanes.plan, lanes: twoLanes.plan.lanes.slice(0, given.lanes) };
      await using scheduler = await createScheduler(options({ ...twoLanes, plan }, world));
      const outcomes = await collect(scheduler.run(inputs(40)));
      for (const [id, outcome] of outcomes.entries()) expect(idOf(outcome)).toBe(given.guilty.includes(id) ? -1 : id);
      const message = `input ${given.guilty[0]} was in 3 batches whose lane died`;
      expect(outcomes[given.guilty[0]!]).toMatchObject({ error: { message } });
      expect(scheduler.counters.failed).toBe(given.guilty.length);
    },
  );

  it("finds the input that kills its lane in few batches", async () => {
    const world = instantWorld(async (_, ids) => {
      if (ids.includes(40)) throw new Error("segmentation fault");
    });
    const plan = { ...twoLanes.plan, lanes: twoLanes.plan.lanes.slice(0, 1), batch: { compressed: 64, original: 64 } };
    await using scheduler = await createScheduler(options({ ...twoLanes, plan }, world));
    const outcomes = await collect(scheduler.run(inputs(64)));
    expect(outcomes.flatMap((outcome, id) => ("error" in outcome ? [id] : []))).toEqual([40]);
    expect(world.log.filter(({ network }) => network === "compressed").length).toBeLessThanOrEqual(
      1 + 3 * Math.sqrt(64),
    );
  });

  it("ends a run with an error when a lane dies of every input", async () => {
    const world = instantWorld(async () => {
      throw new Error("illegal instruction");
    });
    await using scheduler = await createScheduler(options(twoLanes, world));
    await expect(collect(scheduler.run(inputs(40)))).rejects.toThrow(/failed 6 times in a row; .* illegal instruction/);
  });

  it("opens a lane again that somebody else closed, and answers what it had not", async () => {
    const lanes: Lane[] = [];
    const world = instantWorld(async () => {
      if (lanes.length === 1) await lanes[0]!.close();
    });
    const open = async (spec: LaneSpec): Promise<Lane> => {
      const lane = await openFakeLane(world)(spec);
      lanes.push(lane);
      return lane;
    };
    const plan = { ...twoLanes.plan, lanes: twoLanes.plan.lanes.slice(0, 1) };
    await using scheduler = await createScheduler({ ...options({ ...twoLanes, plan }, world), open });
    expect((await collect(scheduler.run(inputs(9)))).map(idOf)).toEqual([...Array(9).keys()]);
    expect(scheduler.counters.restarts).toBe(1);
  });

  it("ends a run with an error when a lane does not come back", async () => {
    let left = 1;
    const world = instantWorld(async () => {
      throw new Error("out of memory");
    });
    const open = openFakeLane(world);
    const broken: SchedulerOptions = {
      ...options({ ...twoLanes, plan: { ...twoLanes.plan, lanes: twoLanes.plan.lanes.slice(0, 1) } }, world),
      open: (spec) => (left-- > 0 ? open(spec) : Promise.reject(new LaneError("no such device"))),
    };
    await using scheduler = await createScheduler(broken);
    await expect(collect(scheduler.run(inputs(9)))).rejects.toThrow(/failed 6 times in a row; .* no such device/);
    await expect(collect(scheduler.run(inputs(1)))).rejects.toThrow(LaneError);
  });

  it("refuses a plan that cannot run the cascade", async () => {
    await expect(withPlan({ batch: { compressed: 4 } })).rejects.toThrow(/batch size for "original" is undefined/);
    const lanes = [{ kind: "cpu" as const, networks: ["compressed" as const], threads: 1 }];
    await expect(withPlan({ lanes })).rejects.toThrow(/no lane that runs "original"/);
  });

  it("closes the lanes that did open when one does not", async () => {
    const world = instantWorld();
    const lanes: Lane[] = [];
    let asked = 0;
    const open = async (spec: LaneSpec): Promise<Lane> => {
      if (++asked === 2) throw new LaneError("no such file");
      const lane = await openFakeLane(world)(spec);
      lanes.push(lane);
      return lane;
    };
    await expect(createScheduler({ ...options(twoLanes, world), open })).rejects.toThrow("no such file");
    expect(lanes.length).toBe(1);
    expect(await lanes[0]!.ended).toEqual({ kind: "closed" });
  });

  describe("in the paper's arrangement", () => {
    it("gives fresh inputs to an original that would idle, and its answers stand", async () => {
      const world = instantWorld();
      await using scheduler = await createScheduler(options(apart(true), world));
      const outcomes = await collect(scheduler.run(inputs(40)));
      const direct = outcomes.filter(
        (outcome, id) => !("error" in outcome) && outcome.answeredBy === "original" && id % 3 !== 0,
      );
      expect(direct.length).toBeGreaterThan(0);
      expect(scheduler.counters.ran.compressed + scheduler.counters.ran.original - scheduler.counters.escalated).toBe(
        40,
      );
    });

    it("gives no fresh inputs to an 8-bit original, which may lose what nobody bounded", async () => {
      const lanes = (["compressed", "original-int8"] as const).map((network) => ({
        kind: "cpu" as const,
        networks: [network],
        threads: 1,
      }));
      const cascade = [cascades.two[0]!, { network: "original-int8" as const }];
      const plan: Plan = { ...apart(true).plan, lanes, batch: { compressed: 4, "original-int8": 2 } };
      await using scheduler = await createScheduler(options({ cascade, plan }, instantWorld()));
      const outcomes = await collect(scheduler.run(inputs(40)));
      for (const [id, outcome] of outcomes.entries()) {
        expect(outcome).toMatchObject({ answeredBy: id % 3 === 0 ? "original-int8" : "compressed" });
      }
    });

    it.each([
      { fresh: false, deterministic: false },
      { fresh: true, deterministic: true },
    ])("gives it escalations only with $fresh, deterministic $deterministic", async ({ fresh, deterministic }) => {
      await using scheduler = await createScheduler({ ...options(apart(fresh), instantWorld()), deterministic });
      const outcomes = await collect(scheduler.run(inputs(40)));
      for (const [id, outcome] of outcomes.entries()) {
        expect(outcome).toMatchObject({ answeredBy: id % 3 === 0 ? "original" : "compressed" });
      }
    });
  });

  describe("where an idle lane starts both networks", () => {
    const bothAtOnce: Setup = { ...twoLanes, plan: { ...twoLanes.plan, startsBoth: true } };

    it("runs the original on an input before the compressed network has answered", async () => {
      const world = instantWorld();
      await using scheduler = await createScheduler(options(bothAtOnce, world));
      for (const id of [0, 1]) await collect(scheduler.run([fakeInput(id)]));
      expect(world.log.map(({ network, ids }) => `${network} ${ids.join(" ")}`)).toEqual([
        "compressed 0",
        "original 0",
        "compressed 1",
        "original 1",
      ]);
    });

    it("lets a confident answer stand whatever the original says, and before it does", async () => {
      const originals: (() => void)[] = [];
      const world = instantWorld((network) =>
        network === "original" ? new Promise((resolve) => originals.push(resolve)) : Promise.resolve(),
      );
      await using scheduler = await createScheduler(options(bothAtOnce, world));
      expect(await collect(scheduler.run([fakeInput(1)]))).toMatchObject([{ answeredBy: "compressed" }]);
      expect(originals.length).toBe(1);
    });

    it("runs the original once only on an escalated input", async () => {
      const world = instantWorld();
      await using scheduler = await createScheduler(options(bothAtOnce, world));
      expect(await collect(scheduler.run([fakeInput(3)]))).toMatchObject([{ answeredBy: "original" }]);
      expect(world.log.length).toBe(2);
    });

    it("never starts it on bytes and floats in one batch", async () => {
      const kinds: ReadonlySet<string>[] = [];
      const open = async (spec: LaneSpec): Promise<Lane> => {
        const lane = await openFakeLane(instantWorld())(spec);
        const run = lane.run.bind(lane);
        lane.run = (network, batch) => {
          kinds.push(new Set(batch.pieces.map((piece) => piece.constructor.name)));
          return run(network, batch);
        };
        return lane;
      };
      const lanes = (["compressed", "compressed", "original"] as const).map((network) => ({
        kind: "cpu" as const,
        networks: [network],
        threads: 1,
      }));
      const plan = { ...bothAtOnce.plan, lanes, batch: { compressed: 1, original: 8 } };
      await using scheduler = await createScheduler({ ...options({ ...bothAtOnce, plan }, instantWorld()), open });
      const given = inputs(12).map((input, id) => (id % 2 === 0 ? Float32Array.from(input as Uint8Array) : input));
      await Promise.all(given.map((input) => collect(scheduler.run([input]))));
      expect(kinds.filter(({ size }) => size !== 1)).toEqual([]);
    });

    it("escalates as usual when the lane that started early dies", async () => {
      let originals = 0;
      const world = instantWorld(async (network) => {
        if (network === "original" && originals++ === 0) throw new Error("killed");
      });
      await using scheduler = await createScheduler(options(bothAtOnce, world));
      expect(await collect(scheduler.run([fakeInput(3)]))).toMatchObject([{ answeredBy: "original" }]);
      expect(originals).toBe(2);
    });
  });

  it("runs every network at one batch size when deterministic", async () => {
    const world = instantWorld();
    await using scheduler = await createScheduler({ ...options(twoLanes, world), deterministic: true });
    const outcomes = await collect(scheduler.run(inputs(21)));
    expect(outcomes.map(idOf)).toEqual([...Array(21).keys()]);
    const sizes = world.log.map(({ network, ids }) => `${network} ${ids.length}`);
    expect(new Set(sizes)).toEqual(new Set(["compressed 4", "original 2"]));
  });

  it("takes bytes and floats in one run, never in one batch", async () => {
    await using scheduler = await createScheduler(options(twoLanes, instantWorld()));
    const mixed = inputs(30).map((input, id) => (id % 4 === 0 ? Float32Array.from(input as Uint8Array) : input));
    expect((await collect(scheduler.run(mixed))).map(idOf)).toEqual([...Array(30).keys()]);
  });

  it("serves several runs at once, each in its own order", async () => {
    const runs = fc.array(fc.nat(30), { minLength: 2, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), setups, runs, async (s, setup, counts) => {
        await using scheduler = await createScheduler({ ...options(setup, scheduledWorld(s)), window: 10 });
        const all = await s.waitFor(Promise.all(counts.map((count) => collect(scheduler.run(inputs(count))))));
        for (const [i, count] of counts.entries()) expect(all[i]!.map(idOf)).toEqual([...Array(count).keys()]);
      }),
      { numRuns: 50 },
    );
  });
});
