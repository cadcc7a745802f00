import * as fc from "fast-check";
import { expect, test } from "vitest";
import { float32, GraphBuilder, modelOf, runModel, type Tensor } from "../../src/onnx/index.ts";
import { crossEntropy, distillation, type Loss } from "../../src/train/index.ts";

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
  const logits = b.input("logits", "float32", [batch.length, classes]);
  const labels = b.input("labels", "int64", [batch.length]);
  const teacher = b.input("teacher", "float32", [batch.length, classes]);
  b.output(loss.emit({ b, logits, labels, classes, teacher }), "float32", []);
  const matrix = (of: (row: Row) => number[]): Tensor => float32(batch.flatMap(of), [batch.length, classes]);
  const labelled = { type: "int64", dims: [batch.length], data: BigInt64Array.from(batch, (row) => BigInt(row.label)) };
  const results = await runModel(
    modelOf(b.graph),
    new Map<string, Tensor>([
      ["logits", matrix((row) => row.logits)],
      ["teacher", matrix((row) => row.teacher)],
      ["labels", labelled as Tensor],
    ]),
  );
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

test.each([
  [{ labels: 1.5, temperature: 3 }, /0\.\.1, received 1\.5/],
  [{ labels: 0.5, temperature: 0 }, /above 0, received 0/],
])("distillation refuses %j", (options, message) => {
  expect(() => distillation(options)).toThrow(message);
});
