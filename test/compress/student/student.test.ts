import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { studentNetwork, studentWidths } from "../../../src/compress/student/family.ts";
import { raceDown, scheduleWithin } from "../../../src/compress/student/schedule.ts";
import { modelCost } from "../../../src/onnx/index.ts";
import { residualNetwork } from "../../../src/train/index.ts";

describe("the student family", () => {
  test("has the multiply-adds that its widths were chosen for, on 32 x 32 pictures", () => {
    const macs = studentWidths.map((width) => {
      const { macs } = modelCost(residualNetwork(studentNetwork(width, [3, 32, 32], 10), 1));
      return Math.round(macs / 1e5) / 10;
    });
    expect(macs).toEqual([4.2, 9.5, 16.7, 37.5, 66.5]);
  });

  test("works on pictures of any size, and begins its first residual stage at 16 x 16 or less", () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 400 }), (side) => {
        const { stages } = studentNetwork(32, [3, side, side], 10);
        const first = stages.findIndex(({ blocks }) => blocks > 0);
        const halvings = stages.slice(0, first + 1).filter(({ stride }) => stride === 2).length;
        expect(Math.ceil(side / 2 ** halvings)).toBeLessThanOrEqual(16);
      }),
    );
  });
});

describe("the schedule", () => {
  const candidates = studentWidths.map((width, i) => ({ width, macs: 1, secondsPerEpoch: 2 ** i }));

  test("takes the widest student that sees every image often enough", () => {
    expect(scheduleWithin(candidates, 40)).toEqual({ width: 32, epochs: 10 });
    expect(scheduleWithin(candidates, 19)).toEqual({ width: 16, epochs: 19 });
  });

  test("falls back to the narrowest, and to one epoch", () => {
    expect(scheduleWithin(candidates, 5)).toEqual({ width: 16, epochs: 5 });
    expect(scheduleWithin(candidates, 0)).toEqual({ width: 16, epochs: 1 });
  });

  test("never plans more than the time allows, beyond one epoch", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e5, noNaN: true }), (seconds) => {
        const { width, epochs } = scheduleWithin(candidates, seconds);
        const { secondsPerEpoch } = candidates.find((candidate) => candidate.width === width)!;
        expect(epochs === 1 || epochs * secondsPerEpoch <= seconds).toBe(true);
      }),
    );
  });

  test.each([
    ["the widest wins at once", [5, 4, 3, 2, 1], 64, [64, 48]],
    ["narrower ones win until one does not", [5, 1, 2, 3, 4], 24, [64, 48, 32, 24, 16]],
    ["the narrowest wins", [1, 2, 3, 4, 5], 16, [64, 48, 32, 24, 16]],
    ["a tie goes to the wider one", [1, 1, 1, 1, 1], 64, [64, 48]],
  ])("races ever narrower students, each once: %s", async (_, costs, winner, raced) => {
    const ran: number[] = [];
    const costOf = async (width: (typeof studentWidths)[number]): Promise<number> => {
      ran.push(width);
      return costs[studentWidths.indexOf(width)]!;
    };
    expect(await raceDown(64, () => true, costOf)).toBe(winner);
    expect(ran).toEqual(raced);
  });

  test("races no student without time, or without a rival", async () => {
    const ran: number[] = [];
    const costOf = async (width: number): Promise<number> => ran.push(width);
    expect(await raceDown(64, () => false, costOf)).toBe(64);
    expect(await raceDown(16, () => true, costOf)).toBe(16);
    expect(ran).toEqual([]);
  });
});
