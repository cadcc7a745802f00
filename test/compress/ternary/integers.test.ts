import { describe, expect, test } from "vitest";
import { integerModel, integersOf } from "../../../src/compress/ternary/integers.ts";
import { learnIntegers } from "../../../src/compress/ternary/learn.ts";
import { foldIntoQuantisers, withBatchNormalization } from "../../../src/compress/ternary/normalise.ts";
import { integerUnits, prepareToLearn } from "../../../src/compress/ternary/prepare.ts";
import { linearNames, withQuantisers } from "../../../src/compress/ternary/quantise.ts";
import { UnsupportedOperatorError } from "../../../src/errors.ts";
import { attr, float32, GraphBuilder, type Model, modelOf } from "../../../src/onnx/index.ts";
import { estimateStatistics, logitsOf, quantisersOf, withFloatQuantisers } from "../../../src/train/index.ts";
import { bars, tinyNetwork } from "../../train/tiny.ts";
import { everyLayer, inference, quantised, taughtBy } from "./networks.ts";

const images = bars(300, 99);
const answers = (model: Model): Promise<Float32Array> => logitsOf(model, images, inference);
const normsOf = ({ graph }: Model): number => graph.nodes.filter(({ op }) => op === "BatchNormalization").length;

const largestGap = (left: Float32Array, right: Float32Array): number =>
  left.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i]!)), 0);

/**
 * Equal in float32. A value on the border between two codes may fall on either side of it, since the sums are made in another
 * order; that moves the logits of an image by a fraction of a code.
 */
function expectSameCodes(left: Float32Array, right: Float32Array): void {
  const gaps = left.map((value, i) => Math.abs(value - right[i]!));
  expect(gaps.filter((gap) => gap < 1e-5).length / gaps.length).toBeGreaterThan(0.9);
  expect(Math.max(...gaps)).toBeLessThan(0.03 * Math.max(...left.map(Math.abs)));
}

/** With biases as the integers have them: multiples of input scale x weight scale. */
function withRoundedBiases(trained: Model): Model {
  const folded = foldIntoQuantisers(trained);
  const { plan } = integersOf(trained);
  const constants = new Map(folded.graph.constants);
  for (const { node, inputs } of plan.units.filter(({ role }) => role === "linear")) {
    const { scale } = plan.values.get(inputs[0]!)!;
    const units = plan.weights.get(node.name)!.scales.map((weight) => Math.fround(weight * scale));
    const bias = constants.get(node.inputs[2]!)!.data as Float32Array;
    constants.set(node.inputs[2]!, float32(bias.map((value, i) => Math.round(value / units[i]!) * units[i]!)));
  }
  return { ...folded, graph: { ...folded.graph, constants } };
}

const original = tinyNetwork();
const data = await taughtBy(original, 192);
const options = { ...inference, epochs: 8, rate: 0.1, seed: 3, labelled: true, flip: false };
const trained = await learnIntegers(await quantised(original, data), data, options, options);

describe("normalisation", () => {
  test("put behind convolutions leaves the answers as they are", async () => {
    const prepared = await prepareToLearn(original);
    const layers = linearNames(integerUnits(prepared));
    const normalised = await withBatchNormalization(prepared, images, inference, layers);
    expect(normsOf(normalised)).toBe(6);
    expect(largestGap(await answers(normalised), await answers(prepared))).toBeLessThan(1e-4);
  });

  test("has the statistics of the network as it was: estimated anew, they leave the answers nearly as they are", async () => {
    const prepared = await prepareToLearn(original);
    const layers = linearNames(integerUnits(prepared));
    const normalised = await withBatchNormalization(prepared, images, inference, layers);
    const again = await estimateStatistics(normalised, images, { ...inference, batch: 128, count: 256 });
    const [wanted, got] = [await answers(prepared), await answers(again)];
    expect(largestGap(wanted, got)).toBeLessThan(0.1 * Math.max(...wanted.map(Math.abs)));
  });

  test("folds into the quantisers of a trained network, whose answers stay", async () => {
    const folded = foldIntoQuantisers(trained);
    expect([normsOf(trained), normsOf(folded)]).toEqual([6, 0]);
    const [before, after] = [await answers(withFloatQuantisers(trained)), await answers(withFloatQuantisers(folded))];
    expectSameCodes(before, after);
  });
});

describe("the integers of a trained network", () => {
  test("answer as the network with quantisers does, its biases rounded", async () => {
    const [float, integer] = [
      await answers(withFloatQuantisers(withRoundedBiases(trained))),
      await answers(integerModel(trained)),
    ];
    expectSameCodes(float, integer);
  });

  test("are -1, 0 and 1 in all layers but the first and last, with 30 to 60 % zeros", () => {
    const { graph } = integerModel(trained);
    const codes = graph.nodes
      .filter(({ op }) => op === "Conv" || op === "Gemm")
      .map(({ inputs }) => graph.nodes.find(({ outputs }) => outputs[0] === inputs[1])!.inputs[0]!)
      .map((name) => graph.constants.get(name)!.data as Int8Array);
    expect(codes).toHaveLength(7);
    for (const layer of codes.slice(1, -1)) expect([...new Set(layer)].toSorted((a, b) => a - b)).toEqual([-1, 0, 1]);
    const inner = codes.slice(1, -1).flatMap((layer) => [...layer]);
    const zeros = inner.filter((code) => code === 0).length / inner.length;
    expect(zeros).toBeGreaterThan(0.3);
    expect(zeros).toBeLessThan(0.6);
    for (const layer of [codes[0]!, codes.at(-1)!]) {
      expect(Math.max(...layer.map(Math.abs))).toBeLessThanOrEqual(63);
      expect(new Set(layer).size).toBeGreaterThan(3);
    }
  });

  test("are -1, 0 and 1 in every layer where all are to be ternary", async () => {
    const prepared = await prepareToLearn(original);
    const ternary = linearNames(integerUnits(prepared));
    const network = await withQuantisers(prepared, data, { ...inference, ternary });
    expect(quantisersOf(network).weights.map(({ kind }) => kind)).toEqual(Array<string>(7).fill("ternary"));
    const { plan } = integersOf(network);
    for (const { codes } of plan.weights.values()) expect(Math.max(...(codes.data as Int8Array).map(Math.abs))).toBe(1);
  });
});

describe("preparing", () => {
  test("leaves the answers of a network of every layer as they are", async () => {
    const network = everyLayer();
    const prepared = await prepareToLearn(network);
    expect(integerUnits(prepared).map(({ node }) => node.op)).toContain("GlobalAveragePool");
    expect(largestGap(await answers(network), await answers(prepared))).toBeLessThan(1e-4);
  });

  test.each([1, 0])(
    "writes a mean over whole pictures as global pooling, whether it keeps their axes (%i)",
    async (keepdims) => {
      const b = new GraphBuilder("mean");
      const kernel = b.constant(
        float32(
          Float32Array.from({ length: 27 }, (_, i) => Math.sin(i)),
          [3, 1, 3, 3],
        ),
      );
      const x = b.op("Conv", [b.input("input", "float32", ["batch", 1, 8, 8]), kernel], { kernel_shape: [3, 3] });
      const means = b.op("ReduceMean", [x], { axes: [-1, 2], keepdims });
      const flat = keepdims === 1 ? b.op("Flatten", [means], { axis: 1 }) : means;
      const weights = b.constant(
        float32(
          Float32Array.from({ length: 9 }, (_, i) => Math.cos(i)),
          [3, 3],
        ),
      );
      b.output(b.op("MatMul", [flat, weights]), "float32", ["batch", 3], "logits");
      const network = modelOf(b.graph);
      const prepared = await prepareToLearn(network);
      expect(integerUnits(prepared).map(({ node }) => node.op)).toEqual([
        "Conv",
        "GlobalAveragePool",
        "Flatten",
        "MatMul",
      ]);
      expect(largestGap(await answers(network), await answers(prepared))).toBeLessThan(1e-4);
    },
  );

  test("multiplies alpha into the weights of a matrix product", async () => {
    const b = new GraphBuilder("scaled");
    const kernel = b.constant(float32(new Float32Array(36).fill(0.1), [4, 1, 3, 3]));
    const x = b.op("Conv", [b.input("input", "float32", ["batch", 1, 8, 8]), kernel], { kernel_shape: [3, 3] });
    const flat = b.op("Flatten", [b.op("GlobalAveragePool", [x])], { axis: 1 });
    const weights = b.constant(
      float32(
        Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
        [3, 4],
      ),
    );
    const attributes = { transB: 1, alpha: attr.float(2), beta: attr.float(3) };
    const product = b.op("Gemm", [flat, weights, b.constant(float32([1, 2, 3]))], attributes);
    b.output(product, "float32", ["batch", 3], "logits");
    const network = modelOf(b.graph);
    const prepared = await prepareToLearn(network);
    expect(integerUnits(prepared)).toHaveLength(4);
    expect(largestGap(await answers(network), await answers(prepared))).toBeLessThan(1e-4);
  });

  test("names a node that has no place in a network of integers", async () => {
    const b = new GraphBuilder("sigmoid");
    const x = b.input("input", "float32", ["batch", 1, 8, 8]);
    const kernel = b.constant(float32(new Float32Array(36).fill(0.1), [4, 1, 3, 3]));
    const gate = b.op("Sigmoid", [b.op("Conv", [x, kernel], { kernel_shape: [3, 3] })], {}, "gate");
    const means = b.op("Flatten", [b.op("GlobalAveragePool", [gate])], { axis: 1 });
    const weights = b.constant(float32(new Float32Array(12).fill(0.5), [3, 4]));
    b.output(b.op("Gemm", [means, weights], { transB: 1 }), "float32", ["batch", 3], "logits");
    const prepared = await prepareToLearn(modelOf(b.graph));
    expect(() => integerUnits(prepared)).toThrow(UnsupportedOperatorError);
    expect(() => integerUnits(prepared)).toThrow(/Sigmoid \(node "gate"\).*known: Conv/);
  });
});
