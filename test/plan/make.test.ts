import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.ts";
import type { Network } from "../../src/lanes/index.ts";
import { makePlan, PlanSchema } from "../../src/twin/plan/index.ts";
import { classifier, modelFolder, storeNetwork, storePair } from "../support/models.ts";

describe("makePlan", () => {
  let folder: string;
  let pair: Network[];

  beforeAll(() => {
    folder = modelFolder();
    pair = storePair(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("measures, tries the best predictions and gives the best of those", async () => {
    const steps: string[] = [];
    const result = await makePlan({
      networks: pair,
      escalationRate: 0.1,
      budget: 2,
      onProgress: (step) => steps.push(step),
    });
    const tried = result.rows.filter(({ measured }) => measured !== undefined);
    expect(tried.length).toBe(3);
    expect(result.plan).toBe(tried[0]!.plan);
    for (const row of tried) expect(tried[0]!.measured).toBeGreaterThanOrEqual(row.measured!);
    expect(PlanSchema.parse(result.plan)).toEqual(result.plan);
    expect(steps.length).toBe(21);
    for (const { secondsPerImage } of result.timings) expect(secondsPerImage).toBeGreaterThan(0);
  });

  it("times a model of fixed batch at that batch only", async () => {
    const fixed = storeNetwork(`${folder}/fixed`, "original", classifier({ seed: 3, batch: 4 }), { fixedBatch: 4 });
    const { plan, timings } = await makePlan({
      networks: [pair[0]!, fixed],
      escalationRate: 0.2,
      budget: 1,
      goal: "latency",
    });
    expect(plan.batch).toEqual({ compressed: 1, original: 4 });
    expect(timings.filter(({ network }) => network === "original").map(({ batch }) => batch)).toEqual([4]);
  });

  it("stops when asked to", async () => {
    const controller = new AbortController();
    const plan = makePlan({
      networks: pair,
      escalationRate: 0.1,
      budget: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(plan).rejects.toThrow(/aborted/);
  });

  it.each([{ escalationRate: 1.2 }, { escalationRate: Number.NaN }, { lastRate: -1 }, { budget: 0 }, { budget: 1.5 }])(
    "refuses %j",
    async (wrong) => {
      await expect(makePlan({ networks: pair, escalationRate: 0.1, ...wrong })).rejects.toThrow(UsageError);
    },
  );
});
