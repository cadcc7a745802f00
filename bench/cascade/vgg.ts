/**
 * Trains a VGG-16 of a chosen width on CIFAR-10 from its seed, and writes it as ONNX with BatchNormalization folded: an
 * original for `bench/cascade/run.ts`. An interrupted run goes on from its checkpoint.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/cascade/vgg.js --train train.tar.gz --test test.tar.gz --out vgg16.onnx \
 *       [--width 0.25] [--epochs 30] [--seed 1] [--take IMAGES]
 */
import { parseArgs } from "node:util";
import { loadImages } from "../../src/compress/pipeline/images.ts";
import { createPreprocessor, openImages, presets, selectImages } from "../../src/data/index.ts";
import { UsageError } from "../../src/errors.ts";
import { foldBatchNormalization, modelCost, writeModel } from "../../src/onnx/index.ts";
import { accuracyOf, crossEntropy, type Dataset, logitsOf, sgd, train, triangular } from "../../src/train/index.ts";
import { vgg16 } from "./vgg-network.ts";

const { values: options } = parseArgs({
  options: {
    train: { type: "string" },
    test: { type: "string" },
    out: { type: "string" },
    width: { type: "string", default: "0.25" },
    epochs: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    take: { type: "string" },
  },
});
const { out } = options;
if (!options.train || !options.test || !out) throw new UsageError("--train, --test and --out are needed");

const preprocessing = presets.cifar10!;
const { normalisation } = createPreprocessor(preprocessing);
const seed = Number(options.seed);
const network = vgg16({ width: Number(options.width), classes: 10, seed });
console.log(`${(modelCost(network).macs / 1e6).toFixed(1)} million multiply-adds an image`);
const trained = await train(network, await read(options.train), {
  epochs: Number(options.epochs),
  seed,
  normalisation,
  augmentation: { shift: 4, alternatingFlip: true },
  loss: crossEntropy,
  optimiser: sgd({ momentum: 0.9, weightDecay: 5e-4 }),
  rate: triangular({ peak: 0.1 }),
  checkpoint: { file: `${out}.checkpoint`, everySteps: 100 },
  onStep: (progress) => {
    if (progress.step % 50 === 0 || progress.step === progress.steps) console.log(JSON.stringify(progress));
  },
});
const folded = foldBatchNormalization(trained);
await writeModel(out, folded);
const test = await read(options.test);
const accuracy = accuracyOf(await logitsOf(folded, test, { normalisation, threads: 2 }), test.labels);
console.log(`${(100 * accuracy).toFixed(2)} % of ${test.labels.length} test images right`);

/** All images of a source, or `--take` of them. */
async function read(path: string): Promise<Dataset> {
  const source = await openImages(path);
  const chosen = options.take === undefined ? {} : { shuffle: seed, take: Number(options.take) };
  const { data, labelled } = await loadImages(await selectImages(source, chosen), preprocessing);
  if (!labelled) throw new UsageError(`${path}: not every image has a class`);
  return data;
}
