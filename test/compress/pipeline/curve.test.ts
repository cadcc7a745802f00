import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { CurveRecorder, readCurves } from "../../../src/compress/pipeline/curve.ts";
import { WorkFolder } from "../../../src/compress/pipeline/work-folder.ts";
import { logitsOf } from "../../../src/train/index.ts";
import { classifier, randomBytes } from "../../support/models.ts";
import { scratch } from "../../support/twins.ts";

const { path: folder, remove } = scratch();
afterAll(remove);

const network = classifier({ seed: 1 });
const images = 12;
const selection = {
  images: randomBytes(images * 3 * 64, 1),
  shape: [3, 8, 8] as const,
  labels: new Uint16Array(images),
};
const normalisation = { scale: [1 / 64, 1 / 64, 1 / 64], offset: [-2, -2, -2] };
const data = await logitsOf(network, selection, { normalisation, threads: 1 });
const originalLogits = { data, count: images, classes: 4 };

const subject = async (name: string) => ({
  work: await WorkFolder.open(join(folder, name), "run"),
  selection,
  originalLogits,
  labelled: false,
  normalisation,
  threads: 1,
});

/** Losses that are the steps' own numbers. */
function steps(recorder: CurveRecorder, from: number, to: number, of: number): void {
  for (let step = from; step <= to; step++) recorder.advance({ step, steps: of, loss: step });
}

test("a training that goes on from its checkpoint continues its curve, and does what came after anew", async () => {
  const interrupted = await subject("resumed");
  steps(new CurveRecorder("net", interrupted), 1, 70, 100);
  steps(new CurveRecorder("net", interrupted), 51, 100, 100);
  const [curve] = readCurves(interrupted.work);
  expect(curve).toEqual({
    network: "net",
    points: Array.from({ length: 100 }, (_, i) => ({ step: i + 1, loss: i + 1 })),
  });
});

test("a long training keeps the means of some two hundred intervals, and its last step", async () => {
  const long = await subject("long");
  steps(new CurveRecorder("net", long), 1, 1999, 1999);
  const { points } = readCurves(long.work)[0]!;
  expect(points).toHaveLength(200);
  expect(points[0]).toEqual({ step: 10, loss: 5.5 });
  expect(points.at(-1)?.step).toBe(1999);
});

test("a point that was cut off in writing is none", async () => {
  const broken = await subject("broken");
  steps(new CurveRecorder("net", broken), 1, 3, 3);
  appendFileSync(broken.work.file("net.curve.jsonl"), '{"step":4,"lo');
  expect(readCurves(broken.work)[0]!.points).toHaveLength(3);
});

test("the network is judged by its agreement with the original, at some twenty epochs", async () => {
  const judged = await subject("judged");
  const recorder = new CurveRecorder("net", judged);
  let made = 0;
  for (let epoch = 1; epoch <= 40; epoch++) {
    steps(recorder, 2 * epoch - 1, 2 * epoch, 80);
    await recorder.judge(epoch, async () => {
      made++;
      return network;
    });
  }
  const worth = readCurves(judged.work)[0]!.points.filter(({ agreement }) => agreement !== undefined);
  expect(worth).toEqual(Array.from({ length: 20 }, (_, i) => ({ step: 4 * (i + 1), agreement: 1 })));
  expect(made).toBe(20);
});
