import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { affineOf, dequantize, quantize, quantizeWeights } from "../../src/compress/int8/affine.ts";
import { Histogram } from "../../src/compress/int8/histogram.ts";
import { rangeMethods, rangeOf, squaredError } from "../../src/compress/int8/ranges.ts";
import { float32 } from "../../src/onnx/index.ts";
import { generator } from "./support.ts";

const histogramOf = (values: readonly number[]): Histogram => {
  const histogram = new Histogram();
  histogram.add(Float32Array.from(values));
  return histogram;
};
const finite = (least: number, most: number) => fc.double({ min: least, max: most, noNaN: true });

describe("ranges of activations", () => {
  it.each(rangeMethods)("%s holds zero and stays within what was seen", (method) => {
    fc.assert(
      fc.property(fc.array(finite(-100, 100), { minLength: 1 }), (values) => {
        const histogram = histogramOf(values);
        const { low, high } = rangeOf(histogram, method);
        expect(low).toBeLessThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(0);
        expect(low).toBeGreaterThanOrEqual(Math.min(0, histogram.min));
        expect(high).toBeLessThanOrEqual(Math.max(0, histogram.max));
      }),
    );
  });

  it.each(rangeMethods)("%s gives zeros only an exact code", (method) => {
    const affine = affineOf(rangeOf(histogramOf([0, 0, 0]), method));
    expect(dequantize(quantize(0, affine), affine)).toBe(0);
  });

  it.each(rangeMethods)("%s represents a constant within a step", (method) => {
    const affine = affineOf(rangeOf(histogramOf(Array<number>(100).fill(3)), method));
    expect(Math.abs(dequantize(quantize(3, affine), affine) - 3)).toBeLessThanOrEqual(affine.scale);
  });

  it("leaves a rare outlier outside by percentile and by squared error, not by min and max", () => {
    const random = generator(3);
    const values = [...Array.from({ length: 100_000 }, random), 30];
    const high = (method: (typeof rangeMethods)[number]) => rangeOf(histogramOf(values), method).high;
    expect(high("minmax")).toBe(30);
    expect(high("percentile-99.9")).toBeCloseTo(0.999, 1);
    // n (h / 255)^2 / 12 + (30 - h)^2 is least at h = 30 / (1 + n / (12 255^2)) = 26.6; clips are 1 % apart.
    expect(Math.abs(high("mse") - 26.6)).toBeLessThan(0.3);
  });

  it("has no more expected error by squared error than by min and max", () => {
    fc.assert(
      fc.property(fc.array(finite(-10, 10), { minLength: 5 }), (values) => {
        const histogram = histogramOf(values);
        const least = squaredError(histogram, rangeOf(histogram, "mse"));
        expect(least).toBeLessThanOrEqual(squaredError(histogram, rangeOf(histogram, "minmax")) * (1 + 1e-9));
      }),
    );
  });
});

describe("8-bit codes", () => {
  it("lose at most half a step within the range", () => {
    fc.assert(
      fc.property(finite(-1000, 0), finite(0.001, 1000), finite(0, 1), (low, high, share) => {
        const affine = affineOf({ low, high });
        const value = low + share * (high - low);
        const error = Math.abs(dequantize(quantize(value, affine), affine) - value);
        // Rounding the zero point moves the ends of the range by up to half a step.
        const inside = value >= dequantize(0, affine) && value <= dequantize(255, affine);
        expect(error).toBeLessThanOrEqual(affine.scale * (inside ? 0.5 : 1) * (1 + 1e-6));
      }),
    );
  });

  it("start at zero behind a Relu", () => {
    fc.assert(
      fc.property(finite(0, 1e6), (high) => {
        expect(affineOf({ low: 0, high }).zeroPoint).toBe(0);
      }),
    );
  });
});

const none = () => 0;

describe("weights", () => {
  const channels = fc.array(fc.array(finite(-5, 5), { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 4 });

  it.each([7, 8] as const)("keep to %s bits, with a scale that fits each channel alone", (bits) => {
    fc.assert(
      fc.property(channels, (rows) => {
        const { codes, scales } = quantizeWeights(float32(rows.flat(), [rows.length, 6]), 0, bits, none);
        const limit = 2 ** (bits - 1);
        for (const code of codes.data) expect(Number(code) >= -limit && Number(code) < limit).toBe(true);
        for (const [channel, row] of rows.entries()) {
          const largest = Math.fround(Math.max(...row.map(Math.abs)));
          expect(scales[channel]! * (limit - 1)).toBeLessThanOrEqual(Math.max(largest, 2 ** -50) * (1 + 1e-6));
        }
      }),
    );
  });

  it("do not change when channels lie on another axis", () => {
    const rows = [1, 2, 3, -40, 50, 60];
    const transposed = [1, -40, 2, 50, 3, 60];
    const byRow = quantizeWeights(float32(rows, [2, 3]), 0, 8, none);
    const byColumn = quantizeWeights(float32(transposed, [3, 2]), 1, 8, none);
    expect([...byColumn.scales]).toEqual([...byRow.scales]);
    const columns = [...byColumn.codes.data];
    expect([0, 2, 4, 1, 3, 5].map((at) => columns[at])).toEqual([...byRow.codes.data]);
  });

  it("of zeros only have zero codes and a positive scale", () => {
    const { codes, scales } = quantizeWeights(float32([0, 0, 0, 1], [2, 2]), 0, 7, none);
    expect([...codes.data].slice(0, 2)).toEqual([0, 0]);
    expect(scales[0]).toBeGreaterThan(0);
  });

  it("have scales that the bias fits", () => {
    const { scales } = quantizeWeights(float32([1e-9, 1e-9], [1, 2]), 0, 8, () => 0.5);
    expect(scales[0]).toBe(0.5);
  });
});
