import { describe, expect, test } from "vitest";
import {
  estimateLatency,
  LatencyTable,
  layerShapes,
  shapeMacs,
  shapeWeights,
} from "../../../src/compress/latency/index.ts";
import { modelCost } from "../../../src/onnx/index.ts";
import { architectures } from "../../support/architectures/index.ts";
import { classifier } from "../../support/models.ts";

describe.each(["resnet-basic", "resnet-bottleneck", "vgg", "mobilenet-v2", "regnet"])("%s", (name) => {
  test("its layers' shapes account for all multiply-accumulates", () => {
    const model = architectures[name]!(1);
    const macs = layerShapes(model).reduce((sum, { shape }) => sum + shapeMacs(shape), 0);
    expect(macs).toBe(modelCost(model).macs);
  });
});

test("weights are counted without biases", () => {
  const [convolution, dense] = layerShapes(classifier({ seed: 1, width: 8 }));
  expect(shapeWeights(convolution!.shape)).toBe(8 * 3 * 9);
  expect(shapeWeights(dense!.shape)).toBe(4 * 8);
});

test("equal shapes are timed once, widths in between with the next step of 8", async () => {
  const table = new LatencyTable();
  const { shape } = layerShapes(classifier({ seed: 1, width: 16 }))[0]!;
  const time = await table.milliseconds(shape);
  expect(time).toBeGreaterThan(0);
  expect(await table.milliseconds({ ...shape, outputs: 12 })).toBe(time);
  expect(table.size).toBe(1);
  await table.milliseconds({ ...shape, outputs: 8 });
  expect(table.size).toBe(2);
});

test("a model's estimate is the sum over its layers", async () => {
  const table = new LatencyTable();
  const model = classifier({ seed: 1, depth: 3 });
  const times = await Promise.all(layerShapes(model).map(({ shape }) => table.milliseconds(shape)));
  expect(await estimateLatency(model, table)).toBeCloseTo(
    times.reduce((a, b) => a + b, 0),
    9,
  );
});
