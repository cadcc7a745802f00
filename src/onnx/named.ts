import { ModelError, UnsupportedOperatorError } from "../errors.ts";
import type { Model } from "./graph.ts";

/** Kept beside the models, not in them: a model that was derived from one is no longer what the file holds. */
const files = new WeakMap<Model, string>();

/** Notes which file a model was read from, for the messages of `errorAbout`. */
export function readFrom(file: string, model: Model): Model {
  files.set(model, file);
  return model;
}

/** An error about a model that begins with the model's file; other errors, and those that name it already, stay as they are. */
export function withFile(error: unknown, file: string): unknown {
  if (!(error instanceof ModelError || error instanceof UnsupportedOperatorError)) return error;
  if (error.message.startsWith(`${file}: `)) return error;
  const message = `${file}: ${error.message}`;
  if (error instanceof ModelError) return new ModelError(message, { cause: error });
  return Object.assign(new UnsupportedOperatorError(error.operator, error.node, ""), { message, cause: error });
}

/** An error about a model, which begins with the file that this was read from, if it was. */
export function errorAbout(model: Model, error: unknown): unknown {
  const file = files.get(model);
  return file === undefined ? error : withFile(error, file);
}
