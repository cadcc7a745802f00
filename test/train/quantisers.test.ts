import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import {
  attr,
  encodeModel,
  float32,
  GraphBuilder,
  inferValues,
  type Model,
  modelOf,
  runModel,
  scalar,
} from "../../src/onnx/index.ts";
import { differentiate } from "../../src/train/differentiate.ts";
import {
  accuracyOf,
  crossEntropy,
  insertQuantisers,
  logitsOf,
  quantisersOf,
  sgd,
  type TrainingOptions,
  train,
  triangular,
  withFloatQuantisers,
} from "../../src/train/index.ts";
import { emitQuantiser } from "../../src/train/quantisers/emit.ts";
import { learnedStep, quantiserNode, ternaryWeights } from "../../src/train/quantisers/nodes.ts";
import { withoutStraightThrough } from "../../src/train/straight-through.ts";
import { bars, normalisation, tinyNetwork } from "./tiny.ts";

type Inputs = Record<string, { values: readonly number[]; dims: readonly number[] }>;

/** A quantiser's output, and the gradients of `sum(upstream * output)`. */
async function evaluate(
  node: ReturnType<typeof quantiserNode>,
  inputs: Inputs,
  upstream: readonly number[],
  ramp?: number,
): Promise<Record<string, number[]>> {
  const b = new GraphBuilder("quantiser");
  for (const [name, { dims }] of Object.entries(inputs)) b.input(name, "float32", dims);
  const value = Object.values(inputs)[0]!;
  const given = b.constant(float32(upstream, value.dims));
  emitQuantiser(b, node, ramp === undefined ? undefined : b.constant(scalar(ramp)));
  const loss = b.op("ReduceSum", [b.op("Mul", [node.outputs[0]!, given])], { keepdims: 0 });
  const known = inferValues(modelOf(withoutStraightThrough(b.graph), 20));
  const shapes = new Map([...known].map(([name, { shape }]) => [name, shape as readonly number[]]));
  const by = Object.keys(inputs).filter((name) => name !== "threshold");
  const gradients = differentiate(b, shapes, loss, by);
  b.output(node.outputs[0]!, "float32", undefined, "y");
  for (const name of by) b.output(gradients.get(name)!, "float32", undefined, `d_${name}`);
  const feeds = Object.entries(inputs).map(([name, { values, dims }]) => [name, float32(values, dims)] as const);
  const results = await runModel(modelOf(withoutStraightThrough(b.graph), 20), new Map(feeds));
  return Object.fromEntries([...results].map(([name, { data }]) => [name, [...(data as Float32Array)]]));
}

const close = (received: readonly number[], expected: readonly number[]): void => {
  expect(received.length).toBe(expected.length);
  received.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 4);
  });
};

describe("a learned step", () => {
  const values = [-0.9, -0.13, 0.0, 0.26, 0.74, 1.4];
  const upstream = [1, -2, 3, 0.5, -1, 2];

  test("rounds to its integers, passes gradients where nothing is clipped, and learns by the paper's rule", async () => {
    const [step, low, high, share] = [0.5, -1, 2, 0.25];
    const node = quantiserNode(learnedStep, ["x", "step"], "q", { rank: 1 }, { low, high, share: attr.float(share) });
    const inputs = { x: { values, dims: [6] }, step: { values: [step], dims: [1] } };
    const results = await evaluate(node, inputs, upstream);
    const codes = [-1, 0, 0, 1, 1, 2];
    close(
      results.y!,
      codes.map((code) => code * step),
    );
    const inside = values.map((value) => value / step > low && value / step < high);
    close(
      results.d_x!,
      upstream.map((slope, i) => (inside[i] ? slope : 0)),
    );
    const terms = values.map((value, i) => upstream[i]! * (inside[i] ? codes[i]! - value / step : codes[i]!));
    close(results.d_step!, [share * terms.reduce((sum, term) => sum + term)]);
  });

  test("may differ along an axis", async () => {
    const node = quantiserNode(learnedStep, ["x", "step"], "q", { axis: 0, rank: 2 }, { low: -7, high: 7 });
    const inputs = { x: { values, dims: [2, 3] }, step: { values: [0.25, 0.5], dims: [2] } };
    const { y, d_step } = await evaluate(node, inputs, upstream);
    close(y!, [-1, -0.25, 0, 0.5, 0.5, 1.5]);
    close(d_step!, [1 * (-4 + 3.6) + -2 * (-1 + 0.52), 0.5 * (1 - 0.52) - (1 - 1.48) + 2 * (3 - 2.8)]);
  });
});

describe("ternary weights", () => {
  const inputs = {
    w: { values: [0.9, -0.2, -0.8, 0.1, 0.5, -0.4], dims: [2, 3] },
    scale: { values: [0.7, 0.3], dims: [2] },
    threshold: { values: [0.5, 0.3], dims: [2] },
  };
  const upstream = [1, -2, 3, 0.5, -1, 2];
  const node = quantiserNode(
    ternaryWeights,
    ["w", "scale", "threshold"],
    "q",
    { axis: 0, rank: 2 },
    { share: attr.float(0.5) },
  );
  const ternary = [0.7, 0, -0.7, 0, 0.3, -0.3];

  test("are -1, 0 or 1 times their scale; gradients pass to the latent weights and teach the scale", async () => {
    const results = await evaluate(node, inputs, upstream);
    close(results.y!, ternary);
    close(results.d_w!, upstream);
    close(results.d_scale!, [0.5 * (1 - 3), 0.5 * (-1 - 2)]);
  });

  test("take the place of float weights step by step", async () => {
    const results = await evaluate(node, inputs, upstream, 0.25);
    close(
      results.y!,
      ternary.map((value, i) => 0.25 * value + 0.75 * inputs.w.values[i]!),
    );
    close(results.d_w!, upstream);
    close(results.d_scale!, [0.25 * 0.5 * (1 - 3), 0.25 * 0.5 * (-1 - 2)]);
  });
});

const data = bars(192);
const options: TrainingOptions = {
  epochs: 10,
  batch: 32,
  seed: 5,
  normalisation,
  augmentation: { shift: 1 },
  loss: crossEntropy,
  optimiser: sgd(),
  rate: triangular({ peak: 0.1 }),
  averaging: 0.9,
  threads: 1,
};
const ends = ["stage0.conv", "Gemm"];

async function ternaryNetwork(): Promise<Model> {
  const settings = { normalisation, threads: 1, activations: { bits: 8 } };
  const inner = await insertQuantisers(tinyNetwork(), data, { ...settings, weights: "ternary", except: ends });
  return await insertQuantisers(inner, data, { ...settings, weights: { bits: 8 } });
}

describe("a network with quantisers", () => {
  test("learns with ternary weights, and answers the same in standard operators from its integers", async () => {
    const trained = await train(await ternaryNetwork(), data, options);
    const test = bars(300, 99);
    const float = withFloatQuantisers(trained);
    const logits = await logitsOf(float, test, { normalisation, threads: 1 });
    expect(accuracyOf(logits, test.labels)).toBeGreaterThan(0.95);

    const { weights, values } = quantisersOf(trained);
    expect(weights.map(({ kind }) => kind)).toEqual([
      "linear",
      "ternary",
      "ternary",
      "ternary",
      "ternary",
      "ternary",
      "linear",
    ]);
    expect(values.every(({ step }) => step > 0)).toBe(true);
    const integers = { ...trained, graph: { ...trained.graph, constants: new Map(trained.graph.constants) } };
    const codes = weights.map((layer) => {
      const perChannel = layer.codes.length / layer.scales.length;
      expect(layer.axis).toBe(0);
      return [
        layer,
        Float32Array.from(layer.codes, (code, i) => code * layer.scales[Math.floor(i / perChannel)]!),
      ] as const;
    });
    for (const [{ weights: name, dims }, data] of codes) integers.graph.constants.set(name, float32(data, dims));
    integers.graph.nodes = trained.graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((input) => weights.find(({ output }) => output === input)?.weights ?? input),
    }));
    const same = await logitsOf(withFloatQuantisers(integers), test, { normalisation, threads: 1 });
    const gap = logits.map((value, i) => Math.abs(value - same[i]!));
    expect(Math.max(...gap)).toBeLessThan(1e-3);
  });

  test("goes on from a checkpoint to the same network, bit for bit", async () => {
    const folder = mkdtempSync(join(tmpdir(), "twindnn-quantisers-"));
    const few = { ...options, epochs: 3 };
    const checkpoint = { file: `${folder}/run.checkpoint`, everySteps: 100 };
    const network = await ternaryNetwork();
    try {
      const whole = await train(network, data, few);
      const controller = new AbortController();
      const onStep = ({ step }: { step: number }): void => void (step === 9 && controller.abort());
      const stopped = train(network, data, { ...few, checkpoint, onStep, signal: controller.signal });
      await expect(stopped).rejects.toThrow("aborted");
      const resumed = await train(network, data, { ...few, checkpoint });
      expect(encodeModel(resumed)).toEqual(encodeModel(whole));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("keeps float what it is told to", async () => {
    const network = await insertQuantisers(tinyNetwork(), data, { normalisation, weights: { bits: 4 }, except: ends });
    const quantised = quantisersOf(network);
    expect(quantised.weights.map(({ weights }) => weights)).not.toContain("stage0.conv.weight");
    expect(quantised.values).toEqual([]);
    for (const { codes } of quantised.weights) {
      expect(Math.max(...codes)).toBeLessThanOrEqual(7);
      expect(Math.min(...codes)).toBeGreaterThanOrEqual(-7);
    }
  });

  test("rounds the values named, for all that read them", async () => {
    const activations = { bits: 8, values: ["Relu"] };
    const network = await insertQuantisers(tinyNetwork(), data, { normalisation, weights: { bits: 8 }, activations });
    const { values } = quantisersOf(network);
    expect(values.map(({ value }) => value)).toEqual(["Relu"]);
    const readers = network.graph.nodes.filter(({ inputs }) => inputs.includes(values[0]!.output));
    expect(readers.map(({ op }) => op).toSorted()).toEqual(["Add", "Conv"]);
    const unknown = { bits: 8, values: ["Rellu"] };
    const refused = insertQuantisers(tinyNetwork(), data, {
      normalisation,
      weights: { bits: 8 },
      activations: unknown,
    });
    await expect(refused).rejects.toThrow(/unknown value to quantise "Rellu".*Did you mean "Relu"/);
  });

  test("starts with steps that reach as far as the values, and no further", async () => {
    const network = await insertQuantisers(tinyNetwork(), data, { normalisation, weights: { bits: 8 } });
    for (const { weights, codes } of quantisersOf(network).weights) {
      const most = Math.max(...codes.map(Math.abs));
      expect([weights, most]).toEqual([weights, 127]);
    }
  });

  test("refuses an unknown layer and impossible bits", async () => {
    const settings = { normalisation, weights: { bits: 8 } };
    const unknown = insertQuantisers(tinyNetwork(), data, { ...settings, except: ["stage0.convv"] });
    await expect(unknown).rejects.toThrow(/unknown layer to leave out "stage0\.convv".*Did you mean "stage0\.conv"/);
    const wide = insertQuantisers(tinyNetwork(), data, { ...settings, activations: { bits: 12 } });
    await expect(wide).rejects.toThrow(UsageError);
    await expect(wide).rejects.toThrow(/bits of activations .* 2\.\.8, received 12/);
  });
});
