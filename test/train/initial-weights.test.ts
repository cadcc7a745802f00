import * as fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { float32, GraphBuilder, type Model, modelOf, runModel } from "../../src/onnx/index.ts";
import { type Dataset, residualNetwork, startAsIdentity, whitenFirstLayer } from "../../src/train/index.ts";

const network = (channels: number): Model =>
  residualNetwork(
    {
      name: "small",
      input: [channels, 12, 12],
      classes: 3,
      stages: [
        { channels: 8, stride: 1, blocks: 0 },
        { channels: 8, stride: 1, blocks: 1 },
      ],
    },
    1,
  );

/** Pictures whose neighbouring pixels are alike, as those of photographs are. */
function smooth(channels: number, count: number, seed: number): Dataset {
  const images = new Uint8Array(count * channels * 144);
  let state = seed;
  for (let i = 0; i < images.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    images[i] = Math.round(0.8 * (images[i - 1] ?? 128) + 0.2 * (state >>> 24));
  }
  return { images, shape: [channels, 12, 12], labels: new Uint8Array(count) };
}

/** The responses of the first convolution alone, a row a filter, where no padding is seen. */
async function responses(model: Model, data: Dataset, scale: number, offset: number): Promise<number[][]> {
  const b = new GraphBuilder("first");
  const x = b.input("x", "float32", ["n", ...data.shape]);
  const kernel = model.graph.constants.get(model.graph.nodes[0]!.inputs[1]!)!;
  b.output(
    b.op("Conv", [x, b.constant(kernel)], { kernel_shape: [3, 3], strides: [3, 3] }),
    "float32",
    ["n", 8, 4, 4],
    "y",
  );
  const values = Float32Array.from(data.images, (byte) => byte * scale + offset);
  const dims = [data.labels.length, ...data.shape];
  const outputs = await runModel(modelOf(b.graph), new Map([["x", float32(values, dims)]]));
  const rows: number[][] = Array.from({ length: 8 }, () => []);
  (outputs.get("y")!.data as Float32Array).forEach((value, i) => void rows[Math.floor(i / 16) % 8]!.push(value));
  return rows;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

test("what a whitening layer says of the images is uncorrelated and of unit size, each filter beside its opposite", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(1, 3), fc.integer({ min: 1, max: 2 ** 31 }), async (channels, seed) => {
      const data = smooth(channels, 300, seed);
      const [scale, offset] = [1 / 64, -2];
      const normalisation = { scale: Array(channels).fill(scale), offset: Array(channels).fill(offset) };
      const { network: whitened } = whitenFirstLayer(network(channels), data, normalisation);
      const rows = await responses(whitened, data, scale, offset);
      for (let i = 0; i < 8; i += 2) {
        expect(rows[i + 1]!.every((value, j) => Math.abs(value + rows[i]![j]!) < 1e-4)).toBe(true);
        for (let j = 0; j < 8; j += 2) {
          const product = mean(rows[i]!.map((value, k) => value * rows[j]![k]!));
          expect(product).toBeCloseTo(i === j ? 1 : 0, 1);
        }
      }
    }),
    { numRuns: 10 },
  );
});

test("a network that does not begin with a convolution is not whitened", () => {
  const b = new GraphBuilder("relu");
  b.output(b.op("Relu", [b.input("x", "float32", ["n", 3, 12, 12])]), "float32", ["n", 3, 12, 12], "y");
  const whiten = () => whitenFirstLayer(modelOf(b.graph), smooth(3, 4, 1), { scale: [1, 1, 1], offset: [0, 0, 0] });
  expect(whiten).toThrow(UsageError);
  expect(whiten).toThrow(/begins with Relu/);
});

test("convolutions that start as the identity copy their first channels", async () => {
  const b = new GraphBuilder("one");
  const x = b.input("x", "float32", [1, 2, 4, 4]);
  const random = Float32Array.from({ length: 3 * 2 * 9 }, (_, i) => Math.sin(i + 1));
  const kernel = b.constant({ type: "float32", dims: [3, 2, 3, 3], data: random });
  b.output(b.op("Conv", [x, kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }), "float32", [1, 3, 4, 4], "y");
  const data = Float32Array.from({ length: 32 }, (_, i) => Math.cos(i));
  const run = async (model: Model) =>
    (await runModel(model, new Map([["x", float32(data, [1, 2, 4, 4])]]))).get("y")!.data as Float32Array;
  const model = modelOf(b.graph);
  const [before, after] = [await run(model), await run(startAsIdentity(model))];
  expect(after.slice(0, 32)).toEqual(data);
  expect(after.slice(32)).toEqual(before.slice(32));
});

test("grouped convolutions keep their weights", () => {
  const b = new GraphBuilder("depthwise");
  const kernel = b.constant({ type: "float32", dims: [2, 1, 3, 3], data: new Float32Array(18).fill(0.5) }, "weight");
  const x = b.input("x", "float32", [1, 2, 4, 4]);
  b.output(b.op("Conv", [x, kernel], { kernel_shape: [3, 3], group: 2 }), "float32", [1, 2, 2, 2], "y");
  const model = modelOf(b.graph);
  expect(startAsIdentity(model).graph.constants.get(kernel)).toEqual(model.graph.constants.get(kernel));
});
