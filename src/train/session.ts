import { InferenceSession } from "onnxruntime-node";
import { encodeModel, type Model } from "../onnx/index.ts";

/** A session on CPU, quiet unless something fails, whose threads sleep while they wait: other work shares the cores. */
export function openSession(model: Model | Uint8Array, options: InferenceSession.SessionOptions = {}) {
  const bytes = model instanceof Uint8Array ? model : encodeModel(model);
  const extra = { session: { intra_op: { allow_spinning: "0" } } };
  return InferenceSession.create(bytes, { executionProviders: ["cpu"], logSeverityLevel: 3, extra, ...options });
}
