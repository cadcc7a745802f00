import { stripVTControlCharacters } from "node:util";
import { InferenceSession } from "onnxruntime-node";
import { ModelError, UnsupportedOperatorError } from "../errors.ts";
import { problemsOf } from "./check.ts";
import { encodeModel } from "./encode.ts";
import type { Model } from "./graph.ts";

/**
 * Loads a model into ONNX Runtime.
 *
 * @throws UnsupportedOperatorError that names the node, for an operator that the runtime does not know
 * @throws ModelError for anything else that it refuses
 */
export async function createSession(
  model: Model,
  options: InferenceSession.SessionOptions = {},
): Promise<InferenceSession> {
  const bytes = encodeModel(model);
  try {
    return await InferenceSession.create(bytes, options);
  } catch (cause) {
    throw refusalOf(model, runtimeMessage(cause), cause);
  }
}

/** Errors are thrown; they need not be printed too. */
const quiet: InferenceSession.RunOptions = { logSeverityLevel: 4 };

/** Runs a session. Throws ModelError where ONNX Runtime cannot compute the outputs. */
export async function runSession(
  session: InferenceSession,
  feeds: InferenceSession.FeedsType,
): Promise<InferenceSession.ReturnType> {
  try {
    return await session.run(feeds, quiet);
  } catch (cause) {
    throw new ModelError(`ONNX Runtime refuses to run it: ${runtimeMessage(cause)}`, { cause });
  }
}

/** What ONNX Runtime complains of, in one line of plain text and without the place in its own sources. */
export function runtimeMessage(error: unknown): string {
  const message = stripVTControlCharacters(error instanceof Error ? error.message : String(error));
  const [line = ""] = message.trim().split("\n");
  return line.replace(/\S*\/onnxruntime\/\S+:\d+ .*?\)(?: const)? /, "");
}

function refusalOf(model: Model, message: string, cause: unknown): ModelError | UnsupportedOperatorError {
  const unknown = unknownOperator(model, message);
  if (unknown !== undefined) return unknown;
  const [broken] = problemsOf(model);
  const reason = broken === undefined ? message : `${broken.problem}; export it again`;
  return new ModelError(`ONNX Runtime refuses it: ${reason}`, { cause });
}

/** The node whose operator the runtime says that it does not know. */
function unknownOperator(model: Model, message: string): UnsupportedOperatorError | undefined {
  const op =
    /(?:^|[\s:])(\w+)\(-?\d+\) is not a registered/.exec(message) ?? /No Op registered for (\w+)/.exec(message);
  const node = model.graph.nodes.find((each) => each.op === op?.[1]);
  if (node === undefined) return undefined;
  const domain = node.domain === "" ? `operator set ${model.opset}` : `the domain "${node.domain}"`;
  const problem = `ONNX Runtime knows no such operator in ${domain}; export the model with standard operators`;
  return new UnsupportedOperatorError(node.op, node.name || node.outputs[0]!, problem);
}
