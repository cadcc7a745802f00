import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Planes, Prepared } from "../data/index.ts";
import { isFailure } from "../twin/index.ts";

/** A prepared image, and its place among those that could be read. */
export interface SampledImage {
  readonly index: number;
  readonly planes: Planes;
}

/**
 * A random sample of a stream that passes by, in random order: every image is as likely as any other to be in it, and
 * no more than `size` are held. Source: J. Vitter, "Random sampling with a reservoir", ACM TOMS 11 (1985), algorithm R.
 */
export class Reservoir {
  readonly images: SampledImage[] = [];
  readonly #size: number;
  readonly #random;
  #seen = 0;

  constructor(size: number, seed: number) {
    this.#size = size;
    this.#random = xoroshiro128plus(seed);
  }

  /** Hands on the stream as it is. */
  async *watch(stream: AsyncIterable<Prepared>): AsyncGenerator<Prepared> {
    for await (const image of stream) {
      if (!isFailure(image)) this.#add({ index: this.#seen++, planes: image.planes });
      yield image;
    }
  }

  #add(image: SampledImage): void {
    const place = uniformInt(this.#random, 0, image.index);
    if (this.images.length < this.#size) {
      this.images.push(image);
      this.#swap(place, this.images.length - 1);
    } else if (place < this.#size) this.images[place] = image;
  }

  #swap(a: number, b: number): void {
    [this.images[a], this.images[b]] = [this.images[b]!, this.images[a]!];
  }
}
