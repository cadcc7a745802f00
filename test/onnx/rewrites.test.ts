import { describe, expect, test } from "vitest";
import {
  attr,
  float32,
  foldBatchNormalization,
  foldConstants,
  int64,
  liftConstants,
  type Model,
  modelOf,
  outputDifference,
  randomInputs,
  removeDeadNodes,
  removeIdentity,
  runModel,
} from "../../src/onnx/index.ts";
import { computedReshape, LayerBuilder, positive, residualNetwork, weights } from "./networks.ts";

const ops = (model: Model): string[] => model.graph.nodes.map((node) => node.op);

/** Runs both models on the same images; the given one must be left as it was. */
async function expectSameAnswers(before: Model, rewrite: (model: Model) => Model | Promise<Model>): Promise<Model> {
  const copy = structuredClone(before);
  const after = await rewrite(before);
  expect(before).toEqual(copy);
  const inputs = randomInputs(before, { batch: 3 });
  expect(outputDifference(await runModel(before, inputs), await runModel(after, inputs))).toBeLessThan(1e-5);
  return after;
}

describe("foldBatchNormalization", () => {
  test("folds into Conv", async () => {
    const after = await expectSameAnswers(residualNetwork(), foldBatchNormalization);
    expect(ops(after)).not.toContain("BatchNormalization");
    expect(after.graph.constants.size).toBe(6);
  });

  test("folds into Conv without bias, ConvTranspose and Gemm", async () => {
    const b = new LayerBuilder("mixed");
    const x = b.input("image", "float32", ["batch", 2, 4, 4]);
    const conv = b.batchNorm(b.op("Conv", [x, b.constant(weights([4, 1, 3, 3]))], { group: 2 }), 4);
    const up = b.batchNorm(b.op("ConvTranspose", [conv, b.constant(weights([4, 3, 2, 2]))]), 3);
    const flat = b.op("Flatten", [up]);
    const gemm = b.op("Gemm", [flat, b.constant(weights([27, 5]))]);
    b.output(b.batchNorm(gemm, 5), "float32", ["batch", 5]);
    expect(ops(await expectSameAnswers(modelOf(b.graph), foldBatchNormalization))).not.toContain("BatchNormalization");
  });

  test("folds products and sums with a constant a channel, or one for all, on either side", async () => {
    const b = new LayerBuilder("written out");
    const x = b.input("image", "float32", ["batch", 2, 4, 4]);
    const conv = b.op("Conv", [x, b.constant(weights([4, 1, 3, 3]))], { group: 2 });
    const scaled = b.op("Mul", [b.constant(weights([1, 4, 1, 1])), conv]);
    const shifted = b.op("Add", [scaled, b.constant(weights([4, 1, 1]))]);
    const gemm = b.op("Gemm", [b.op("Flatten", [shifted]), b.constant(weights([16, 5]))]);
    b.output(b.op("Mul", [b.op("Add", [gemm, b.constant(weights([5]))]), b.constant(weights([]))]), "float32", [
      "batch",
      5,
    ]);
    expect(ops(await expectSameAnswers(modelOf(b.graph), foldBatchNormalization))).toEqual(["Conv", "Flatten", "Gemm"]);
  });

  test("leaves a constant that differs from place to place, or adds an axis", async () => {
    const b = new LayerBuilder("by place");
    const x = b.input("image", "float32", ["batch", 4, 4, 4]);
    const conv = b.op("Conv", [x, b.constant(weights([4, 4, 1, 1]))]);
    const byColumn = b.op("Add", [conv, b.constant(weights([4]))]);
    const deeper = b.op("Mul", [
      b.op("Conv", [byColumn, b.constant(weights([4, 4, 1, 1]))]),
      b.constant(weights([1, 1, 4, 1, 1])),
    ]);
    b.output(deeper, "float32", [1, "batch", 4, 4, 4]);
    expect(ops(await expectSameAnswers(modelOf(b.graph), foldBatchNormalization))).toEqual([
      "Conv",
      "Add",
      "Conv",
      "Mul",
    ]);
  });

  test("leaves one whose convolution has another reader, or that trains", async () => {
    const b = new LayerBuilder("shared");
    const x = b.input("image", "float32", ["batch", 2, 4, 4]);
    const conv = b.conv(x, 2, 2);
    b.output(b.op("Add", [conv, b.batchNorm(conv, 2)]), "float32", ["batch", 2, 4, 4]);
    expect(ops(await expectSameAnswers(modelOf(b.graph), foldBatchNormalization))).toContain("BatchNormalization");
  });

  test("gives a weight that two convolutions share a scaled copy", async () => {
    const b = new LayerBuilder("tied");
    const x = b.input("image", "float32", ["batch", 2, 4, 4]);
    const w = b.constant(weights([2, 2, 1, 1]));
    const y = b.batchNorm(b.op("Conv", [b.op("Conv", [x, w]), w]), 2);
    b.output(y, "float32", ["batch", 2, 4, 4]);
    await expectSameAnswers(modelOf(b.graph), foldBatchNormalization);
  });
});

describe("removeIdentity", () => {
  test("removes Identity and Dropout, the graph's output keeps its name", async () => {
    const after = await expectSameAnswers(residualNetwork(), removeIdentity);
    expect(ops(after).filter((op) => op === "Identity" || op === "Dropout")).toEqual([]);
    expect(after.graph.outputs[0]?.name).toBe("logits");
  });

  test("keeps an Identity between an input and an output, and between two outputs", async () => {
    const b = new LayerBuilder("kept");
    const x = b.input("x", "float32", ["batch", 2]);
    b.output(x, "float32", ["batch", 2], "copy");
    const y = b.op("Relu", [x]);
    b.output(y, "float32", ["batch", 2]);
    b.output(y, "float32", ["batch", 2], "again");
    expect(ops(await expectSameAnswers(modelOf(b.graph), removeIdentity))).toEqual(["Identity", "Relu", "Identity"]);
  });

  test("keeps a Dropout that trains", () => {
    const b = new LayerBuilder("training");
    const x = b.input("x", "float32", ["batch", 2]);
    const training = b.constant({ type: "bool", dims: [], data: new Uint8Array([1]) });
    b.output(b.op("Relu", [b.op("Dropout", [x, "", training])]), "float32", ["batch", 2]);
    expect(ops(removeIdentity(modelOf(b.graph)))).toContain("Dropout");
  });
});

describe("foldConstants", () => {
  test("keeps what depends on the batch", async () => {
    const after = await expectSameAnswers(computedReshape(), foldConstants);
    expect(ops(after)).toEqual(["Shape", "Gather", "Unsqueeze", "Concat", "Reshape", "Gemm", "Identity"]);
  });

  test("replaces shapes computed from known sizes", async () => {
    const model = computedReshape();
    model.graph.inputs[0]!.shape = [3, 3, 4, 4];
    expect(ops(await expectSameAnswers(model, foldConstants))).toEqual(["Reshape", "Gemm", "Identity"]);
  });

  test("evaluates nodes that read only constants, and keeps quantised weights", async () => {
    const b = new LayerBuilder("arithmetic");
    const x = b.input("x", "float32", ["batch", 4]);
    const w = b.op("Mul", [
      b.op("Exp", [b.constant(weights([4, 4]))]),
      b.op("Constant", [], { value: attr.tensor(float32([2], [])) }),
    ]);
    const bytes = b.constant({ type: "int8", dims: [4, 4], data: Int8Array.from({ length: 16 }, (_, at) => at - 8) });
    const dequantised = b.op("DequantizeLinear", [bytes, b.constant(float32([0.1], []))]);
    b.output(b.op("MatMul", [b.op("MatMul", [x, w]), dequantised]), "float32", ["batch", 4]);
    const after = await expectSameAnswers(modelOf(b.graph), foldConstants);
    expect(ops(after)).toEqual(["DequantizeLinear", "MatMul", "MatMul"]);
  });
});

test("liftConstants turns Constant nodes into constants", async () => {
  const after = await expectSameAnswers(computedReshape(), liftConstants);
  expect(ops(after)).not.toContain("Constant");
});

test("removeDeadNodes removes what no output needs", async () => {
  const model = residualNetwork();
  const b = new LayerBuilder("dead");
  b.op("Exp", ["image"]);
  model.graph.nodes.push(...b.graph.nodes);
  model.graph.constants.set("unread", positive(3)).set("unread shape", int64([1]));
  const after = await expectSameAnswers(model, removeDeadNodes);
  expect(after.graph.nodes.length).toBe(residualNetwork().graph.nodes.length);
  expect(after.graph.constants.has("unread")).toBe(false);
});
