import { TrainingError } from "../../errors.ts";
import type { Candidate, Compression } from "./context.ts";
import { int8Beside, isRefusal } from "./int8.ts";
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
