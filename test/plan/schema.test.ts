import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.ts";
import type { Plan } from "../../src/lanes/index.ts";
import { parsePlan } from "../../src/twin/plan/index.ts";

const plan: Plan = {
  lanes: [
    { kind: "cpu", networks: ["compressed"], threads: 1 },
    { kind: "cpu", networks: ["original"], threads: 3 },
  ],
  batch: { compressed: 64, original: 8 },
  idleTakesFresh: true,
  isolation: "process",
};

const refusal = (change: object): string => {
  try {
    parsePlan(JSON.stringify({ ...plan, ...change }), "plan.json");
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "taken";
};

describe("parsePlan", () => {
  it("gives back the plan that was written", () => {
    expect(parsePlan(JSON.stringify(plan), "plan.json")).toEqual(plan);
  });

  it.each([
    [{ workers: 3 }, 'unknown field "workers"; known: lanes, batch, idleTakesFresh, startsBoth, isolation'],
    [{ isolation: "container" }, '"isolation" is "container" (known: "thread", "process")'],
    [{ lanes: [] }, "lanes"],
    [
      { lanes: [{ kind: "tpu", networks: ["original"], threads: 1 }] },
      '"lanes.0.kind" is "tpu" (known: "cpu", "webgpu", "cuda")',
    ],
    [
      { lanes: [{ kind: "cpu", networks: ["student"], threads: 1 }] },
      'known: "compressed", "original-int8", "original"',
    ],
    [{ lanes: [{ kind: "cpu", networks: ["original"], threads: 0 }] }, '"lanes.0.threads" is 0'],
    [{ batch: { original: 1.5 } }, "batch.original"],
    [{ batch: { student: 1 } }, "student"],
  ])("refuses %j and says what is wrong", (change, hint) => {
    const message = refusal(change);
    expect(message).toMatch(/^plan\.json: not a plan: [^\n]*; make one with "twindnn plan"$/);
    expect(message).toContain(hint);
  });

  it("refuses what is no JSON", () => {
    expect(() => parsePlan("{lanes:", "plan.json")).toThrow(/plan\.json: not JSON/);
  });
});
