import { expect, test } from "vitest";
import { float32, GraphBuilder, modelOf } from "../../src/onnx/index.ts";
import { estimateStatistics } from "../../src/train/index.ts";
import { bars, normalisation } from "./tiny.ts";

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
