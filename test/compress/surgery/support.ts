import { expect } from "vitest";
import { type ChannelGroup, channelGroups, type Keep, zeroChannels } from "../../../src/compress/surgery/index.ts";
import {
  checkModel,
  inferShapes,
  type Model,
  outputDifference,
  randomInputs,
  runModel,
} from "../../../src/onnx/index.ts";

/**
 * Both sum the same products in float32, the reference with zeros among them: with other blocks of a sum the order
 * differs, and a few dozen layers pass on errors of 1e-7 each.
 */
const tolerance = 1e-5;

/** Two models must give the same answers to the same images, the second be valid, and its declared shapes be true. */
export async function expectSameAnswers(expected: Model, actual: Model): Promise<void> {
  checkModel(actual);
  const inferred = inferShapes({ ...actual, graph: { ...actual.graph, values: new Map() } });
  for (const [name, { shape }] of actual.graph.values) {
    expect(shape).toEqual(inferred.get(name)?.shape?.map((size, axis) => size ?? shape?.[axis]));
  }
  const inputs = randomInputs(expected, { batch: 2 });
  const [reference, answers] = [await runModel(expected, inputs), await runModel(actual, inputs)];
  expect(outputDifference(reference, answers)).toBeLessThan(tolerance);
}

/** The groups that can be thinned. */
export const freeGroups = (model: Model): ChannelGroup[] =>
  channelGroups(model).filter((group) => group.frozen === undefined);

/** The indices 0 to size - 1 that are not in `kept`. */
export const others = (size: number, kept: readonly number[]): number[] =>
  Array.from({ length: size }, (_, at) => at).filter((at) => !kept.includes(at));

/** The model with all that is not kept zeroed. */
export const zeroed = (model: Model, keeps: readonly Keep[]): Model =>
  keeps.reduce((result, { group, keep }) => zeroChannels(result, group, others(group.size, keep)), model);
