import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UnsupportedOperatorError } from "../../src/errors.ts";
import { attr, float32, GraphBuilder, int64, makeNode, scalar } from "../../src/onnx/index.ts";
import { emitBatchNormalization } from "../../src/train/batchnorm.ts";
import { differentiate } from "../../src/train/differentiate.ts";
import { gradientRules } from "../../src/train/gradients/index.ts";
import { trainingDomain } from "../../src/train/straight-through.ts";
import { type Case, gradientError } from "./check-gradients.ts";

const tolerance = 1e-2;
const ints = (b: GraphBuilder, ...values: number[]): string => b.constant(int64(values));

/** y = f(x) on one input. */
const unary = (op: string, range: readonly [number, number] = [-1, 1], attributes = {}): Case => ({
  inputs: { x: [2, 3] },
  range,
  build: (b) => b.op(op, ["x"], attributes),
});

const binary = (op: string, range: readonly [number, number] = [-1, 1]): Case => ({
  inputs: { x: [2, 3, 4], y: [3, 1] },
  range,
  build: (b) => b.op(op, ["x", "y"]),
});

/** A small case for each operator; each is checked along every axis. */
const cases: Record<string, Case> = {
  Identity: unary("Identity"),
  Dropout: unary("Dropout"),
  Add: binary("Add"),
  Sub: binary("Sub"),
  Mul: binary("Mul"),
  Div: binary("Div", [0.5, 2]),
  Max: binary("Max"),
  Min: binary("Min"),
  Pow: { inputs: { x: [2, 3] }, range: [0.5, 2], build: (b) => b.op("Pow", ["x", b.constant(scalar(2.5))]) },
  Where: {
    inputs: { x: [2, 3], y: [3] },
    build: (b) => b.op("Where", [b.constant({ type: "bool", dims: [2, 1], data: Uint8Array.of(1, 0) }), "x", "y"]),
  },
  Neg: unary("Neg"),
  Abs: unary("Abs"),
  Exp: unary("Exp"),
  Log: unary("Log", [0.5, 2]),
  Sqrt: unary("Sqrt", [0.5, 2]),
  Reciprocal: unary("Reciprocal", [0.5, 2]),
  Relu: unary("Relu"),
  LeakyRelu: unary("LeakyRelu", [-1, 1], { alpha: attr.float(0.2) }),
  Clip: {
    inputs: { x: [4, 5] },
    build: (b) => b.op("Clip", ["x", b.constant(scalar(-0.4)), b.constant(scalar(0.5))]),
  },
  Sigmoid: unary("Sigmoid", [-3, 3]),
  Tanh: unary("Tanh", [-2, 2]),
  Softplus: unary("Softplus", [-3, 3]),
  Erf: unary("Erf", [-2, 2]),
  HardSigmoid: unary("HardSigmoid", [-4, 4]),
  HardSwish: unary("HardSwish", [-4, 4]),
  Gelu: unary("Gelu", [-3, 3]),
  Softmax: unary("Softmax", [-2, 2]),
  LogSoftmax: unary("LogSoftmax", [-2, 2]),
  ReduceSum: { inputs: { x: [2, 3, 4] }, build: (b) => b.op("ReduceSum", ["x", ints(b, 1)], { keepdims: 0 }) },
  ReduceMean: { inputs: { x: [2, 3, 4] }, build: (b) => b.op("ReduceMean", ["x", ints(b, 0, 2)]) },
  Reshape: { inputs: { x: [2, 6] }, build: (b) => b.op("Reshape", ["x", ints(b, 3, 4)]) },
  Flatten: { inputs: { x: [2, 3, 2] }, build: (b) => b.op("Flatten", ["x"], { axis: 1 }) },
  Squeeze: { inputs: { x: [2, 1, 3] }, build: (b) => b.op("Squeeze", ["x", ints(b, 1)]) },
  Unsqueeze: { inputs: { x: [2, 3] }, build: (b) => b.op("Unsqueeze", ["x", ints(b, 1)]) },
  Transpose: { inputs: { x: [2, 3, 4] }, build: (b) => b.op("Transpose", ["x"], { perm: [1, 2, 0] }) },
  Expand: { inputs: { x: [3, 1] }, build: (b) => b.op("Expand", ["x", ints(b, 2, 3, 4)]) },
  Concat: { inputs: { x: [2, 3], y: [2, 1] }, build: (b) => b.op("Concat", ["x", "y", "x"], { axis: -1 }) },
  Split: {
    inputs: { x: [2, 6] },
    build: (b) => {
      const [first, , third] = b.ops("Split", ["x", ints(b, 1, 3, 2)], 3, { axis: 1 });
      return b.op("Mul", [first!, third!]);
    },
  },
  Slice: {
    inputs: { x: [4, 5] },
    build: (b) => b.op("Slice", ["x", ints(b, 1, -3), ints(b, 3, 100), ints(b, 0, 1)]),
  },
  Gather: { inputs: { x: [4, 3] }, build: (b) => b.op("Gather", ["x", b.constant(int64([2, 0, -2, 2], [2, 2]))]) },
  Pad: { inputs: { x: [2, 3] }, build: (b) => b.op("Pad", ["x", ints(b, 1, 0, 2, 1)]) },
  MatMul: { inputs: { x: [2, 3, 4], y: [4, 5] }, build: (b) => b.op("MatMul", ["x", "y"]) },
  Gemm: {
    inputs: { x: [4, 3], y: [5, 4], bias: [5] },
    build: (b) =>
      b.op("Gemm", ["x", "y", "bias"], { transA: 1, transB: 1, alpha: attr.float(0.5), beta: attr.float(2) }),
  },
  GlobalAveragePool: { inputs: { x: [2, 3, 4, 5] }, build: (b) => b.op("GlobalAveragePool", ["x"]) },
  MaxPool: {
    inputs: { x: [2, 2, 5, 6] },
    range: [-3, 3],
    build: (b) => b.op("MaxPool", ["x"], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  AveragePool: {
    inputs: { x: [2, 2, 5, 6] },
    build: (b) => b.op("AveragePool", ["x"], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  BatchNormalization: {
    inputs: { x: [2, 3, 2, 2], scale: [3], biases: [3] },
    build: (b) =>
      b.op("BatchNormalization", [
        "x",
        "scale",
        "biases",
        b.constant(float32([0.1, 0.2, 0.3])),
        b.constant(float32([1, 2, 3])),
      ]),
  },
  LayerNormalization: {
    inputs: { x: [2, 3, 4], scale: [4], biases: [4] },
    build: (b) => b.op("LayerNormalization", ["x", "scale", "biases"], { epsilon: attr.float(1e-2) }),
  },
  Conv: {
    inputs: { x: [2, 2, 4, 5], weights: [3, 2, 3, 3], biases: [3] },
    build: (b) => b.op("Conv", ["x", "weights", "biases"], { pads: [1, 1, 1, 1], strides: [2, 2] }),
  },
};

describe("gradient rules", () => {
  test("every rule has a case", () => {
    const standard = [...gradientRules.keys()].filter((name) => !name.startsWith(trainingDomain));
    expect(Object.keys(cases).sort()).toEqual(standard.sort());
  });

  test.each(Object.keys(cases))("%s agrees with central differences along every axis", async (op) => {
    expect(await gradientError(cases[op]!, 7)).toBeLessThan(tolerance);
  });

  test("Gelu agrees in its approximation by tanh too", async () => {
    expect(await gradientError(unary("Gelu", [-3, 3], { approximate: "tanh" }), 7)).toBeLessThan(tolerance);
  });

  test("pooling that counts its padding agrees too", async () => {
    const attributes = { kernel_shape: [2, 2], strides: [3, 2], pads: [1, 0, 0, 1], count_include_pad: 1 };
    const pool: Case = { inputs: { x: [1, 2, 7, 6] }, build: (b) => b.op("AveragePool", ["x"], attributes) };
    expect(await gradientError(pool, 3)).toBeLessThan(tolerance);
  });

  test.each(["cpu", "webgpu"] as const)(
    "BatchNormalization by the statistics of the batch, as written for %s, agrees too, and twice in a row",
    async (device) => {
      const norms: Case = {
        inputs: { x: [3, 2, 2, 3], scale: [2], biases: [2] },
        build: (b) => {
          const norm = (x: string): string => {
            const node = makeNode("BatchNormalization", [x, "scale", "biases"], [b.fresh("y")]);
            emitBatchNormalization(b, node, device);
            return node.outputs[0]!;
          };
          return norm(b.op("Sigmoid", [norm("x")]));
        },
      };
      expect(await gradientError(norms, 3)).toBeLessThan(tolerance);
    },
  );

  test.each(["reflect", "edge", "wrap"])("padding in mode %s agrees too", async (mode) => {
    const pad: Case = { inputs: { x: [3, 4] }, build: (b) => b.op("Pad", ["x", ints(b, 1, 3, 2, 2)], { mode }) };
    expect(await gradientError(pad, 3)).toBeLessThan(tolerance);
  });

  test("slices in steps, backwards too, agree", async () => {
    const slice: Case = {
      inputs: { x: [7, 6] },
      build: (b) => b.op("Slice", ["x", ints(b, 1, -1), ints(b, 7, 0), ints(b, 0, 1), ints(b, 2, -2)]),
    };
    expect(await gradientError(slice, 3)).toBeLessThan(tolerance);
  });

  test("Gemm and MatMul agree whatever is transposed or stacked", async () => {
    for (const [transA, transB] of [
      [0, 0],
      [0, 1],
      [1, 0],
    ] as const) {
      const inputs = { x: transA ? [4, 3] : [3, 4], y: transB ? [5, 4] : [4, 5] };
      const gemm: Case = { inputs, build: (b) => b.op("Gemm", ["x", "y"], { transA, transB }) };
      expect(await gradientError(gemm, 5)).toBeLessThan(tolerance);
    }
    const stacks: Case = { inputs: { x: [2, 3, 4], y: [2, 4, 2] }, build: (b) => b.op("MatMul", ["x", "y"]) };
    expect(await gradientError(stacks, 5)).toBeLessThan(tolerance);
  });
});

/** Each case agrees along two random directions. */
const agree = (each: fc.Arbitrary<Case>) =>
  fc.assert(
    fc.asyncProperty(each, fc.integer({ min: 1, max: 1000 }), async (one, seed) => {
      expect(await gradientError(one, seed, 2)).toBeLessThan(tolerance);
    }),
    { numRuns: 15, seed: 11 },
  );

describe("rules agree along random directions for any shape:", () => {
  const shape = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  test.each(["Add", "Sub", "Mul", "Div", "Pow"])("%s of shapes that broadcast", async (op) => {
    const pairs = fc.tuple(shape, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(3));
    const cases = pairs.map(([x, ones, missing]): Case => {
      const y = x.map((side, i) => (ones[i] ? 1 : side)).slice(Math.min(missing, x.length - 1));
      const by = op === "Pow" ? ["x"] : ["x", "y"];
      return { inputs: { x, y }, by, range: [0.5, 2], build: (b) => b.op(op, ["x", "y"]) };
    });
    await agree(cases);
  });

  test.each(["Sigmoid", "Tanh", "Exp", "Erf", "Gelu", "Softplus"])("%s", async (op) => {
    await agree(shape.map((x): Case => ({ inputs: { x }, build: (b) => b.op(op, ["x"]) })));
  });

  test.each(["Softmax", "LogSoftmax", "ReduceSum", "ReduceMean"])("%s along any axis", async (op) => {
    const cases = fc.tuple(shape, fc.nat(3)).map(([x, place]): Case => {
      const axis = place % x.length;
      const build = (b: GraphBuilder): string =>
        op.startsWith("Reduce") ? b.op(op, ["x", ints(b, axis)]) : b.op(op, ["x"], { axis });
      return { inputs: { x }, build };
    });
    await agree(cases);
  });

  test("Transpose by any permutation", async () => {
    const cases = shape.chain((x) =>
      fc
        .shuffledSubarray([...x.keys()], { minLength: x.length })
        .map((perm): Case => ({ inputs: { x }, build: (b) => b.op("Transpose", ["x"], { perm }) })),
    );
    await agree(cases);
  });

  test("MatMul of stacks", async () => {
    const sizes = fc.tuple(...([1, 2, 3, 4] as const).map(() => fc.integer({ min: 1, max: 5 })));
    await agree(
      sizes.map(([stack, rows, inner, columns]): Case => {
        const inputs = { x: [stack!, rows!, inner!], y: [inner!, columns!] };
        return { inputs, build: (b) => b.op("MatMul", ["x", "y"]) };
      }),
    );
  });

  test.each(["AveragePool", "MaxPool"])("%s of any kernel, stride and padding", async (op) => {
    const pools = fc.record({
      sides: fc.tuple(fc.integer({ min: 3, max: 7 }), fc.integer({ min: 3, max: 7 })),
      kernel: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
      padded: fc.boolean(),
    });
    const cases = pools.map(({ sides, kernel, stride, padded }): Case => {
      const pads = [0, 0, 0, 0].fill(padded && kernel > 1 ? 1 : 0);
      const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads };
      return { inputs: { x: [2, 2, ...sides] }, range: [-9, 9], build: (b) => b.op(op, ["x"], attributes) };
    });
    await agree(cases);
  });
});

describe("convolution gradients", () => {
  const sizes = fc.record({
    images: fc.integer({ min: 1, max: 4 }),
    groups: fc.constantFrom(1, 1, 1, 2, 4),
    perGroup: fc.integer({ min: 1, max: 3 }),
    outPerGroup: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 5, max: 9 }),
    width: fc.integer({ min: 5, max: 9 }),
    kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    strides: fc.constantFrom([1, 1], [2, 2], [3, 3], [1, 2]),
    dilations: fc.constantFrom([1, 1], [1, 1], [2, 2], [1, 2]),
    pads: fc.tuple(...([0, 0, 0, 0].map(() => fc.integer({ min: 0, max: 2 })) as [fc.Arbitrary<number>])),
  });

  test("agree along random directions for any size, stride, dilation, padding and grouping", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 1000 }), async (size, seed) => {
        const { images, groups, perGroup, outPerGroup, height, width, kernel, strides, dilations, pads } = size;
        const reach = kernel.map((taps, i) => (taps - 1) * dilations[i]! + 1);
        fc.pre(reach[0]! <= height && reach[1]! <= width);
        const attributes = { kernel_shape: kernel, strides, dilations, pads, group: groups };
        const conv: Case = {
          inputs: {
            x: [images, groups * perGroup, height, width],
            weights: [groups * outPerGroup, perGroup, ...kernel],
          },
          build: (b) => b.op("Conv", ["x", "weights"], attributes),
        };
        expect(await gradientError(conv, seed, 2)).toBeLessThan(tolerance);
      }),
      { numRuns: 40, seed: 11 },
    );
  });

  test("agree where the im2col is taken in bands of rows, the last one shorter", async () => {
    const wide: Case = {
      inputs: { x: [128, 16, 22, 22], weights: [2, 16, 3, 3] },
      by: ["weights"],
      build: (b) => b.op("Conv", ["x", "weights"], { pads: [1, 1, 1, 1] }),
    };
    expect(await gradientError(wide, 5, 2)).toBeLessThan(tolerance);
  });
});

describe("differentiate", () => {
  test("sums the contributions of every use of a value", async () => {
    const twice: Case = {
      inputs: { x: [3, 3] },
      build: (b) => b.op("Add", [b.op("Mul", ["x", "x"]), b.op("Relu", ["x"])]),
    };
    expect(await gradientError(twice, 2)).toBeLessThan(tolerance);
  });

  test("names the operator and the node that have no rule", async () => {
    const round: Case = { inputs: { x: [2] }, build: (b) => b.op("Round", ["x"], {}, "rounded") };
    const attempt = gradientError(round, 1);
    await expect(attempt).rejects.toThrow(UnsupportedOperatorError);
    await expect(attempt).rejects.toThrow(/operator Round \(node "rounded"\): has no gradient rule/);
  });

  test("emits no gradient for what nobody asked for", async () => {
    const half: Case = {
      inputs: { x: [2], y: [2] },
      by: ["x"],
      build: (b) => b.op("Mul", ["x", b.op("Round", ["y"])]),
    };
    expect(await gradientError(half, 1)).toBeLessThan(tolerance);
  });

  test("refuses negative padding by name", async () => {
    const cropped: Case = { inputs: { x: [6] }, build: (b) => b.op("Pad", ["x", ints(b, -1, 1)], {}, "cropped") };
    await expect(gradientError(cropped, 1)).rejects.toThrow(/operator Pad \(node "cropped"\).*negative padding -1, 1/);
  });
});

test("a value that the loss does not depend on has no gradient", () => {
  const b = new GraphBuilder("g");
  b.input("x", "float32", [2]);
  b.input("y", "float32", [2]);
  const loss = b.op("ReduceSum", ["x"], { keepdims: 0 });
  const shapes = new Map([
    ["x", [2]],
    ["y", [2]],
    [loss, []],
  ]);
  expect([...differentiate(b, shapes, loss, ["x", "y"]).keys()]).toEqual(["x"]);
});
