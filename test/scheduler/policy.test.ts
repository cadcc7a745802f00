import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Backlog, chooseWork } from "../../src/twin/scheduler/policy.ts";

const backlog = (change: Partial<Backlog>): Backlog => ({
  waiting: [0, 0],
  batch: [8, 4],
  urgent: [false, false],
  idle: [1, 1],
  idleTakesFresh: false,
  ...change,
});

const both = (outstanding: number) => ({ stages: [0, 1], outstanding });
const originalOnly = (outstanding: number) => ({ stages: [1], outstanding });

describe("a lane that runs both networks", () => {
  it("takes a full batch of escalations before fresh inputs", () => {
    expect(chooseWork(both(1), backlog({ waiting: [20, 4] }))).toEqual({ from: 1, stage: 1, count: 4 });
  });

  it("takes fresh inputs while escalations do not fill a batch", () => {
    expect(chooseWork(both(1), backlog({ waiting: [20, 3] }))).toEqual({ from: 0, stage: 0, count: 8 });
  });

  it("takes urgent escalations, full or not", () => {
    expect(chooseWork(both(1), backlog({ waiting: [20, 3], urgent: [false, true] }))).toEqual({
      from: 1,
      stage: 1,
      count: 3,
    });
  });

  it("waits for a full batch while it has one to run, and takes any when it has none", () => {
    expect(chooseWork(both(1), backlog({ waiting: [5, 3] }))).toBeUndefined();
    expect(chooseWork(both(0), backlog({ waiting: [5, 3] }))).toEqual({ from: 0, stage: 0, count: 5 });
    expect(chooseWork(both(0), backlog({ waiting: [0, 3] }))).toEqual({ from: 1, stage: 1, count: 3 });
  });

  it("shares the last inputs with the other idle lanes", () => {
    expect(chooseWork(both(0), backlog({ waiting: [5, 0], idle: [2, 2] }))).toMatchObject({ from: 0, count: 3 });
    expect(chooseWork(both(0), backlog({ waiting: [0, 4], idle: [2, 2] }))).toMatchObject({ from: 1, count: 2 });
  });
});

describe("a lane that runs the original alone", () => {
  it("takes any escalations before it idles", () => {
    expect(chooseWork(originalOnly(0), backlog({ waiting: [20, 1] }))).toEqual({ from: 1, stage: 1, count: 1 });
    expect(chooseWork(originalOnly(1), backlog({ waiting: [20, 1] }))).toBeUndefined();
  });

  it("takes a batch of fresh inputs when it would idle, if the plan says so", () => {
    expect(chooseWork(originalOnly(0), backlog({ waiting: [20, 0] }))).toBeUndefined();
    const paper = backlog({ waiting: [20, 0], idleTakesFresh: true });
    expect(chooseWork(originalOnly(0), paper)).toEqual({ from: 0, stage: 1, count: 4 });
  });
});

describe("any lane", () => {
  const backlogs = fc.record({
    waiting: fc.array(fc.nat(20), { minLength: 3, maxLength: 3 }),
    batch: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 3, maxLength: 3 }),
    urgent: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
    idle: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
    idleTakesFresh: fc.boolean(),
  });
  const stages = fc.subarray([0, 1, 2], { minLength: 1 });

  it("takes no more than waits, no more than a batch, and only for networks that it runs", () => {
    fc.assert(
      fc.property(backlogs, stages, fc.nat(2), (given, own, outstanding) => {
        // A stage without waiting inputs has no oldest one.
        const urgent = given.urgent.map((flag, stage) => flag && given.waiting[stage]! > 0);
        const work = chooseWork({ stages: own, outstanding }, { ...given, urgent });
        if (work === undefined) return;
        expect(own).toContain(work.stage);
        expect(work.count).toBeGreaterThanOrEqual(1);
        expect(work.count).toBeLessThanOrEqual(Math.min(given.waiting[work.from]!, given.batch[work.stage]!));
      }),
    );
  });

  it("never idles while something waits for a network that it runs", () => {
    fc.assert(
      fc.property(backlogs, stages, (given, own) => {
        const work = chooseWork({ stages: own, outstanding: 0 }, { ...given, urgent: [false, false, false] });
        if (own.some((stage) => given.waiting[stage]! > 0)) expect(work).toBeDefined();
      }),
    );
  });
});
