import { float32, int64, type Model } from "../../../src/onnx/index.ts";
import { classCount, LayerBuilder } from "./layers.ts";

const width = 12;
const heads = 2;
const tokens = 17;

/** Patches and a class token through attention and linear layers (Dosovitskiy et al. 2021). */
export function vit(seed: number): Model {
  const b = new LayerBuilder("vit", seed);
  const image = b.image(16);
  const kernel = b.weights([width, 3, 4, 4], 48);
  const patches = b.op("Conv", [image, kernel, b.bias(width)], { kernel_shape: [4, 4], strides: [4, 4] });
  const flat = b.transpose(b.reshape(patches, [0, width, tokens - 1]), [0, 2, 1]);
  const joined = b.op("Concat", [classToken(b, image), flat], { axis: 1 });
  let x = b.add(joined, b.constant(b.uniform([1, tokens, width], -0.5, 0.5), "position"));
  for (let layer = 0; layer < 2; layer++) {
    x = b.add(x, attention(b, b.layerNorm(x, width)));
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
