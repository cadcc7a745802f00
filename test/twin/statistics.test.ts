import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, it } from "vitest";
import { shuffledIndices } from "../../src/shuffle.ts";
import {
  disagreementsAllowed,
  imagesNeeded,
  probabilityAllowed,
  toleranceAllowed,
} from "../../src/twin/calibration/index.ts";
import {
  auditDelay,
  binomialLowerBound,
  binomialTail,
  binomialUpperBound,
  incompleteBeta,
  largestCount,
  logGamma,
  normalQuantile,
  pairedInterval,
  recordAudit,
  startAudit,
  wilsonInterval,
} from "../../src/twin/statistics/index.ts";

interface Reference {
  upperBounds: { rows: [k: number, n: number, delta: number, bound: number][] };
  tails: { rows: [k: number, n: number, p: number, tail: number][] };
  logGamma: [x: number, value: number][];
  normalQuantiles: [level: number, z: number][];
}
const scipy: Reference = JSON.parse(readFileSync(new URL("fixtures/scipy.json", import.meta.url), "utf8"));

/** Distance relative to the reference. */
function error(value: number, reference: number): number {
  return Math.abs(value - reference) / Math.max(Math.abs(reference), 1e-300);
}

const uniform = (seed: number) => {
  const random = xoroshiro128plus(seed);
  return () => uniformFloat64(random);
};

describe("binomial", () => {
  it("agrees with SciPy's log-gamma to 1e-13", () => {
    for (const [x, value] of scipy.logGamma)
      expect(Math.abs(logGamma(x) - value)).toBeLessThan(1e-13 * Math.max(1, Math.abs(value)));
  });

  it("agrees with SciPy's tails to 1e-8, six standard deviations out and to n = 1,000,000", () => {
    for (const [k, n, p, tail] of scipy.tails.rows)
      expect(error(binomialTail(k, n, p), tail), `${k} ${n} ${p}`).toBeLessThan(1e-8);
  });

  it("agrees with SciPy's upper bounds to 1e-9, at levels down to 1e-9 and to n = 1,000,000", () => {
    for (const [k, n, delta, bound] of scipy.upperBounds.rows) {
      expect(error(binomialUpperBound(k, n, delta), bound), `${k} ${n} ${delta}`).toBeLessThan(1e-9);
    }
  });

  const count = fc
    .integer({ min: 1, max: 200 })
    .chain((n) => fc.record({ n: fc.constant(n), k: fc.integer({ min: 0, max: n }) }));
  const probability = fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true });

  it("sums the binomial probabilities", () => {
    fc.assert(
      fc.property(count, probability, ({ n, k }, p) => {
        let sum = 0;
        for (let i = 0; i <= k; i++) {
          const choose = logGamma(n + 1) - logGamma(i + 1) - logGamma(n - i + 1);
          sum += Math.exp(choose + i * Math.log(p) + (n - i) * Math.log1p(-p));
        }
        expect(Math.abs(binomialTail(k, n, p) - sum)).toBeLessThan(1e-11);
      }),
    );
  });

  it("keeps the reflection I_x(a, b) = 1 - I_(1-x)(b, a)", () => {
    const shape = fc.double({ min: 0.1, max: 500, noNaN: true });
    fc.assert(
      fc.property(shape, shape, probability, (a, b, x) => {
        expect(Math.abs(incompleteBeta(a, b, x) + incompleteBeta(b, a, 1 - x) - 1)).toBeLessThan(1e-11);
      }),
    );
  });

  it("bounds from both sides what its tail allows", () => {
    const level = fc.double({ min: 1e-6, max: 0.4, noNaN: true });
    fc.assert(
      fc.property(count, level, ({ n, k }, delta) => {
        const [low, high] = [binomialLowerBound(k, n, delta), binomialUpperBound(k, n, delta)];
        expect(low).toBeLessThanOrEqual(k / n);
        expect(high).toBeGreaterThanOrEqual(k / n);
        if (k < n) expect(error(binomialTail(k, n, high), delta)).toBeLessThan(1e-6);
        expect(low).toBeCloseTo(1 - binomialUpperBound(n - k, n, delta), 12);
      }),
    );
  });

  it("finds the largest count whose tail stays within the level", () => {
    fc.assert(
      fc.property(count, probability, ({ n }, p) => {
        const k = largestCount(n, p, 0.05);
        expect(binomialTail(k, n, p)).toBeLessThanOrEqual(0.05);
        expect(binomialTail(k + 1, n, p)).toBeGreaterThan(0.05);
      }),
    );
  });
});

/** A loss: 1 with probability `worse`, -1 with probability `better`, else 0. */
function draw(u: number, worse: number, better: number): number {
  if (u < worse) return 1;
  return u < worse + better ? -1 : 0;
}

describe("intervals", () => {
  it("agree with SciPy's normal quantiles to 1e-10", () => {
    for (const [level, z] of scipy.normalQuantiles)
      expect(Math.abs(normalQuantile(level) - z), `${level}`).toBeLessThan(1e-10);
  });

  it("of Wilson are the two roots of the score equation", () => {
    const z = normalQuantile(0.95);
    const { low, high } = wilsonInterval(7, 50, 0.95);
    for (const p of [low, high]) expect(Math.abs(7 / 50 - p)).toBeCloseTo(z * Math.sqrt((p * (1 - p)) / 50), 12);
    expect(wilsonInterval(0, 50, 0.95).low).toBe(0);
    expect(wilsonInterval(50, 50, 0.95).high).toBe(1);
  });

  it("of a paired difference turn round with their sides, and cover the truth about as often as they say", () => {
    const [a, b] = [pairedInterval(30, 12, 500, 0.95), pairedInterval(12, 30, 500, 0.95)];
    expect(a.low).toBeCloseTo(-b.high, 12);
    const next = uniform(11);
    let covered = 0;
    for (let trial = 0; trial < 2000; trial++) {
      const sample = Array.from({ length: 500 }, () => draw(next(), 0.05, 0.03));
      const count = (loss: number) => sample.filter((value) => value === loss).length;
      const { low, high } = pairedInterval(count(1), count(-1), 500, 0.95);
      if (low <= 0.02 && 0.02 <= high) covered++;
    }
    expect(covered / 2000).toBeGreaterThan(0.935);
    expect(covered / 2000).toBeLessThan(0.975);
  });
});

function auditsUntilAlarm(p: number, audits: number, next: () => number, goodBefore = 0): number {
  let audit = startAudit(0.01, 0.05);
  for (let i = 0; i < goodBefore + audits; i++) {
    audit = recordAudit(audit, next() < (i < goodBefore ? 0.005 : p));
    if (audit.alarm) return i + 1 - goodBefore;
  }
  return Number.POSITIVE_INFINITY;
}

describe("audit", () => {
  it("raises a false alarm no more often than promised, however long it watches", () => {
    const next = uniform(13);
    const alarms = Array.from({ length: 500 }, () => auditsUntilAlarm(0.01, 5000, next)).filter(Number.isFinite).length;
    expect(alarms).toBeLessThanOrEqual(largestCount(500, 0.05, 0.9999) + 1);
  });

  it.each([0, 5000])("notices three times the allowed share soon, after %i good audits too", (goodBefore) => {
    const next = uniform(17);
    const delays = Array.from({ length: 200 }, () => auditsUntilAlarm(0.03, 5000, next, goodBefore)).sort(
      (a, b) => a - b,
    );
    expect(delays[100]).toBeGreaterThan(0.5 * auditDelay(0.03, 0.01, 0.05));
    expect(delays[100]).toBeLessThan(3 * auditDelay(0.03, 0.01, 0.05));
  });

  it("needs about 230 audits for 1 % that became 3 %, 770 for 2 %", () => {
    expect(auditDelay(0.03, 0.01, 0.05)).toBeCloseTo(230, -1);
    expect(auditDelay(0.02, 0.01, 0.05)).toBeCloseTo(770, -1.5);
  });

  it("goes on from stored state as if it had not stopped, and stays alarmed", () => {
    let [kept, stored] = [startAudit(0.01, 0.05), startAudit(0.01, 0.05)];
    for (let i = 0; i < 300; i++) {
      kept = recordAudit(kept, i < 20);
      stored = recordAudit(JSON.parse(JSON.stringify(stored)), i < 20);
    }
    expect(stored).toEqual(kept);
    expect(kept).toMatchObject({ alarm: true, audited: 300, differing: 20 });
  });
});

const allowed = (images: number) =>
  [0.001, 0.003, 0.005, 0.01].map((alpha) => disagreementsAllowed(images, alpha, 0.95));

describe("how many images a promise needs", () => {
  it("is ln(1/delta) / alpha for an agreement", () => {
    const needed = [0.001, 0.003, 0.005, 0.01].map((tolerance) =>
      imagesNeeded({ kind: "agreement", tolerance, probability: 0.95 }),
    );
    expect(needed).toEqual([2995, 998, 598, 299]);
  });

  it.each(["drop", "agreement"] as const)("is just enough for a %s: one image fewer proves less", (kind) => {
    for (const tolerance of [0.003, 0.01, 0.05]) {
      const needed = imagesNeeded({ kind, tolerance, probability: 0.95 });
      expect(toleranceAllowed(kind, needed, 0.95)).toBeLessThanOrEqual(tolerance + 1e-6);
      expect(toleranceAllowed(kind, needed - 1, 0.95)).toBeGreaterThan(tolerance);
      expect(probabilityAllowed(kind, needed, tolerance)).toBeGreaterThanOrEqual(0.95);
      expect(probabilityAllowed(kind, needed - 1, tolerance)).toBeLessThan(0.95);
    }
  });

  it("allows few answers that differ", () => {
    expect(allowed(5000)).toEqual([1, 8, 16, 38]);
    expect(allowed(1000)).toEqual([-1, 0, 1, 4]);
  });
});

describe("shuffling", () => {
  it("gives every index once, and the same order for the same seed", () => {
    const order = shuffledIndices(1000, 42);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(1000).keys()]);
    expect(shuffledIndices(1000, 42)).toEqual(order);
    expect(shuffledIndices(1000, 43)).not.toEqual(order);
  });
});
