import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CalibrationError, UsageError } from "../../src/errors.ts";
import {
  type CalibrationRequest,
  calibrate,
  evaluateTwin,
  labelsNeeded,
  proveAt,
  secondThreshold,
  type TwinPromise,
  thresholdGrid,
} from "../../src/twin/calibration/index.ts";
import { lossesAt, sampleOf } from "../../src/twin/calibration/sample.ts";
import { confidences, defaultConfidence, topClasses } from "../../src/twin/confidence/index.ts";
import { half, pick, storedAnswers, storedLogits } from "./stored.ts";

const stored = storedAnswers();
const { second, ...two } = stored;
const images = pick(two, half(0));
const others = pick(two, half(1));
const grid = thresholdGrid(confidences(defaultConfidence, others.compressed));
const promises = {
  drop: { kind: "drop", tolerance: 0.005, probability: 0.95 },
  agreement: { kind: "agreement", tolerance: 0.02, probability: 0.95 },
} as const satisfies Record<string, TwinPromise>;

const request = (changes: Partial<CalibrationRequest> = {}): CalibrationRequest => {
  return { ...images, grid, promise: promises.drop, ...changes };
};

describe("the grid", () => {
  it("escalates 95, 90, 80, 70, 60, 59, ... 1 % of the images that place it", () => {
    const own = confidences(defaultConfidence, others.compressed);
    const rates = grid.map((threshold) => own.filter((value) => value < threshold).length / own.length);
    expect(rates.slice(0, 6)).toEqual([0.95, 0.9, 0.8, 0.7, 0.6, 0.59]);
    expect(rates.at(-1)).toBe(0.01);
    expect(rates).toHaveLength(64);
  });

  it("always falls, and splits the images that place it", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 300 }), (values) => {
        fc.pre(new Set(values).size > 1);
        const own = Float64Array.from(values);
        const thresholds = thresholdGrid(own);
        expect(thresholds.every((value, i) => i === 0 || value < thresholds[i - 1]!)).toBe(true);
        expect(thresholds[0]).toBeLessThanOrEqual(Math.max(...values));
      }),
    );
  });

  it("is refused where confidences are equal", () => {
    expect(() => thresholdGrid(new Float64Array(50).fill(3))).toThrow(
      "the confidences of 50 selection images are all 3",
    );
  });
});

describe("calibration", () => {
  it.each(["drop", "agreement"] as const)("chooses the last accepted rung for a %s, on real answers", (kind) => {
    const { ladder, chosen, refused } = calibrate(request({ promise: promises[kind] }));
    expect(chosen).toEqual(ladder.at(-1));
    expect(ladder.every(({ bound }) => bound <= promises[kind].tolerance)).toBe(true);
    expect(refused?.bound).toBeGreaterThan(promises[kind].tolerance);
    expect(ladder.map(({ threshold }) => threshold)).toEqual(grid.slice(0, ladder.length));
    expect(chosen.escalationRate).toBeGreaterThan(0.03);
    expect(chosen.escalationRate).toBeLessThan(kind === "drop" ? 0.15 : 0.35);
  });

  it("keeps the promise on the images that it has not seen", () => {
    for (const promise of Object.values(promises)) {
      const { chosen } = calibrate(request({ promise }));
      const { agreement, labelled } = evaluateTwin({ ...others, threshold: chosen.threshold });
      if (promise.kind === "drop") expect(labelled!.drop.value).toBeLessThanOrEqual(promise.tolerance);
      else expect(1 - agreement.value).toBeLessThanOrEqual(promise.tolerance);
    }
  });

  it("proves 0.3 points on 5,000 images, where Hoeffding proves nothing and empirical Bernstein little", () => {
    const promise = { kind: "drop", tolerance: 0.003, probability: 0.95 } as const;
    const losses = grid.map((threshold) => lossesAt(sampleOf(images, defaultConfidence).lost!, threshold));
    const log = Math.log(2 / 0.05);
    const moments = losses.map((all) => {
      const mean = all.reduce((a, b) => a + b, 0) / all.length;
      return { mean, variance: all.reduce((a, b) => a + (b - mean) ** 2, 0) / (all.length - 1), n: all.length };
    });
    const hoeffding = moments.map(({ mean, n }) => mean + 2 * Math.sqrt(Math.log(20) / (2 * n)));
    const bernstein = moments.map(
      ({ mean, variance, n }) => mean + Math.sqrt((2 * variance * log) / n) + (14 * log) / (3 * (n - 1)),
    );
    expect(calibrate(request({ promise })).chosen.escalationRate).toBeLessThan(0.15);
    expect(hoeffding[0]).toBeGreaterThan(0.003);
    expect(Math.min(...hoeffding)).toBeGreaterThan(0.003);
    expect(bernstein[0]).toBeGreaterThan(0.003);
  });

  it("finds fewer escalations for a looser promise", () => {
    const rates = [0.003, 0.005, 0.01].map((tolerance) => {
      return calibrate(request({ promise: { ...promises.drop, tolerance } })).chosen.escalationRate;
    });
    expect(rates).toEqual(rates.toSorted((a, b) => b - a));
    expect(new Set(rates).size).toBe(3);
  });

  it("counts an int8 second stage against float32, and sends it most escalations", () => {
    const threshold = secondThreshold({
      second: pick({ ...stored, compressed: second.logits }, half(1)).compressed,
      original: others.original,
      confidence: defaultConfidence,
      promise: { kind: "agreement", tolerance: promises.drop.tolerance },
    });
    const stage = { logits: pick({ ...stored, compressed: second.logits }, half(0)).compressed, threshold: threshold! };
    const { chosen } = calibrate(request({ second: stage }));
    expect(chosen.originalRate).toBeLessThan(0.4 * chosen.escalationRate);
    const without = calibrate(request()).ladder.find((rung) => rung.threshold === chosen.threshold)!;
    expect(chosen.agreement).toBeLessThan(without.agreement);
    expect(without.originalRate).toBe(without.escalationRate);
  });

  it("lets more int8 answers stand for a drop, where only those count that become right or wrong", () => {
    const stage = pick({ ...stored, compressed: second.logits }, half(1)).compressed;
    const { original, labels } = others;
    const { confidence, lost } = sampleOf({ ...others, compressed: stage }, defaultConfidence);
    const pairs = [0.002, 0.005, 0.01, 0.02].map((tolerance) => {
      const fixed = (kind: TwinPromise["kind"], known: Int32Array | undefined) =>
        secondThreshold({
          second: stage,
          original,
          confidence: defaultConfidence,
          promise: { kind, tolerance },
          labels: known,
        }) ?? 0;
      const [drop, agreement] = [fixed("drop", labels), fixed("agreement", labels)];
      expect(fixed("drop", undefined)).toBe(agreement);
      const changed = lost!.kept.filter((loss, i) => loss !== 0 && confidence[i]! >= drop).length;
      expect(changed).toBeLessThanOrEqual((tolerance / 4) * original.count);
      expect(drop).toBeLessThanOrEqual(agreement);
      return [drop, agreement] as const;
    });
    expect(pairs.some(([drop, agreement]) => drop < agreement)).toBe(true);
  });

  it("proves a promise from the middle of the grid where a second stage breaks it at the top", () => {
    const { second } = pick(stored, half(0));
    const promise = { ...promises.drop, tolerance: 0.004 };
    const { ladder, chosen } = calibrate(request({ promise, second: { logits: second!.logits } }));
    const [first, ...rest] = ladder.map(({ threshold }) => grid.indexOf(threshold));
    expect(first).toBe(grid.length / 2);
    expect(rest).toEqual(rest.map((_, i) => grid.length / 2 + 1 + i));
    expect(chosen.drop).toBeLessThan(0);
  });

  it("proves more where only a share of the error probability is its own", () => {
    const [whole, half] = [calibrate(request()), calibrate(request({ errorShare: 0.5 }))];
    const stricter = { ...promises.drop, probability: 0.975 };
    expect(half.ladder).toEqual(calibrate(request({ promise: stricter })).ladder);
    expect(half.chosen.escalationRate).toBeGreaterThanOrEqual(whole.chosen.escalationRate);
    expect(half.promise).toEqual(promises.drop);
  });

  it("reports every class with an interval, by label or by the original's answer", () => {
    const labelled = calibrate(request()).classes;
    expect(labelled.by).toBe("label");
    expect(labelled.results).toHaveLength(10);
    for (const { agreement, agreementInterval, drop, dropInterval } of labelled.results) {
      expect(agreementInterval.low).toBeLessThan(agreement);
      expect(agreementInterval.high).toBeGreaterThan(agreement);
      expect(dropInterval!.low).toBeLessThan(drop!);
      expect(dropInterval!.high).toBeGreaterThan(drop!);
    }
    const { labels: _, ...unlabelled } = images;
    const own = calibrate({ ...unlabelled, grid, promise: promises.agreement });
    expect(own.classes.by).toBe("original");
    expect(own.chosen.drop).toBeUndefined();
  });

  it("promises for the worst class at a higher price", () => {
    const promise = { kind: "agreement", tolerance: 0.03, probability: 0.95 } as const;
    const [all, worst] = [false, true].map((worstClass) => calibrate(request({ promise, worstClass })));
    expect(worst!.chosen.escalationRate).toBeGreaterThan(all!.chosen.escalationRate);
    expect(Math.min(...worst!.classes.results.map(({ agreement }) => agreement))).toBeGreaterThan(0.97);
  });
});

describe("labels", () => {
  const none = new Int32Array(5000).fill(-1);

  it("are needed only where kept answers differ, surest first", () => {
    const needed = labelsNeeded({ ...images, labels: none, grid, downTo: 1 });
    const own = confidences(defaultConfidence, images.compressed);
    const [a, b] = [topClasses(images.compressed), topClasses(images.original)];
    expect(needed.every((image) => own[image]! >= 1 && a[image] !== b[image])).toBe(true);
    expect(needed.map((image) => own[image]!)).toEqual(needed.map((image) => own[image]!).toSorted((x, y) => y - x));
    expect(needed.length).toBeGreaterThan(200);
    expect(needed.length).toBeLessThan(400);
    expect(labelsNeeded({ ...images, grid })).toEqual([]);
  });

  it("of the needed images alone give the same rungs as all labels", () => {
    const some = none.slice();
    for (const image of labelsNeeded({ ...images, labels: none, grid })) some[image] = images.labels![image]!;
    const { chosen, ladder } = calibrate(request({ labels: some }));
    const all = calibrate(request());
    expect(chosen).toEqual(all.chosen);
    expect(ladder).toEqual(all.ladder);
  });

  it("that are missing never lower the escalation rate", () => {
    const some = none.slice();
    for (const image of labelsNeeded({ ...images, labels: none, grid }).slice(0, 200))
      some[image] = images.labels![image]!;
    const partial = calibrate(request({ labels: some, promise: { ...promises.drop, tolerance: 0.01 } }));
    const all = calibrate(request({ promise: { ...promises.drop, tolerance: 0.01 } }));
    expect(partial.chosen.escalationRate).toBeGreaterThan(all.chosen.escalationRate);
  });
});

const refusal = (changes: Partial<CalibrationRequest>) => () => calibrate(request(changes));

describe("images that cannot decide are refused with the numbers", () => {
  it("no disagreement: the compressed network alone will do", () => {
    expect(refusal({ original: images.compressed })).toThrow(
      "the compressed network gives the original's answer on all 5000 images, so there is nothing to escalate: use it alone. With 95 % probability it differs on at most 0.0599 % of such images",
    );
  });

  it("too few images: how many are needed, and what these allow", () => {
    const few = pick(two, half(0).subarray(0, 250));
    expect(refusal({ ...few, promise: { kind: "agreement", tolerance: 0.005, probability: 0.95 } })).toThrow(
      "an agreement of at least 99.5 % with 95 % probability needs at least 598 images beside those that place the thresholds, received 250; these allow at best an agreement of at least 98.809 % with 95 % probability, or an agreement of at least 99.5 % with 71.4 % probability",
    );
  });

  it("too few images for the share of the error probability that a calibration has", () => {
    const promise = { kind: "agreement", tolerance: 0.01, probability: 0.95 } as const;
    const few = pick(two, half(0).subarray(0, 300));
    expect(refusal({ ...few, promise })).not.toThrow(/needs at least/);
    expect(refusal({ ...few, promise, errorShare: 0.9 })).toThrow(/needs at least 309 images/);
  });

  it("a class with too few images, for a promise about the worst class", () => {
    expect(refusal({ worstClass: true })).toThrow(/needs at least 600 images of class 0, received 500/);
    const names = ["cat", "dog"];
    expect(refusal({ worstClass: true, names })).toThrow(/needs at least 600 images of class cat, received 500/);
  });

  it("equal confidences", () => {
    const { count, classes } = images.compressed;
    const data = new Float32Array(count * classes).map((_, i) => Number((i * 7) % 9 === 0));
    const flat = {
      data: data.map((_, i) => (i % classes === Math.floor(i / classes) % classes ? 2 : 0)),
      count,
      classes,
    };
    expect(refusal({ compressed: flat })).toThrow("all 5000 images have the confidence 2");
  });

  it("one class", () => {
    const { count, classes } = images.original;
    const data = new Float32Array(count * classes).map((_, i) => (i % classes === 3 ? 1 : 0));
    expect(refusal({ original: { data, count, classes } })).toThrow("the original gives all 5000 images class 3");
  });

  it("no threshold that keeps the promise", () => {
    const wrong = { ...images.compressed, data: images.compressed.data.map((_, i, all) => all[(i + 1) % all.length]!) };
    expect(refusal({ compressed: wrong, promise: promises.agreement })).toThrow(
      /no threshold keeps an agreement of at least 98 % .* on these 5000 images: at an escalation rate of 9\d\.?\d* % they prove no more than/,
    );
  });

  it("a drop without labels", () => {
    const { labels: _, ...unlabelled } = images;
    expect(() => calibrate({ ...unlabelled, grid, promise: promises.drop })).toThrow(
      /needs labels.*calibrate --to-label \(labelsNeeded in the library\)/,
    );
  });

  it("outputs, labels or a grid that do not fit together", () => {
    const { compressed } = images;
    expect(refusal({ compressed: { ...compressed, count: 4999 } })).toThrow("answered 4999 images");
    expect(refusal({ compressed: { ...compressed, classes: 5 } })).toThrow(
      "the compressed network has 5 classes, the original 10",
    );
    expect(refusal({ compressed: { ...compressed, data: compressed.data.with(47, Number.NaN) } })).toThrow(
      "the compressed network put out NaN for class 7 of image 4",
    );
    expect(refusal({ labels: new Int32Array(3) })).toThrow("5000 images but 3 labels");
    expect(refusal({ labels: images.labels!.with(8, 10) })).toThrow("image 8 has label 10");
    expect(refusal({ grid: [3, 2, 2] })).toThrow("threshold 2 of the grid is 2");
    expect(refusal({ grid: [] })).toThrow(CalibrationError);
  });

  it("a promise that makes no sense", () => {
    expect(refusal({ promise: { ...promises.drop, tolerance: 0.5 / 0 } })).toThrow(UsageError);
    expect(refusal({ promise: { ...promises.drop, probability: 95 } })).toThrow("received 95");
  });
});

describe("one threshold that was fixed before", () => {
  const { chosen } = calibrate(request());
  const few = pick(
    images,
    Uint32Array.from({ length: 200 }, (_, i) => 23 * i),
  );

  it("is proven where calibration proved it, with the same bound", () => {
    expect(proveAt(chosen.threshold, request())).toEqual({ proven: true, rung: chosen });
  });

  it("is not proven by few images, which say what they prove", () => {
    const { proven, rung } = proveAt(chosen.threshold, request(few));
    expect(proven).toBe(false);
    expect(rung.bound).toBeGreaterThan(promises.drop.tolerance);
    const looser = { ...promises.drop, tolerance: rung.bound + 1e-4 };
    expect(proveAt(chosen.threshold, request({ ...few, promise: looser })).proven).toBe(true);
  });

  it("is proven by images on which the networks never differ, if they are enough", () => {
    const same = { ...images, compressed: images.original };
    expect(proveAt(chosen.threshold, request(same)).proven).toBe(true);
  });
});

describe("images of one class", () => {
  const one = { labels: new Int32Array(images.original.count).fill(3) };

  it.each(["drop", "agreement"] as const)("are refused for a %s where every image is labelled so", (kind) => {
    const asked = request({ ...one, promise: promises[kind] });
    expect(() => calibrate(asked)).toThrow(CalibrationError);
    expect(() => calibrate(asked)).toThrow(/all 5000 images are labelled as one class \(3\)/);
    expect(() => proveAt(1, asked)).toThrow(/one class/);
  });

  it("are no such images where a label is missing, or a second class is among them", () => {
    const promise = promises.agreement;
    for (const label of [-1, 4]) {
      expect(calibrate(request({ labels: one.labels.with(0, label), promise })).images).toBe(5000);
    }
  });
});

describe("evaluation", () => {
  const threshold = 1;
  const own = confidences(defaultConfidence, images.compressed);
  const [compressed, original, labels] = [topClasses(images.compressed), topClasses(images.original), images.labels!];
  const twin = compressed.map((answer, i) => (own[i]! >= threshold ? answer : original[i]!));
  const shareOf = (holds: (image: number) => boolean) => [...own.keys()].filter(holds).length / own.length;
  const result = evaluateTwin({ ...images, threshold, costs: { compressed: 0.34 } });

  it("counts what can be counted by hand", () => {
    const accuracy = (answers: Int32Array) => shareOf((image) => answers[image] === labels[image]);
    const labelled = result.labelled!;
    expect(labelled.accuracy.twin.value).toBe(accuracy(twin));
    expect(labelled.drop.value).toBeCloseTo(accuracy(original) - accuracy(twin), 12);
    expect(labelled.recovery).toBeCloseTo(
      (accuracy(twin) - accuracy(compressed)) / (accuracy(original) - accuracy(compressed)),
      12,
    );
    expect(labelled.oracleZeroDropRate).toBeCloseTo(accuracy(original) - accuracy(compressed), 12);
    expect(result.agreement.value).toBe(shareOf((image) => twin[image] === original[image]));
    expect(result.escalationRate.value).toBe(shareOf((image) => own[image]! < threshold));
    expect(result.oracleAgreementRate).toBe(shareOf((image) => compressed[image] !== original[image]));
    expect(result.answeredBy.compressed + result.answeredBy.original).toBe(5000);
  });

  it("draws the curve from the compressed network alone to the original alone", () => {
    const [first, last] = [result.curve[0]!, result.curve.at(-1)!];
    expect(first).toMatchObject({ escalationRate: 0, accuracy: result.labelled!.accuracy.compressed.value });
    expect(last).toMatchObject({ escalationRate: 1, agreement: 1, accuracy: result.labelled!.accuracy.original.value });
    expect(last.speedUp).toBeCloseTo(1 / 1.35, 12);
    expect(result.curve.length).toBe(101);
  });

  it("finds the zero-drop escalation rate on the curve", () => {
    const rate = result.labelled!.zeroDropRate!;
    const at = own.toSorted()[Math.round(rate * own.length)]!;
    expect(evaluateTwin({ ...images, threshold: at }).labelled!.drop.value).toBeLessThanOrEqual(0);
    expect(evaluateTwin({ ...images, threshold: at - 0.05 }).labelled!.drop.value).toBeGreaterThan(0);
  });

  it("measures reliability on real logits: bins hold all images, a perfect network has no error", () => {
    const real = storedLogits();
    const { reliability } = evaluateTwin({ ...real, threshold: 2 });
    expect(reliability.compressed.bins.reduce((sum, bin) => sum + bin.images, 0)).toBe(2000);
    for (const { low, high, probability } of reliability.compressed.bins) {
      expect(probability).toBeGreaterThanOrEqual(low);
      expect(probability).toBeLessThanOrEqual(high);
    }
    expect(reliability.compressed.calibrationError).toBeGreaterThan(0.01);
    const sure = { ...real.compressed, data: real.compressed.data.map((value) => value * 1000) };
    const own = evaluateTwin({ compressed: sure, original: sure, threshold: 2 });
    expect(own.reliability.against).toBe("original");
    expect(own.reliability.compressed.calibrationError).toBeCloseTo(0, 4);
  });

  it("says nothing of accuracy unless every image has a label", () => {
    expect(evaluateTwin({ ...images, labels: labels.with(0, -1), threshold }).labelled).toBeUndefined();
  });
});
