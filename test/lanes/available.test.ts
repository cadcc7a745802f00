import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { availableLanes } from "../../src/lanes/index.ts";
import { makePlan } from "../../src/twin/plan/index.ts";
import { modelFolder, storePair } from "../support/models.ts";
import { laneSuite } from "./suite.ts";

// A GPU lane needs a GPU, or a software adapter, which takes minutes: "npm run test:webgpu" names that of Debian's
// chromium, which needs libvulkan1.
const lanes = await availableLanes();

describe("availableLanes", () => {
  it("always offers the CPU, and gives a reason for what it does not offer", () => {
    expect(lanes.map(({ kind }) => kind)).toEqual(["cpu", "webgpu", "cuda"]);
    expect(lanes[0]).toEqual({ kind: "cpu", available: true });
    for (const lane of lanes) if (!lane.available) expect(lane.reason).not.toBe("");
  });
});

for (const lane of lanes) {
  const { kind } = lane;
  if (kind === "cpu") continue;
  if (!lane.available) it.skip(`a ${kind} lane: ${lane.reason}`, () => {});
  else {
    laneSuite({ kind, isolation: "thread", tolerance: 1e-3, timeout: 300_000 });
    laneSuite({ kind, isolation: "process", tolerance: 1e-3, timeout: 300_000 });

    it(`the planner measures a ${kind} lane beside the CPU's`, { timeout: 300_000 }, async () => {
      const folder = modelFolder();
      const { timings, rows } = await makePlan({
        networks: storePair(folder),
        escalationRate: 0.1,
        budget: 1,
        device: kind,
      });
      rmSync(folder, { recursive: true });
      const timed = timings.filter((row) => row.kind === kind).map(({ network }) => network);
      expect(new Set(timed)).toEqual(new Set(["compressed", "original"]));
      expect(rows.some(({ plan }) => plan.lanes.some((spec) => spec.kind === kind))).toBe(true);
    });
  }
}
