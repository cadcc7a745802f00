import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, it, vi } from "vitest";
import {
  secondThreshold,
  type TwinOutputs,
  type TwinPromise,
  thresholdGrid,
} from "../../src/twin/calibration/index.ts";
import { type LossTest, promiseTest, sum } from "../../src/twin/calibration/promise.ts";
import { type LossTable, lossesAt, lossesOf, sampleOf } from "../../src/twin/calibration/sample.ts";
import { acceptedOf, type Start, startsOf, testGroups } from "../../src/twin/calibration/sequence.ts";
import { defaultConfidence, topClasses } from "../../src/twin/confidence/index.ts";
import { largestCount } from "../../src/twin/statistics/index.ts";
import { storedAnswers } from "./stored.ts";

/**
 * The 10,000 stored answers are the population here, so that the truth at each threshold is known; calibration sets are
 * drawn from it with replacement, as the theory wants. A promise is broken when any accepted threshold breaks it.
 */
interface Experiment {
  readonly promise: TwinPromise;
  /** Size of a calibration set. */
  readonly images: number;
  /** What calibration sees. */
  readonly table: LossTable;
  /** What is true; the same unless labels are hidden from calibration. */
  readonly truth?: LossTable;
  /** Class of each image, for a promise about the worst class. */
  readonly classOf?: Int32Array;
  /** Falling thresholds. */
  readonly grid?: readonly number[];
  /** Where testing starts. */
  readonly starts?: readonly Start[];
}

vi.setConfig({ testTimeout: 120_000 });

const draws = 1000;
const probability = 0.95;
/** Breaks that an honest test exceeds once in 10,000 runs of this file at most. */
const limit = largestCount(draws, 1 - probability, 0.9999) + 1;

const { second, ...two } = storedAnswers();
const usualGrid = thresholdGrid(sampleOf(two, defaultConfidence).confidence).filter((_, i) => i % 3 === 0);

function tableOf(outputs: TwinOutputs, kind: TwinPromise["kind"]): LossTable {
  return lossesOf(sampleOf(outputs, defaultConfidence), kind)!;
}

/** The mean loss of every group at each threshold, the largest of them. */
function worstMeans(table: LossTable, groups: readonly number[][], grid: readonly number[] = usualGrid): number[] {
  return grid.map((threshold) => {
    const losses = lossesAt(table, threshold);
    return Math.max(...groups.map((group) => group.reduce((total, i) => total + losses[i]!, 0) / group.length));
  });
}

function groupsOf(images: number, classOf?: ArrayLike<number>): number[][] {
  const groups: number[][] = Array.from({ length: classOf === undefined ? 1 : 10 }, () => []);
  for (let i = 0; i < images; i++) groups[classOf?.[i] ?? 0]!.push(i);
  return groups;
}

/** A promise that the truth breaks by a hair at the last threshold but one: there an unsound test is caught. */
function tightPromise(kind: TwinPromise["kind"], table: LossTable, classOf?: Int32Array): TwinPromise {
  const means = worstMeans(table, groupsOf(table.kept.length, classOf));
  return { kind, tolerance: means.at(-2)! - 1e-5, probability };
}

function countBroken(
  { promise, images, table, truth = table, classOf, grid = usualGrid, starts }: Experiment,
  testOf = (share: number): LossTest => promiseTest({ ...promise, probability: 1 - share * (1 - probability) }),
): number {
  const population = table.kept.length;
  const means = worstMeans(truth, groupsOf(population, classOf), grid);
  const random = xoroshiro128plus(20_211_007);
  let broken = 0;
  for (let draw = 0; draw < draws; draw++) {
    const drawn = new Uint32Array(images).map(() => uniformInt(random, 0, population - 1));
    const groups = groupsOf(images, classOf && Int32Array.from(drawn, (i) => classOf[i]!));
    const from = starts ?? startsOf(grid, promise, Math.min(...groups.map(({ length }) => length)));
    const rows = rowsOf(table, drawn);
    const accepted = acceptedOf(grid, from, (threshold, share) =>
      testGroups(testOf(share), groups).accepts(lossesAt(rows, threshold)),
    );
    if (accepted.some((index) => means[index]! > promise.tolerance)) broken++;
  }
  return broken;
}

function rowsOf({ confidence, kept, escalated }: LossTable, images: Uint32Array): LossTable {
  const take = <A extends Float64Array | Int8Array>(from: A, to: A): A => {
    for (let i = 0; i < images.length; i++) to[i] = from[images[i]!]!;
    return to;
  };
  return {
    confidence: take(confidence, new Float64Array(images.length)),
    kept: take(kept, new Int8Array(images.length)),
    escalated: take(escalated, new Int8Array(images.length)),
  };
}

/** Two thresholds that both break a promise by a hair, each by images of its own. */
function brokenTwice(): Experiment {
  const [population, lost, gained] = [10_000, 151, 100];
  const lossesFrom = (first: number): Int8Array =>
    new Int8Array(population).fill(1, first, first + lost).fill(-1, first + lost, first + lost + gained);
  const confidence = new Float64Array(population).fill(1);
  const table = { confidence, kept: lossesFrom(0), escalated: lossesFrom(lost + gained) };
  const promise: TwinPromise = { kind: "drop", tolerance: (lost - gained) / population - 1e-5, probability };
  return { promise, images: 5000, table, grid: [2, 0] };
}

describe(`over ${draws} calibration sets drawn from real answers, the promise is broken no more often than promised`, () => {
  const images = 5000;

  it("for an agreement", () => {
    const table = tableOf(two, "agreement");
    const broken = countBroken({ promise: tightPromise("agreement", table), images, table });
    expect(broken).toBeLessThanOrEqual(limit);
    expect(broken, "the exact test uses up its level: nothing is given away").toBeGreaterThan(draws * 0.02);
  });

  it("for a drop", () => {
    const table = tableOf(two, "drop");
    expect(countBroken({ promise: tightPromise("drop", table), images, table })).toBeLessThanOrEqual(limit);
  });

  it("for a drop that is broken at both thresholds where testing starts", () => {
    const experiment = brokenTwice();
    expect(startsOf(experiment.grid!, experiment.promise, images)).toHaveLength(2);
    expect(countBroken(experiment)).toBeLessThanOrEqual(limit);
  });

  it("for a drop when two labels in three are unknown", () => {
    const truth = tableOf(two, "drop");
    const table = tableOf({ ...two, labels: two.labels.map((label, i) => (i % 3 === 0 ? label : -1)) }, "drop");
    const promise = tightPromise("drop", truth);
    expect(countBroken({ promise, images, table, truth })).toBeLessThanOrEqual(limit);
    const innocent = { ...table, kept: truth.kept.map((loss, i) => (i % 3 === 0 ? loss : 0)) };
    expect(countBroken({ promise, images, table: innocent, truth }), "unknown taken for harmless").toBeGreaterThan(
      limit,
    );
  });

  it.each(["drop", "agreement"] as const)("for a %s with an int8 second stage, counted against float32", (kind) => {
    const threshold = secondThreshold({
      second: second.logits,
      original: two.original,
      confidence: defaultConfidence,
      promise: { kind: "agreement", tolerance: 0.01 },
    });
    const table = tableOf({ ...two, second: { logits: second.logits, threshold: threshold! } }, kind);
    expect(table.escalated.some((loss) => loss !== 0)).toBe(true);
    expect(countBroken({ promise: tightPromise(kind, table), images, table })).toBeLessThanOrEqual(limit);
  });

  it("for the agreement of the worst class", () => {
    const table = tableOf(two, "agreement");
    const classOf = topClasses(two.original);
    const promise = tightPromise("agreement", table, classOf);
    expect(countBroken({ promise, images, table, classOf })).toBeLessThanOrEqual(limit);
  });

  it("for the drop of the worst class", () => {
    const table = tableOf(two, "drop");
    const promise = tightPromise("drop", table, two.labels);
    expect(countBroken({ promise, images, table, classOf: two.labels })).toBeLessThanOrEqual(limit);
  });
});

function twice(losses: Int8Array): Int8Array {
  const repeated = new Int8Array(2 * losses.length);
  repeated.set(losses);
  repeated.set(losses, losses.length);
  return repeated;
}

describe("a wrong bound fails the same test", () => {
  const images = 5000;

  it.each(["drop", "agreement"] as const)("the drawn mean taken for the truth, for a %s", (kind) => {
    const table = tableOf(two, kind);
    const promise = tightPromise(kind, table);
    const plugIn: LossTest = {
      accepts: (losses) => sum(losses) / losses.length <= promise.tolerance,
      bound: (losses) => sum(losses) / losses.length,
    };
    expect(countBroken({ promise, images, table }, () => plugIn)).toBeGreaterThan(limit);
  });

  it("the whole error probability at both starts", () => {
    const starts = [0, 1].map((at) => ({ at, share: 1 }));
    expect(countBroken({ ...brokenTwice(), starts })).toBeGreaterThan(limit);
  });

  it("the exact bound with every image counted twice", () => {
    const table = tableOf(two, "agreement");
    const promise = tightPromise("agreement", table);
    const exact = promiseTest(promise);
    const wrong = { ...exact, accepts: (losses: Int8Array) => exact.accepts(twice(losses)) };
    expect(countBroken({ promise, images, table }, () => wrong)).toBeGreaterThan(limit);
  });
});
