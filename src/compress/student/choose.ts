import { UsageError } from "../../errors.ts";
import { type Model, modelCost } from "../../onnx/index.ts";
import { type Dataset, residualNetwork } from "../../train/index.ts";
import { estimateLatency, LatencyTable } from "../latency/index.ts";
import { type Compression, storeCandidate } from "../pipeline/context.ts";
import { scoreCandidate } from "../pipeline/score.ts";
import { type StudentWidth, studentNetwork, studentWidths } from "./family.ts";
import { learnStudent } from "./learn.ts";
import { learnsEnough, rivalOf, type StudentCandidate, type StudentSchedule, scheduleWithin } from "./schedule.ts";
import { timeStudent } from "./speed.ts";

/** Share of what is left of the budget that goes to training; the rest is for int8, calibration and the report. */
const trainingShare = 0.9;
/** A race is worth its time while there are so many seconds. */
const raceWorth = 3600;
const raceEpochs = 2;

/**
 * Share of the original's multiply-adds that a student may have. A twin costs c + o e, and a wider one's own time c outweighs
 * the escalations that it saves: short races cannot show that, for in them narrow students are still far from their best.
 */
const widestShare = 0.15;

/** A student's schedule, and what an epoch of it takes here. */
export type StudentPlan = StudentSchedule & Pick<StudentCandidate, "secondsPerEpoch">;

/**
 * The widest student that learns enough in the time there is; where that is long, the winner of races against ever narrower
 * ones.
 *
 * @throws UsageError when no student meets the target
 */
export async function chooseStudent(data: Dataset, compression: Compression): Promise<StudentPlan> {
  const candidates: StudentCandidate[] = [];
  for (const width of worthTiming(await allowedWidths(data, compression), data, compression)) {
    compression.signal?.throwIfAborted();
    const candidate = await timeStudent(width, data, compression);
    candidates.push(candidate);
    if (!learnsEnough(candidate, secondsLeft(compression))) break;
  }
  const { width } = scheduleWithin(candidates, secondsLeft(compression));
  const winner = await raceDown(width, candidates, data, compression);
  return replanned(candidates.find((candidate) => candidate.width === winner)!, compression);
}

/** Those of the widths, narrow to wide, whose students cost little beside the original; the narrowest in any case. */
function worthTiming(widths: readonly StudentWidth[], data: Dataset, { original, seed }: Compression): StudentWidth[] {
  const { macs, output } = original.entry;
  const macsOf = (width: StudentWidth): number =>
    modelCost(residualNetwork(studentNetwork(width, data.shape, output.classes), seed)).macs;
  return widths.filter((width, i) => i === 0 || macsOf(width) <= widestShare * macs);
}

/** The schedule of a student by the time that is left. */
export const replanned = (candidate: StudentCandidate, compression: Compression): StudentPlan => ({
  ...scheduleWithin([candidate], secondsLeft(compression)),
  secondsPerEpoch: candidate.secondsPerEpoch,
});

const secondsLeft = ({ deadline }: Compression): number => (trainingShare * (deadline - performance.now())) / 1000;

/** Races a student against the next narrower one, and the winner against the next, as long as the narrower one wins. */
async function raceDown(
  widest: StudentWidth,
  candidates: readonly StudentCandidate[],
  data: Dataset,
  compression: Compression,
): Promise<StudentWidth> {
  const isTimed = (width: StudentWidth | undefined) => candidates.some((candidate) => candidate.width === width);
  let [best, least] = [widest, Number.NaN];
  for (let rival = rivalOf(widest); isTimed(rival) && secondsLeft(compression) >= raceWorth; rival = rivalOf(rival!)) {
    if (best === widest) least = await raceCost(best, data, compression);
    const cost = await raceCost(rival!, data, compression);
    if (cost >= least) break;
    [best, least] = [rival!, cost];
  }
  return best;
}

/** The cost of the twin that a student makes after a short training to the end of its schedule. */
async function raceCost(width: StudentWidth, data: Dataset, compression: Compression): Promise<number> {
  const onStep = ({ step, steps }: { step: number; steps: number }): void =>
    compression.onProgress(`racing T${width}`, step, steps);
  const model = await learnStudent(data, { width, epochs: raceEpochs, onStep }, compression);
  const candidate = await storeCandidate(compression, `race-T${width}`, "student", model);
  return (await scoreCandidate(candidate, compression)).cost;
}

/** The widths whose students meet the target, as far as can be told before they are trained. */
async function allowedWidths(data: Dataset, compression: Compression): Promise<StudentWidth[]> {
  const allowed: StudentWidth[] = [];
  const refusals: string[] = [];
  const refuse = await targetCheck(compression);
  for (const width of studentWidths) {
    const network = studentNetwork(width, data.shape, compression.original.entry.output.classes);
    const refusal = await refuse(residualNetwork(network, compression.seed));
    if (refusal === undefined) allowed.push(width);
    else refusals.push(refusal);
  }
  if (allowed.length > 0) return allowed;
  throw new UsageError(`the smallest student ${refusals[0]}; ask for less, or for slim or int8`);
}

/** What says how a network misses the target, by its operations, weights and latency; undefined where it does not. */
async function targetCheck({ target, original }: Compression) {
  const { macs: share = 1, size = Number.POSITIVE_INFINITY, speedUp } = target;
  const mostMacs = share * original.entry.macs;
  const table = new LatencyTable();
  const mostTime = speedUp === undefined ? undefined : (await estimateLatency(original.model, table)) / speedUp;
  return async (model: Model): Promise<string | undefined> => {
    const { macs, parameters } = modelCost(model);
    if (macs > mostMacs) return `has ${millions(macs)} multiply-adds, the target allows ${millions(mostMacs)}`;
    if (parameters > size) return `has ${parameters} weights, the target allows ${size} bytes in int8`;
    if (mostTime === undefined) return undefined;
    const time = await estimateLatency(model, table);
    if (time > mostTime) return `would take ${time.toFixed(3)} ms an image, the target allows ${mostTime.toFixed(3)}`;
    return undefined;
  };
}

const millions = (macs: number): string => `${(macs / 1e6).toFixed(1)} million`;
