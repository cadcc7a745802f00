import { TrainingError } from "../../errors.ts";
import type { Dataset } from "../../train/index.ts";
import { type Candidate, type Compression, storeCandidate } from "../pipeline/context.ts";
import { CurveRecorder } from "../pipeline/curve.ts";
import { taught, teacherLogits } from "../pipeline/teacher.ts";
import { showTraining } from "../pipeline/training.ts";
import { allowedWidths } from "./allowed.ts";
import { chooseStudent, replanned } from "./choose.ts";
import { type LearnOptions, learnStudent, usualPeak } from "./learn.ts";
import type { StudentSchedule } from "./schedule.ts";

/**
 * A new small network, trained on labels and the original's answers, or on these alone. Its width is chosen by the time
 * that training takes here, and by races on the selection images where there is time for them. A training that diverges
 * is done once more from the start, at half the learning rate: its last checkpoint may be on the way there already.
 *
 * @throws UsageError when no student is as small or fast as asked for, TrainingError when training diverges twice
 */
export async function makeStudent(compression: Compression, recipe: string): Promise<Candidate> {
  const { training, labelled, work, onNote } = compression;
  const widths = await work.once("measuring students", () => allowedWidths(compression));
  const data = taught(training, await teacherLogits(compression), labelled);
  const chosen = await work.once("choosing a student", () => chooseStudent(widths, data, compression));
  const name = `student-T${chosen.width}`;
  const first = await attempt({ ...chosen, name, recipe, peak: usualPeak }, data, compression);
  if ("stored" in first) return first.stored;
  onNote(`${name}: ${first.diverged}. Training it once more from the start, at half the learning rate`);
  const again = await work.once("planning anew", async () => replanned(chosen, compression));
  const retry = { ...again, name: `${name}-half-rate`, recipe, peak: usualPeak / 2 };
  const second = await attempt(retry, data, compression);
  if ("stored" in second) return second.stored;
  throw new TrainingError(`${name}: at half the learning rate, too, ${second.diverged}`);
}

interface Training extends StudentSchedule {
  readonly name: string;
  readonly recipe: string;
  /** Of the learning rate. */
  readonly peak: number;
}

type Outcome = { readonly stored: Candidate } | { readonly diverged: string };

/** Trains a student, or goes on doing so, and says what came of it. */
function attempt(
  { name, recipe, width, epochs, peak }: Training,
  data: Dataset,
  compression: Compression,
): Promise<Outcome> {
  const { work } = compression;
  const curve = new CurveRecorder(name, compression);
  const options: LearnOptions = {
    width,
    epochs,
    peak,
    checkpoint: work.file(`${name}.checkpoint`),
    onStep: (progress) => {
      curve.advance(progress);
      showTraining(name, progress, compression);
    },
    onEpoch: (epoch, network) => curve.judge(epoch, network),
  };
  return work.once(`training ${name}`, async () => {
    try {
      const model = await learnStudent(data, options, compression);
      return { stored: await storeCandidate(compression, name, recipe, model) };
    } catch (error) {
      if (error instanceof TrainingError) return { diverged: error.message };
      throw error;
    }
  });
}
