import * as fc from "fast-check";
import { expect, test } from "vitest";
import { float32, GraphBuilder, modelOf, runModel, type Tensor } from "../../src/onnx/index.ts";
import {
  crossEntropy,
  distillation,
  type FeaturePair,
  featureMatching,
  type Loss,
  sumOfLosses,
} from "../../src/train/index.ts";

const classes = 4;
const rows = fc.array(
  fc.record({
    logits: fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: classes, maxLength: classes }),
    teacher: fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: classes, maxLength: classes }),
    label: fc.integer({ min: 0, max: classes - 1 }),
  }),
  { minLength: 1, maxLength: 5 },
);
type Row = { logits: number[]; teacher: number[]; label: number };

async function value(loss: Loss, batch: readonly Row[]): Promise<number> {
  const b = new GraphBuilder("loss");
  const size = [batch.length, classes];
  const [logits, target, teacher] = ["logits", "target", "teacher"].map((name) => b.input(name, "float32", size));
  const feature = (): FeaturePair => ({ student: logits!, teacher: teacher! });
  const given = { b, logits: logits!, labels: "labels", target: target!, classes, teacher: teacher!, feature };
  b.output(loss.emit(given), "float32", []);
  const matrix = (of: (row: Row) => number[]): Tensor => float32(batch.flatMap(of), size);
  const inputs = new Map([
    ["logits", matrix((row) => row.logits)],
    ["teacher", matrix((row) => row.teacher)],
    ["target", matrix(({ label }) => Array.from({ length: classes }, (_, i) => (i === label ? 1 : 0)))],
  ]);
  const results = await runModel(modelOf(b.graph, 20), inputs);
  return (results.values().next().value!.data as Float32Array)[0]!;
}

/** Log-probabilities at a temperature. */
function softened(logits: readonly number[], temperature: number): number[] {
  const scaled = logits.map((logit) => logit / temperature);
  const total = Math.log(scaled.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return scaled.map((logit) => logit - total);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const likelihood = (row: Row): number => -softened(row.logits, 1)[row.label]!;

test("cross-entropy is the mean negative log-likelihood", async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (batch) => {
      expect(await value(crossEntropy, batch)).toBeCloseTo(mean(batch.map(likelihood)), 4);
    }),
    { numRuns: 20, seed: 1 },
  );
});

/** Of the teacher from the student, at temperature 3. */
function divergence({ logits, teacher }: Row): number {
  const [p, q] = [softened(teacher, 3), softened(logits, 3)];
  return p.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - q[i]!), 0);
}

test("distillation weighs the labels' likelihood and the divergence from the teacher", async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (batch) => {
      const expected = mean(batch.map((row) => 0.3 * likelihood(row) + 0.7 * 9 * divergence(row)));
      expect(await value(distillation({ labels: 0.3, temperature: 3 }), batch)).toBeCloseTo(expected, 4);
    }),
    { numRuns: 20, seed: 1 },
  );
});

test("a student that answers like its teacher loses nothing", async () => {
  const batch = [{ logits: [1, 2, -3, 0], teacher: [1, 2, -3, 0], label: 0 }];
  expect(await value(distillation({ labels: 0, temperature: 2 }), batch)).toBeCloseTo(0, 6);
});

const variance = (values: readonly number[]): number => mean(values.map((value) => (value - mean(values)) ** 2));

/** Mean squared difference of logits and teacher over the teacher's variance. */
function relativeError(batch: readonly Row[]): number {
  const teacher = batch.flatMap((row) => row.teacher);
  const gaps = batch.flatMap((row) => row.logits).map((value, i) => value - teacher[i]!);
  return mean(gaps.map((gap) => gap ** 2)) / variance(teacher);
}

const pair = featureMatching([{ student: "any", teacher: "any" }]);
const varied = rows.filter((batch) => variance(batch.flatMap((row) => row.teacher)) > 1e-2);

test("feature matching is the squared difference relative to the teacher's variance", async () => {
  await fc.assert(
    fc.asyncProperty(varied, async (batch) => {
      const expected = relativeError(batch);
      expect(Math.abs((await value(pair, batch)) - expected)).toBeLessThan(1e-3 * (1 + expected));
    }),
    { numRuns: 20, seed: 1 },
  );
});

test("a sum of losses weighs each, and needs what they need", async () => {
  const loss = sumOfLosses([
    { loss: distillation({ labels: 0.3, temperature: 3 }), weight: 2 },
    { loss: pair, weight: 0.5 },
  ]);
  expect(loss).toMatchObject({ needsTeacher: true, needsLabels: true, teacherValues: ["any"] });
  const batch = [{ logits: [1, 2, -3, 0], teacher: [2, 1, -1, 0], label: 1 }];
  const expected = 2 * mean(batch.map((row) => 0.3 * likelihood(row) + 0.7 * 9 * divergence(row)));
  expect(await value(loss, batch)).toBeCloseTo(expected + 0.5 * relativeError(batch), 4);
});

test.each([
  [{ labels: 1.5, temperature: 3 }, /0\.\.1, received 1\.5/],
  [{ labels: 0.5, temperature: 0 }, /above 0, received 0/],
])("distillation refuses %j", (options, message) => {
  expect(() => distillation(options)).toThrow(message);
});
