import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alternate } from "../../src/bench/rounds.ts";

const names = ["a", "b", "c", "d"] as const;

describe("alternate", () => {
  it("measures every contestant once a round, each first in its turn", async () => {
    const { order } = await alternate(names, async () => 1, { rounds: 5 });
    expect(order.map((round) => round.join(""))).toEqual(["abcd", "bcda", "cdab", "dabc", "abcd"]);
  });

  it("keeps every sample under its contestant and round", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (list, rounds) => {
          const { samples, order } = await alternate(list, async (name, round) => `${name}/${round}`, { rounds });
          for (const name of list) {
            expect(samples.get(name)).toEqual(Array.from({ length: rounds }, (_, round) => `${name}/${round}`));
          }
          for (const round of order) expect(round.toSorted()).toEqual(list.toSorted());
        },
      ),
    );
  });

  it("never measures two at once", async () => {
    let running = 0;
    const measure = async (): Promise<void> => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    await alternate(names, measure, { rounds: 2 });
  });

  it("reports after each round all there is so far, and waits", async () => {
    const log: string[] = [];
    await alternate(names, async (name, round) => log.push(`${name}${round}`), {
      rounds: 2,
      onRound: async ({ order, samples }) => {
        await new Promise((resolve) => setImmediate(resolve));
        log.push(`saved ${order.length}, ${samples.get("a")!.length}`);
      },
    });
    expect(log).toEqual(["a0", "b0", "c0", "d0", "saved 1, 1", "b1", "c1", "d1", "a1", "saved 2, 2"]);
  });

  it("stops between two measurements when aborted", async () => {
    const controller = new AbortController();
    const log: string[] = [];
    const run = alternate(
      names,
      async (name) => {
        log.push(name);
        if (name === "b") controller.abort();
      },
      { rounds: 3, signal: controller.signal },
    );
    await expect(run).rejects.toThrow(/aborted/);
    expect(log).toEqual(["a", "b"]);
  });
});
