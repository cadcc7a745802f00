import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { float32, GraphBuilder, modelOf, runModel } from "../../src/onnx/index.ts";
import { sgd, triangular } from "../../src/train/index.ts";

describe("sgd", () => {
  test("is Nesterov's momentum with weight decay where it applies", async () => {
    const b = new GraphBuilder("update");
    for (const name of ["parameters", "gradient", "decays", "velocity"]) b.input(name, "float32", [2]);
    b.input("rate", "float32", []);
    const update = sgd({ momentum: 0.9, weightDecay: 0.1 }).emit({
      b,
      parameters: "parameters",
      gradient: "gradient",
      rate: "rate",
      decays: "decays",
      state: ["velocity"],
    });
    b.output(update.parameters, "float32", [2], "new_parameters");
    b.output(update.state[0]!, "float32", [2], "new_velocity");
    const results = await runModel(
      modelOf(b.graph),
      new Map([
        ["parameters", float32([1, -2])],
        ["gradient", float32([0.5, 0.5])],
        ["decays", float32([1, 0])],
        ["velocity", float32([0.2, -0.4])],
        ["rate", float32([0.1], [])],
      ]),
    );
    // Slopes 0.6 and 0.5; velocities 0.9 * 0.2 + 0.6 and 0.9 * -0.4 + 0.5; steps 0.1 * (slope + 0.9 velocity).
    const numbers = (name: string): number[] => [...(results.get(name)!.data as Float32Array)];
    expect(numbers("new_velocity").map((value) => value.toFixed(5))).toEqual(["0.78000", "0.14000"]);
    expect(numbers("new_parameters").map((value) => value.toFixed(5))).toEqual(["0.86980", "-2.06260"]);
  });
});

describe("triangular", () => {
  test("rises to its peak where asked, and ends where asked", () => {
    const rate = triangular({ peak: 2, start: 0.25, peakAt: 0.4, end: 0.1 });
    expect([rate(0), rate(0.2), rate(0.4), rate(0.7), rate(1)].map((value) => value.toFixed(6))).toEqual(
      [0.5, 1.25, 2, 1.1, 0.2].map((value) => value.toFixed(6)),
    );
  });

  test("never leaves 0..peak", () => {
    const shares = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        shares,
        shares,
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        shares,
        (progress, start, peakAt, end) => {
          const rate = triangular({ peak: 3, start, peakAt, end })(progress);
          expect(rate).toBeGreaterThanOrEqual(0);
          expect(rate).toBeLessThanOrEqual(3 + 1e-9);
        },
      ),
    );
  });
});
