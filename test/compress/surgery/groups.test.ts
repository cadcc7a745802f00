import { describe, expect, test } from "vitest";
import {
  type ChannelGroup,
  channelGroups,
  type GroupLayer,
  simplify,
  type UnitSlices,
  zeroChannels,
} from "../../../src/compress/surgery/index.ts";
import { copyModel, type Model, sizeOf, type Tensor } from "../../../src/onnx/index.ts";
import { architectures } from "../../support/architectures/index.ts";
import { LayerBuilder } from "../../support/architectures/layers.ts";
import { expectSameAnswers, freeGroups, others } from "./support.ts";

/** Replaces the entries of a constant at the positions of all units by others. */
function perturb(tensor: Tensor, { axis, positions }: UnitSlices): Tensor {
  const [block, size] = [sizeOf(tensor.dims.slice(axis + 1)), tensor.dims[axis]!];
  const touched = new Set(positions.flat());
  const data = Float32Array.from(tensor.data as Float32Array, (value, at) =>
    touched.has(Math.floor(at / block) % size) ? 1 - 3 * value : value,
  );
  return { ...tensor, data };
}

function perturbProducers(model: Model, group: ChannelGroup): Model {
  const result = copyModel(model);
  for (const { weights } of group.producers) {
    const tensor = result.graph.constants.get(weights!.value)!;
    result.graph.constants.set(weights!.value, perturb(tensor, weights!));
  }
  return result;
}

/** The channels of each layer that all groups together name, in ascending order. */
function channelsByLayer(layers: readonly GroupLayer[]): number[][] {
  const found = new Map<GroupLayer["node"], number[]>();
  for (const { node, channels } of layers) {
    found.set(node, [...(found.get(node) ?? []), ...channels.positions.flat()]);
  }
  return [...found.values()].map((channels) => channels.sort((a, b) => a - b));
}

describe.each(Object.entries(architectures))("%s", (_, build) => {
  test("every channel that a layer makes is in exactly one unit of one group", async () => {
    for (const model of [build(1), await simplify(build(1))]) {
      const groups = channelGroups(model);
      expect(new Set(groups.map(({ id }) => id)).size).toBe(groups.length);
      for (const channels of channelsByLayer(groups.flatMap(({ producers }) => producers))) {
        expect(channels).toEqual([...channels.keys()]);
      }
    }
  });

  test("what the producers of a group compute does not matter once its readers are zeroed", async () => {
    const model = await simplify(build(2));
    for (const group of freeGroups(model)) {
      const zeroed = zeroChannels(model, group, others(group.size, []));
      await expectSameAnswers(zeroed, perturbProducers(zeroed, group));
    }
  });
});

/** How often a unit lies in the first of some layers. */
const positions = (layers: readonly GroupLayer[]): number => layers[0]?.channels.positions[0]?.length ?? 0;

/** A group in short: units, layers that write and that read it, positions of a unit in the first of each. */
async function summary(name: string): Promise<number[][]> {
  return freeGroups(await simplify(architectures[name]!(1))).map(({ size, producers, consumers }) => [
    size,
    producers.length,
    consumers.length,
    positions(producers),
    positions(consumers),
  ]);
}

describe("groups of channels", () => {
  test("a residual stream is one group over all its blocks, inner channels are groups of their own", async () => {
    expect(await summary("resnet-basic")).toEqual([
      [8, 3, 4, 1, 1],
      [8, 1, 1, 1, 1],
      [8, 1, 1, 1, 1],
      [12, 1, 1, 1, 1],
      [12, 3, 2, 1, 1],
      [12, 1, 1, 1, 1],
    ]);
  });

  test("channels of zeros join the stream that they are added to", async () => {
    expect(await summary("resnet-padded")).toEqual([
      [8, 2, 2, 1, 1],
      [16, 1, 1, 1, 1],
      [8, 1, 1, 1, 1],
    ]);
  });

  test("a unit before Flatten is read at all its positions", async () => {
    expect((await summary("vgg"))[2]).toEqual([10, 1, 1, 1, 4]);
  });

  test("a depthwise convolution neither writes nor reads: its channels are those of its input", async () => {
    const [stem, expanded] = freeGroups(await simplify(architectures["mobilenet-v2"]!(1)));
    expect([stem?.size, expanded?.size]).toEqual([6, 18]);
    expect(expanded?.producers.map(({ node }) => node.attributes.get("group"))).toEqual([{ kind: "int", value: 1 }]);
    expect(expanded?.consumers).toHaveLength(1);
  });

  test("a gate goes with the channels that it scales, and also reads them", async () => {
    expect((await summary("mobilenet-v3"))[1]).toEqual([18, 2, 2, 1, 1]);
  });

  test("groups of a grouped convolution lose channels at the same place", async () => {
    const [, narrow] = freeGroups(await simplify(architectures.regnet!(1)));
    expect(narrow?.producers[0]?.channels.positions).toEqual([0, 1, 2, 3].map((at) => [at, at + 4]));
    expect(narrow?.consumers[0]?.weights?.positions).toEqual([[0], [1], [2], [3]]);
  });

  test("joined channels are read behind those that come before", async () => {
    const groups = freeGroups(await simplify(architectures.densenet!(1)));
    const readAt = groups[2]?.consumers.map(({ channels }) => channels.positions.flat());
    expect(readAt).toEqual([
      [8, 9, 10, 11],
      [8, 9, 10, 11],
      [8, 9, 10, 11],
    ]);
  });

  test("shuffled halves lose channels at the same place", async () => {
    expect((await summary("shufflenet-v2")).map(([size, , , , read]) => [size, read])).toContainEqual([4, 2]);
  });

  test("attention is thinned within its heads, hidden channels one by one; the stream is frozen", async () => {
    expect((await summary("vit")).slice(0, 3)).toEqual([
      [6, 2, 1, 2, 1],
      [6, 1, 1, 2, 2],
      [24, 1, 1, 1, 1],
    ]);
    expect((await summary("vit-fused")).slice(0, 2)).toEqual([
      [6, 1, 2, 6, 1],
      [24, 1, 1, 1, 1],
    ]);
    const frozen = channelGroups(architectures.convnext!(1)).flatMap(({ frozen }) => frozen ?? []);
    expect(frozen[0]).toBe('node "LayerNormalization" (LayerNormalization): normalises over them');
  });

  test("layers that share an equal constant only by chance are told apart by simplify", async () => {
    const b = new LayerBuilder("shared", 1);
    const [bias, x] = [b.bias(4), b.image(8)];
    const layer = (from: string, channels: number): string =>
      b.relu(b.op("Conv", [from, b.weights([4, channels, 1, 1], channels), bias]));
    const model = b.head(layer(layer(x, 3), 4), 4);
    expect(freeGroups(model)).toHaveLength(1);
    expect(freeGroups(await simplify(model))).toHaveLength(2);
  });
});
