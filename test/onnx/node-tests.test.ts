import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  copyModel,
  decodeModel,
  foldConstants,
  inferValues,
  type Model,
  newestIrVersion,
  removeDeadNodes,
  removeIdentity,
  runModel,
  type Tensor,
  toNumbers,
} from "../../src/onnx/index.ts";

const folder = process.env.ONNX_NODE_TESTS;

const header = `# Official ONNX node tests that pass here: the test's model is decoded, the type and shape of its outputs are inferred
# with its inputs as constants and are right, it is rewritten (constants folded, identities and dead nodes removed),
# encoded at a format version that ONNX Runtime takes, and computes the expected outputs there. "open" marks outputs with
# a size that only a run can tell. Made by bench/peers/onnx-node-tests.py (onnx 1.23.2, onnxruntime-node 1.30.0) and
# ONNX_NODE_TESTS=FOLDER npx vitest run test/onnx/node-tests.test.ts -u`;

test.skipIf(folder === undefined)(
  "the official ONNX node tests that pass are those listed (ONNX_NODE_TESTS: the folder of bench/peers/onnx-node-tests.py)",
  async () => {
    const names = readdirSync(folder!).flatMap((file) => (file.endsWith(".data.onnx") ? [file.slice(0, -10)] : []));
    const lines: string[] = [];
    for (const name of names.sort()) {
      const outcome = await outcomeOf(name);
      if (outcome !== undefined) lines.push(outcome === "open" ? `${name} open` : name);
    }
    const title = `# ${lines.length} of ${names.length}`;
    await expect([header, title, ...lines, ""].join("\n")).toMatchFileSnapshot("node-tests.txt");
  },
  900_000,
);

type Outcome = "exact" | "open" | undefined;

async function outcomeOf(name: string): Promise<Outcome> {
  try {
    const decoded = decodeModel(readFileSync(join(folder!, `${name}.onnx`)));
    const model = { ...decoded, irVersion: Math.min(decoded.irVersion, newestIrVersion) };
    const data = decodeModel(readFileSync(join(folder!, `${name}.data.onnx`))).graph.constants;
    const inputs = new Map(model.graph.inputs.map(({ name }, at) => [name, data.get(`input_${at}`)!]));
    const outputs = model.graph.outputs.map((_, at) => data.get(`output_${at}`)!);
    const inferred = inferenceOutcome(model, inputs, outputs);
    return inferred !== undefined && (await computes(model, inputs, outputs)) ? inferred : undefined;
  } catch {
    return undefined;
  }
}

/** Whether what is inferred from the inputs' values agrees with the expected outputs. */
function inferenceOutcome(model: Model, inputs: ReadonlyMap<string, Tensor>, outputs: readonly Tensor[]): Outcome {
  const fixed = copyModel(model);
  fixed.graph.inputs = [];
  for (const [name, tensor] of inputs) fixed.graph.constants.set(name, tensor);
  fixed.graph.outputs = fixed.graph.outputs.map((output) => ({ ...output, shape: undefined }));
  const values = inferValues(fixed);
  const outcomes = model.graph.outputs.map(({ name }, at): Outcome => {
    const { type, shape, elements } = values.get(name)!;
    const expected = outputs[at]!;
    const open = shape === undefined || shape.includes(undefined);
    const wrong = shape?.some((dim, axis) => dim !== undefined && dim !== expected.dims[axis]);
    if (type !== expected.type || wrong || (shape && shape.length !== expected.dims.length)) return undefined;
    const numbers = toNumbers(expected);
    if (elements?.some((value, index) => value !== undefined && !near(value as number, numbers[index]!)))
      return undefined;
    return open ? "open" : "exact";
  });
  if (outcomes.includes(undefined)) return undefined;
  return outcomes.includes("open") ? "open" : "exact";
}

async function computes(
  model: Model,
  inputs: ReadonlyMap<string, Tensor>,
  outputs: readonly Tensor[],
): Promise<boolean> {
  const rewritten = removeDeadNodes(removeIdentity(await foldConstants(model)));
  const computed = await runModel(rewritten, inputs);
  return model.graph.outputs.every(({ name }, at) => same(computed.get(name)!, outputs[at]!));
}

function same(actual: Tensor, expected: Tensor): boolean {
  const [a, b] = [toNumbers(actual), toNumbers(expected)];
  return actual.dims.join() === expected.dims.join() && a.every((value, at) => near(value, b[at]!));
}

/** The tolerance of the official tests. */
const near = (actual: number, expected: number): boolean =>
  Object.is(actual, expected) || actual === expected || Math.abs(actual - expected) <= 1e-7 + 1e-3 * Math.abs(expected);
