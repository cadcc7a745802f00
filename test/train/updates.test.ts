import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { float32, GraphBuilder, modelOf, runModel, scalar } from "../../src/onnx/index.ts";
import { adamw, cosine, lookahead, muon, type Optimiser, oneCycle, sgd, triangular } from "../../src/train/index.ts";
import type { Parameter } from "../../src/train/parameters.ts";
import { numbers as randomNumbers } from "./check-gradients.ts";

interface State {
  readonly parameters: readonly number[];
  readonly state: readonly (readonly number[])[];
}

interface Given {
  readonly gradient: readonly number[];
  readonly step: number;
  readonly progress?: number;
}

/** Two biases, of which only the first is given to weight decay. */
const pair: Parameter[] = [{ name: "pair", dims: [2], offset: 0, size: 2, decays: false }];

/** One update at learning rate 0.1; only the first number decays. */
async function update(optimiser: Optimiser, from: State, given: Given, layout = pair): Promise<State> {
  const b = new GraphBuilder("update");
  const decays = from.parameters.map((_, i) => (i === 0 ? 1 : 0));
  const inputs = { parameters: from.parameters, gradient: given.gradient, decays };
  for (const [name, values] of Object.entries(inputs)) b.input(name, "float32", [values.length]);
  for (const name of ["rate", "step", "progress"]) b.input(name, "float32", []);
  const state = from.state.map((values, i) => b.input(`state${i}`, "float32", [values.length]));
  const vectorNames = { parameters: "parameters", gradient: "gradient", decays: "decays" };
  const names = { ...vectorNames, rate: "rate", step: "step", progress: "progress" };
  const next = optimiser.emit({ b, ...names, layout, state });
  b.output(next.parameters, "float32", undefined);
  for (const value of next.state) b.output(value, "float32", undefined);
  const vectors = Object.entries(inputs).map(([name, values]) => [name, float32(values)] as const);
  const states = from.state.map((values, i) => [`state${i}`, float32(values)] as const);
  const scalars = Object.entries({ rate: 0.1, step: given.step, progress: given.progress ?? 0 });
  const numbersIn = scalars.map(([name, value]) => [name, scalar(value)] as const);
  const results = await runModel(modelOf(b.graph), new Map([...vectors, ...states, ...numbersIn]));
  const numbers = (name: string): number[] => [...(results.get(name)!.data as Float32Array)];
  return { parameters: numbers(next.parameters), state: next.state.map(numbers) };
}

const rounded = (values: readonly number[]): number[] => values.map((value) => Math.round(value * 1e5) / 1e5);

test("sgd is Nesterov's momentum with weight decay where it applies", async () => {
  const from = { parameters: [1, -2], state: [[0.2, -0.4]] };
  const next = await update(sgd({ momentum: 0.9, weightDecay: 0.1 }), from, { gradient: [0.5, 0.5], step: 3 });
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
    received = await update(adamw(options), received, { gradient, step });
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

type Matrix = number[][];
const transpose = (m: Matrix): Matrix => m[0]!.map((_, j) => m.map((row) => row[j]!));
const product = (l: Matrix, r: Matrix): Matrix =>
  l.map((row) => transpose(r).map((column) => row.reduce((sum, value, k) => sum + value * column[k]!, 0)));

/** The layout of one weight of these sizes and a bias of 2 after it. */
const weightAndBias = (dims: readonly number[]): Parameter[] => {
  const size = dims.reduce((total, dim) => total * dim, 1);
  return [
    { name: "weight", dims, offset: 0, size, decays: true },
    { name: "bias", dims: [2], offset: size, size: 2, decays: false },
  ];
};

describe("muon", () => {
  const dims = [3, 2, 2, 2];
  const layout = weightAndBias(dims);
  const random = randomNumbers(4);
  const draw = (count: number): number[] => Array.from({ length: count }, random);
  const from: State = { parameters: draw(26), state: [draw(26)] };
  const gradient = draw(26);
  const steps = (next: State): number[] => next.parameters.map((value, i) => (from.parameters[i]! - value) / 0.1);

  test("is the iteration that its authors publish, on the weights seen as [outputs, rest]", async () => {
    const next = await update(muon({ momentum: 0.6, steps: 3 }), from, { gradient, step: 2 }, layout);
    const velocity = gradient.map((g, i) => 0.6 * from.state[0]![i]! + g);
    const direction = gradient.map((g, i) => g + 0.6 * velocity[i]!).slice(0, 24);
    const length = Math.hypot(...direction);
    let x: Matrix = [0, 1, 2].map((row) => direction.slice(8 * row, 8 * row + 8).map((value) => value / length));
    for (let i = 0; i < 3; i++) {
      const gram = product(x, transpose(x));
      const square = product(gram, gram);
      const factor = gram.map((row, r) => row.map((value, c) => -4.775 * value + 2.0315 * square[r]![c]!));
      const moved = product(factor, x);
      x = x.map((row, r) => row.map((value, c) => 3.4445 * value + moved[r]![c]!));
    }
    x.flat().forEach((value, i) => {
      expect(steps(next)[i]).toBeCloseTo(value, 4);
    });
    next.state[0]!.slice(0, 24).forEach((value, i) => {
      expect(value).toBeCloseTo(velocity[i]!, 5);
    });
  });

  test.each([[dims], [[6, 4]], [[2, 12]]])(
    "moves weights of shape %j along a matrix with singular values near 1",
    async (shape) => {
      const next = await update(muon({ steps: 8 }), from, { gradient, step: 2 }, weightAndBias(shape));
      const columns = 24 / shape[0]!;
      const move = Array.from({ length: shape[0]! }, (_, row) => steps(next).slice(row * columns, (row + 1) * columns));
      const small = shape[0]! > columns ? transpose(move) : move;
      product(small, transpose(small)).forEach((row, r) => {
        expect(row[r]).toBeGreaterThan(0.4);
        expect(row[r]).toBeLessThan(1.6);
      });
    },
  );

  test("gives biases the SGD rule at their share of the learning rate", async () => {
    const others = { momentum: 0.8, weightDecay: 0, rate: 0.5 };
    const next = await update(muon({ others }), from, { gradient, step: 2 }, layout);
    for (const i of [24, 25]) {
      const velocity = 0.8 * from.state[0]![i]! + gradient[i]!;
      expect(next.state[0]![i]).toBeCloseTo(velocity, 5);
      expect(next.parameters[i]).toBeCloseTo(from.parameters[i]! - 0.05 * (gradient[i]! + 0.8 * velocity), 5);
    }
  });

  test("gives filters the norm sqrt(outputs) before the step when asked", async () => {
    const still = { parameters: from.parameters, state: [from.parameters.map(() => 0)] };
    const next = await update(
      muon({ renormalise: true }),
      still,
      { gradient: from.parameters.map(() => 0), step: 1 },
      layout,
    );
    expect(Math.hypot(...next.parameters.slice(0, 24))).toBeCloseTo(Math.sqrt(3), 4);
  });
});

const given = (step: number, progress: number): Given => ({ gradient: [1, -1], step, progress });

describe("lookahead", () => {
  const plain = sgd({ momentum: 0, weightDecay: 0 });
  const optimiser = lookahead(plain, { every: 5, decay: 0.8 });
  const start: State = {
    parameters: [1, 2],
    state: [
      [0, 0],
      [5, 7],
    ],
  };

  test("is its optimiser between meetings, and starts its slow weights at the first ones", async () => {
    const next = await update(optimiser, start, given(1, 0.1));
    expect(rounded(next.parameters)).toEqual([0.9, 2.1]);
    expect(next.state[1]).toEqual([1, 2]);
    expect((await update(optimiser, start, given(3, 0.3))).state[1]).toEqual([5, 7]);
  });

  test("meets every few steps, nearer to the fast weights at first", async () => {
    const next = await update(optimiser, start, given(5, 0.5));
    // The slow weights keep 0.8 * 0.5^3 = 0.1 of their distance from the fast ones, 0.9 and 2.1.
    expect(rounded(next.parameters)).toEqual([1.31, 2.59]);
    expect(next.state[1]).toEqual(next.parameters);
  });

  test("ends on the slow weights", async () => {
    expect((await update(optimiser, start, given(7, 1))).parameters).toEqual([5, 7]);
  });
});

describe("oneCycle", () => {
  test("rises to its peak and falls to its end by half waves", () => {
    const rate = oneCycle({ peak: 2, start: 0.1, peakAt: 0.4, end: 0.05 });
    expect(rounded([rate(0), rate(0.2), rate(0.4), rate(0.7), rate(1)])).toEqual([0.2, 1.1, 2, 1.05, 0.1]);
  });
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
