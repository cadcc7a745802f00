import { firstBatch, type Task } from "./task.ts";

/** Of tasks that the first network is busy with, a batch on which the second may start already; marks them. */
export function startEarly(running: readonly Task[], most: number): readonly Task[] {
  const eligible = running.filter(({ early, deaths, sink }) => early === undefined && deaths === 0 && !sink.stopped);
  const tasks = firstBatch(eligible.slice(0, most));
  for (const task of tasks) task.early = { needed: false };
  return tasks;
}

/** Takes what the second network made of a task that was started early; true where its answer is waited for. */
export function answeredEarly(task: Task, logits: Float32Array): boolean {
  if (task.early?.needed === true) return true;
  task.early = { logits, needed: false };
  return false;
}

/** Asks for the second network's answer to a task: its logits, or what there is to do for them. */
export function askEarly(task: Task): Float32Array | "under way" | "not started" {
  if (task.early === undefined) return "not started";
  if (task.early.logits !== undefined) return task.early.logits;
  task.early.needed = true;
  return "under way";
}

/** Forgets early starts that came to nothing; returns the tasks whose answer was waited for. */
export function forgetEarly(tasks: readonly Task[]): Task[] {
  const waiting = tasks.filter(({ early }) => early?.needed === true);
  for (const task of tasks) delete task.early;
  return waiting;
}
