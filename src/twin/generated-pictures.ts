import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { ImageSource, Planes, Prepared } from "../data/index.ts";

type Shape = readonly [channels: number, height: number, width: number];

/** Pictures of smooth colours over the whole range, most with an edge, drawn from the seed alone. */
export const generatedPictures = (count: number, shape: Shape, seed: number): ImageSource<Prepared> => ({
  name: "generated pictures",
  count,
  async *[Symbol.asyncIterator]() {
    const random = xoroshiro128plus(seed);
    for (let i = 0; i < count; i++) yield { name: `generated#${i}`, planes: picture(shape, random) };
  },
});

/** On either side of a line, the one or the other of two fields for each channel. */
function picture([channels, height, width]: Shape, random: RandomGenerator): Planes {
  const isBeyond = line(random);
  const planes = new Uint8Array(channels * height * width);
  for (let channel = 0, at = 0; channel < channels; channel++) {
    const [here, beyond] = [smoothField(random), smoothField(random)];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [y, x] = [row / height, column / width];
        planes[at++] = Math.round(isBeyond(y, x) ? beyond(y, x) : here(y, x));
      }
    }
  }
  return planes;
}

/** A random line through the picture: whether a point, its coordinates in 0..1, lies beyond it. */
function line(random: RandomGenerator): (y: number, x: number) => boolean {
  const [down, right] = [uniformInt(random, -100, 100), uniformInt(random, -100, 100)];
  const [y0, x0] = [uniformInt(random, 0, 100) / 100, uniformInt(random, 0, 100) / 100];
  return (y, x) => down * (y - y0) + right * (x - x0) > 0;
}

const between = (a: number, b: number, share: number): number => a + (b - a) * share;

/** Random bytes at the corners of a few cells, and between them what is linear; coordinates in 0..1. */
function smoothField(random: RandomGenerator): (y: number, x: number) => number {
  const cells = uniformInt(random, 1, 6);
  const corners = Uint8Array.from({ length: (cells + 1) ** 2 }, () => uniformInt(random, 0, 255));
  return (y, x) => {
    const [row, column] = [Math.floor(y * cells), Math.floor(x * cells)];
    const [down, right] = [y * cells - row, x * cells - column];
    const corner = row * (cells + 1) + column;
    const upper = between(corners[corner]!, corners[corner + 1]!, right);
    const lower = between(corners[corner + cells + 1]!, corners[corner + cells + 2]!, right);
    return between(upper, lower, down);
  };
}
