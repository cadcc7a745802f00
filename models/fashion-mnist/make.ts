/**
 * Trains the networks of the embedded pair from their seed: writes `original.onnx` and `student.onnx` beside the
 * checkpoints, and `training.json`.
 *
 * Options: `--from` a folder with the idx.gz files (downloaded when absent), `--out` where to write training.json (default
 * models/fashion-mnist), `--work` where to keep data and checkpoints (default tmp/fashion-mnist). An interrupted run goes on
 * from its last checkpoint.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { foldBatchNormalization, type Model, modelCost, writeModel } from "twindnn/onnx";
import { accuracyOf, type Dataset, logitsOf, residualNetwork, subset, train } from "twindnn/train";
import { Curve } from "./curve.ts";
import { normalisation, readFashionMnist } from "./images.ts";
import { original, type Recipe, student } from "./recipe.ts";
import { fashionMnistSplit, pairSeed } from "./split.ts";

const { values: options } = parseArgs({
  options: {
    from: { type: "string" },
    out: { type: "string", default: join("models", "fashion-mnist") },
    work: { type: "string", default: join("tmp", "fashion-mnist") },
  },
});
const inference = { normalisation, threads: 2 };

mkdirSync(options.work, { recursive: true });
const { training, test } = await readFashionMnist(options.work, options.from);
const parts = fashionMnistSplit(pairSeed);
const images = subset(training, parts.train);
const selection = subset(training, parts.selection);

const teacher = await make("original", original, images);
const plain = await logitsOf(teacher.network, images, inference);
const taught: Dataset = { ...images, teacher: { classes: 10, plain } };
const pupil = await make("student", student, taught);

const report = { seed: pairSeed, original: teacher.report, student: pupil.report };
writeFileSync(join(options.out, "training.json"), `${JSON.stringify(report, null, 1)}\n`);

/** Trains one network and writes it, BatchNormalization folded. The test images are looked at once, at the end. */
async function make(name: string, { network, phases }: Recipe, data: Dataset) {
  const curve = new Curve(join(options.work, `${name}.curve.json`));
  let trained = residualNetwork(network, pairSeed);
  let done = 0;
  for (const [i, phase] of phases.entries()) {
    const before = done;
    trained = await train(trained, data, {
      ...phase,
      seed: pairSeed + i,
      normalisation,
      checkpoint: { file: join(options.work, `${name}-${i + 1}.checkpoint`), everySteps: 100 },
      onStep: (progress) => {
        curve.add(progress);
        if (progress.step % 50 === 0) console.log(name, JSON.stringify(progress));
      },
      onEpoch: async (epoch, network) => {
        const model = foldBatchNormalization(await network());
        const closed = curve.close(before + epoch, await accuracy(model, selection));
        console.log(name, JSON.stringify(closed));
      },
    });
    done += phase.epochs;
  }
  const folded = foldBatchNormalization(trained);
  await writeModel(join(options.work, `${name}.onnx`), folded);
  const { macs, parameters } = modelCost(folded);
  const report = {
    macs,
    parameters,
    minutes: curve.minutes,
    selectionAccuracy: await accuracy(folded, selection),
    testAccuracy: await accuracy(folded, test),
    epochs: curve.epochs,
  };
  console.log(name, JSON.stringify({ ...report, epochs: undefined }));
  return { network: folded, report };
}

async function accuracy(network: Model, data: Dataset): Promise<number> {
  return accuracyOf(await logitsOf(network, data, inference), data.labels);
}
