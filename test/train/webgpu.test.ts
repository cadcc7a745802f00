import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { availableLanes } from "../../src/lanes/index.ts";
import { crossEntropy, sgd, type TrainingOptions, train } from "../../src/train/index.ts";
import { bars, normalisation, tinyNetwork } from "./tiny.ts";

// A GPU is needed, or a software adapter, which compiles kernels for minutes: see "npm run test:webgpu".
const adapter = (await availableLanes()).some(({ kind, available }) => kind === "webgpu" && available);

const data = bars(8);
const options: TrainingOptions = {
  epochs: 1,
  batch: 8,
  seed: 5,
  normalisation,
  loss: crossEntropy,
  optimiser: sgd(),
  rate: () => 0.1,
  averaging: 0,
  threads: 1,
};

describe("device", () => {
  test("an unknown one is refused with the list of those known", async () => {
    const attempt = train(tinyNetwork(), data, { ...options, device: "gpu" as "webgpu" });
    await expect(attempt).rejects.toThrow(UsageError);
    await expect(attempt).rejects.toThrow(/unknown device "gpu"; known: cpu, webgpu/);
  });

  test.skipIf(adapter)("webgpu without an adapter is refused with the way out", async () => {
    const attempt = train(tinyNetwork(), data, { ...options, device: "webgpu" });
    await expect(attempt).rejects.toThrow(UsageError);
    await expect(attempt).rejects.toThrow(/device "webgpu" needs a graphics adapter.*train on "cpu"/);
  });

  /** One step of SGD at a rate of 0.1 from the same weights: they differ by a tenth of what the gradients do. */
  test.skipIf(!adapter)("webgpu takes the CPU's step", { timeout: 600_000 }, async () => {
    const [onCpu, onGpu] = [
      await train(tinyNetwork(), data, options),
      await train(tinyNetwork(), data, { ...options, device: "webgpu" }),
    ];
    for (const [name, { type, data: expected }] of onCpu.graph.constants) {
      if (type !== "float32") continue;
      const received = onGpu.graph.constants.get(name)!.data as Float32Array;
      const gaps = Array.from(expected as Float32Array, (value, i) => Math.abs(value - received[i]!));
      expect(Math.max(...gaps), name).toBeLessThan(1e-5);
    }
  });
});
