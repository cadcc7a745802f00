import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createPreprocessor } from "twindnn/data";
import { foldBatchNormalization, type Model, modelCost, writeModel } from "twindnn/onnx";
import { accuracyOf, type Dataset, logitsOf, type TrainingOptions, train } from "twindnn/train";
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
  const { seed, phases } = recipe;
  const curve = new Curve(join(work, "original.curve.json"));
  const accuracy = async (network: Model, data: Dataset): Promise<number> =>
    accuracyOf(await logitsOf(network, data, { normalisation, threads: 2 }), data.labels);
  let trained = recipe.original(seed);
  let done = 0;
  for (const [i, phase] of phases.entries()) {
    const before = done;
    trained = await train(trained, images.train, {
      ...phase,
      seed: seed + i,
      normalisation,
      checkpoint: { file: join(work, `original-${i + 1}.checkpoint`), everySteps: 100 },
      onStep: (progress) => {
        curve.add(progress);
        if (progress.step % 50 === 0) console.log(JSON.stringify(progress));
      },
      onEpoch: async (epoch, network) => {
        const judged = await accuracy(foldBatchNormalization(await network()), images.selection);
        console.log(JSON.stringify(curve.close(before + epoch, judged)));
      },
    });
    done += phase.epochs;
  }
  const folded = foldBatchNormalization(trained);
  await writeModel(join(work, "original.onnx"), folded);
  const { macs, parameters } = modelCost(folded);
  const [selectionAccuracy, testAccuracy] = [
    await accuracy(folded, images.selection),
    await accuracy(folded, images.test),
  ];
  const report = { macs, parameters, minutes: curve.minutes, selectionAccuracy, testAccuracy, epochs: curve.epochs };
  writeFileSync(join(work, "original.json"), JSON.stringify(report));
  console.log(JSON.stringify({ ...report, epochs: undefined }));
}
