/**
 * Makes the embedded pair from its seed.
 *
 * Options: `--from` a folder with the idx.gz files (downloaded when absent), `--work` where to keep data, checkpoints and
 * networks (default tmp/fashion-mnist). An interrupted run goes on from there; an `original.onnx` there is not trained again.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fashionMnist, fashionMnistLabels, openImages } from "twindnn/data";
import { makePair } from "../make.ts";
import { recipe } from "./recipe.ts";

const { values: options } = parseArgs({
  options: { from: { type: "string" }, work: { type: "string", default: join("tmp", recipe.name) } },
});
const { work, from } = options;
await fashionMnist(work, { from });
await makePair(recipe, {
  training: await openImages(work, { split: "train" }),
  test: await openImages(work, { split: "test" }),
  labels: fashionMnistLabels,
  work,
  output: join("models", recipe.name),
});
