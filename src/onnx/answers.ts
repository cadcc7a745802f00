import { ModelError } from "../errors.ts";
import { classifierOf } from "./classifier.ts";
import { randomInputs } from "./equivalence.ts";
import type { Model } from "./graph.ts";
import { ModelRunner } from "./run.ts";
import { sizeOf } from "./tensor.ts";

/**
 * Proves that a classifier answers: runs a batch of random images, and looks at what comes.
 *
 * @throws ModelError when ONNX Runtime cannot load or run it, when it does not give one row of classes an image, or when an
 * answer is no number
 */
export async function proveAnswers(model: Model, batch: number): Promise<void> {
  const { output } = classifierOf(model);
  await using runner = await ModelRunner.open(model);
  const answer = (await runner.run(randomInputs(model, { batch }))).get(output.name)!;
  const [images, ...classes] = answer.dims;
  if (images !== batch || sizeOf(classes) !== output.classes) {
    throw new ModelError(
      `gives [${answer.dims.join(", ")}] for a batch of ${batch}, a classifier of ${output.classes} classes gives [${batch}, ${output.classes}]; export it again, with an open batch`,
    );
  }
  if ([...answer.data].some((value) => Number.isNaN(Number(value)))) {
    throw new ModelError("answers random images with what is no number; check its weights, and export it again");
  }
}
