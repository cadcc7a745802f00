import { type StudentWidth, studentWidths } from "./family.ts";

/** A student that could be trained, and how long that takes here. */
export interface StudentCandidate {
  readonly width: StudentWidth;
  readonly secondsPerEpoch: number;
}

/** What to train. */
export interface StudentSchedule {
  readonly width: StudentWidth;
  readonly epochs: number;
}

/**
 * Epochs from which on a wider student serves better than a longer training: an epoch of a narrow one takes hardly less
 * time, for small convolutions keep the cores less busy.
 */
const enoughEpochs = 10;
/** Beyond so many passes nothing is gained. */
const mostEpochs = 80;

/**
 * The widest student that sees every image often enough in the time given, or else the narrowest.
 *
 * @param candidates - from narrow to wide
 */
export function scheduleWithin(candidates: readonly StudentCandidate[], seconds: number): StudentSchedule {
  const chosen = candidates.findLast((candidate) => learnsEnough(candidate, seconds)) ?? candidates[0]!;
  const epochs = Math.floor(seconds / chosen.secondsPerEpoch);
  return { width: chosen.width, epochs: Math.min(mostEpochs, Math.max(1, epochs)) };
}

/** Whether a student sees every image often enough in the time given. */
export const learnsEnough = ({ secondsPerEpoch }: StudentCandidate, seconds: number): boolean =>
  seconds / secondsPerEpoch >= enoughEpochs;

/** The student next in width below another. */
function rivalOf(width: StudentWidth): StudentWidth | undefined {
  return studentWidths[studentWidths.indexOf(width) - 1];
}

/**
 * Races a student against the next narrower one, and the winner against the next, as long as the narrower one wins.
 *
 * @param mayRace - whether there is time to race a student
 * @param costOf - of the twin that a student makes after a race
 */
export async function raceDown(
  widest: StudentWidth,
  mayRace: (rival: StudentWidth) => boolean,
  costOf: (width: StudentWidth) => Promise<number>,
): Promise<StudentWidth> {
  let best: { width: StudentWidth; cost?: number } = { width: widest };
  for (let rival = rivalOf(widest); rival !== undefined && mayRace(rival); rival = rivalOf(rival)) {
    best = { width: best.width, cost: best.cost ?? (await costOf(best.width)) };
    const cost = await costOf(rival);
    if (cost >= best.cost!) break;
    best = { width: rival, cost };
  }
  return best.width;
}
