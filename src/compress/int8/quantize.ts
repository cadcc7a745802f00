import type { Model } from "../../onnx/index.ts";
import { type ImageBatch, imagesOf } from "./images.ts";
import { Observer } from "./observe.ts";
import { observedValues, planOf, rangesOf } from "./plan.ts";
import { prepare } from "./prepare.ts";
import { insertQdq } from "./qdq.ts";
import type { RangeMethod } from "./ranges.ts";
import { productsSaturate } from "./saturation.ts";
import { findUnits } from "./units.ts";

export interface QuantizeOptions {
  readonly method?: RangeMethod;
  readonly weightBits?: 7 | 8;
}

export async function quantizeModel(
  model: Model,
  batches: AsyncIterable<ImageBatch>,
  options: QuantizeOptions = {},
): Promise<{ model: Model }> {
  const prepared = await prepare(model);
  const { units } = findUnits(prepared);
  await using observer = await Observer.open(prepared, observedValues(prepared, units), 2);
  for await (const batch of batches) for (const image of imagesOf(batch)) await observer.add(image);
  await observer.flush();
  const ranges = rangesOf(prepared, units, observer.histograms, options.method ?? "mse");
  const bits = options.weightBits ?? ((await productsSaturate()) ? 7 : 8);
  return { model: insertQdq(prepared, planOf(prepared, units, ranges, bits)) };
}
