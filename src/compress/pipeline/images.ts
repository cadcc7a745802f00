import { totalmem } from "node:os";
import {
  createPreprocessor,
  type FailedImage,
  fingerprint,
  type ImageSource,
  type Prepared,
  type Preprocessing,
  prepareAll,
} from "../../data/index.ts";
import { CalibrationError, InputError, UsageError } from "../../errors.ts";
import { type Dataset, imageSize } from "../../train/index.ts";
import { counted } from "./context.ts";
import type { CompressOptions } from "./options.ts";
import { type Parts, refuseShared } from "./parts.ts";

/** The images of one part, in memory. */
export interface LoadedImages {
  /** What the user called them. */
  readonly source: string;
  readonly data: Dataset;
  /** Whether every image has its class; else all labels of `data` are 0. */
  readonly labelled: boolean;
  readonly names: readonly string[];
  /** Class of each image where it is known. */
  readonly classes: readonly (number | undefined)[];
  readonly fingerprints: readonly string[];
  readonly failures: readonly FailedImage[];
}

export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of images read since the last call. */
  readonly onProgress?: ((images: number) => void) | undefined;
}

/** The share of the machine's memory that training images may take. */
const memoryShare = 0.25;

/**
 * Decodes and prepares all images of a source. Those that cannot be read are left out.
 *
 * @throws UsageError when they do not fit into memory, InputError when none can be read
 */
export async function loadImages(
  source: ImageSource,
  preprocessing: Preprocessing,
  { signal, onProgress }: LoadOptions = {},
): Promise<LoadedImages> {
  const preprocessor = createPreprocessor(preprocessing);
  const size = preprocessor.shape.reduce((product, side) => product * side, 1);
  const images = reserve(source, size);
  const names: string[] = [];
  const classes: (number | undefined)[] = [];
  const fingerprints: string[] = [];
  const failures: FailedImage[] = [];
  for await (const image of prepareAll(source, preprocessor, signal === undefined ? {} : { signal })) {
    onProgress?.(1);
    if ("error" in image) failures.push(image);
    else {
      images.set(image.planes, names.length * size);
      names.push(image.name);
      classes.push(image.label);
      fingerprints.push(fingerprint(image.planes));
    }
  }
  if (names.length === 0) throw failures[0]?.error ?? new InputError(source.name, "holds no images");
  const labelled = !classes.includes(undefined);
  const data: Dataset = {
    images: images.subarray(0, names.length * size),
    shape: preprocessor.shape,
    labels: Uint16Array.from(classes, (label) => (labelled ? label! : 0)),
  };
  return { source: source.name, data, labelled, names, classes, fingerprints, failures };
}

/** Images in memory as a source, those that could not be read at its end. */
export function loadedSource({ source, data, names, classes, failures }: LoadedImages): ImageSource<Prepared> {
  const size = imageSize(data);
  return {
    name: source,
    count: names.length + failures.length,
    async *[Symbol.asyncIterator]() {
      for (const [i, image] of names.entries()) {
        const planes = data.images.subarray(i * size, (i + 1) * size);
        const label = classes[i];
        yield { name: image, planes, ...(label === undefined ? {} : { label }) };
      }
      yield* failures;
    },
  };
}

function reserve({ name, count }: ImageSource, size: number): Uint8Array {
  if (count === undefined)
    throw new InputError(name, "does not say how many images it holds; give a folder or an archive");
  const limit = memoryShare * totalmem();
  if (count * size > limit) {
    const most = Math.floor(limit / size);
    throw new UsageError(
      `${name}: ${count} images take ${mebibytes(count * size)} MiB of memory; use --take ${most} at most`,
    );
  }
  return new Uint8Array(count * size);
}

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

export type LoadedParts = Readonly<Record<keyof Parts, LoadedImages>>;

/**
 * Loads the parts of a run, and refuses those that it cannot use.
 *
 * @throws CalibrationError for images of one class, or shared ones, or without the classes that the promise needs
 */
export async function loadParts(parts: Parts, options: CompressOptions): Promise<LoadedParts> {
  const load = async (part: keyof Parts): Promise<LoadedImages> => {
    const source = parts[part];
    const onProgress = counted(options.onProgress, `reading ${part} images`, source.count!);
    const loaded = await loadImages(source, options.preprocessing, { signal: options.signal, onProgress });
    for (const failure of loaded.failures) options.onNote?.(failure.error.message);
    refuseOneClass(loaded, source);
    return loaded;
  };
  const images = {
    training: await load("training"),
    selection: await load("selection"),
    calibration: await load("calibration"),
  };
  refuseShared(images.training.fingerprints, images.calibration.fingerprints, parts.calibration.name);
  if (options.promise.kind === "drop" && images.calibration.classes.every((label) => label === undefined)) {
    throw new CalibrationError(
      `${parts.calibration.name}: no image has a class, and a promise on the drop needs those on which the networks differ; promise an agreement first, which lists these images`,
    );
  }
  return images;
}

/** Refuses images of one class only: nothing can be learnt or proven on them. */
function refuseOneClass({ data, labelled }: LoadedImages, { name, classes }: ImageSource): void {
  const [first] = data.labels;
  if (!labelled || data.labels.some((label) => label !== first)) return;
  throw new CalibrationError(
    `${name}: all ${data.labels.length} images are of class ${classes?.[first!] ?? first}; give images of all classes, drawn by --shuffle where --take would take the first`,
  );
}
