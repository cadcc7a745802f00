import { describe, expect, test } from "vitest";
import { channelGroups, removeChannels } from "../../../src/compress/surgery/index.ts";
import { float32, GraphBuilder, int64, type Model } from "../../../src/onnx/index.ts";
import { LayerBuilder } from "../../support/architectures/layers.ts";
import { expectSameAnswers, others, zeroed } from "./support.ts";

/** Channels of the value that a case is given, and of the one that it returns. */
const channels = 8;
/** Height and width of both. */
const size = 8;

/** What lies between the first convolution and the last: [batch, 8, 8, 8] to the same. */
type Middle = (b: LayerBuilder, x: string) => string;

/** Convolution, the middle, convolution, head. */
function around(middle: Middle, opset = 17): Model {
  const b = new LayerBuilder("around", 1);
  const x = b.conv(b.image(size), 3, channels);
  return { ...b.head(b.conv(middle(b, x), channels, 4), 4), opset };
}

const weights = (b: LayerBuilder, ...dims: number[]): string =>
  b.weights(
    dims,
    dims.slice(1).reduce((a, c) => a * c, 1),
  );

const followed: Readonly<Record<string, Middle>> = {
  "Conv, grouped": (b, x) => b.conv(x, channels, channels, { groups: 2 }),
  "Conv, depthwise": (b, x) => b.conv(x, channels, channels, { groups: channels, bias: true }),
  "Conv, depthwise, two outputs a channel": (b, x) => b.conv(b.conv(x, 8, 16, { groups: 8 }), 16, 8),
  "Conv with weights that two layers share": (b, x) => {
    const shared = weights(b, channels, channels, 1, 1);
    return b.op("Conv", [b.op("Conv", [x, shared]), shared]);
  },
  ConvTranspose: (b, x) =>
    b.maxPool(b.op("ConvTranspose", [x, weights(b, channels, channels, 2, 2)], { strides: [2, 2] })),
  "Gemm without transposed weights": (b, x) => {
    const flat = b.op("Flatten", [b.maxPool(x, 8, 8)]);
    return b.add(b.reshape(b.op("Gemm", [flat, weights(b, channels, channels), b.bias(1)]), [0, channels, 1, 1]), x);
  },
  "MatMul with weights on the left": (b, x) => {
    const product = b.op("MatMul", [weights(b, channels, channels), b.reshape(x, [0, channels, size * size])]);
    return b.reshape(product, [0, channels, size, size]);
  },
  "MatMul by tokens": (b, x) => {
    const tokens = b.transpose(b.reshape(x, [0, channels, size * size]), [0, 2, 1]);
    return b.reshape(b.transpose(b.tokenLinear(tokens, channels, channels), [0, 2, 1]), [0, channels, size, size]);
  },
  PRelu: (b, x) => b.op("PRelu", [x, weights(b, channels, 1, 1)]),
  Where: (b, x) => {
    const yes = b.constant({ type: "bool", dims: [channels, 1, 1], data: new Uint8Array([1, 0, 1, 0, 1, 1, 0, 0]) });
    return b.op("Where", [yes, x, b.relu(x)]);
  },
  InstanceNormalization: (b, x) => b.op("InstanceNormalization", [x, b.bias(channels), b.bias(channels)]),
  Softmax: (b, x) => b.op("Softmax", [x], { axis: -1 }),
  "ReduceMean without the reduced axes": (b, x) =>
    b.add(x, b.reshape(b.op("ReduceMean", [x], { axes: [2, 3], keepdims: 0 }), [0, channels, 1, 1])),
  "Squeeze and Unsqueeze": (b, x) => {
    const pooled = b.op("Squeeze", [b.op("GlobalMaxPool", [x]), b.integers([2, 3])]);
    return b.add(x, b.op("Unsqueeze", [pooled, b.integers([2, 3])]));
  },
  "Squeeze of all single axes": (b, x) => {
    const kernel = weights(b, 1, channels, 1, 1);
    const single = b.op("Squeeze", [b.op("Conv", [x, kernel]), b.integers([1])]);
    return b.op("Mul", [x, b.op("Unsqueeze", [single, b.integers([1])])]);
  },
  Concat: (b, x) => b.conv(b.op("Concat", [b.relu(x), b.conv(x, 8, 4), x], { axis: 1 }), 20, channels),
  "Split into equal parts": (b, x) => {
    const [first, second] = b.ops("Split", [x], 2, { axis: 1 }) as [string, string];
    return b.conv(b.add(b.relu(first), second), 4, channels);
  },
  "Split by sizes": (b, x) => {
    const [first, second] = b.ops("Split", [x, b.integers([3, 5])], 2, { axis: 1 }) as [string, string];
    return b.add(b.conv(first, 3, channels), b.conv(second, 5, channels));
  },
  Slice: (b, x) => {
    const part = (from: number, to: number): string =>
      b.op("Slice", [x, b.integers([from]), b.integers([to]), b.integers([1])]);
    return b.add(b.conv(part(0, 3), 3, channels), b.conv(part(-5, 2 ** 31 - 1), 5, channels));
  },
  "Slice to the largest int64": (b, x) => {
    const end = b.constant({ type: "int64", dims: [1], data: new BigInt64Array([2n ** 63n - 1n]) });
    return b.conv(b.op("Slice", [x, b.integers([2]), end, b.integers([1]), b.integers([1])]), 6, channels);
  },
  "Slice that takes every second position": (b, x) => {
    const [from, to] = [b.integers([1, 0, 0]), b.integers([channels + 1, size, size])];
    const half = b.op("Slice", [b.conv(x, 8, 9), from, to, b.integers([1, 2, 3]), b.integers([1, 2, 2])]);
    return b.op("Pad", [half, b.integers([0, 0, 0, 0, 0, 0, 4, 4])]);
  },
  "Pad with channels of zeros": (b, x) =>
    b.conv(b.op("Pad", [x, b.integers([0, 2, 1, 1, 0, 4, 1, 1])]), 14, channels, { kernel: 1 }),
  "Pad at the borders by reflection": (b, x) =>
    b.op("Conv", [b.op("Pad", [x, b.integers([0, 0, 1, 1, 0, 0, 1, 1])], { mode: "reflect" }), weights(b, 8, 8, 3, 3)]),
  "Einsum with weights": (b, x) => b.op("Einsum", [x, weights(b, channels, channels)], { equation: "nchw,oc->nohw" }),
  "Einsum of two values": (b, x) => {
    const other = b.conv(x, channels, channels);
    const gates = b.op("Einsum", [b.conv(x, channels, 6), b.conv(x, channels, 6)], { equation: "nchw,nchw->nhw" });
    return b.op("Mul", [b.op("Unsqueeze", [gates, b.integers([1])]), other]);
  },
  "HardSwish written out": (b, x) => {
    const number = (value: number): string => b.constant(float32([value], []));
    const clipped = b.op("Clip", [b.add(x, number(3)), number(0), number(6)]);
    return b.op("Div", [b.op("Mul", [x, clipped]), number(6)]);
  },
  "BatchNormalization written out": (b, x) =>
    b.op("Sub", [b.op("Mul", [x, weights(b, channels, 1, 1)]), b.constant(b.uniform([1, channels, 1, 1], -1, 1))]),
  Gather: (b, x) =>
    b.add(x, b.op("Unsqueeze", [b.op("Gather", [x, b.constant(int64([3], []))], { axis: 3 }), b.integers([3])])),
  "Reshape that splits and merges channels": (b, x) => {
    const halves = b.transpose(b.reshape(x, [0, 2, 4, size, size]), [0, 2, 1, 3, 4]);
    return b.reshape(b.relu(halves), [0, -1, size, size]);
  },
};

describe("channels are followed through", () => {
  test.each(Object.entries(followed))("%s", async (_, middle) => {
    await expectFollowed(around(middle));
  });

  test("Split, Softmax and reductions as older operator sets write them", async () => {
    await expectFollowed(
      around((b, x) => {
        const [first, second] = b.ops("Split", [x], 2, { axis: 1, split: [3, 5] }) as [string, string];
        const mean = b.op("Squeeze", [b.op("ReduceSum", [x], { axes: [2, 3] })], { axes: [2, 3] });
        const gates = b.op("Unsqueeze", [mean], { axes: [2, 3] });
        const both = b.add(b.conv(b.op("Softmax", [first], { axis: 2 }), 3, channels), b.conv(second, 5, channels));
        return b.op("Mul", [both, gates]);
      }, 11),
    );
  });

  test("Squeeze of all single axes, where only one channel is left", async () => {
    const b = new LayerBuilder("one", 1);
    const pooled = b.op("Squeeze", [b.op("GlobalAveragePool", [b.conv(b.image(size), 3, 2)])]);
    const model = b.classifier(b.linear(pooled, 2, 5));
    const keeps = [{ group: channelGroups(model)[0]!, keep: [1] }];
    await expectSameAnswers(zeroed(model, keeps), removeChannels(model, keeps));
  });

  test("Pad over named axes only", async () => {
    await expectFollowed(
      around((b, x) => b.conv(b.op("Pad", [x, b.integers([1, 2]), "", b.integers([1])]), 11, channels), 18),
    );
  });
});

/** Only the classes must stay, and every other group loses half its units as if they were zeroed. */
async function expectFollowed(model: Model): Promise<void> {
  const groups = channelGroups(model);
  expect(groups.flatMap(({ frozen }) => frozen ?? [])).toEqual(['output "logits" of the network']);
  for (const group of groups.filter(({ frozen, size }) => frozen === undefined && size > 1)) {
    const keeps = [{ group, keep: others(group.size, []).filter((unit) => unit % 2 === 1) }];
    await expectSameAnswers(zeroed(model, keeps), removeChannels(model, keeps));
  }
}

/** What freezes the first convolution's channels, and the reason given. */
const freezing: Readonly<Record<string, readonly [Middle, RegExp]>> = {
  "an operator without a rule": [
    (b, x) => b.op("LRN", [x], { size: 3 }),
    /node "LRN" \(LRN\): channels are not followed through this operator/,
  ],
  "a branch that reads them from outside": [
    (b, x) => {
      const branch = new GraphBuilder("branch");
      branch.output(branch.op("Relu", [x], {}, "inside"), "float32", ["batch", channels, size, size]);
      const yes = b.constant({ type: "bool", dims: [], data: new Uint8Array([1]) });
      const graph = { kind: "graph", value: branch.graph } as const;
      return b.op("If", [yes], { then_branch: graph, else_branch: graph });
    },
    /node "If" \(If\): channels are not followed/,
  ],
  "normalisation over channels": [
    (b, x) => b.transpose(b.layerNorm(b.transpose(x, [0, 2, 3, 1]), channels), [0, 3, 1, 2]),
    /node "LayerNormalization" \(LayerNormalization\): normalises over them/,
  ],
  "a softmax over channels": [(b, x) => b.op("Softmax", [x], { axis: 1 }), /\(Softmax\): normalises over them/],
  "a mean over channels": [
    (b, x) => b.op("Mul", [x, b.op("ReduceMean", [x], { axes: [1] })]),
    /\(ReduceMean\): reduces them/,
  ],
  "every second channel taken": [
    (b, x) => {
      const list = (value: number): string => b.integers([value]);
      return b.conv(b.op("Slice", [x, list(0), list(channels), list(1), list(2)]), 4, channels);
    },
    /\(Slice\): takes every few of them/,
  ],
  "channels taken by index": [
    (b, x) => b.op("Gather", [x, b.integers([1, 0, 3, 2, 5, 4, 7, 6])], { axis: 1 }),
    /\(Gather\): takes entries by index/,
  ],
  "channels added by reflection": [
    (b, x) => b.conv(b.op("Pad", [x, b.integers([0, 2, 0, 0, 0, 0, 0, 0])], { mode: "reflect" }), 10, channels),
    /\(Pad\): repeats or cuts its edges/,
  ],
  "a grouped transposed convolution": [
    (b, x) => b.op("ConvTranspose", [x, weights(b, channels, 4, 1, 1)], { group: 2 }),
    /\(ConvTranspose\): is grouped/,
  ],
  "an Einsum with an ellipsis": [
    (b, x) => b.op("Einsum", [x, weights(b, channels, channels)], { equation: "nc...,oc->no..." }),
    /\(Einsum\): is no product of two values without ellipses/,
  ],
  "a reshape that mixes channels with positions": [
    (b, x) => b.reshape(b.transpose(b.reshape(x, [0, 32, 16]), [0, 1, 2]), [0, channels, size, size]),
    /\(Reshape\): splits and merges them at once/,
  ],
  "a number of channels that is computed with": [
    (b, x) => b.op("Div", [x, b.op("Cast", [b.op("Gather", [b.op("Shape", [x]), b.integers([1])])], { to: 1 })]),
    /\(Shape\): puts out its size/,
  ],
};

describe("channels are frozen, with the reason, by", () => {
  test.each(Object.entries(freezing))("%s", (_, [middle, reason]) => {
    const [first] = channelGroups(around(middle));
    expect(first?.producers[0]?.node.op).toBe("Conv");
    expect(first?.frozen).toMatch(reason);
  });
});
