import { expect, it, vi } from "vitest";
import { type Network, openLane } from "../../src/lanes/index.ts";

vi.mock(import("../../src/lanes/channel.ts"), () => ({
  openChannel: () => {
    throw new Error("no more threads");
  },
}));

it("the one place for a WebGPU lane is free again when the lane cannot be started", async () => {
  const network: Network = {
    name: "original",
    file: "original.onnx",
    input: { name: "x", layout: "NCHW", shape: [1, 1, 1] },
    output: { name: "y", classes: 2 },
    normalisation: { scale: [1], offset: [0] },
  };
  for (let attempt = 0; attempt < 2; attempt++) {
    const lane = openLane({ kind: "webgpu", networks: ["original"], threads: 1 }, [network]);
    await expect(lane).rejects.toThrow("no more threads");
  }
});
