import { expect, test } from "vitest";
import { float32, GraphBuilder, modelOf } from "../../src/onnx/index.ts";
import { estimateStatistics, subset } from "../../src/train/index.ts";
import { bars, normalisation, tinyNetwork } from "./tiny.ts";

test("estimated statistics are the mean and variance of all pixels of all images", async () => {
  const data = bars(48);
  const b = new GraphBuilder("normalise");
  const x = b.input("input", "float32", ["batch", 1, 8, 8]);
  const vector = (value: number, name: string): string => b.constant(float32([value]), name);
  const parameters = [vector(1, "scale"), vector(0, "bias"), vector(0, "mean"), vector(1, "variance")];
  const normalised = b.op("BatchNormalization", [x, ...parameters]);
  const features = b.op("Flatten", [b.op("GlobalAveragePool", [normalised])]);
  const weights = b.constant(float32([1, -1], [1, 2]), "weights");
  b.output(b.op("Gemm", [features, weights]), "float32", ["batch", 2], "logits");

  const spec = { batch: 16, normalisation, threads: 1, count: 48 };
  const { constants } = (await estimateStatistics(modelOf(b.graph), data, spec)).graph;
  const pixels = Array.from(data.images, (byte) => byte / 128 - 1);
  const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  const variance = pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / pixels.length;
  expect((constants.get("mean")!.data as Float32Array)[0]).toBeCloseTo(mean, 5);
  expect((constants.get("variance")!.data as Float32Array)[0]).toBeCloseTo(variance, 5);
});

test("a set sorted by class gives the statistics of a mixed one", async () => {
  const mixed = bars(96);
  const order = Array.from(mixed.labels.keys()).sort((a, b) => mixed.labels[a]! - mixed.labels[b]! || a - b);
  const spec = { batch: 24, normalisation, threads: 1, count: 96 };
  const [expected, received] = [
    await estimateStatistics(tinyNetwork(), mixed, spec),
    await estimateStatistics(tinyNetwork(), subset(mixed, order), spec),
  ];
  for (const node of expected.graph.nodes.filter(({ op }) => op === "BatchNormalization")) {
    const [left, right] = [expected, received].map(({ graph }) => graph.constants.get(node.inputs[4]!)!.data);
    (left as Float32Array).forEach((variance, channel) => {
      expect(Math.abs(Math.log((right as Float32Array)[channel]! / variance))).toBeLessThan(0.2);
    });
  }
});
