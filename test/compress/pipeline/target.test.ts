import { describe, expect, test } from "vitest";
import { targetsFor } from "../../../src/compress/pipeline/slim.ts";
import { bestOf, missedTarget } from "../../../src/compress/pipeline/target.ts";
import { UsageError } from "../../../src/errors.ts";

const scored = (name: string, { macs = 50, parameters = 1000, time = 0.5, cost = 1 }) => ({
  candidate: { name, network: { macs, parameters } },
  score: { time, cost },
});
const within = (target: { speedUp?: number; macs?: number; size?: number }) => ({
  target,
  original: { entry: { macs: 100 } },
});

test("a target is missed by the time measured, by multiply-adds or by weights, and the message says by how much", () => {
  const network = scored("net", {});
  expect(missedTarget(network, within({}))).toBeUndefined();
  expect(missedTarget(network, within({ speedUp: 2, macs: 0.5, size: 1000 }))).toBeUndefined();
  expect(missedTarget(network, within({ speedUp: 2.5 }))).toBe("net is 2.00 times as fast as the original, not 2.5");
  expect(missedTarget(network, within({ macs: 0.4, size: 999 }))).toBe(
    "net has 50.0 % of the multiply-adds, not 40.0 % and has 1000 bytes of weights in int8, not 999",
  );
});

test("the cheapest twin of those that meet the target is taken, or of all where none does", () => {
  const dear = scored("dear", { time: 0.2, cost: 0.9 });
  const cheap = scored("cheap", { time: 0.5, cost: 0.4 });
  expect(bestOf([dear, cheap], within({ speedUp: 4 })).candidate.name).toBe("dear");
  expect(bestOf([dear, cheap], within({})).candidate.name).toBe("cheap");
  expect(bestOf([dear, cheap], within({ speedUp: 9 })).candidate.name).toBe("cheap");
});

describe("what slim aims at", () => {
  test("is what thinning adds to int8, and the whole by thinning alone", () => {
    expect(targetsFor({ speedUp: 4 }, 1.9)).toEqual([
      ["slim-2.11x", { speedUp: 2.11 }],
      ["slim-4x", { speedUp: 4 }],
    ]);
  });

  test.each([
    ["int8 gains nothing", 4, 0.9],
    ["int8 does it nearly alone", 2, 1.95],
  ])("is thinning alone where %s", (_, speedUp, gain) => {
    expect(targetsFor({ speedUp }, gain)).toEqual([[`slim-${speedUp}x`, { speedUp }]]);
  });

  test("is one target at a time", () => {
    expect(() => targetsFor({ speedUp: 2, macs: 0.5 }, 1)).toThrow(UsageError);
    expect(targetsFor({ macs: 0.3 }, 2)).toEqual([["slim-30", { macs: 0.3 }]]);
  });
});
