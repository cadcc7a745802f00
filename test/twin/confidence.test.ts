import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CalibrationError, ModelError, UsageError } from "../../src/errors.ts";
import {
  confidences,
  createConfidence,
  fitTemperature,
  logitsOfProbabilities,
  logSumExp,
  topClass,
  topClasses,
} from "../../src/twin/confidence/index.ts";
import { type ConfidenceMeasure, confidenceMeasures, type Logits } from "../../src/twin/types.ts";
import { storedLogits } from "./stored.ts";

const logit = fc.float({ min: -30, max: 30, noNaN: true });
const row = fc.array(logit, { minLength: 2, maxLength: 20 }).map((values) => Float32Array.from(values));
const temperature = fc.double({ min: 0.2, max: 5, noNaN: true });

function of(measure: ConfidenceMeasure, logits: Float32Array, at = 1): number {
  return createConfidence({ measure, temperature: at })(logits);
}

/** Softmax by its definition, in double precision. */
function softmax(logits: Float32Array, at = 1): number[] {
  const powers = [...logits].map((value) => Math.exp(value / at));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

describe("confidence", () => {
  it("follows the definition of each measure", () => {
    fc.assert(
      fc.property(row, temperature, (logits, at) => {
        const sorted = [...logits].sort((a, b) => b - a);
        const p = softmax(logits);
        const entropy = -p.reduce((sum, value) => sum + (value > 0 ? value * Math.log(value) : 0), 0);
        const sum = [...logits].reduce((total, value) => total + Math.exp(value / at), 0);
        expect(of("margin", logits)).toBe(sorted[0]! - sorted[1]!);
        expect(of("max-probability", logits)).toBeCloseTo(Math.max(...p), 10);
        expect(of("entropy", logits)).toBeCloseTo(1 - entropy / Math.log(logits.length), 10);
        expect(of("energy", logits, at)).toBeCloseTo(at * Math.log(sum), 8);
        expect(of("tempered", logits, at)).toBeCloseTo(Math.max(...softmax(logits, at)), 10);
      }),
    );
  });

  it.each(confidenceMeasures)("%s does not change when classes change places", (measure) => {
    fc.assert(
      fc.property(row, temperature, (logits, at) => {
        expect(of(measure, logits.toReversed(), at)).toBeCloseTo(of(measure, logits, at), 9);
      }),
    );
  });

  it.each(confidenceMeasures)("%s sees a shift of all logits only if it is energy, which moves by it", (measure) => {
    const whole = fc.array(fc.integer({ min: -30, max: 30 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(whole, fc.integer({ min: -50, max: 50 }), temperature, (values, shift, at) => {
        const before = of(measure, Float32Array.from(values), at);
        const after = of(
          measure,
          Float32Array.from(values, (value) => value + shift),
          at,
        );
        expect(after - before).toBeCloseTo(measure === "energy" ? shift : 0, 8);
      }),
    );
  });

  it("stays in its range: margin from 0, probabilities from 1 / classes to 1, entropy from 0 to 1", () => {
    fc.assert(
      fc.property(row, temperature, (logits, at) => {
        expect(of("margin", logits)).toBeGreaterThanOrEqual(0);
        for (const measure of ["max-probability", "tempered"] as const) {
          expect(of(measure, logits, at)).toBeGreaterThanOrEqual(1 / logits.length - 1e-12);
          expect(of(measure, logits, at)).toBeLessThanOrEqual(1 + 1e-12);
        }
        expect(of("entropy", logits)).toBeGreaterThanOrEqual(0);
        expect(of("entropy", logits)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("does not overflow on logits of any size", () => {
    const huge = Float32Array.of(3e38, -3e38, 0);
    expect(of("max-probability", huge)).toBe(1);
    expect(of("entropy", huge)).toBe(1);
    expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.log(2), 9);
  });

  it.each(confidenceMeasures)("%s refuses NaN and infinite logits, naming the class", (measure) => {
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const confidence = createConfidence({ measure, temperature: 1 });
      expect(() => confidence(Float32Array.of(1, 2, wrong, 0))).toThrow(ModelError);
      expect(() => confidence(Float32Array.of(1, 2, wrong, 0))).toThrow(`${wrong} for class 2`);
    }
  });

  it("refuses an unknown measure with the list, and a temperature that is none", () => {
    const spec = { measure: "margn" as ConfidenceMeasure, temperature: 1 };
    expect(() => createConfidence(spec)).toThrow(
      /unknown confidence measure "margn"; known: margin, .* Did you mean "margin"/,
    );
    for (const wrong of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => createConfidence({ measure: "tempered", temperature: wrong })).toThrow(UsageError);
    }
  });

  it("reads rows in place as it reads them alone, and takes the first of equal classes", () => {
    const logits: Logits = { data: Float32Array.of(1, 3, 3, 9, 2, 5), count: 2, classes: 3 };
    expect([...topClasses(logits)]).toEqual([1, 0]);
    expect([...confidences({ measure: "margin", temperature: 1 }, logits)]).toEqual([0, 4]);
    expect(topClass(logits.data, 3, 3)).toBe(0);
  });
});

function oneRow(...values: number[]): Logits {
  return { data: Float32Array.from(values), count: 1, classes: values.length };
}

describe("networks that put out probabilities", () => {
  it("give the same confidences as their logits, but for energy", () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 2, maxLength: 10 }), (values) => {
        const logits = Float32Array.from(values);
        const probabilities = { data: Float32Array.from(softmax(logits)), count: 1, classes: logits.length };
        const back = logitsOfProbabilities(probabilities).data;
        for (const measure of ["margin", "max-probability", "entropy", "tempered"] as const) {
          expect(of(measure, back, 2)).toBeCloseTo(of(measure, logits, 2), 4);
        }
        expect(of("energy", back)).toBeCloseTo(0, 4);
      }),
    );
  });

  it("may round to zero", () => {
    const { data } = logitsOfProbabilities({ data: Float32Array.of(1, 0), count: 1, classes: 2 });
    expect(data[1]).toBeCloseTo(-87.3, 1);
  });

  it("are refused when a row is no distribution", () => {
    expect(() => logitsOfProbabilities(oneRow(0.5, 0.7))).toThrow("sums to 1.2: declare the output as logits");
    expect(() => logitsOfProbabilities(oneRow(1.5, -0.5))).toThrow("has 1.5 for class 0");
    expect(() => logitsOfProbabilities(oneRow(Number.NaN, 1))).toThrow("has NaN for class 0");
  });
});

describe("temperature", () => {
  const { compressed, original, labels } = storedLogits();

  function likelihood(targets: Int32Array, at: number): number {
    const { data, count, classes } = compressed;
    let sum = 0;
    for (let i = 0; i < count; i++)
      sum += logSumExp(data, i * classes, classes, at) - data[i * classes + targets[i]!]! / at;
    return sum / count;
  }

  it.each([
    ["labels", labels],
    ["the original's answers", topClasses(original)],
  ])("minimises the negative log likelihood of %s on real logits", (_, targets) => {
    const fitted = fitTemperature(compressed, targets);
    expect(fitted).toBeGreaterThan(1);
    for (const other of [0.98, 1.02, 1 / fitted]) {
      expect(likelihood(targets, fitted)).toBeLessThan(likelihood(targets, fitted * other));
    }
  });

  it("finds the temperature that the answers were drawn with", () => {
    const scaled = { ...compressed, data: compressed.data.map((value) => value * 3) };
    expect(fitTemperature(scaled, labels)).toBeCloseTo(3 * fitTemperature(compressed, labels), 4);
  });

  it("leaves unknown targets out, and refuses what has no answer", () => {
    const some = labels.map((label, i) => (i < 1000 ? label : -1));
    const first = { data: compressed.data.subarray(0, 10_000), count: 1000, classes: 10 };
    expect(fitTemperature(compressed, some)).toBeCloseTo(fitTemperature(first, labels.subarray(0, 1000)), 6);
    expect(() =>
      fitTemperature(
        compressed,
        labels.map(() => -1),
      ),
    ).toThrow("none is known");
    expect(() => fitTemperature(compressed, topClasses(compressed))).toThrow("every answer is right");
    expect(() => fitTemperature(compressed, labels.subarray(1))).toThrow(CalibrationError);
  });
});
