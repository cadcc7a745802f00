import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { poissonArrivals } from "../../src/bench/arrivals.ts";
import { latency, measured, pairedRatio } from "../../src/bench/statistics.ts";
import { median, quantile } from "../../src/figures.ts";

const positives = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });

describe("quantile", () => {
  it("interpolates between order statistics, as NumPy's default does", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([10, 20, 30, 40, 50], 0.9)).toBeCloseTo(46, 12);
    expect(quantile([7], 0.99)).toBe(7);
  });

  it("lies within the samples and grows with the share", () => {
    fc.assert(
      fc.property(
        positives,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (samples, p, q) => {
          const [low, high] = [quantile(samples, Math.min(p, q)), quantile(samples, Math.max(p, q))];
          expect(low).toBeLessThanOrEqual(high);
          expect(low).toBeGreaterThanOrEqual(Math.min(...samples));
          expect(high).toBeLessThanOrEqual(Math.max(...samples));
        },
      ),
    );
  });

  it("refuses to make a figure out of nothing", () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => latency([[], []])).toThrow(RangeError);
  });
});

describe("pairedRatio", () => {
  it("divides within each round: a machine that slows down for a while changes no ratio", () => {
    fc.assert(
      fc.property(positives, fc.double({ min: 0.1, max: 10, noNaN: true }), (slow, factor) => {
        const ratio = pairedRatio(
          slow.map((value) => value * factor),
          slow,
        );
        for (const sample of ratio.samples) expect(sample).toBeCloseTo(factor, 9);
      }),
    );
  });

  it("differs from the ratio of the medians where it should", () => {
    expect(pairedRatio([1, 20, 3], [1, 10, 1])).toEqual(measured([1, 2, 3]));
  });

  it("refuses rounds that have no counterpart", () => {
    expect(() => pairedRatio([1, 2], [1])).toThrow(/2 samples with 1/);
  });
});

describe("latency", () => {
  it("takes its percentiles over all rounds and keeps every sample", () => {
    const rounds = [[3, 1], [2]];
    expect(latency(rounds)).toEqual({ p50: 2, p90: 2.8, p99: expect.closeTo(2.98, 12), samples: rounds });
  });
});

describe("poissonArrivals", () => {
  it("comes in order, as often as asked, and the same from the same seed", () => {
    const arrivals = poissonArrivals(200, 600, 7);
    expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
    expect(arrivals).toHaveLength(600);
    expect(arrivals).toEqual(poissonArrivals(200, 600, 7));
    expect(arrivals).not.toEqual(poissonArrivals(200, 600, 8));
  });

  it("has gaps of mean and standard deviation 1 / rate, as an exponential distribution has", () => {
    const arrivals = poissonArrivals(1000, 100_000, 1);
    const gaps = arrivals.map((moment, i) => moment - (arrivals[i - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean).toBeCloseTo(1, 1);
    expect(deviation).toBeCloseTo(1, 1);
  });
});
