import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { float32, GraphBuilder, modelOf, runModel, scalar } from "../../src/onnx/index.ts";
import { adamw, cosine, type Optimiser, sgd, triangular } from "../../src/train/index.ts";

interface State {
  readonly parameters: readonly number[];
  readonly state: readonly (readonly number[])[];
}

/** One update of two parameters, of which only the first decays. */
async function update(optimiser: Optimiser, from: State, gradient: readonly number[], step: number): Promise<State> {
  const b = new GraphBuilder("update");
  const inputs = { parameters: from.parameters, gradient, decays: [1, 0] };
  for (const name of Object.keys(inputs)) b.input(name, "float32", [2]);
  for (const name of ["rate", "step"]) b.input(name, "float32", []);
  const state = from.state.map((_, i) => b.input(`state${i}`, "float32", [2]));
  const names = { parameters: "parameters", gradient: "gradient", decays: "decays", rate: "rate", step: "step" };
  const next = optimiser.emit({ b, ...names, state });
  b.output(next.parameters, "float32", [2]);
  for (const value of next.state) b.output(value, "float32", [2]);
  const vectors = Object.entries(inputs).map(([name, values]) => [name, float32(values)] as const);
  const states = from.state.map((values, i) => [`state${i}`, float32(values)] as const);
  const scalars = [["rate", scalar(0.1)] as const, ["step", scalar(step)] as const];
  const results = await runModel(modelOf(b.graph), new Map([...vectors, ...states, ...scalars]));
  const numbers = (name: string): number[] => [...(results.get(name)!.data as Float32Array)];
  return { parameters: numbers(next.parameters), state: next.state.map(numbers) };
}

const rounded = (values: readonly number[]): number[] => values.map((value) => Math.round(value * 1e5) / 1e5);

test("sgd is Nesterov's momentum with weight decay where it applies", async () => {
  const from = { parameters: [1, -2], state: [[0.2, -0.4]] };
  const next = await update(sgd({ momentum: 0.9, weightDecay: 0.1 }), from, [0.5, 0.5], 3);
  // Slopes 0.6 and 0.5; velocities 0.9 * 0.2 + 0.6 and 0.9 * -0.4 + 0.5; steps 0.1 * (slope + 0.9 velocity).
  expect(rounded(next.state[0]!)).toEqual([0.78, 0.14]);
  expect(rounded(next.parameters)).toEqual([0.8698, -2.0626]);
});

test("adamw is Adam as its authors wrote it, with decoupled weight decay where it applies", async () => {
  const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 };
  const gradients = [
    [0.5, -1],
    [0.25, 3],
    [-2, 0.1],
  ];
  let received: State = {
    parameters: [1, -2],
    state: [
      [0, 0],
      [0, 0],
    ],
  };
  const expected = [1, -2];
  const [mean, square] = [
    [0, 0],
    [0, 0],
  ];
  for (const [at, gradient] of gradients.entries()) {
    const step = at + 1;
    received = await update(adamw(options), received, gradient, step);
    gradient.forEach((slope, i) => {
      mean[i] = 0.9 * mean[i]! + 0.1 * slope;
      square[i] = 0.99 * square[i]! + 0.01 * slope ** 2;
      const [first, second] = [mean[i] / (1 - 0.9 ** step), square[i] / (1 - 0.99 ** step)];
      expected[i]! -= 0.1 * (first / (Math.sqrt(second) + 1e-8) + (i === 0 ? 0.1 * expected[i]! : 0));
    });
    received.parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 4);
    });
  }
});

describe("cosine", () => {
  test("rises to its peak and falls to zero by half a wave", () => {
    const rate = cosine({ peak: 2, peakAt: 0.2 });
    expect(rounded([rate(0), rate(0.1), rate(0.2), rate(0.6), rate(1)])).toEqual([0, 1, 2, 1, 0]);
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
