import { describe, expect, test } from "vitest";
import { settle } from "../../../src/compress/slim/settle.ts";
import { findSites } from "../../../src/compress/slim/sites.ts";
import { simplify } from "../../../src/compress/surgery/index.ts";
import { type Model, modelCost } from "../../../src/onnx/index.ts";
import { architectures } from "../../support/architectures/index.ts";

const original = await simplify(architectures["resnet-basic"]!(1));
const { sites } = findSites(original);
const { macs } = modelCost(original);
const never = Number.POSITIVE_INFINITY;
const reach = { full: 1, least: 0.05, limit: 0.5 };

/** Searches as the dynamic programme does: the network of the widths costs what it may. */
function searching() {
  const limits: number[] = [];
  const search = async (limit: number) => {
    limits.push(limit);
    return { choices: sites.map((site) => ({ site, width: site.group.size })), cost: limit };
  };
  return { limits, search };
}

/** A network whose time is so much besides its layers. */
const withRest = (rest: number, limits: readonly number[]) => async () => (1 + rest) / (limits.at(-1)! + rest);

describe("settling widths", () => {
  test("believes the layers' times where nothing is measured", async () => {
    const { limits, search } = searching();
    await settle(original, { speedUp: 2 }, reach, never, search);
    await settle(original, { macs: 0.5 }, reach, never, search);
    expect(limits).toEqual([0.5, 0.5]);
  });

  test("is done with a network that is as fast as asked for", async () => {
    const { limits, search } = searching();
    await settle(original, { speedUp: 2, measured: async () => 2.1 }, reach, never, search);
    expect(limits).toEqual([0.5]);
  });

  test("searches again with room for what takes the same time however thin the layers are", async () => {
    const { limits, search } = searching();
    const measured = withRest(0.1, limits);
    const found = await settle(original, { speedUp: 2, measured }, reach, never, search);
    expect(limits).toHaveLength(2);
    expect(await measured()).toBeGreaterThanOrEqual(2);
    expect(found.cost).toBeGreaterThan(0.4);
  });

  test.each([
    ["a speed-up that no widths have", async () => 1.1, [0.5, 0.25, 0.125, 0.0625]],
    ["a network that is no faster", async () => 0.9, [0.5, 0.25, 0.125, 0.0625]],
  ])("goes down by halves at the most for %s, and ends", async (_, measured, expected) => {
    const { limits, search } = searching();
    expect((await settle(original, { speedUp: 2, measured }, reach, never, search)).cost).toBe(0.0625);
    expect(limits).toEqual(expected);
  });

  test("makes a network wider again that came out far faster than asked for, and returns the widest that is fast enough", async () => {
    const { limits, search } = searching();
    const measured = async () => 1 / (limits.at(-1)! > 0.35 ? 0.7 : limits.at(-1)! > 0.3 ? 0.45 : 0.2);
    const found = await settle(original, { speedUp: 2, measured }, reach, never, search);
    expect(limits.slice(0, 2)).toEqual([0.5, 0.25]);
    expect(limits).toHaveLength(4);
    expect(found.cost).toBe(limits[3]);
    expect(found.cost).toBeGreaterThan(0.3);
  });

  test("takes what there is when the time is up", async () => {
    const { limits, search } = searching();
    await settle(original, { speedUp: 2, measured: async () => 1.1 }, reach, performance.now(), search);
    expect(limits).toEqual([0.5]);
  });

  test("ends where layers cannot be thinner", async () => {
    const { limits, search } = searching();
    await settle(original, { speedUp: 2, measured: async () => 1.1 }, { ...reach, least: 0.2 }, never, search);
    expect(limits).toEqual([0.5, 0.25]);
  });

  test("measures the network of the widths found, blocks gone and channels too", async () => {
    const seen: Model[] = [];
    const measured = async (network: Model) => {
      seen.push(network);
      return 2.1;
    };
    const choices = sites.map((site, at) => ({
      site,
      width: at === 0 ? Math.ceil(site.group.size / 2) : site.block === undefined ? site.group.size : 0,
    }));
    await settle(original, { speedUp: 2, measured }, reach, never, async () => ({ choices, cost: 0.5 }));
    expect(modelCost(seen[0]!).macs).toBeLessThan(macs);
    expect(seen[0]!.graph.nodes.length).toBeLessThan(original.graph.nodes.length);
  });
});
