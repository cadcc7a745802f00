import { describe, expect, test } from "vitest";
import { UnsupportedOperatorError } from "../../src/errors.ts";
import {
  type AttributeInput,
  attr,
  type Dim,
  GraphBuilder,
  inferShapes,
  inferValues,
  int64,
  type Model,
  makeNode,
  modelOf,
  randomInputs,
  runModel,
} from "../../src/onnx/index.ts";
import { computedReshape, residualNetwork, tokenNetwork } from "./networks.ts";

/** The shape that one node gives to an input of `shape`. */
function shapeOf(op: string, shape: readonly Dim[], attributes: Record<string, AttributeInput> = {}): unknown {
  const b = new GraphBuilder(op);
  const y = b.op(op, [b.input("x", "float32", shape)], attributes);
  b.output(y, "float32", undefined);
  return inferShapes(modelOf(b.graph)).get(y)?.shape;
}

test("the sizes of a Split into hundreds of pieces are followed", () => {
  const sizes = Array.from({ length: 300 }, (_, at) => at + 1);
  const b = new GraphBuilder("pieces");
  const x = b.input("x", "float32", [sizes.reduce((sum, size) => sum + size)]);
  const pieces = b.ops("Split", [x, b.constant(int64(sizes))], sizes.length, { axis: 0 });
  b.output(pieces.at(-1)!, "float32", undefined);
  const shapes = inferShapes(modelOf(b.graph));
  expect(pieces.map((piece) => shapes.get(piece)?.shape)).toEqual(sizes.map((size) => [size]));
});

describe("a symbol survives", () => {
  test("where its size is kept", () => {
    expect(shapeOf("MaxPool", ["N", 3, "H", "W"], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })).toEqual([
      "N",
      3,
      "H",
      "W",
    ]);
    expect(shapeOf("Transpose", ["N", "H", 3], { perm: [2, 0, 1] })).toEqual([3, "N", "H"]);
    expect(shapeOf("ReduceMean", ["N", "C", 4], { axes: [-1], keepdims: 0 })).toEqual(["N", "C"]);
  });

  test("and is lost where the size changes", () => {
    expect(shapeOf("MaxPool", ["N", 3, "H", "W"], { kernel_shape: [2, 2], strides: [2, 2] })).toEqual([
      "N",
      3,
      undefined,
      undefined,
    ]);
    expect(shapeOf("Flatten", ["N", "H", 3])).toEqual(["N", undefined]);
  });

  test("through shapes that the graph computes", () => {
    expect(inferShapes(computedReshape()).get("Reshape")?.shape).toEqual(["batch", 48]);
  });

  test("through a Reshape that reads a computed size, beside -1", () => {
    const b = new GraphBuilder("split");
    const x = b.input("x", "float32", ["N", 6, 4]);
    const first = b.op("Slice", [b.op("Shape", [x]), b.constant(int64([0])), b.constant(int64([1]))]);
    const y = b.op("Reshape", [x, b.op("Concat", [first, b.constant(int64([2, -1]))], { axis: 0 })]);
    b.output(y, "float32", undefined);
    expect(inferShapes(modelOf(b.graph)).get(y)?.shape).toEqual(["N", 2, 12]);
  });
});

test("inner values are written into the graph, inputs and constants are not", () => {
  const model = residualNetwork();
  inferShapes(model);
  expect(model.graph.values.get("Conv")).toEqual({ name: "Conv", type: "float32", shape: ["batch", 8, 8, 8] });
  expect(model.graph.values.has("image") || model.graph.values.has("weight") || model.graph.values.has("logits")).toBe(
    false,
  );
});

test("symbols may be bound to sizes", () => {
  const values = inferValues(residualNetwork("N"), { dims: { N: 5 } });
  expect(values.get("logits")?.shape).toEqual([5, 10]);
});

test("sizes are followed through arithmetic on small tensors", () => {
  const b = new GraphBuilder("arithmetic");
  const x = b.input("x", "float32", ["N", 5, 7]);
  const size = b.op("Gather", [b.op("Shape", [x]), b.constant(int64([1, 2]))]);
  const larger = b.op("Max", [size, b.constant(int64([6]))]);
  const largest = b.op("ReduceMax", [b.op("Cast", [b.op("Cast", [larger], { to: 1 })], { to: 7 })], { keepdims: 1 });
  const y = b.op("Expand", [
    b.constant(int64([0])),
    b.op("Div", [b.op("Mul", [largest, largest]), b.constant(int64([2]))]),
  ]);
  b.output(y, "int64", undefined);
  expect(inferShapes(modelOf(b.graph)).get(y)?.shape).toEqual([24]);
});

test("a padding up to whole windows is followed, as PyTorch computes it", () => {
  const b = new GraphBuilder("windows");
  const x = b.input("x", "float32", ["N", 3, 56, 50]);
  const one = (value: number): string => b.constant(int64([value]));
  const padding = (axis: number): string => {
    const size = b.op("Gather", [b.op("Shape", [x]), one(axis)]);
    return b.op("Mod", [b.op("Sub", [one(7), b.op("Mod", [size, one(7)])]), one(7)]);
  };
  const none = b.constant(int64([0, 0, 0, 0, 0, 0]));
  const padded = b.op("Pad", [x, b.op("Concat", [none, padding(2), padding(3)], { axis: 0 })]);
  b.output(padded, "float32", undefined);
  expect(inferShapes(modelOf(b.graph)).get(padded)?.shape).toEqual(["N", 3, 56, 56]);
});

describe("an operator without a rule", () => {
  test("is named with its node", () => {
    expect(() => inferShapes(mysterious())).toThrow(UnsupportedOperatorError);
    expect(() => inferShapes(mysterious())).toThrow(/Mystery \(node "riddle"\)/);
  });

  test("leaves its outputs, and what depends on them, unknown in lenient mode", () => {
    const values = inferShapes(mysterious(), { lenient: true });
    expect([values.has("riddle"), values.has("after"), values.has("logits")]).toEqual([false, false, true]);
  });

  test("has the shape that the file declares for it in lenient mode", () => {
    const declared = mysterious();
    declared.graph.values.set("riddle", { name: "riddle", type: "float32", shape: [1, 7] });
    expect(inferShapes(declared, { lenient: true }).get("after")?.shape).toEqual([1, 7]);
  });
});

describe("inputs that do not fit are refused with the node", () => {
  test.each([
    ["Conv", /node "Conv" \(Conv\): 4 input channels, but weights for 3 x 1 groups/],
    ["Gemm", /cannot multiply \[2,4\] by \[3,5\]/],
    ["Reshape", /cannot reshape \[2,4\] to \[3,-1\]/],
    ["Add", /shapes \[2,4\] and \[3\] cannot be broadcast/],
    ["Concat", /sizes 2 and 3 differ/],
  ])("%s", (op, message) => {
    const b = new GraphBuilder(op);
    const x = b.input("x", "float32", op === "Conv" ? [1, 4, 8, 8] : [2, 4]);
    const shapes: Record<string, number[]> = { Conv: [2, 3, 3, 3], Gemm: [3, 5], Add: [3], Concat: [3, 4] };
    const other = op === "Reshape" ? b.constant(int64([3, -1])) : b.input("y", "float32", shapes[op]);
    b.op(op, [x, other]);
    expect(() => inferShapes(modelOf(b.graph))).toThrow(message);
  });
});

test("pooling leaves out a last window that starts in the padding, as ONNX Runtime's kernel does", async () => {
  const b = new GraphBuilder("ceil");
  const x = b.input("x", "float32", [1, 1, 3, 3]);
  const attributes = { kernel_shape: [2, 2], strides: [2, 1], pads: [1, 0, 1, 0], ceil_mode: attr.int(1) };
  const y = b.op("AveragePool", [x], attributes);
  b.output(y, "float32", undefined);
  const model = modelOf(b.graph);
  const outputs = await runModel(model, randomInputs(model));
  expect(outputs.get(y)?.dims).toEqual(inferShapes(model).get(y)?.shape);
});

/** A network beside which stands an operator that nobody knows. */
function mysterious(): Model {
  const model = tokenNetwork();
  model.graph.nodes.unshift(makeNode("Mystery", ["image"], ["riddle"]), makeNode("Relu", ["riddle"], ["after"]));
  return model;
}
