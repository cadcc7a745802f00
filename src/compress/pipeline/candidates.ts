import { CalibrationError, ModelError, TrainingError, UnsupportedOperatorError, UsageError } from "../../errors.ts";
import type { Candidate, Compression } from "./context.ts";
import { originalInt8 } from "./int8.ts";
import { type RecipeName, recipes } from "./recipes.ts";

/**
 * The networks that a recipe makes. A recipe that was chosen for the user has the original in int8 beside its own, and
 * gives way to it where it fails on this model; one that the user named gives way only where training diverges.
 */
export async function makeCandidates(
  recipe: RecipeName,
  isChosen: boolean,
  compression: Compression,
): Promise<Candidate[]> {
  const beside = isChosen && recipe !== "int8" ? await int8Beside(compression) : [];
  try {
    return [...(await recipes[recipe].run(compression, recipe)), ...beside];
  } catch (error) {
    const instead = error instanceof TrainingError && beside.length === 0 ? await int8Beside(compression) : beside;
    if (instead.length === 0 || !isRefusal(error)) throw error;
    compression.onNote(`${recipe} failed: ${error.message}. Going on with the original in int8, the best so far`);
    return instead;
  }
}

/** The original in int8, where it can be had. */
export async function int8Beside(compression: Compression): Promise<Candidate[]> {
  try {
    return [await originalInt8(compression)];
  } catch (error) {
    if (!isRefusal(error)) throw error;
    compression.onNote(`the original is not used in int8: ${error.message}`);
    return [];
  }
}

/** Whether an error says that a model, these images or a target are nothing for a recipe. */
const isRefusal = (error: unknown): error is Error =>
  [CalibrationError, ModelError, TrainingError, UnsupportedOperatorError, UsageError].some(
    (kind) => error instanceof kind,
  );
