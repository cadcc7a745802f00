import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError, jsonProblem, UsageError, unknownValue } from "../errors.ts";
import { checked } from "../schema.ts";
import { fromHuggingFace, isHuggingFace } from "./huggingface.ts";
import { Preprocessing } from "./preprocessing.ts";

/** torchvision's evaluation transform of ImageNet classifiers (its V1 weights). */
const imagenet = Preprocessing.parse({
  resize: { mode: "shorter", size: 256 },
  crop: { mode: "center", size: 224 },
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
});

/** Named preprocessings. */
export const presets = {
  imagenet,
  /** MobileNet and Inception networks that come from TensorFlow: values from -1 to 1. */
  "imagenet-tensorflow": Preprocessing.parse({ resize: imagenet.resize, crop: imagenet.crop, range: [-1, 1] }),
  /** 32 x 32 with ImageNet's statistics, as most published CIFAR-10 ResNets were trained. */
  cifar10: { ...imagenet, resize: { mode: "exact", size: 32 }, crop: { mode: "none" } },
  "fashion-mnist": Preprocessing.parse({
    resize: { mode: "exact", size: 28 },
    color: "grey",
    mean: [0.286],
    std: [0.353],
  }),
} satisfies Readonly<Record<string, Preprocessing>>;

/**
 * A preset by name, or a JSON file: a `Preprocessing`, a Hugging Face `preprocessor_config.json`, or a folder that holds one.
 *
 * @throws UsageError when it is neither a preset nor a file; InputError when the file is not understood
 */
export function loadPreprocessing(nameOrPath: string): Preprocessing {
  const preset = Object.entries(presets).find(([name]) => name === nameOrPath)?.[1];
  return preset ?? readPreprocessing(locate(nameOrPath));
}

function locate(nameOrPath: string): string {
  const stat = statSync(nameOrPath, { throwIfNoEntry: false });
  if (stat === undefined) {
    const known = unknownValue("preprocessing", nameOrPath, Object.keys(presets));
    throw new UsageError(`${known} Or give the path of a JSON file; there is none at "${nameOrPath}".`);
  }
  return stat.isDirectory() ? join(nameOrPath, "preprocessor_config.json") : nameOrPath;
}

function readPreprocessing(path: string): Preprocessing {
  const json = readJson(path);
  return isHuggingFace(json) ? fromHuggingFace(json, path) : parsePreprocessing(json, path);
}

const wayOut = `mend it as docs/data.md shows, or give a preset: ${Object.keys(presets).join(", ")}`;

/** Checks a preprocessing read from `file`. Throws InputError. */
export function parsePreprocessing(json: unknown, file: string): Preprocessing {
  return checked(Preprocessing, json, (problem) => new InputError(file, `is no preprocessing: ${problem}; ${wayOut}`));
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    throw new InputError(path, "cannot be read; give a preset or a preprocessing in JSON", { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError(path, `is not JSON (${jsonProblem(cause)}); ${wayOut}`, { cause });
  }
}
