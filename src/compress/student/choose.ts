import type { Dataset } from "../../train/index.ts";
import { type Compression, storeCandidate } from "../pipeline/context.ts";
import { scoreCandidate } from "../pipeline/score.ts";
import { timeEpoch, trainingSecondsLeft } from "../pipeline/training.ts";
import type { StudentWidth } from "./family.ts";
import { learnStudent } from "./learn.ts";
import { learnsEnough, raceDown, type StudentCandidate, type StudentSchedule, scheduleWithin } from "./schedule.ts";

/** A race is worth its time while there are so many seconds. */
const raceWorth = 3600;
const raceEpochs = 2;

/** A student's schedule, and what an epoch of it takes here. */
export type StudentPlan = StudentSchedule & Pick<StudentCandidate, "secondsPerEpoch">;

/**
 * The widest student that learns enough in the time there is; where that is long, the winner of races against ever narrower
 * ones.
 *
 * @param widths - from narrow to wide
 */
export async function chooseStudent(
  widths: readonly StudentWidth[],
  data: Dataset,
  compression: Compression,
): Promise<StudentPlan> {
  const candidates: StudentCandidate[] = [];
  for (const width of widths) {
    compression.signal?.throwIfAborted();
    const secondsPerEpoch = await timeEpoch(data, (few, options) =>
      learnStudent(few, { ...options, width }, compression),
    );
    const candidate = { width, secondsPerEpoch };
    candidates.push(candidate);
    if (!learnsEnough(candidate, trainingSecondsLeft(compression))) break;
  }
  const { width } = scheduleWithin(candidates, trainingSecondsLeft(compression));
  const mayRace = (rival: StudentWidth): boolean =>
    candidates.some((candidate) => candidate.width === rival) && trainingSecondsLeft(compression) >= raceWorth;
  const winner = await raceDown(width, mayRace, (racing) => raceCost(racing, data, compression));
  return replanned(candidates.find((candidate) => candidate.width === winner)!, compression);
}

/** The schedule of a student by the time that is left. */
export const replanned = (candidate: StudentCandidate, compression: Compression): StudentPlan => ({
  ...scheduleWithin([candidate], trainingSecondsLeft(compression)),
  secondsPerEpoch: candidate.secondsPerEpoch,
});

/** The cost of the twin that a student makes after a short training to the end of its schedule. */
async function raceCost(width: StudentWidth, data: Dataset, compression: Compression): Promise<number> {
  const onStep = ({ step, steps }: { step: number; steps: number }): void =>
    compression.onProgress(`racing T${width}`, step, steps);
  const model = await learnStudent(data, { width, epochs: raceEpochs, onStep }, compression);
  const candidate = await storeCandidate(compression, `race-T${width}`, "student", model);
  return (await scoreCandidate(candidate, compression)).cost;
}
