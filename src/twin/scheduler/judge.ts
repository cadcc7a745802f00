import { ModelError } from "../../errors.ts";
import type { Cascade, Outcome } from "../types.ts";
import type { Task } from "./task.ts";

/**
 * What becomes of a task whose logits at `stage` are here: its outcome, or undefined when it goes to the next stage.
 *
 * @param row logits of this image, which the outcome keeps
 */
export function judge(
  task: Task,
  stage: number,
  row: Float32Array,
  cascade: Cascade,
  confidenceOf: (logits: Float32Array) => number,
): Outcome | undefined {
  const { network, threshold } = cascade[stage]!;
  const winner = topClass(row);
  if (winner === undefined) {
    return {
      error: new ModelError(
        `the ${network} network gave a logit that is not finite; check its weights (${network}.onnx of the twin), and the preprocessing`,
      ),
    };
  }
  const confidence = confidenceOf(row);
  if (Number.isNaN(task.confidence)) task.confidence = confidence;
  if (threshold !== undefined && !(confidence >= threshold)) return undefined;
  return { class: winner, logits: row, confidence: task.confidence, answeredBy: network };
}

/** Index of the largest logit, the first of equals; undefined when any is not finite. */
function topClass(row: Float32Array): number | undefined {
  let best = 0;
  for (let i = 0; i < row.length; i++) {
    if (!Number.isFinite(row[i]!)) return undefined;
    if (row[i]! > row[best]!) best = i;
  }
  return best;
}
