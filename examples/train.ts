/** Trains a small network on Fashion-MNIST and writes it as ONNX: `node train.js <folder with the idx.gz files>`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { encodeModel, foldBatchNormalization } from "twindnn/onnx";
import {
  accuracyOf,
  crossEntropy,
  type Dataset,
  logitsOf,
  residualNetwork,
  sgd,
  train,
  triangular,
} from "twindnn/train";

const folder = process.argv[2] ?? "/usr/share/datasets/fashion-mnist";
const idx = (file: string, header: number) =>
  new Uint8Array(gunzipSync(readFileSync(join(folder, file)))).slice(header);
const read = (part: string): Dataset => ({
  images: idx(`${part}-images-idx3-ubyte.gz`, 16),
  labels: idx(`${part}-labels-idx1-ubyte.gz`, 8),
  shape: [1, 28, 28],
});

const network = residualNetwork(
  {
    name: "small",
    input: [1, 28, 28],
    classes: 10,
    stages: [
      { channels: 16, stride: 2, blocks: 1 },
      { channels: 32, stride: 2, blocks: 1 },
      { channels: 64, stride: 2, blocks: 1 },
    ],
  },
  1,
);

const normalisation = { scale: [1 / 255 / 0.353], offset: [-0.286 / 0.353] };
const trained = await train(network, read("train"), {
  epochs: 5,
  normalisation,
  augmentation: { shift: 2, alternatingFlip: true },
  loss: crossEntropy,
  optimiser: sgd({ momentum: 0.9, weightDecay: 5e-4 }),
  rate: triangular({ peak: 0.2 }),
  onStep: ({ step, steps, loss, imagesPerSecond, secondsLeft }) => {
    if (step % 100 !== 0) return;
    console.log(
      `step ${step} of ${steps}: loss ${loss.toFixed(3)}, ${imagesPerSecond.toFixed(0)} images/s, ${secondsLeft.toFixed(0)} s left`,
    );
  },
});

const test = read("t10k");
const folded = foldBatchNormalization(trained);
const accuracy = accuracyOf(await logitsOf(folded, test, { normalisation, threads: 2 }), test.labels);
console.log(`${(100 * accuracy).toFixed(2)} % of the test images right`);
writeFileSync("small.onnx", encodeModel(folded));
