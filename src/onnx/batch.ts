import { TwinError } from "../errors.ts";
import { randomInputs, relativeDifference } from "./equivalence.ts";
import type { Dim, Model, Shape } from "./graph.ts";
import { openBatch } from "./open-batch.ts";
import { isKnown } from "./operators/dims.ts";
import { ModelRunner, type Tensors } from "./run.ts";
import { elementTypes, sizeOf, type Tensor } from "./tensor.ts";

/** A model that takes any batch, or the reason why it only takes its own. */
export type FreedBatch =
  | { readonly freed: true; readonly model: Model }
  | {
      readonly freed: false;
      /** The model as it was. */
      readonly model: Model;
      /** The batch to run it at. */
      readonly batch: number;
      readonly reason: string;
    };

/** Rounding may differ between batches; a quantised value may then fall to the next step. */
const tolerance = { float: 1e-4, quantised: 5e-2 };

/**
 * Makes a fixed batch symbolic: axis 0 of the input and of the outputs, and what the graph derives from it. The result is
 * proven by running several images at once against one at a time, and against the given model at its own batch. A
 * model whose batch is open is held to the same proof.
 */
export async function freeBatch(model: Model): Promise<FreedBatch> {
  const batch = model.graph.inputs[0]?.shape?.[0];
  if (!isKnown(batch) && (await problemOf(() => prove(model, undefined))) === undefined) return { freed: true, model };
  const own = isKnown(batch) ? batch : 1;
  const fixed = isKnown(batch) ? model : atBatch(model, own);
  let opened = model;
  const reason = await problemOf(async () => {
    opened = openBatch(fixed);
    return await prove(opened, fixed);
  });
  return reason === undefined ? { freed: true, model: opened } : { freed: false, model, batch: own, reason };
}

/** The model with the batch of its inputs and outputs fixed. */
function atBatch(model: Model, batch: number): Model {
  const fix = (shape: Shape): Shape => shape?.map((dim: Dim, axis) => (axis === 0 ? batch : dim));
  const inputs = model.graph.inputs.map((input) => ({ ...input, shape: fix(input.shape) }));
  const outputs = model.graph.outputs.map((output) => ({ ...output, shape: fix(output.shape) }));
  return { ...model, graph: { ...model.graph, inputs, outputs, values: new Map() } };
}

/** What went wrong, in a line; errors about the model, ONNX Runtime's among them, are an answer here. */
async function problemOf(attempt: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof TwinError) return error.message;
    throw error;
  }
}

/** Runs images at once, one by one, and through `own` at its batch. Returns the problem, if the answers differ. */
async function prove(opened: Model, own: Model | undefined): Promise<string | undefined> {
  const ownBatch = own?.graph.inputs[0]?.shape?.[0];
  const count = Math.max(3, isKnown(ownBatch) ? ownBatch : 0);
  const inputs = randomInputs(opened, { batch: count });
  await using runner = await ModelRunner.open(opened);
  const together = await runner.run(inputs);
  const single = await runInParts(runner, inputs, count, 1);
  const limit = opened.graph.nodes.some((node) => node.op.includes("Quantize")) ? tolerance.quantised : tolerance.float;
  const apart = differenceOf(single, together, count);
  if (apart === Number.POSITIVE_INFINITY) return `for ${count} images at once it does not give ${count} answers`;
  if (apart > limit)
    return `${count} images at once and one by one give answers that differ by ${apart.toPrecision(2)}`;
  if (own === undefined || !isKnown(ownBatch)) return undefined;
  await using ownRunner = await ModelRunner.open(own);
  const before = await runInParts(ownRunner, inputs, count - (count % ownBatch), ownBatch);
  const changed = differenceOf(before, together, count);
  return changed > limit ? `its answers change by ${changed.toPrecision(2)}` : undefined;
}

async function runInParts(runner: ModelRunner, inputs: Tensors, count: number, part: number): Promise<Tensors[]> {
  const results: Tensors[] = [];
  for (let at = 0; at < count; at += part) {
    const slices = [...inputs].map(([name, tensor]) => [name, rows(tensor, at, at + part)] as const);
    results.push(await runner.run(new Map(slices)));
  }
  return results;
}

/** Rows `from` to `to` of axis 0. */
function rows(tensor: Tensor, from: number, to: number): Tensor {
  const row = sizeOf(tensor.dims.slice(1));
  const data = new elementTypes[tensor.type].array(tensor.data.slice(from * row, to * row) as never);
  return { type: tensor.type, dims: [to - from, ...tensor.dims.slice(1)], data };
}

/** The largest relative difference between results part by part and the same rows of one result. */
function differenceOf(parts: readonly Tensors[], together: Tensors, count: number): number {
  let largest = 0;
  for (const [name, whole] of together) {
    if (whole.dims[0] !== count) return Number.POSITIVE_INFINITY;
    let at = 0;
    for (const part of parts) {
      const tensor = part.get(name)!;
      const size = tensor.dims[0] ?? 0;
      largest = Math.max(largest, relativeDifference(tensor, rows(whole, at, at + size)));
      at += size;
    }
  }
  return largest;
}
