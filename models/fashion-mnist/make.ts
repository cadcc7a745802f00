/**
 * Trains the embedded pair: `node models/fashion-mnist/make.ts --from <folder with the idx.gz files>`.
 * An interrupted run goes on from its last checkpoint. Writes original.onnx, student.onnx and training.json beside itself.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { encodeModel, foldBatchNormalization, type Model } from "twindnn/onnx";
import {
  accuracyOf,
  crossEntropy,
  type Dataset,
  distillation,
  logitsOf,
  mirrored,
  type ResidualNetwork,
  residualNetwork,
  sgd,
  subset,
  type TrainingOptions,
  train,
  triangular,
} from "twindnn/train";
import { Average } from "./average.ts";
import { normalisation, readFashionMnist } from "./images.ts";
import { fashionMnistSplit, pairSeed } from "./split.ts";

const original: ResidualNetwork = {
  name: "fashion-mnist-original",
  input: [1, 28, 28],
  classes: 10,
  stages: [
    { channels: 16, stride: 1, blocks: 0 },
    { channels: 48, stride: 2, blocks: 2 },
    { channels: 96, stride: 2, blocks: 2 },
  ],
};

const student: ResidualNetwork = {
  name: "fashion-mnist-student",
  input: [1, 28, 28],
  classes: 10,
  stages: [
    { channels: 16, stride: 2, blocks: 1 },
    { channels: 32, stride: 2, blocks: 1 },
    { channels: 64, stride: 2, blocks: 1 },
  ],
};

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "/usr/share/datasets/fashion-mnist" },
    work: { type: "string", default: resolve("tmp", "fashion-mnist") },
    out: { type: "string", default: resolve("models", "fashion-mnist") },
  },
});
mkdirSync(values.work, { recursive: true });

const threads = 2;
const inference = { normalisation, threads };
const images = readFashionMnist(values.from, "train");
const parts = fashionMnistSplit(pairSeed);
const training = subset(images, parts.train);
const selection = subset(images, parts.selection);
const curves: Record<string, unknown> = {};

const teacher = await trained("original", original, training, {
  epochs: 8,
  loss: crossEntropy,
  optimiser: sgd({ weightDecay: 5e-4 }),
  rate: triangular({ peak: 0.2 }),
});
const folded = foldBatchNormalization(teacher);
const withTeacher: Dataset = {
  ...training,
  teacher: {
    classes: 10,
    plain: await logitsOf(folded, training, inference),
    mirrored: await logitsOf(folded, mirrored(training), inference),
  },
};
await trained("student", student, withTeacher, {
  epochs: 20,
  loss: distillation({ labels: 0.5, temperature: 3 }),
  optimiser: sgd({ weightDecay: 2e-4 }),
  rate: triangular({ peak: 0.2 }),
});
writeFileSync(join(values.out, "training.json"), `${JSON.stringify(curves, null, 1)}\n`);

/** Trains one network of the pair, keeps its curve, and writes it with BatchNormalization folded. */
async function trained(
  name: string,
  network: ResidualNetwork,
  data: Dataset,
  recipe: Pick<TrainingOptions, "epochs" | "loss" | "optimiser" | "rate">,
): Promise<Model> {
  const started = performance.now();
  const epochs: object[] = [];
  const steps = new Average();
  const model = await train(residualNetwork(network, pairSeed), data, {
    ...recipe,
    seed: pairSeed,
    normalisation,
    augmentation: { shift: 2, alternatingFlip: true },
    threads,
    checkpoint: { file: join(values.work, `${name}.checkpoint`), everySteps: 100 },
    onStep(progress) {
      steps.add(progress);
      if (progress.step % 50 === 0) console.log(name, JSON.stringify(progress));
    },
    async onEpoch(epoch, model) {
      const accuracy = accuracyOf(
        await logitsOf(foldBatchNormalization(model), selection, inference),
        selection.labels,
      );
      epochs.push({ epoch, ...steps.take(), selectionAccuracy: accuracy });
      console.log(name, JSON.stringify(epochs.at(-1)));
    },
  });
  const accuracy = await accuracies(foldBatchNormalization(model));
  curves[name] = { minutes: (performance.now() - started) / 60_000, ...accuracy, epochs };
  console.log(name, JSON.stringify(curves[name]));
  writeFileSync(join(values.out, `${name}.onnx`), encodeModel(foldBatchNormalization(model)));
  return model;
}

/** Of the finished network; the test images are looked at here only. */
async function accuracies(model: Model): Promise<object> {
  const test = readFashionMnist(values.from, "t10k");
  return {
    selectionAccuracy: accuracyOf(await logitsOf(model, selection, inference), selection.labels),
    testAccuracy: accuracyOf(await logitsOf(model, test, inference), test.labels),
  };
}
