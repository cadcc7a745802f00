import { describe, expect, test } from "vitest";
import {
  type AttributeInput,
  attr,
  checkModel,
  type Dim,
  GraphBuilder,
  type Model,
  modelOf,
  outputDifference,
  raiseOpset,
  randomInputs,
  runModel,
  supportedOpsets,
} from "../../src/onnx/index.ts";
import { residualNetwork } from "./networks.ts";

/** One node on one input, as a model. */
function single(
  op: string,
  opset: number,
  shape: readonly Dim[],
  attributes: Record<string, AttributeInput> = {},
  outputs = 1,
): Model {
  const b = new GraphBuilder(op);
  const x = b.input("x", "float32", shape);
  for (const output of b.ops(op, [x], outputs, attributes)) b.output(output, "float32", undefined);
  return modelOf(b.graph, opset);
}

const reductions = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare", "Sum"];

const cases: Record<string, Model> = {
  "Softmax over several axes": single("Softmax", 11, ["batch", 3, 4, 5]),
  "Softmax over an axis in the middle, the others being 1": single("Softmax", 11, ["batch", 7, 1, 1]),
  "Softmax over the last axis": single("Softmax", 12, ["batch", 3, 4], { axis: 2 }),
  "LogSoftmax over several axes": single("LogSoftmax", 11, [2, 3, 4], { axis: -2 }),
  "Squeeze with axes": single("Squeeze", 11, ["batch", 1, 4, 1], { axes: [1, 3] }),
  "Squeeze without axes": single("Squeeze", 11, [2, 1, 4, 1]),
  Unsqueeze: single("Unsqueeze", 11, ["batch", 4], { axes: [0, 3] }),
  "Split in parts": single("Split", 11, ["batch", 7], { axis: 1, split: [3, 4] }, 2),
  "Split in equal parts": single("Split", 11, ["batch", 9], { axis: 1 }, 3),
  Dropout: single("Dropout", 11, ["batch", 4], { ratio: attr.float(0.3) }),
  "a network": residualNetwork("batch", 13),
  ...Object.fromEntries(
    reductions.map((name) => [
      `Reduce${name}`,
      single(`Reduce${name}`, 11, ["batch", 4, 5], { axes: [1], keepdims: 0 }),
    ]),
  ),
};

describe.each([13, 17, 18, 21, supportedOpsets.newest])(
  "raised to operator set %i, the same is computed by",
  (target) => {
    test.each(Object.entries(cases))("%s", async (_, model) => {
      const raised = raiseOpset(model, target);
      expect(raised.opset).toBe(Math.max(target, model.opset));
      checkModel(raised);
      const inputs = randomInputs(model, { batch: 2 });
      expect(outputDifference(await runModel(model, inputs), await runModel(raised, inputs))).toBeLessThan(1e-6);
    });
  },
);

test("a model that is new enough comes back as it is", () => {
  const model = residualNetwork("batch", 18);
  expect(raiseOpset(model, 17)).toBe(model);
});

test("the given model stays as it is", () => {
  const model = single("Unsqueeze", 11, ["batch", 4], { axes: [0] });
  const copy = structuredClone(model);
  raiseOpset(model, 17);
  expect(model).toEqual(copy);
});

test("what a newer operator set cannot express is refused by name", () => {
  const model = single("Resize", 11, ["batch", 1, 4, 4], { coordinate_transformation_mode: "tf_half_pixel_for_nn" });
  expect(() => raiseOpset(model, 13)).toThrow(/Resize \(node "Resize"\).*tf_half_pixel_for_nn/);
});
