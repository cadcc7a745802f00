import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { removeBlock, removeChannels, residualBlocks, simplify } from "../../../src/compress/surgery/index.ts";
import { type Model, modelCost, readModel } from "../../../src/onnx/index.ts";
import { expectSameAnswers, freeGroups, others, zeroed } from "./support.ts";

const data = process.env.TWINDNN_DATA ?? "";

const read = async (name: string): Promise<Model> => simplify(readModel(join(data, "models", `${name}.onnx`)));

/** Multiply-accumulates of the model with every second unit of every group gone, relative to the whole. */
async function halve(model: Model): Promise<number> {
  const keeps = freeGroups(model).map((group) => ({
    group,
    keep: others(group.size, []).filter((unit) => unit % 2 === 1),
  }));
  const smaller = removeChannels(model, keeps);
  await expectSameAnswers(zeroed(model, keeps), smaller);
  return modelCost(smaller).macs / modelCost(model).macs;
}

describe.skipIf(data === "")("trained networks (TWINDNN_DATA)", () => {
  test("ResNet-56 on JPEGs loses half of all channels as if they were zeroed", async () => {
    const model = await read("resnet56-jpeg");
    expect(freeGroups(model)).toHaveLength(30);
    expect(await halve(model)).toBeCloseTo(0.25, 1);
  });

  test("MobileNetV2 loses half of all channels as if they were zeroed", async () => {
    const model = await read("mobilenetv2");
    expect(freeGroups(model)).toHaveLength(25);
    expect(await halve(model)).toBeCloseTo(0.28, 1);
  });

  test("ResNet-20 loses blocks and then channels", async () => {
    const model = await read("resnet20-jpeg");
    const blocks = residualBlocks(model);
    expect(blocks).toHaveLength(7);
    const shorter = [blocks[1]!, blocks[5]!].reduce(removeBlock, model);
    expect(residualBlocks(shorter)).toHaveLength(5);
    expect(await halve(shorter)).toBeCloseTo(0.25, 1);
  });
});
