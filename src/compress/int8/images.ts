import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { CalibrationError } from "../../errors.ts";

/** Network inputs, one image after the other. */
export interface ImageBatch {
  readonly count: number;
  /** `count` prepared and normalised images, each in the layout of the model's input. */
  readonly data: Float32Array;
}

/** The images of a batch, one by one, each of `size` values. */
export function* imagesOf({ count, data }: ImageBatch, size: number): Generator<Float32Array> {
  if (data.length !== count * size) {
    throw new CalibrationError(
      `a batch of ${count} images holds ${data.length} values; the model takes ${size} an image`,
    );
  }
  for (let at = 0; at < count; at++) yield data.subarray(at * size, (at + 1) * size);
}

/** Puts images into batches of at most `size`. */
export function* inBatches(images: readonly Float32Array[], size: number): Generator<ImageBatch> {
  for (let start = 0; start < images.length; start += size) yield together(images.slice(start, start + size));
}

/** One batch of images. */
export function together(images: readonly Float32Array[]): ImageBatch {
  const size = images[0]?.length ?? 0;
  const data = new Float32Array(size * images.length);
  for (const [at, image] of images.entries()) data.set(image, at * size);
  return { count: images.length, data };
}

/** A sample of bounded size, uniform over a stream of unknown length (Vitter 1985, algorithm R); the seed is fixed. */
export class Reservoir {
  readonly images: Float32Array[] = [];
  readonly #random = xoroshiro128plus(7);
  readonly #capacity: number;
  #seen = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Takes an image, or refuses it. Returns the one that is not in the sample now, if any. */
  offer(image: Float32Array): Float32Array | undefined {
    this.#seen++;
    if (this.images.length < this.#capacity) {
      this.images.push(image.slice());
      return undefined;
    }
    const place = uniformInt(this.#random, 0, this.#seen - 1);
    if (place >= this.#capacity) return image;
    const evicted = this.images[place]!;
    this.images[place] = image.slice();
    return evicted;
  }
}
