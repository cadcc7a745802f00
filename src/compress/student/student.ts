import { UsageError } from "../../errors.ts";
import { modelCost } from "../../onnx/index.ts";
import { type Dataset, residualNetwork } from "../../train/index.ts";
import { type Candidate, type Compression, storeCandidate } from "../pipeline/context.ts";
import { type Score, scoreCandidate } from "../pipeline/score.ts";
import { taught, teacherLogits } from "../pipeline/teacher.ts";
import { type StudentWidth, studentNetwork, studentWidths } from "./family.ts";
import { type LearnOptions, learnStudent } from "./learn.ts";
import { learnsEnough, rivalOf, type StudentCandidate, type StudentSchedule, scheduleWithin } from "./schedule.ts";
import { timeStudent } from "./speed.ts";

/** Share of what is left of the budget that goes to training; the rest is for int8, calibration and the report. */
const trainingShare = 0.9;
/** A race is worth its time from so many seconds on. */
const raceWorth = 3600;
const raceEpochs = 2;

/**
 * A new small network, trained on labels and the original's answers, or on these alone. Its width is chosen by the time
 * that training takes here, and by a race on the selection images where there is time for one.
 *
 * @throws UsageError when no student is as small as asked for, TrainingError when training diverges
 */
export async function makeStudent(compression: Compression, recipe: string): Promise<Candidate> {
  const { training, labelled, work, onProgress } = compression;
  const data = taught(training, await teacherLogits(compression), labelled);
  const schedule = await work.once("choose student", () => chooseSchedule(data, compression));
  const name = `student-T${schedule.width}`;
  const model = await learnStudent(data, {
    ...learning(compression),
    ...schedule,
    checkpoint: work.file(`${name}.checkpoint`),
    onStep: ({ step, steps, loss, secondsLeft }) =>
      onProgress(`training ${name}`, step, steps, `loss ${loss.toFixed(3)}, ${Math.ceil(secondsLeft / 60)} min left`),
  });
  return storeCandidate(compression, name, recipe, model);
}

const learning = ({ seed, normalisation, threads, labelled, flip, signal }: Compression) =>
  ({ seed, normalisation, threads, labelled, flip, signal }) satisfies Omit<LearnOptions, "width" | "epochs">;

async function chooseSchedule(data: Dataset, compression: Compression): Promise<StudentSchedule> {
  const seconds = (): number => (trainingShare * (compression.deadline - performance.now())) / 1000;
  const candidates: StudentCandidate[] = [];
  for (const width of allowedWidths(data, compression)) {
    compression.signal?.throwIfAborted();
    const candidate = await timeStudent(width, data, learning(compression));
    candidates.push(candidate);
    if (!learnsEnough(candidate, seconds())) break;
  }
  const chosen = scheduleWithin(candidates, seconds());
  const rival = candidates.find(({ width }) => width === rivalOf(chosen.width));
  if (rival === undefined || seconds() < raceWorth) return chosen;
  const scores = await race([chosen.width, rival.width], data, compression);
  const winner = scores[0]!.cost <= scores[1]!.cost ? chosen.width : rival.width;
  return scheduleWithin(
    candidates.filter(({ width }) => width === winner),
    seconds(),
  );
}

/** Short trainings to the end of their schedules, scored by the twins that they would make. */
async function race(widths: readonly StudentWidth[], data: Dataset, compression: Compression): Promise<Score[]> {
  const scores: Score[] = [];
  for (const width of widths) {
    const name = `race-T${width}`;
    const model = await learnStudent(data, {
      ...learning(compression),
      width,
      epochs: raceEpochs,
      onStep: ({ step, steps }) => compression.onProgress(`racing T${width}`, step, steps),
    });
    scores.push(await scoreCandidate(await storeCandidate(compression, name, "student", model), compression));
  }
  return scores;
}

function allowedWidths(data: Dataset, { target, original, seed }: Compression): StudentWidth[] {
  const costs = studentWidths.map((width) => ({
    width,
    ...modelCost(residualNetwork(studentNetwork(width, data.shape, original.entry.output.classes), seed)),
  }));
  const mostMacs = original.entry.macs * Math.min(target.macs ?? 1, 1 / (target.speedUp ?? 1));
  const allowed = costs.filter(({ macs, parameters }) => macs <= mostMacs && parameters <= (target.size ?? Infinity));
  if (allowed.length > 0) return allowed.map(({ width }) => width);
  const smallest = costs[0]!;
  throw new UsageError(
    `the smallest student has ${(smallest.macs / 1e6).toFixed(1)} million multiply-adds and ${smallest.parameters} weights, the target allows ${(mostMacs / 1e6).toFixed(1)} million and ${target.size ?? "any"}; ask for less`,
  );
}
