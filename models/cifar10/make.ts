/**
 * Makes the CIFAR-10 pair from its seed.
 *
 * Options: `--train` and `--test`, archives or folders of the images, `<class>/<file>` each, or `--from` a folder of the binary
 * version (downloaded when absent); `--work` where to keep data, checkpoints and networks (default tmp/<name>). An
 * interrupted run goes on from there; an `original.onnx` there is not trained again. `--wide` makes the pair of twice the
 * width, in the work folder.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cifar10, openImages } from "twindnn/data";
import { makePair } from "../make.ts";
import { recipe as narrow, wide } from "./recipe.ts";

const { values: options } = parseArgs({
  options: {
    train: { type: "string" },
    test: { type: "string" },
    from: { type: "string" },
    work: { type: "string" },
    wide: { type: "boolean", default: false },
  },
});
const recipe = options.wide ? wide : narrow;
const work = options.work ?? join("tmp", recipe.name);
const { training, test } = await imagesGiven();
const output = options.wide ? work : join("models", recipe.name);
await makePair(recipe, { training, test, labels: training.classes!, work, output });

async function imagesGiven() {
  if (options.train !== undefined && options.test !== undefined) {
    return { training: await openImages(options.train), test: await openImages(options.test) };
  }
  await cifar10(work, { from: options.from });
  return { training: await openImages(work, { split: "train" }), test: await openImages(work, { split: "test" }) };
}
