import { expect, test } from "vitest";
import { checkModel, classifierOf, modelCost } from "../../src/onnx/index.ts";
import { type ResidualNetwork, residualNetwork } from "../../src/train/index.ts";
import { parametersOf, totalSize } from "../../src/train/parameters.ts";

const network: ResidualNetwork = {
  name: "small",
  input: [3, 32, 32],
  classes: 7,
  stages: [
    { channels: 8, stride: 1, blocks: 0 },
    { channels: 16, stride: 2, blocks: 2 },
  ],
};

test("a residual network is a classifier that the standard allows", () => {
  const model = residualNetwork(network, 1);
  checkModel(model);
  expect(classifierOf(model)).toMatchObject({
    input: { name: "input", layout: "NCHW", channels: 3, height: 32, width: 32, batch: "batch" },
    output: { name: "logits", kind: "logits", classes: 7 },
  });
});

test("a residual network costs what its stages say", () => {
  const stem = 9 * 3 * 8 * 32 * 32;
  const down = 9 * 8 * 16 * 16 * 16;
  const blocks = 4 * 9 * 16 * 16 * 16 * 16;
  expect(modelCost(residualNetwork(network, 1)).macs).toBe(stem + down + blocks + 16 * 7);
});

test("every weight, bias and normalisation is trained, and only weights decay", () => {
  const parameters = parametersOf(residualNetwork(network, 1).graph);
  expect(totalSize(parameters)).toBe(9 * 3 * 8 + 9 * 8 * 16 + 4 * 9 * 16 * 16 + 16 * 7 + 7 + 2 * (8 + 5 * 16));
  expect(parameters.filter(({ decays }) => decays).map(({ name }) => name.replace(/.*\./, ""))).toEqual(
    Array(7).fill("weight"),
  );
});

test("weights are drawn with the variance that keeps activations alike", () => {
  const weights = residualNetwork(network, 1).graph.constants.get("stage1.block0.conv0.weight")!.data as Float32Array;
  const variance = weights.reduce((sum, value) => sum + value ** 2, 0) / weights.length;
  expect(variance / (2 / (9 * 16))).toBeGreaterThan(0.9);
  expect(variance / (2 / (9 * 16))).toBeLessThan(1.1);
});
