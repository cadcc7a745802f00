import { describe, expect, test } from "vitest";
import { BatchSource } from "../../src/train/augment.ts";
import { type Dataset, subset } from "../../src/train/index.ts";

/** Images of 2 x 3 pixels whose first pixel is their index, or whose last is when mirrored. */
const count = 12;
const data: Dataset = {
  images: Uint8Array.from({ length: count * 6 }, (_, at) => (at % 6 === 0 ? 1 + Math.floor(at / 6) : 100 + (at % 6))),
  labels: Uint8Array.from({ length: count }, (_, i) => i),
  shape: [1, 2, 3],
  teacher: {
    classes: 2,
    plain: Float32Array.from({ length: count * 2 }, (_, at) => at),
    mirrored: Float32Array.from({ length: count * 2 }, (_, at) => -at),
  },
};

/** All images of an epoch, by label. */
function epochOf(source: BatchSource, epoch: number): Map<number, { image: number[]; teacher: number[] }> {
  const seen = new Map<number, { image: number[]; teacher: number[] }>();
  for (let step = 0; step < source.stepsPerEpoch; step++) {
    const batch = source.at(epoch * source.stepsPerEpoch + step);
    batch.labels.forEach((label, i) => {
      seen.set(Number(label), {
        image: [...batch.images.subarray(i * 6, (i + 1) * 6)],
        teacher: [...batch.teacher!.subarray(i * 2, (i + 1) * 2)],
      });
    });
  }
  return seen;
}

const original = (label: number): number[] => [...data.images.subarray(label * 6, (label + 1) * 6)];
const mirror = (image: number[]): number[] => [...image.slice(0, 3).toReversed(), ...image.slice(3).toReversed()];

describe("BatchSource", () => {
  test("shows every image once an epoch, in another order each time, with its own label and teacher", () => {
    const source = new BatchSource(data, 4, {}, 3);
    const orders = [0, 1, 2].map((epoch) => {
      const seen = epochOf(source, epoch);
      for (const [label, { image, teacher }] of seen) {
        expect(image).toEqual(original(label));
        expect(teacher).toEqual([2 * label, 2 * label + 1]);
      }
      expect([...seen.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      return [...seen.keys()].join();
    });
    expect(new Set(orders).size).toBe(3);
  });

  test("gives the batch of a step whatever was asked for before", () => {
    const augmentation = { shift: 1, alternatingFlip: true, cutout: 1 };
    const [forward, backward] = [new BatchSource(data, 4, augmentation, 3), new BatchSource(data, 4, augmentation, 3)];
    const ahead = [0, 1, 2, 3, 4, 5].map((step) => forward.at(step));
    const behind = [5, 4, 3, 2, 1, 0].map((step) => backward.at(step)).toReversed();
    expect(behind).toEqual(ahead);
  });

  test("mirrors each image in every other epoch, its teacher with it", () => {
    const source = new BatchSource(data, 4, { alternatingFlip: true }, 3);
    const [first, second, third] = [epochOf(source, 0), epochOf(source, 1), epochOf(source, 2)];
    let flips = 0;
    for (let label = 0; label < count; label++) {
      const flipped = first.get(label)!.image.join() !== original(label).join();
      flips += flipped ? 1 : 0;
      expect(first.get(label)!.image).toEqual(flipped ? mirror(original(label)) : original(label));
      expect(second.get(label)!.image).toEqual(flipped ? original(label) : mirror(original(label)));
      expect(third.get(label)).toEqual(first.get(label));
      expect(Math.sign(first.get(label)!.teacher[1]!)).toBe(flipped ? -1 : 1);
    }
    expect(flips).toBeGreaterThan(0);
    expect(flips).toBeLessThan(count);
  });

  test("moves pictures and reflects their border", () => {
    const square: Dataset = {
      images: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
      labels: Uint8Array.of(0),
      shape: [1, 3, 3],
    };
    const source = new BatchSource(square, 1, { shift: 1 }, 4);
    const line = [
      [2, 1, 2],
      [1, 2, 3],
      [2, 3, 2],
    ];
    const possible = line.flatMap((rows) =>
      line.map((columns) => rows.flatMap((y) => columns.map((x) => 3 * (y - 1) + x)).join()),
    );
    const seen = new Set(Array.from({ length: 100 }, (_, step) => [...source.at(step).images].join()));
    expect([...seen].sort()).toEqual(possible.sort());
  });

  test("blanks a square of the size asked for, or what of it lies inside", () => {
    const white: Dataset = { images: new Uint8Array(64).fill(255), labels: Uint8Array.of(0), shape: [1, 8, 8] };
    const source = new BatchSource(white, 1, { cutout: 4 }, 4);
    const blanks = Array.from(
      { length: 200 },
      (_, step) => source.at(step).images.filter((pixel) => pixel === 0).length,
    );
    expect(Math.max(...blanks)).toBe(16);
    expect(Math.min(...blanks)).toBe(4);
  });
});

describe("mixup", () => {
  const augmentation = { mixup: { alpha: 1 } };

  test("is each image's share of itself and the rest of the next one in the batch", () => {
    const [plain, mixed] = [new BatchSource(data, 4, {}, 3).at(1), new BatchSource(data, 4, augmentation, 3).at(1)];
    expect(mixed.labels).toEqual(plain.labels);
    for (let i = 0; i < 4; i++) {
      const share = mixed.mixed!.shares[i]!;
      const next = (i + 1) % 4;
      expect(mixed.mixed!.labels[i]).toBe(plain.labels[next]);
      for (let k = 0; k < 6; k++) {
        const expected = share * plain.images[i * 6 + k]! + (1 - share) * plain.images[next * 6 + k]!;
        expect(Math.abs(mixed.images[i * 6 + k]! - expected)).toBeLessThanOrEqual(0.5001);
      }
    }
  });

  test("gives every image at least half of itself, evenly from half to all at alpha 1", () => {
    const source = new BatchSource(data, 12, augmentation, 3);
    const shares = Array.from({ length: 200 }, (_, step) => [...source.at(step).mixed!.shares]).flat();
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    expect(shares.filter((share) => share < 0.75).length / shares.length).toBeCloseTo(0.5, 1);
  });
});

describe("subset", () => {
  test("takes images, labels and teacher in the order asked for", () => {
    const picked = subset(data, [3, 1]);
    expect([...picked.labels]).toEqual([3, 1]);
    expect([...picked.images]).toEqual([...original(3), ...original(1)]);
    expect(picked.teacher?.plain).toEqual(Float32Array.of(6, 7, 2, 3));
  });

  test("refuses an index beyond the set", () => {
    expect(() => subset(data, [12])).toThrow(/index 12 lies outside 0\.\.11/);
  });
});
