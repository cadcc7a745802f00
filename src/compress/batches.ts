import {
  createPreprocessor,
  type ImageSource,
  type Planes,
  type Preprocessing,
  type Preprocessor,
  prepareAll,
} from "../data/index.ts";
import { InputError, ModelError } from "../errors.ts";
import { type InputWriter, imageSize, inputWriter } from "../lanes/index.ts";
import { classifierOf, type Model } from "../onnx/index.ts";
import type { ImageBatch } from "./int8/images.ts";

export interface BatchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of images read since the last call. */
  readonly onProgress?: ((images: number) => void) | undefined;
}

/** Images of one batch: enough to keep the machine busy, small enough for large images. */
const batchSize = 16;

/**
 * The images of a source as inputs of a model. Images that cannot be read are left out, and reported when no other remains.
 *
 * @throws ModelError when the preprocessing makes images of another size than the model reads
 */
export async function* imageBatches(
  model: Model,
  preprocessing: Preprocessing,
  source: ImageSource,
  { signal, onProgress }: BatchOptions = {},
): AsyncGenerator<ImageBatch> {
  const preprocessor = createPreprocessor(preprocessing);
  const assembly = new Assembly(preprocessor, layoutFor(model, preprocessor.shape));
  let failure: InputError | undefined;
  for await (const image of prepareAll(source, preprocessor, signal === undefined ? {} : { signal })) {
    if ("error" in image) failure = image.error;
    else assembly.add(image.planes);
    onProgress?.(1);
    if (assembly.isFull) yield assembly.take();
  }
  if (!assembly.isEmpty) yield assembly.take();
  if (assembly.count === 0) throw failure ?? new InputError(source.name, "holds no images");
}

/** Collects images into batches of network inputs. */
class Assembly {
  /** Images so far, in all batches. */
  count = 0;
  readonly #size: number;
  readonly #write: InputWriter;
  #planes: Planes[] = [];

  constructor({ shape, normalisation }: Preprocessor, layout: "NCHW" | "NHWC") {
    const format = { input: { layout, shape }, normalisation };
    this.#size = imageSize(format);
    this.#write = inputWriter(format);
  }

  get isFull(): boolean {
    return this.#planes.length === batchSize;
  }

  get isEmpty(): boolean {
    return this.#planes.length === 0;
  }

  add(planes: Planes): void {
    this.#planes.push(planes);
    this.count++;
  }

  take(): ImageBatch {
    const data = new Float32Array(this.#planes.length * this.#size);
    for (const [i, image] of this.#planes.entries()) {
      this.#write(data.subarray(i * this.#size, (i + 1) * this.#size), image);
    }
    const count = this.#planes.length;
    this.#planes = [];
    return { count, data };
  }
}

function layoutFor(model: Model, [channels, height, width]: readonly [number, number, number]): "NCHW" | "NHWC" {
  const { input } = classifierOf(model);
  const matches =
    input.channels === channels && (input.height ?? height) === height && (input.width ?? width) === width;
  if (matches) return input.layout;
  throw new ModelError(
    `reads images of ${input.channels} x ${input.height} x ${input.width}, the preprocessing makes ${channels} x ${height} x ${width}; choose another`,
  );
}
