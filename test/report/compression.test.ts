import { expect, test } from "vitest";
import type { Layer, TrainingCurve } from "../../src/compress/index.ts";
import { layersTables } from "../../src/report/layers.ts";
import { trainings } from "../../src/report/page/trainings.ts";
import { lossPlot, worthPlot } from "../../src/report/plots/training.ts";

const convolution = (outputs: number, more: Partial<Layer> = {}): Layer => ({
  node: "conv1",
  op: "Conv",
  shape: {
    op: "Conv",
    inputs: 16,
    outputs,
    groups: 1,
    kernel: [3, 3],
    strides: [2, 2],
    dilations: [1, 1],
    pads: [1, 1, 1, 1],
    size: [32, 32],
  },
  bits: 32,
  macs: 1000 * outputs,
  bytes: 576 * outputs,
  milliseconds: 0.25,
  ...more,
});

test("the table of layers has what each was and is, dashes where it is gone, and sums", () => {
  const thinned = convolution(8, { bits: 8, bytes: 1152, milliseconds: 0.05 });
  const gone: Layer = { node: "odd", op: "Conv", bits: 32, macs: 500, bytes: 40 };
  const [table, ...others] = layersTables([{ before: convolution(32), after: thinned }, { before: gone }]);
  expect(others).toEqual([]);
  expect(table!.rows).toEqual([
    [
      "conv1",
      "16 → 32, 3×3 /2 at 32×32 /\n16 → 8, 3×3 /2 at 32×32",
      "32 /\n8",
      "32.0 k /\n8.00 k",
      "18.4 kB /\n1.15 kB",
      "0.250 /\n0.050",
    ],
    ["odd", "Conv /\n–", "32 /\n–", "500 /\n–", "40 B /\n–", " /\n–"],
    ["all", "", "", "32.5 k /\n8.00 k", "18.5 kB /\n1.15 kB", "0.250 /\n0.050"],
  ]);
});

test("a network made anew has a table of its own", () => {
  const tables = layersTables([{ before: convolution(32) }, { after: convolution(8) }]);
  expect(tables.map(({ rows }) => rows.map(([layer, shape]) => [layer, shape]))).toEqual([
    [
      ["conv1", "16 → 32, 3×3 /2 at 32×32"],
      ["all", ""],
    ],
    [
      ["conv1", "16 → 8, 3×3 /2 at 32×32"],
      ["all", ""],
    ],
  ]);
});

const labelled: TrainingCurve = {
  network: "student-T16",
  points: [
    { step: 1, loss: 2.5 },
    { step: 2, loss: 2.25 },
    { step: 2, agreement: 0.5, accuracy: 0.4 },
    { step: 3, loss: 1.5 },
    { step: 4, loss: 1.25 },
    { step: 4, agreement: 0.75, accuracy: 0.6 },
  ],
};
const unlabelled: TrainingCurve = {
  network: "student-T16",
  points: [
    { step: 1, loss: 2.5 },
    { step: 1, agreement: 0.5 },
  ],
};

test("a training shows its loss, and the accuracy only where there were labels", () => {
  expect(lossPlot(labelled)).toContain("The loss of student-T16 in training");
  expect(worthPlot(labelled)).toContain("The agreement and accuracy of student-T16 in training");
  expect(worthPlot(unlabelled)).toContain("The agreement of student-T16 in training");
  expect(trainings([labelled])!.text).toContain("accuracy</li>");
  expect(trainings([unlabelled])!.text).not.toContain("accuracy");
});

test("a run that trained nothing has no section on training", () => {
  expect(trainings([])).toBeUndefined();
  expect(worthPlot({ network: "n", points: [{ step: 1, loss: 1 }] })).toBeUndefined();
});
