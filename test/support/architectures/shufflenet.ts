import { int64, type Model } from "../../../src/onnx/index.ts";
import { LayerBuilder } from "./layers.ts";

/** Units that split their channels in two, change one half and shuffle both (Ma et al. 2018). */
export function shufflenetV2(seed: number): Model {
  const b = new LayerBuilder("shufflenet-v2", seed);
  let x = b.convNormRelu(b.image(16), 3, 8);
  x = halvingUnit(b, x, 8, 8, 8);
  for (let unit = 0; unit < 2; unit++) x = splitUnit(b, x, 16, 8);
  return b.head(b.convNormRelu(x, 16, 12, { kernel: 1 }), 12);
}

function halvingUnit(b: LayerBuilder, x: string, from: number, half: number, size: number): string {
  const left = b.norm(b.conv(x, from, from, { stride: 2, groups: from }), from);
  const sides = [b.convNormRelu(left, from, half, { kernel: 1 }), branch(b, x, from, half, 2)];
  return shuffle(b, b.op("Concat", sides, { axis: 1 }), 2 * half, size);
}

function splitUnit(b: LayerBuilder, x: string, channels: number, size: number): string {
  const half = channels / 2;
  const [kept, changed] = b.ops("Split", [x, b.integers([half, half])], 2, { axis: 1 }) as [string, string];
  return shuffle(b, b.op("Concat", [kept, branch(b, changed, half, half, 1)], { axis: 1 }), channels, size);
}

function branch(b: LayerBuilder, x: string, from: number, to: number, stride: number): string {
  const first = b.convNormRelu(x, from, to, { kernel: 1 });
  const filtered = b.norm(b.conv(first, to, to, { stride, groups: to }), to);
  return b.convNormRelu(filtered, to, to, { kernel: 1 });
}

/** Interleaves the two halves of the channels; the batch is read from the value, as exporters write an open one. */
function shuffle(b: LayerBuilder, x: string, channels: number, size: number): string {
  const batch = b.op("Unsqueeze", [
    b.op("Gather", [b.op("Shape", [x]), b.constant(int64([0], []), "index")], { axis: 0 }),
    b.integers([0]),
  ]);
  const target = (...dims: number[]): string => b.op("Concat", [batch, b.integers(dims)], { axis: 0 });
  const halves = b.op("Reshape", [x, target(2, channels / 2, size, size)]);
  return b.op("Reshape", [b.transpose(halves, [0, 2, 1, 3, 4]), target(channels, size, size)]);
}
