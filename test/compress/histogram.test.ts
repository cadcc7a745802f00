import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { binCount, Histogram } from "../../src/compress/int8/histogram.ts";
import { ModelError } from "../../src/errors.ts";

const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), { maxLength: 60 });
const histogramOf = (...parts: readonly number[][]): Histogram => {
  const histogram = new Histogram();
  for (const part of parts) histogram.add(Float32Array.from(part));
  return histogram;
};
const state = ({ counts, zeros, min, max, first, width }: Histogram) => ({
  counts: [...counts.entries()].filter(([, count]) => count > 0),
  zeros,
  min,
  max,
  first,
  width,
});
const merged = (...histograms: readonly Histogram[]): Histogram => {
  const result = new Histogram();
  for (const histogram of histograms) result.merge(histogram);
  return result;
};

describe("streaming histogram", () => {
  it("does not depend on how values are split into batches, nor on their order", () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(state(histogramOf(a, b))).toEqual(state(histogramOf(b.toReversed(), a)));
        expect(state(histogramOf(a, b))).toEqual(state(histogramOf([...a, ...b])));
      }),
    );
  });

  it("merges associatively, to what one histogram of all values is", () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const [x, y, z] = [histogramOf(a), histogramOf(b), histogramOf(c)];
        expect(state(merged(merged(x, y), z))).toEqual(state(merged(x, merged(y, z))));
        expect(state(merged(x, y, z))).toEqual(state(histogramOf([...a, ...b, ...c])));
      }),
    );
  });

  it("counts every value, in a bin that holds it", () => {
    fc.assert(
      fc.property(values, fc.float({ noNaN: true, min: -1e6, max: 1e6 }), (others, value) => {
        const histogram = histogramOf(others, [value]);
        expect(histogram.total).toBe(others.length + 1);
        if (value === 0) return;
        const bin = Math.floor(value / histogram.width) - histogram.first;
        expect(histogram.counts[bin]).toBeGreaterThan(0);
      }),
    );
  });

  it("holds the same bytes for a million values as for one", () => {
    const one = histogramOf([1]);
    const many = new Histogram();
    for (let part = 1; part <= 100; part++) many.add(new Float32Array(10_000).fill(part));
    expect(many.total).toBe(1_000_000);
    expect(many.bytes).toBe(one.bytes);
    expect(many.counts).toHaveLength(binCount);
  });

  it("refuses NaN and infinity", () => {
    expect(() => histogramOf([1, Number.NaN])).toThrow(ModelError);
    expect(() => histogramOf([Number.POSITIVE_INFINITY])).toThrow(ModelError);
  });
});
