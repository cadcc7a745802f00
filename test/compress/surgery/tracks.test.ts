import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alignedDims } from "../../../src/compress/surgery/channels/reshape-alignment.ts";
import { UnionFind } from "../../../src/compress/surgery/channels/union-find.ts";
import { sizeOf } from "../../../src/onnx/index.ts";

test("joined integers have one representative, others have not", () => {
  const pairs = fc.array(fc.tuple(fc.nat(19), fc.nat(19)), { maxLength: 20 });
  fc.assert(
    fc.property(pairs, (pairs) => {
      const sets = new UnionFind(20);
      let labels = Array.from({ length: 20 }, (_, at) => at);
      for (const [a, b] of pairs) {
        sets.union(a, b);
        labels = labels.map((label) => (label === labels[a] ? labels[b]! : label));
      }
      for (const [a, label] of labels.entries()) {
        for (const [b, other] of labels.entries()) expect(sets.find(a) === sets.find(b)).toBe(label === other);
      }
    }),
  );
});

/** The axes that hold more than one element. */
const wide = (shape: readonly number[]): number[] => [...shape.keys()].filter((axis) => shape[axis] !== 1);

describe("alignedDims", () => {
  test("splits merged axes at equal products, and skips axes of size 1", () => {
    expect(alignedDims(["batch", 8, 1, 4, 4], ["batch", 2, 4, 16])).toEqual({
      blocks: [
        { from: [0], to: [0] },
        { from: [1], to: [1, 2] },
        { from: [3, 4], to: [3] },
      ],
      opaque: { from: [], to: [] },
    });
  });

  test("aligns from the end what follows an unknown size", () => {
    expect(alignedDims(["batch", 6, 4, 5], [undefined, 4, 5])).toEqual({
      blocks: [
        { from: [2], to: [1] },
        { from: [3], to: [2] },
      ],
      opaque: { from: [0, 1], to: [0] },
    });
  });

  test("before an unknown size an axis stands against a multiple of it", () => {
    expect(alignedDims([7, "batch", 12], [7, "2*batch", 6])).toEqual({
      blocks: [
        { from: [0], to: [0] },
        { from: [2], to: [2] },
      ],
      opaque: { from: [1], to: [1] },
    });
  });

  test("every block holds as many elements on both sides, and all axes but single ones are in one", () => {
    const dims = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(dims, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (from, cuts) => {
        const starts = [...from.keys()].filter((at) => at === 0 || cuts[at]);
        const to = starts.map((start, at) => sizeOf(from.slice(start, starts[at + 1])));
        const { blocks, opaque } = alignedDims(from, to);
        expect(opaque).toEqual({ from: [], to: [] });
        for (const block of blocks) {
          expect(sizeOf(block.from.map((axis) => from[axis]!))).toBe(sizeOf(block.to.map((axis) => to[axis]!)));
        }
        expect(blocks.flatMap((block) => block.from)).toEqual(wide(from));
        expect(blocks.flatMap((block) => block.to)).toEqual(wide(to));
      }),
    );
  });
});
