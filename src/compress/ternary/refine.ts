import { TwinError } from "../../errors.ts";
import { accuracyOf, type Dataset } from "../../train/index.ts";
import { logitsOf, topClasses } from "../../twin/index.ts";
import { answersTo } from "../pipeline/answers.ts";
import { type Candidate, type Compression, networkIn, storeCandidate } from "../pipeline/context.ts";
import type { Recipe } from "../pipeline/recipe.ts";
import { taught, teacherLogits } from "../pipeline/teacher.ts";
import { integerModel } from "./integers.ts";
import { prepareToLearn } from "./prepare.ts";
import { withQuantisers } from "./quantise.ts";
import { epochsWithin, trainIntegers } from "./training.ts";

/** The share of the selection images that int8 may lose before training is tried. */
const bearable = 0.003;
/** Fewer images teach too little. */
const leastImages = 2000;
const plan = { name: "original-int8-refined", rate: 0.005, mostEpochs: 2 };

/**
 * A recipe that makes the original in int8, refined where that loses much: trained with its roundings for an epoch or two
 * on the original's answers. The refined network is taken if it loses less on the selection images.
 *
 * Sources: Jacob et al., "Quantization and training of neural networks", CVPR 2018; Esser et al., 2020.
 */
export const refined = (recipe: Recipe): Recipe => ({
  ...recipe,
  run: async (compression, name) => {
    const [plain] = (await recipe.run(compression, name)) as [Candidate];
    const lost = await lostBy(plain, compression);
    if (lost <= bearable || compression.training.labels.length < leastImages) return [plain];
    const better = await compression.work.once(`training ${plan.name}`, () => refine(name, compression));
    return better !== null && (await lostBy(better, compression)) < lost ? [better] : [plain];
  },
});

/** Trains the original with 8-bit roundings; null where there is no time for an epoch, or the network cannot be trained. */
async function refine(recipe: string, compression: Compression): Promise<Candidate | null> {
  const { original, training, labelled, normalisation, threads, onNote } = compression;
  const data = taught(training, await teacherLogits(compression), labelled);
  try {
    const prepared = await prepareToLearn(original.model);
    const network = await withQuantisers(prepared, data, { normalisation, threads, ternary: [] });
    const epochs = await epochsWithin(plan, network, data, compression);
    if (epochs === 0) return null;
    const model = integerModel(await trainIntegers({ ...plan, epochs }, network, data, compression));
    return await storeCandidate(compression, plan.name, recipe, model);
  } catch (error) {
    if (!(error instanceof TwinError)) throw error;
    onNote(`int8 is not refined: ${error.message}`);
    return null;
  }
}

/** The share of selection images that the original gets right more often; without labels its own answers are right. */
async function lostBy(candidate: Candidate, compression: Compression): Promise<number> {
  const { selection, labelled, originalLogits, signal } = compression;
  const network = networkIn(compression, candidate.network, "compressed");
  const ours = logitsOf(await answersTo(selection, labelled, [network], { signal }), "compressed");
  const wanted: Dataset["labels"] = labelled ? selection.labels : Uint16Array.from(topClasses(originalLogits));
  return accuracyOf(originalLogits.data, wanted) - accuracyOf(ours.data, wanted);
}
