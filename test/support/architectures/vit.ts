import { float32, int64, type Model } from "../../../src/onnx/index.ts";
import { classCount, LayerBuilder } from "./layers.ts";

const width = 12;
const heads = 2;
const tokens = 17;

/** Patches and a class token through attention and linear layers (Dosovitskiy et al. 2021), batch first. */
export const vit = (seed: number): Model => network(new LayerBuilder("vit", seed), attention);

/** The same as torchvision computes it: tokens first, one layer for queries, keys and values, heads beside the batch. */
export const vitFused = (seed: number): Model => network(new LayerBuilder("vit-fused", seed), fusedAttention);

function network(b: LayerBuilder, attend: typeof attention): Model {
  const image = b.image(16);
  const kernel = b.weights([width, 3, 4, 4], 48);
  const patches = b.op("Conv", [image, kernel, b.bias(width)], { kernel_shape: [4, 4], strides: [4, 4] });
  const flat = b.transpose(b.reshape(patches, [0, width, tokens - 1]), [0, 2, 1]);
  const joined = b.op("Concat", [classToken(b, image), flat], { axis: 1 });
  let x = b.add(joined, b.constant(b.uniform([1, tokens, width], -0.5, 0.5), "position"));
  for (let layer = 0; layer < 2; layer++) {
    x = b.add(x, attend(b, b.layerNorm(x, width)));
    const hidden = b.gelu(b.tokenLinear(b.layerNorm(x, width), width, 2 * width));
    x = b.add(x, b.tokenLinear(hidden, 2 * width, width));
  }
  const first = b.op("Gather", [b.layerNorm(x, width), b.constant(int64([0], []), "index")], { axis: 1 });
  return b.classifier(b.linear(first, width, classCount));
}

/** A learned token for each image of the batch. */
function classToken(b: LayerBuilder, image: string): string {
  const token = b.constant(b.uniform([1, 1, width], -0.5, 0.5), "token");
  const batch = b.op("Unsqueeze", [
    b.op("Gather", [b.op("Shape", [image]), b.constant(int64([0], []), "index")], { axis: 0 }),
    b.integers([0]),
  ]);
  return b.op("Expand", [token, b.op("Concat", [batch, b.integers([1, width])], { axis: 0 })]);
}

function attention(b: LayerBuilder, x: string): string {
  const size = width / heads;
  const [query, key, value] = [0, 1, 2].map(() =>
    b.transpose(b.reshape(b.tokenLinear(x, width, width), [0, tokens, heads, size]), [0, 2, 1, 3]),
  ) as [string, string, string];
  const scores = b.op("MatMul", [query, b.transpose(key, [0, 1, 3, 2])]);
  const scaled = b.op("Div", [scores, b.constant(float32([Math.sqrt(size)], []), "scale")]);
  const mixed = b.op("MatMul", [b.op("Softmax", [scaled], { axis: -1 }), value]);
  return b.tokenLinear(b.reshape(b.transpose(mixed, [0, 2, 1, 3]), [0, tokens, width]), width, width);
}

function fusedAttention(b: LayerBuilder, x: string): string {
  const size = width / heads;
  const tokensFirst = b.transpose(x, [1, 0, 2]);
  const batch = b.op("Gather", [b.op("Shape", [tokensFirst]), b.constant(int64([1], []), "index")], { axis: 0 });
  const open = (...factors: number[]): string => {
    const scaled = factors.map((factor) => b.constant(int64([factor], []), "factor"));
    return b.op("Unsqueeze", [
      scaled.reduce((product, factor) => b.op("Mul", [product, factor]), batch),
      b.integers([0]),
    ]);
  };
  const reshape = (value: string, ...sizes: (number | string)[]): string => {
    const parts = sizes.map((part) => (typeof part === "number" ? b.integers([part]) : part));
    return b.op("Reshape", [value, b.op("Concat", parts, { axis: 0 })]);
  };
  const fused = reshape(b.tokenLinear(tokensFirst, width, 3 * width), tokens, open(), 3, width);
  const [query, key, value] = [0, 1, 2].map((index) => {
    const part = b.op("Gather", [b.transpose(fused, [2, 0, 1, 3]), b.constant(int64([index], []), "index")], {
      axis: 0,
    });
    const beside = b.transpose(reshape(part, tokens, open(heads), size), [1, 0, 2]);
    return reshape(beside, open(), heads, tokens, size);
  }) as [string, string, string];
  const scores = b.op("MatMul", [query, b.transpose(key, [0, 1, 3, 2])]);
  const mixed = b.op("MatMul", [b.op("Softmax", [scores], { axis: -1 }), value]);
  const rows = reshape(b.transpose(mixed, [2, 0, 1, 3]), open(tokens), width);
  return b.transpose(reshape(b.linear(rows, width, width), tokens, open(), width), [1, 0, 2]);
}
