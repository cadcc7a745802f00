import { describe, expect, test } from "vitest";
import { checkModel, inferShapes, randomInputs, runModel } from "../../../src/onnx/index.ts";
import { architectures } from "../../support/architectures/index.ts";

describe.each(Object.entries(architectures))("%s", (_, build) => {
  test("is a valid model that runs, and whose logits are told apart", async () => {
    const model = build(1);
    checkModel(model);
    inferShapes(model);
    expect(model.graph.outputs[0]?.shape).toEqual(["batch", 5]);
    const { data, dims } = (await runModel(model, randomInputs(model, { batch: 3 }))).get("logits")!;
    expect(dims).toEqual([3, 5]);
    const logits = Array.from(data, Number);
    expect(logits.every(Number.isFinite)).toBe(true);
    expect(Math.max(...logits) - Math.min(...logits)).toBeGreaterThan(0.1);
    expect(logits.slice(0, 5)).not.toEqual(logits.slice(5, 10));
  });
});
