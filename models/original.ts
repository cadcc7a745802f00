import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createPreprocessor, type Normalisation } from "twindnn/data";
import { foldBatchNormalization, type Model, modelCost, writeModel } from "twindnn/onnx";
import { accuracyOf, type Dataset, logitsOf, type Progress, type TrainingOptions, train } from "twindnn/train";
import { Curve } from "./curve.ts";
import type { PairRecipe } from "./recipe.ts";

/** How an original is trained for some epochs. */
export type Phase = Pick<TrainingOptions, "epochs" | "batch" | "augmentation" | "loss" | "optimiser" | "rate">;

/** The images of an original. The test images are looked at once, at the end. */
export interface OriginalImages {
  readonly train: Dataset;
  readonly selection: Dataset;
  readonly test: Dataset;
}

/**
 * Trains an original phase by phase, each from the weights of the one before, and writes `original.onnx`, with
 * BatchNormalization folded, and `original.json`, its curve. An interrupted training goes on from its last checkpoint.
 */
export async function trainOriginal(recipe: PairRecipe, images: OriginalImages, work: string): Promise<void> {
  const { normalisation } = createPreprocessor(recipe.preprocessing);
  const curve = new Curve(join(work, "original.curve.json"));
  let trained = recipe.original(recipe.seed);
  let before = 0;
  for (const [i, phase] of recipe.phases.entries()) {
    const onEpoch = async (epoch: number, network: () => Promise<Model>): Promise<void> => {
      const judged = await accuracy(foldBatchNormalization(await network()), images.selection, normalisation);
      console.log(JSON.stringify(curve.close(before + epoch, judged)));
    };
    trained = await train(trained, images.train, {
      ...phase,
      seed: recipe.seed + i,
      normalisation,
      checkpoint: { file: join(work, `original-${i + 1}.checkpoint`), everySteps: 100 },
      onStep: (progress) => showStep(progress, curve),
      onEpoch,
    });
    before += phase.epochs;
  }
  const folded = foldBatchNormalization(trained);
  await writeModel(join(work, "original.onnx"), folded);
  report(folded, curve, await accuracy(folded, images.test, normalisation), work);
}

function showStep(progress: Progress, curve: Curve): void {
  curve.add(progress);
  if (progress.step % 50 === 0) console.log(JSON.stringify(progress));
}

async function accuracy(network: Model, data: Dataset, normalisation: Normalisation): Promise<number> {
  return accuracyOf(await logitsOf(network, data, { normalisation, threads: 2 }), data.labels);
}

function report(original: Model, { minutes, epochs }: Curve, testAccuracy: number, work: string): void {
  const { macs, parameters } = modelCost(original);
  const { selectionAccuracy } = epochs.at(-1)!;
  const summary = { macs, parameters, minutes, selectionAccuracy, testAccuracy };
  writeFileSync(join(work, "original.json"), JSON.stringify({ ...summary, epochs }));
  console.log(JSON.stringify(summary));
}
