import { createPreprocessor } from "../data/index.ts";
import { ManifestError } from "../errors.ts";
import { rangeOf } from "./confidence/index.ts";
import type { Guarantee, Manifest } from "./manifest.ts";

/** Rounding of numbers that were written as decimals, relative to them. */
const rounding = 1e-6;
/** What the search for a proven bound may miss it by. */
const searchError = 1e-5;

/**
 * Refuses a manifest whose values, each possible on its own, contradict each other.
 *
 * @param where names the file in messages
 * @throws ManifestError that names the key, its value, what it must be, and the way out
 */
export function refuseInconsistency(manifest: Manifest, where: string): void {
  const [problem] = problemsOf(manifest);
  if (problem !== undefined) throw new ManifestError(`${where}: ${problem}`);
}

function* problemsOf(manifest: Manifest): Generator<string> {
  yield* networkProblems(manifest);
  yield* sizeProblems(manifest);
  yield* rangeProblems(manifest);
  yield* ladderProblems(manifest);
  if (manifest.guarantee !== undefined) yield* guaranteeProblems(manifest, manifest.guarantee);
}

function* networkProblems({ networks, labels, secondStage }: Manifest): Generator<string> {
  const { original, compressed } = networks;
  const { classes } = original.output;
  if (compressed.output.classes !== classes) {
    yield `the original tells ${classes} classes apart, the compressed network ${compressed.output.classes}; pair networks of the same task`;
  }
  if (labels.length !== classes) {
    yield `names ${labels.length} labels for ${classes} classes; give one label a class`;
  }
  if (secondStage === "original-int8" && networks["original-int8"] === undefined) {
    yield `escalates to "original-int8" but has no such network; calibrate the twin again`;
  }
}

function* sizeProblems({ networks, preprocessing }: Manifest): Generator<string> {
  const prepared = createPreprocessor(preprocessing).shape.join(" x ");
  for (const [name, network] of Object.entries(networks)) {
    const read = network?.input.shape.join(" x ");
    if (read !== undefined && read !== prepared) {
      yield `preprocessing makes images of ${prepared}, the ${name} network reads ${read}; restore preprocessing or make the twin again`;
    }
  }
}

function* rangeProblems({ confidence: { measure }, threshold, secondThreshold, ladder }: Manifest): Generator<string> {
  const { low, high } = rangeOf(measure);
  const allowed = high === 1 ? `between ${low} and ${high}` : `${low} or more`;
  const values = {
    threshold,
    secondThreshold,
    ...Object.fromEntries(ladder.map((rung, i) => [rungKey(i), rung.threshold])),
  };
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined || (value >= low && value <= high)) continue;
    yield wrong(key, value, `${allowed}, as the confidence "${measure}" is`);
  }
}

const rungKey = (index: number): string => `ladder[${index}].threshold`;

function* ladderProblems({ ladder }: Manifest): Generator<string> {
  for (const [index, { threshold }] of ladder.entries()) {
    const before = ladder[index - 1]?.threshold;
    if (before === undefined || threshold < before) continue;
    yield wrong(rungKey(index), threshold, `below the rung before it, ${before}`);
  }
}

/** The threshold in use is the last rung's, raised by what canaries may change: below it nothing is proven. */
function* guaranteeProblems(
  { threshold, ladder, canaries }: Manifest,
  { kind, tolerance }: Guarantee,
): Generator<string> {
  const last = ladder.at(-1);
  if (last === undefined) {
    yield "guarantee has no rung in ladder that proves it; calibrate the twin again";
    return;
  }
  const allowance = canaries?.allowance ?? 0;
  const proven = last.threshold + allowance;
  if (threshold === undefined || Math.abs(threshold - proven) > rounding * Math.max(1, Math.abs(proven))) {
    yield wrong(
      "threshold",
      threshold,
      `${proven}: the last rung's, ${last.threshold}, and the canaries' allowance, ${allowance}`,
    );
  }
  if (last.bound > tolerance + searchError) {
    yield wrong(
      "guarantee.tolerance",
      tolerance,
      `at least the ${kind === "drop" ? "drop" : "disagreement"} proven at the last rung, ${last.bound}`,
    );
  }
}

const wrong = (key: string, value: number | undefined, must: string): string =>
  `${key} is ${value ?? "missing"}, it must be ${must}; calibrate the twin again`;
