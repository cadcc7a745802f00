import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type CostedOption, chooseOptions } from "../../../src/compress/slim/choose.ts";

const option = fc.record({ cost: fc.integer({ min: 0, max: 8 }), error: fc.double({ min: 0, max: 1, noNaN: true }) });
const sites = fc.array(fc.array(option, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });

const sums = (options: readonly CostedOption[]): CostedOption => ({
  cost: options.reduce((sum, { cost }) => sum + cost, 0),
  error: options.reduce((sum, { error }) => sum + error, 0),
});

/** Every choice there is. */
const choices = (rest: readonly (readonly CostedOption[])[]): CostedOption[][] =>
  rest.reduce<CostedOption[][]>(
    (all, options) => all.flatMap((chosen) => options.map((each) => [...chosen, each])),
    [[]],
  );

test("the choice has the least error of all that keep to the budget", () => {
  // A power of two, so that whole costs are whole steps of it.
  fc.assert(
    fc.property(sites, fc.constantFrom(0, 1, 2, 4, 8, 16, 32), (given, budget) => {
      const allowed = choices(given)
        .map(sums)
        .filter(({ cost }) => cost <= budget);
      const chosen = chooseOptions(given, budget);
      if (allowed.length === 0) {
        expect(chosen).toBeUndefined();
        return;
      }
      const { cost, error } = sums(given.map((options, at) => options[chosen![at]!]!));
      expect(cost).toBeLessThanOrEqual(budget);
      expect(error).toBeCloseTo(Math.min(...allowed.map((each) => each.error)), 9);
    }),
  );
});

test("a budget below zero allows nothing", () => {
  expect(chooseOptions([[{ cost: 0, error: 0 }]], -1)).toBeUndefined();
});
