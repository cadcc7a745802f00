import { describe, expect, it } from "vitest";
import { availableLanes } from "../../src/lanes/index.ts";
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

for (const lane of lanes.slice(1)) {
  if (!lane.available) it.skip(`a ${lane.kind} lane: ${lane.reason}`, () => {});
  else {
    laneSuite({ kind: lane.kind, isolation: "thread", tolerance: 1e-3, timeout: 300_000 });
    laneSuite({ kind: lane.kind, isolation: "process", tolerance: 1e-3, timeout: 300_000 });
  }
}
