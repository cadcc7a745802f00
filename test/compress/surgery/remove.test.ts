import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ChannelGroup,
  channelGroups,
  type Keep,
  removeChannels,
  simplify,
} from "../../../src/compress/surgery/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { type Model, modelCost } from "../../../src/onnx/index.ts";
import { architectures } from "../../support/architectures/index.ts";
import { expectSameAnswers, freeGroups, others, zeroed } from "./support.ts";

/** Every second unit, the first of them gone. */
const half = (group: ChannelGroup): number[] => others(group.size, []).filter((unit) => unit % 2 === 1);

const halved = (model: Model): Keep[] => freeGroups(model).map((group) => ({ group, keep: half(group) }));

describe.each(Object.entries(architectures))("%s", (_, build) => {
  test("every group loses half its units as if they were zeroed", async () => {
    const model = await simplify(build(1));
    for (const keep of halved(model)) {
      const smaller = removeChannels(model, [keep]);
      expect(modelCost(smaller).parameters).toBeLessThan(modelCost(model).parameters);
      await expectSameAnswers(zeroed(model, [keep]), smaller);
    }
  });

  test("channels go from the network as it was exported, too", async () => {
    const model = build(2);
    await expectSameAnswers(zeroed(model, halved(model)), removeChannels(model, halved(model)));
  });

  test("any units of all groups at once go as if they were zeroed", async () => {
    const model = await simplify(build(3));
    const keeps = fc.tuple(
      ...freeGroups(model).map((group) =>
        fc.subarray(others(group.size, []), { minLength: 1 }).map((keep) => ({ group, keep })),
      ),
    );
    await fc.assert(
      fc.asyncProperty(keeps, async (keeps) => expectSameAnswers(zeroed(model, keeps), removeChannels(model, keeps))),
      { numRuns: 5, seed: 4 },
    );
  });

  test("a removal group by group is the removal of all at once", async () => {
    const model = await simplify(build(5));
    const together = removeChannels(model, halved(model));
    let stepwise = model;
    for (const { id } of freeGroups(model).toReversed()) {
      const group = freeGroups(stepwise).find((group) => group.id === id)!;
      stepwise = removeChannels(stepwise, [{ group, keep: half(group) }]);
    }
    await expectSameAnswers(together, stepwise);
  });
});

describe("a removal that makes no sense", () => {
  const model = architectures["resnet-basic"]!(1);
  const groups = channelGroups(model);
  const [stem] = groups as [ChannelGroup];

  test("a frozen group is refused, with the reason", () => {
    const group = groups.find((group) => group.frozen !== undefined)!;
    expect(() => removeChannels(model, [{ group, keep: [0] }])).toThrow(/is frozen: output "logits" of the network/);
  });

  test("a unit that the group does not have is refused, with those that it has", () => {
    expect(() => removeChannels(model, [{ group: stem, keep: [0, 8] }])).toThrow(/has no unit 8; it has units 0 to 7/);
  });

  test("a unit named twice is refused", () => {
    expect(() => removeChannels(model, [{ group: stem, keep: [1, 1] }])).toThrow(/named twice/);
  });

  test("a layer is never left without channels", () => {
    expect(() => removeChannels(model, [{ group: stem, keep: [] }])).toThrow(/keep at least one unit/);
  });

  test("a group found before another removal is refused", () => {
    const smaller = removeChannels(model, [{ group: stem, keep: [0, 1, 2] }]);
    expect(() => removeChannels(smaller, [{ group: stem, keep: [0] }])).toThrow(UsageError);
  });

  test("the given model stays as it is", () => {
    const before = structuredClone(model);
    removeChannels(model, [{ group: stem, keep: [3] }]);
    expect(model).toEqual(before);
  });
});
