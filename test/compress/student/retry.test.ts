import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import type { Compression } from "../../../src/compress/pipeline/context.ts";
import { WorkFolder } from "../../../src/compress/pipeline/work-folder.ts";
import { learnStudent, usualPeak } from "../../../src/compress/student/learn.ts";
import { makeStudent } from "../../../src/compress/student/student.ts";
import { TrainingError } from "../../../src/errors.ts";
import { admitModel } from "../../../src/twin/index.ts";
import { classifier, randomBytes } from "../../support/models.ts";
import { scratch } from "../../support/twins.ts";

vi.mock(import("../../../src/compress/student/learn.ts"), async (load) => {
  const learn = await load();
  return { ...learn, learnStudent: vi.fn(learn.learnStudent) };
});

const { path: folder, remove } = scratch();
afterAll(remove);

const images = 40;
const data = {
  images: randomBytes(images * 3 * 64, 1),
  shape: [3, 8, 8] as const,
  labels: Uint16Array.from({ length: images }, (_, i) => i % 4),
};
const model = classifier({ seed: 1, width: 64, depth: 2 });
const { entry } = await admitModel(model, "original.onnx");

let notes: string[];
beforeEach(() => {
  notes = [];
  vi.mocked(learnStudent).mockClear();
});

/** A run whose student is chosen, with the original's answers to its images. */
async function chosen(name: string, answer: number): Promise<Compression> {
  const work = await WorkFolder.open(join(folder, name), "run");
  await work.once("choosing a student", async () => ({ width: 16, epochs: 2, secondsPerEpoch: 1 }));
  await work.once("teacher", async () => null);
  writeFileSync(work.file("teacher.f32"), new Float32Array(images * 4).fill(answer));
  const network = { name: "original", file: "", input: entry.input, output: entry.output } as const;
  const normalisation = { scale: [1 / 64, 1 / 64, 1 / 64], offset: [-2, -2, -2] };
  return {
    original: { model, entry, network: { ...network, normalisation } },
    normalisation,
    training: data,
    selection: data,
    originalLogits: { data: new Float32Array(images * 4), count: images, classes: 4 },
    labelled: true,
    promise: { kind: "agreement", tolerance: 0.1, probability: 0.95 },
    target: {},
    budget: 60,
    deadline: performance.now() + 60_000,
    seed: 1,
    flip: false,
    threads: 1,
    work,
    onProgress: () => {},
    onNote: (note) => notes.push(note),
  };
}

const peaks = () => vi.mocked(learnStudent).mock.calls.map(([, { peak }]) => peak);

test("a training that diverges is done once more at half the learning rate, and a run that goes on knows it", async () => {
  vi.mocked(learnStudent).mockRejectedValueOnce(new TrainingError("the loss is no longer a number at step 3"));
  const compression = await chosen("once", 1);
  const student = await makeStudent(compression, "student");
  expect(student).toMatchObject({ name: "student-T16-half-rate", recipe: "student" });
  expect(peaks()).toEqual([usualPeak, usualPeak / 2]);
  expect(notes).toEqual([
    "student-T16: the loss is no longer a number at step 3. Training it once more from the start, at half the learning rate",
  ]);
  expect(await makeStudent(compression, "student")).toEqual(student);
  expect(peaks()).toHaveLength(2);
});

test("a training that diverges twice ends the recipe, with the step", async () => {
  const run = makeStudent(await chosen("twice", Number.POSITIVE_INFINITY), "student");
  await expect(run).rejects.toThrow(TrainingError);
  await expect(run).rejects.toThrow(
    /^student-T16: at half the learning rate, too, the loss is no longer a number at step 1/,
  );
  expect(peaks()).toEqual([usualPeak, usualPeak / 2]);
});
