import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** The numbers 0 to count - 1 in a random order that the seed decides. */
export const shuffledIndices = (count: number, seed: number): Uint32Array => permutation(count, xoroshiro128plus(seed));

/** The numbers 0 to count - 1 in a random order (Fisher and Yates). */
export function permutation(count: number, random: RandomGenerator): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/**
 * The places of the labels in a random order in which every run holds each class in its proportion, give or take an image:
 * a class's members, shuffled, are laid out at even distances from a random start (systematic sampling: Madow and Madow,
 * "On the theory of systematic sampling", 1944).
 */
export function stratifiedIndices(labels: ArrayLike<number>, seed: number): Uint32Array {
  const random = xoroshiro128plus(seed);
  const members = new Map<number, number[]>();
  for (const index of permutation(labels.length, random)) {
    const label = labels[index]!;
    const others = members.get(label);
    if (others === undefined) members.set(label, [index]);
    else others.push(index);
  }
  const placed = [...members.values()].flatMap((indices) => {
    const start = uniformFloat64(random);
    return indices.map((index, place) => ({ index, at: (place + start) / indices.length }));
  });
  return Uint32Array.from(
    placed.sort((a, b) => a.at - b.at),
    ({ index }) => index,
  );
}
