import { modelCost } from "../../onnx/index.ts";
import { type Dataset, residualNetwork, subset } from "../../train/index.ts";
import { type StudentWidth, studentNetwork } from "./family.ts";
import { type LearnOptions, learnStudent } from "./learn.ts";
import type { StudentCandidate } from "./schedule.ts";

/** Steps to time; the first two warm up. */
const timedSteps = 6;
const warmUpSteps = 2;
const batch = 128;

/** How long one pass over the images takes with this student on this machine, from a few steps. */
export async function timeStudent(
  width: StudentWidth,
  data: Dataset,
  options: Omit<LearnOptions, "width" | "epochs">,
): Promise<StudentCandidate> {
  const few = subset(
    data,
    Array.from({ length: Math.min(batch, data.labels.length) }, (_, i) => i),
  );
  const times: number[] = [];
  const onStep = (): void => void times.push(performance.now());
  await learnStudent(few, { ...options, width, epochs: timedSteps, onStep });
  const secondsPerStep = (times.at(-1)! - times[warmUpSteps - 1]!) / 1000 / (timedSteps - warmUpSteps);
  const { macs } = modelCost(residualNetwork(studentNetwork(width, data.shape, data.teacher!.classes), options.seed));
  return { width, macs, secondsPerEpoch: (secondsPerStep * data.labels.length) / few.labels.length };
}
