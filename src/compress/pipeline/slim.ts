import { UsageError } from "../../errors.ts";
import { writeWhole } from "../../files.ts";
import { encodeModel, type Model, readModel } from "../../onnx/index.ts";
import { type SlimKeeper, type SlimTarget, type SpeedTarget, slim as slimModel } from "../slim/index.ts";
import { type Candidate, type Compression, storeCandidate, type Target } from "./context.ts";
import { CurveRecorder } from "./curve.ts";
import { int8Beside, quantized } from "./int8.ts";
import type { Recipe } from "./recipe.ts";
import { relativeTime } from "./timing.ts";
import { timeForRecipe } from "./training.ts";

/** Training images from which layers can be refitted and mimicking can begin. */
const leastImages = 200;
/** Shares of the multiply-adds to try where no target is given. */
const usualShares = [0.7, 0.5];
/** Share of what is left of the budget that goes to slimming; the rest is for int8, comparison and calibration. */
const slimmingShare = 0.8;
/** Steps of mimicking beyond which little is gained; most runs have no time for so many. */
const mostSteps = 1800;
/** Images that calibrate an int8 network of which only the speed counts. */
const trialImages = 32;
/** Below, thinning saves less than its noise. */
const leastSpeedUp = 1.05;

/**
 * The original with fewer channels and blocks.
 *
 * @param quantised - whether its networks are offered in int8 as well: a speed-up is then aimed at with and without that
 */
export const slim = ({ quantised }: { readonly quantised: boolean }): Recipe => ({
  source: "He, Zhang and Sun, Channel Pruning, 2017; Wang and Wu, Practical Network Acceleration with Tiny Sets, 2023",
  judge: ({ images }) =>
    images < leastImages
      ? { suits: false, reason: `${images} images are fewer than the ${leastImages} that refitting layers wants` }
      : { suits: true, reason: `${images} images are enough to thin the original, which asks for no labels` },
  async run(compression, name) {
    const { work, onNote, deadline, target: wanted } = compression;
    const gain = quantised && wanted.speedUp !== undefined ? await int8Gain(compression) : 1;
    const targets = targetsFor(wanted, gain);
    const candidates: Candidate[] = [];
    for (const [place, [label, target]] of targets.entries()) {
      const left = timeForRecipe(slimmingShare, deadline - performance.now());
      const end = performance.now() + left / (targets.length - place);
      try {
        if (place > 0 && left < 0) onNote(`${label} is left out: the time is up`);
        else candidates.push(await work.once(label, () => slimmed(label, target, end, name, compression)));
      } catch (error) {
        if (candidates.length === 0 || !(error instanceof UsageError)) throw error;
        onNote(`${label} is left out: ${error.message}`);
      }
    }
    return candidates;
  },
});

/** How many times as fast the original is in int8, measured once a run; 1 where that is not to be had. */
const int8Gain = (compression: Compression): Promise<number> =>
  compression.work.once("speed in int8", async () => {
    const [candidate] = await int8Beside(compression);
    return candidate === undefined ? 1 : 1 / (await relativeTime(candidate, compression));
  });

async function slimmed(
  label: string,
  target: SlimTarget,
  deadline: number,
  recipe: string,
  compression: Compression,
): Promise<Candidate> {
  const { original, training, normalisation, seed, threads, flip, signal, onProgress, onNote } = compression;
  const curve = new CurveRecorder(label, compression);
  const { model, report } = await slimModel(
    original.model,
    { data: training, normalisation },
    {
      target: "speedUp" in target ? measuredHere(target, label, compression) : target,
      seed,
      threads,
      flip,
      steps: mostSteps,
      deadline,
      keeper: keeperOf(label, compression),
      onProgress,
      mimicking: {
        onStep: (progress) => curve.advance(progress),
        onEpoch: (epoch, network) => curve.judge(epoch, network),
      },
      ...(signal === undefined ? {} : { signal }),
    },
  );
  const { hurried, layers } = report;
  if (hurried > 0) {
    onNote(
      `${label}: the time for exact elimination was up; ${hurried} of ${layers.length} layers are thinned by what their channels contribute. More --budget serves them better`,
    );
  }
  if (report.notMimicked !== undefined) onNote(`${label} is not trained further: ${report.notMimicked}`);
  return storeCandidate(compression, label, recipe, model);
}

/** Keeps the steps of one network in the work folder. */
function keeperOf(label: string, { work }: Compression): SlimKeeper {
  const once = <T>(step: string, make: () => Promise<T>): Promise<T> => work.once(`${label}: ${step}`, make);
  return {
    once,
    async model(step, make) {
      const file = work.file(`${label}-${step}.onnx`);
      await once(step, async () => writeWhole(file, encodeModel(await make())));
      return readModel(file);
    },
    checkpoint: work.file(`${label}.checkpoint`),
  };
}

/**
 * A speed-up that networks are held to by timing them as they will be used: one that is less than what was asked for is what
 * int8 leaves to thinning, so they are timed in int8 then.
 */
function measuredHere({ speedUp }: SpeedTarget, label: string, compression: Compression): SpeedTarget {
  const wanted = compression.target.speedUp!;
  const measured = async (network: Model): Promise<number> => {
    const plain = await storeCandidate(compression, `${label}-widths`, "slim", network);
    const isEased = speedUp < wanted;
    const timed = isEased
      ? await quantized(plain.network, `${label}-widths-int8`, "slim+int8", compression, trialImages)
      : plain;
    return speedUp / wanted / (await relativeTime(timed, compression));
  };
  return { speedUp, measured };
}

/**
 * What to aim at, by the names of the networks. A speed-up is aimed at by what thinning has to add to int8 and, since thin
 * networks may gain less from int8 than the original, by thinning alone.
 *
 * @throws UsageError for several targets
 */
export function targetsFor({ speedUp, macs, size }: Target, int8Gain: number): [string, SlimTarget][] {
  if ([speedUp, macs, size].filter((limit) => limit !== undefined).length > 1) {
    throw new UsageError("slim takes one target: --speed-up, --macs or --size");
  }
  if (speedUp !== undefined) return speedUps(speedUp, int8Gain);
  if (size !== undefined) return [["slim", { size }]];
  const shares = macs === undefined ? usualShares : [macs];
  return shares.map((share) => [`slim-${Math.round(100 * share)}`, { macs: share }]);
}

function speedUps(wanted: number, int8Gain: number): [string, SlimTarget][] {
  const eased = Number((wanted / int8Gain).toFixed(2));
  const all = eased > leastSpeedUp && eased < wanted ? [eased, wanted] : [wanted];
  return all.map((speedUp) => [`slim-${speedUp}x`, { speedUp }]);
}
