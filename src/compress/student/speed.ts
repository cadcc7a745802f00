import { type Dataset, subset } from "../../train/index.ts";
import type { Compression } from "../pipeline/context.ts";
import type { StudentWidth } from "./family.ts";
import { learnStudent } from "./learn.ts";
import type { StudentCandidate } from "./schedule.ts";

/** Steps to time; the first two warm up. */
const timedSteps = 6;
const warmUpSteps = 2;
const batch = 128;

/** How long one pass over the images takes with this student on this machine, from a few steps. */
export async function timeStudent(
  width: StudentWidth,
  data: Dataset,
  compression: Compression,
): Promise<StudentCandidate> {
  const few = subset(
    data,
    Array.from({ length: Math.min(batch, data.labels.length) }, (_, i) => i),
  );
  const times: number[] = [];
  const onStep = (): void => void times.push(performance.now());
  await learnStudent(few, { width, epochs: timedSteps, onStep }, compression);
  const secondsPerStep = (times.at(-1)! - times[warmUpSteps - 1]!) / 1000 / (timedSteps - warmUpSteps);
  return { width, secondsPerEpoch: (secondsPerStep * data.labels.length) / few.labels.length };
}
