import { setImmediate as eventLoopTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createScheduler, type Input, type Scheduler } from "../../src/twin/scheduler/index.ts";
import { type FakeWorld, fakeInput } from "../support/fake-lane.ts";
import { cascades, collect, inputs, instantWorld, options, twoLanes } from "../support/scheduling.ts";

/** Batches that may pass over an escalation: four for each lane and one more. */
const patience = 4 * 3;
/** Batches that two lanes hold when it is escalated or becomes urgent. */
const underWay = 2 * 2;
/** The number of the input that is escalated: 3 is by the compressed network, 6 by the second of three as well. */
const [single, twice] = [3, 6];

/** Answers `inputs` while another run streams inputs of which the compressed network is sure. */
async function besideStream(scheduler: Scheduler, inputs: readonly Input[]): Promise<void> {
  const answered = new AbortController();
  async function* sure(): AsyncGenerator<Input> {
    for (let i = 0; i < 4000 && !answered.signal.aborted; i++) yield fakeInput(3 * i + 1);
  }
  const stream = collect(scheduler.run(sure()));
  for (let turn = 0; turn < 20; turn++) await eventLoopTurn();
  await collect(scheduler.run(inputs));
  answered.abort();
  await stream;
}

describe("an escalation of a run that is read to its end", () => {
  it.each([
    { cascade: "two", id: single, stages: 1 },
    { cascade: "three", id: twice, stages: 2 },
  ] as const)("waits for a bounded number of batches of a busy run, in a cascade of $cascade", async (given) => {
    const cascade = cascades[given.cascade];
    const networks = cascade.map(({ network }) => network);
    const plan = {
      ...twoLanes.plan,
      lanes: twoLanes.plan.lanes.map((lane) => ({ ...lane, networks })),
      batch: { compressed: 4, "original-int8": 4, original: 4 },
    };
    const world = instantWorld(() => eventLoopTurn());
    await using scheduler = await createScheduler(options({ cascade, plan }, world));
    await besideStream(scheduler, [fakeInput(given.id)]);
    const places = world.log.flatMap(({ ids }, place) => (ids.includes(given.id) ? [place] : []));
    expect(places.length).toBe(given.stages + 1);
    for (let i = 1; i < places.length; i++) {
      expect(places[i]! - places[i - 1]!).toBeLessThanOrEqual(patience + underWay + 1);
    }
  });
});

it("escalations of one busy run go in full batches, however rare they are", async () => {
  const world: FakeWorld = {
    ...instantWorld(() => eventLoopTurn()),
    answer: (network, id) => [id + (network === "original" || id % 16 !== 0 ? 10 : 1), id],
  };
  await using scheduler = await createScheduler(options(twoLanes, world));
  await collect(scheduler.run(inputs(1600)));
  const originals = world.log.filter(({ network }) => network === "original");
  expect(originals.filter(({ ids }) => ids.length < twoLanes.plan.batch.original!).length).toBeLessThanOrEqual(2);
});
